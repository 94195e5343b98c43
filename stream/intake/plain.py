"""The fast way through the edge, for records without a blemish: most of what comes.

These are `vitals` events, and bundles, of which only the envelope is looked at here. What this
takes, the models in `schemas` take as well and with the same result (a law of the tests); it may
decline more than they do. Who is declined goes the long way, where the reasons are found. The
words, the units and the limits are the contract's; none is written down here a second time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.diagnosis import Opened
from schemas.events import MAX_EVENTS, MAX_READINGS
from schemas.units import celsius, mmhg
from schemas.vocabulary import UNITS, Method, Quality, Site, Unit
from schemas.wire import ID_LENGTH, NUMBER_LIMIT
from stream.engine import events as engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.engine.events import Micros

READINGS_KEPT = 8192
"""Readings that are kept ready: vital signs are small whole numbers, and come again and again."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Stricter than the contract, which also has other letters, finer fractions and older centuries.
_TIME = re.compile(
    r"(?:19[1-9]|2[0-8][0-9])[0-9]-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_KEY: Final = 2
"""Quotes of a field's name; those of its value, if that is a text, are as many."""
_WORD: Final = 4
_BARE_READING: Final = 2 * _WORD + _KEY
_BARE_VITALS: Final = 4 * _WORD + _KEY
_BARE_BUNDLE: Final = 2 * _WORD + _KEY

_Id = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
_Optional = str | None | UnsetType
_NOT_TAKEN = (msgspec.MsgspecError, ValueError, KeyError, RecursionError)


class _Reading(Struct, forbid_unknown_fields=True, gc=False):
    signal: engine.Signal
    # Above zero, though the contract allows less: two zeros are one key of the readings kept.
    value: Annotated[float, Meta(gt=0, le=NUMBER_LIMIT)]
    unit: str
    site: _Optional = UNSET
    method: _Optional = UNSET
    quality: _Optional = UNSET


class _Vitals(Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="vitals"):
    event_id: _Id
    patient_id: _Id
    time: str
    readings: Annotated[list[_Reading], Meta(min_length=1, max_length=MAX_READINGS)]
    received_at: _Optional = UNSET
    source: _Id | UnsetType | None = UNSET
    replaces: _Id | UnsetType | None = UNSET


class _Bundle(Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="bundle"):
    patient_id: _Id
    events: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_EVENTS)]


_decoder: msgspec.json.Decoder[_Vitals | _Bundle] = msgspec.json.Decoder(_Vitals | _Bundle)


def plain(raw: bytes) -> engine.Vitals | Opened | None:
    """The `vitals` event that a text is, or the bundle; None leaves it all to others."""
    try:
        found = _decoder.decode(raw)
        return _vitals(found, raw) if isinstance(found, _Vitals) else _opened(found, raw)
    except _NOT_TAKEN:
        return None


# A field that is there twice, of which the last would count, shows in the number of quotes in the
# text. So does a quote within a text, which only makes it go the long way.


def _vitals(found: _Vitals, raw: bytes) -> engine.Vitals | None:
    readings = []
    quotes = _BARE_VITALS
    for each in found.readings:
        reading, held = _reading(
            each.signal, each.value, each.unit, each.site, each.method, each.quality
        )
        readings.append(reading)
        quotes += held
    received_at, source, replaces = found.received_at, found.source, found.replaces
    quotes += _held(received_at) + _held(source) + _held(replaces)
    if raw.count(b'"') != quotes:
        return None
    return engine.Vitals(
        event_id=found.event_id,
        patient_id=found.patient_id,
        time=_micros(found.time),
        received_at=_micros(received_at) if isinstance(received_at, str) else None,
        source=source or None,
        replaces=replaces or None,
        readings=tuple(readings),
    )


def _opened(found: _Bundle, raw: bytes) -> Opened | None:
    events = tuple([bytes(event) for event in found.events])
    outside = raw.count(b'"') - sum([event.count(b'"') for event in events])
    return Opened(found.patient_id, events) if outside == _BARE_BUNDLE else None


def _held(value: str | UnsetType | None) -> int:
    """Quotes of an optional field in the text."""
    if value is UNSET:
        return 0
    return _KEY if value is None else _WORD


def _micros(text: str) -> Micros:
    """Microseconds since 1970 of an RFC 3339 time; raises ValueError for unusual ones."""
    if _TIME.fullmatch(text) is None:
        raise ValueError(text)
    since = datetime.fromisoformat(text) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


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


@lru_cache(READINGS_KEPT)
def _reading(
    signal: engine.Signal,
    value: float,
    unit: str,
    site: _Optional,
    method: _Optional,
    quality: _Optional,
) -> tuple[engine.Reading, int]:
    """The engine's reading, and its quotes in the text; raises KeyError for an unknown word."""
    scale = _SCALES[signal, unit]
    reading = engine.Reading(
        signal,
        value if scale is None else scale(value),
        _SITES[site],
        _METHODS[method],
        _QUALITIES[quality] or "good",
    )
    return reading, _BARE_READING + _held(site) + _held(method) + _held(quality)
