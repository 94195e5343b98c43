"""The fast way through the edge, for records without a blemish: most of what comes.

These are `vitals` events, and bundles, of which only the envelope is looked at here. What this
takes, the models in `schemas` take as well and with the same result (a law of the tests); it may
decline more than they do. Who is declined goes the long way, where the reasons are found. The
words, the units and the limits are the contract's; none is written down here a second time.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import UNSET

from schemas.diagnosis import Opened
from schemas.events import MAX_READINGS
from schemas.units import celsius, mmhg
from schemas.vocabulary import UNITS, Method, Quality, Site, Unit
from stream.engine import events as engine
from stream.engine.events import Micros
from stream.intake.plain_shapes import (
    NOT_TAKEN,
    Optional,
    PlainBundle,
    PlainVitals,
    decode_reading,
    decode_record,
)

READINGS_KEPT: Final = 8192
"""Readings that are kept ready: vital signs are small numbers, and come again and again."""
_READING_BYTES: Final = 256
"""A longer one is not kept."""
_TIMES_KEPT: Final = 1024

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Stricter than the contract, which also has other letters, finer fractions and older centuries.
_TIME: Final = re.compile(
    r"(?:19[1-9]|2[0-8][0-9])[0-9]-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_KEY: Final = 2
"""Quotes of a field's name; those of its value, if that is a text, are as many."""
_WORD: Final = 4
_BARE_READING: Final = 2 * _WORD + _KEY
_BARE_VITALS: Final = 4 * _WORD + _KEY
_BARE_BUNDLE: Final = 2 * _WORD + _KEY

_readings: Final[dict[bytes, tuple[engine.Reading, int]]] = {}
"""By the bytes that they were read from (see `_reading`), with the quotes in these."""
_times: Final[dict[str, Micros]] = {}
"""A ward's monitors all tell the same second."""


def plain(raw: bytes) -> engine.Vitals | Opened | None:
    """The `vitals` event that a text is, or the bundle; None leaves it all to others."""
    try:
        found = decode_record(raw)
        return _vitals(found, raw) if isinstance(found, PlainVitals) else _opened(found, raw)
    except NOT_TAKEN:
        return None


# A field that is there twice, of which the last would count, shows in the number of quotes in the
# text. So does a quote within a text, which only makes it go the long way.


def _vitals(found: PlainVitals, raw: bytes) -> engine.Vitals | None:
    readings: list[engine.Reading] = []
    quotes = _BARE_VITALS
    # It is JSON, and a reading has no object in it: each ends with the next bracket, or is none.
    pieces = bytes(found.readings).split(b"}")
    if not 1 < len(pieces) <= MAX_READINGS + 1 or pieces.pop().strip() != b"]":
        return None
    for piece in pieces:
        reading, held = _reading(piece)
        readings.append(reading)
        quotes += held
    received_at, source, replaces = found.received_at, found.source, found.replaces
    quotes += _held(received_at) + _held(source) + _held(replaces)
    if raw.count(b'"') != quotes:
        return None
    return engine.Vitals(
        event_id=found.event_id,
        patient_id=sys.intern(found.patient_id),  # dozens of a patient's events are held
        time=_micros(found.time),
        received_at=_micros(received_at) if isinstance(received_at, str) else None,
        source=source or None,
        replaces=replaces or None,
        readings=tuple(readings),
    )


def _opened(found: PlainBundle, raw: bytes) -> Opened | None:
    events = tuple([bytes(event) for event in found.events])
    outside = raw.count(b'"') - sum([event.count(b'"') for event in events])
    return Opened(found.patient_id, events) if outside == _BARE_BUNDLE else None


def _held(value: Optional) -> int:
    """Quotes of an optional field in the text."""
    if value is UNSET:
        return 0
    return _KEY if value is None else _WORD


def _micros(text: str) -> Micros:
    """Microseconds since 1970 of an RFC 3339 time; raises ValueError for unusual ones."""
    known = _times.get(text)
    if known is not None:
        return known
    if _TIME.fullmatch(text) is None:
        raise ValueError(text)
    since = datetime.fromisoformat(text) - _EPOCH
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if len(_times) >= _TIMES_KEPT:
        _times.clear()
    _times[text] = micros
    return micros


_SCALES: Final[dict[tuple[str, str], Callable[[float], float] | None]] = {
    (signal.value, unit.value): {Unit.FAHRENHEIT: celsius, Unit.KPA: mmhg}.get(unit)
    for signal, units in UNITS.items()
    for unit in units
}
"""How a value in a unit becomes one in the engine's; None: it is."""
_SITES, _METHODS, _QUALITIES = (
    {word.value: word.value for word in words} | {None: None, UNSET: None}
    for words in (Site, Method, Quality)
)


def _reading(piece: bytes) -> tuple[engine.Reading, int]:
    """The engine's reading, and its quotes in the text; raises one of NOT_TAKEN.

    `piece`: the reading without its last bracket, and what is before it: a comma, or the first one.
    """
    known = _readings.get(piece)
    if known is not None:
        return known
    found = decode_reading(piece.lstrip(b"[, \t\r\n") + b"}")
    scale = _SCALES[found.signal, found.unit]
    reading = engine.Reading(
        found.signal,
        found.value if scale is None else scale(found.value),
        _SITES[found.site],
        _METHODS[found.method],
        _QUALITIES[found.quality] or "good",
    )
    quotes = _BARE_READING + _held(found.site) + _held(found.method) + _held(found.quality)
    if len(piece) <= _READING_BYTES:
        if len(_readings) >= READINGS_KEPT:
            _readings.clear()
        _readings[piece] = reading, quotes
    return reading, quotes
