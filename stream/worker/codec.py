"""State to bytes and back: one format byte, then MessagePack of the engine's dataclasses.

A changelog outlives the program that wrote it. An older format is read where nothing that it lacks
has to be guessed; every other one, newer or older, is refused by name instead of being read as
something it is not. What is written is always of the newest format: once a worker has taken a
partition over, an older version refuses it. A fact is stored with the name of its event's type,
since the event alone does not say which it is.

Format 2: no `chain_head`; a patient's chain of alerts begins anew with the next one.
"""

from __future__ import annotations

import struct
from typing import Any, get_args

import msgspec

from stream.engine.events import PatientEvent
from stream.engine.facts import Fact, Window
from stream.engine.state import PatientRecord

FORMAT = 3
"""Raised whenever a stored dataclass changes in any way, be it by a field with a default: an older
version would read around the field, and write the state back without it."""
READABLE = frozenset({2, FORMAT})

_PREFIX = bytes([FORMAT])
_START = struct.Struct(">q")
_SEPARATOR = b"\x00"

_UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What msgspec raises for bytes of any kind: texts that are no UTF-8 are a plain ValueError."""

_encoder = msgspec.msgpack.Encoder()
_record = msgspec.msgpack.Decoder(PatientRecord)
_rows = msgspec.msgpack.Decoder(
    tuple[list[tuple[int, int, str, msgspec.Raw]], tuple[int, ...]],
)
_events: dict[str, msgspec.msgpack.Decoder[Any]] = {
    kind.__name__: msgspec.msgpack.Decoder(kind) for kind in get_args(PatientEvent)
}


class StateFormatError(ValueError):
    """A state table holds something that this version cannot read."""


def encode_record(record: PatientRecord) -> bytes:
    """Value of the patients table."""
    return _PREFIX + _encoder.encode(record)


def decode_record(raw: bytes) -> PatientRecord:
    """Back again. Raises StateFormatError."""
    body = _body(raw)
    try:
        return _record.decode(body)
    except _UNREADABLE as error:
        raise _unreadable("record of a patient", error) from error


def encode_window(window: Window) -> bytes:
    """Value of the windows table."""
    rows = [(fact.at, fact.seq, type(fact.event).__name__, fact.event) for fact in window.facts]
    return _PREFIX + _encoder.encode((rows, window.dense))


def decode_window(raw: bytes) -> Window:
    """Back again. Raises StateFormatError."""
    body = _body(raw)
    try:
        rows, dense = _rows.decode(body)
        facts = tuple(Fact(at, seq, _events[kind].decode(event)) for at, seq, kind, event in rows)
    except (*_UNREADABLE, KeyError) as error:
        raise _unreadable("window of facts", error) from error
    return Window(facts, dense)


def _body(raw: bytes) -> memoryview:
    if not raw or raw[0] not in READABLE:
        found = str(raw[0]) if raw else "none"
        raise StateFormatError(
            f"a state table holds format {found}, this version reads formats"
            f" {' and '.join(map(str, sorted(READABLE)))}: run the version that wrote it, or give"
            " this one an application_id of its own and let it read the source topics from the"
            " start"
        )
    return memoryview(raw)[1:]


def _unreadable(what: str, error: Exception) -> StateFormatError:
    # Not the values: a chart does not belong in a log.
    return StateFormatError(f"a {what} in a state table cannot be read ({type(error).__name__})")


def window_key(patient: bytes, start: int) -> bytes:
    """Key of the windows table: patient id, a zero byte, the window's start (8 bytes, signed)."""
    return patient + _SEPARATOR + _START.pack(start)


def split_window_key(key: bytes) -> tuple[bytes, int] | None:
    """Patient id and window start; None where the key is not one of ours."""
    if len(key) <= _START.size + 1 or key[-9:-8] != _SEPARATOR:
        return None
    return key[:-9], _START.unpack(key[-8:])[0]
