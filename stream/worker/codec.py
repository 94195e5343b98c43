"""State to bytes and back: a format byte, then MessagePack of the engine's dataclasses, compressed.

A changelog outlives the program that wrote it. An older format is read where nothing that it lacks
has to be guessed; every other one, newer or older, is refused by name instead of being read as
something it is not. What is written is always of the newest format: once a worker has taken a
partition over, an older version refuses it. A fact is stored with the name of its event's type,
since the event alone does not say which it is.

Format 2: no `chain_head`; a patient's chain of alerts begins anew with the next one.
Format 3: no `applied`, so what is read again is known by its event's id alone; no `Undo`.
Format 4: not deflated; no alarms: nobody is asked to answer what had been said before, only what
comes after.
Format 5: no `inform`: nobody is informed besides of the alarms that were open.
Formats 5 to 7: deflated (zlib), which took most of the time of a write; a Zstandard frame since.
Format 8: no dictionary; windows begin with the clock's ten minutes, and go on doing so for a
patient who has such ones (`stream.engine.facts`); an older version would take them all for such.
Format 9: every state is written whole, there are no differentials.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping  # noqa: TC003  # of a stored class: looked up at run time
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
from zstandard import (
    ZstdCompressionDict,
    ZstdCompressor,
    ZstdDecompressor,
    ZstdError,
    frame_content_size,
)

from stream.engine.events import Micros, PatientEvent
from stream.engine.facts import Fact, Window, chart_order
from stream.engine.state import NO_PAST, PatientRecord
from stream.worker.annotations import restore_annotations

FORMAT = 10
"""Raised whenever a stored dataclass changes in any way, be it by a field with a default: an older
version would read around the field, and write the state back without it."""
READABLE = frozenset({2, 3, 4, 5, 6, 7, 8, 9, FORMAT})

_PLACED = 4
"""The first format with `applied` and `Undo`."""
_DEFLATED = 5
"""The first format that is deflated."""
_FRAMED = 8
"""The first format in Zstandard frames."""
_WITH_DICTIONARY = 9
"""The first format whose frames are to be read with the dictionary."""
_IN_TURNS = 10
"""The first format with differentials."""
DICTIONARY_FILE = Path(__file__).with_name("state_dictionary_9.zstd")
"""The names of fields and what most of them hold (tests/worker/state_dictionary.py): with it a
record is a third of what it is without. Never changed, as every value since format 9 needs it."""
_PREFIX = bytes([FORMAT])

_LEVEL = 3
"""Of Zstandard: a window of a patient at one set a second shrinks to a fourteenth, in a third of
the time that zlib takes for it; higher ones take longer for next to nothing."""
_LARGEST = 64 * 1024 * 1024
"""No value grows beyond so many bytes when it is read."""

_UNREADABLE = (
    msgspec.MsgspecError, ValueError, OverflowError, RecursionError, zlib.error, ZstdError,
)  # fmt: skip
"""What msgspec raises for bytes of any kind: texts that are no UTF-8 are a plain ValueError."""


class Applied(NamedTuple):
    """How far a source topic's records of one patient are in the state.

    The offset of the newest one, and the latest timestamp of any (milliseconds since 1970).
    """

    offset: int
    timestamp: int

    def covers(self, offset: int, timestamp: int) -> bool:
        """Whether a record is in the state already.

        A log that was deleted and made anew counts from 0 again, with later timestamps.
        """
        return offset <= self.offset and timestamp <= self.timestamp

    def grown(self, offset: int, timestamp: int) -> Applied:
        """With one more record."""
        return Applied(offset, max(self.timestamp, timestamp))


class Undo(NamedTuple):
    """How a window was before its last write, for a record that is older than `seq`.

    Facts that thinning took out of it since, and its thinned minutes of then.
    """

    seq: int
    facts: tuple[Fact, ...]
    dense: tuple[int, ...]


class Changed(NamedTuple):
    """What became of the newest window, `start` (None: there is none), since it was written.

    The record had `seq` then; `facts` came, those that `gone` numbers went, and the minutes `dense`
    were thinned.
    """

    start: Micros | None
    seq: int
    facts: tuple[Fact, ...] = ()
    gone: tuple[int, ...] = ()
    dense: tuple[Micros, ...] = ()


class Differential(NamedTuple):
    """What of a patient's record changed since it was last written, as in a backup.

    All but `clock`, `seq` and `next_due` is as it was then. Of a record of another `turn` it says
    nothing. `changed` is in the place of that with the record.
    """

    turn: int
    clock: Micros
    seq: int
    next_due: Micros | None
    changed: Changed


class StoredPatient(NamedTuple):
    """Value of the patients table: a record, and how far it is by source topic."""

    record: PatientRecord
    applied: Mapping[str, Applied]
    turn: int
    """Counts how often the record was written; 0 before format 10."""
    changed: Changed | None
    """None before format 10: the windows table has everything."""


class StoredWindow(NamedTuple):
    """Value of the windows table."""

    facts: tuple[Fact, ...]
    dense: tuple[Micros, ...]
    undo: Undo | None
    turn: int
    """That of the record that it was written with."""

    def at(self, seq: int) -> tuple[Window, bool]:
        """As it was when the record had this `seq`, and whether it is another one by now."""
        known = tuple(fact for fact in self.facts if fact.seq <= seq)
        if self.undo is not None and seq < self.undo.seq:
            before = tuple(sorted((*known, *self.undo.facts), key=chart_order))
            return Window(before, self.undo.dense), True
        torn = len(known) < len(self.facts)
        return Window(known if torn else self.facts, self.dense), torn


_Row = tuple[int, int, str, msgspec.Raw]
_Minutes = tuple[int, ...]
_Applied = dict[str, Applied]
_Changed = tuple[int | None, int, list[_Row], tuple[int, ...], _Minutes]

restore_annotations()
_dictionary = ZstdCompressionDict(DICTIONARY_FILE.read_bytes())
_dictionary.precompute_compress(_LEVEL)
_compressor = ZstdCompressor(_LEVEL, dict_data=_dictionary, write_checksum=True)
_decompressor = ZstdDecompressor(_dictionary)
_decompressor_of_8 = ZstdDecompressor()
_encoder = msgspec.msgpack.Encoder()
_record = msgspec.msgpack.Decoder(PatientRecord)
_patient_of_4 = msgspec.msgpack.Decoder(tuple[PatientRecord, _Applied])
_patient = msgspec.msgpack.Decoder(tuple[PatientRecord, _Applied, int, _Changed])
_window_of_2 = msgspec.msgpack.Decoder(tuple[list[_Row], _Minutes])
_window_of_4 = msgspec.msgpack.Decoder(
    tuple[list[_Row], _Minutes, tuple[int, list[_Row], _Minutes] | None]
)
_window = msgspec.msgpack.Decoder(
    tuple[list[_Row], _Minutes, tuple[int, list[_Row], _Minutes] | None, int]
)
_differential = msgspec.msgpack.Decoder(tuple[int, int, int, int | None, _Changed, _Applied])
_events: dict[str, msgspec.msgpack.Decoder[Any]] = {
    kind.__name__: msgspec.msgpack.Decoder(kind) for kind in get_args(PatientEvent)
}


class StateFormatError(ValueError):
    """A state table holds something that this version cannot read."""


def encode_patient(stored: StoredPatient) -> bytes:
    """Value of the patients table."""
    return _packed(patient_body(stored))


def patient_body(stored: StoredPatient) -> bytes:
    """The value before it is compressed."""
    record, applied, turn, changed = stored
    return _encoder.encode((record, applied, turn, _to_row(changed or Changed(None, record.seq))))


def decode_patient(raw: bytes) -> StoredPatient:
    """Back again. Raises StateFormatError."""
    form = _form(raw)
    try:
        body = _body(raw)
        if form >= _IN_TURNS:
            record, applied, turn, changed = _patient.decode(body)
            found = StoredPatient(record, applied, turn, _to_changed(changed))
        elif form >= _PLACED:
            found = StoredPatient(*_patient_of_4.decode(body), 0, None)
        else:
            found = StoredPatient(_record.decode(body), {}, 0, None)
    except (*_UNREADABLE, KeyError) as error:
        raise _unreadable("record of a patient", error) from error
    if found.record.base == NO_PAST:  # most have this one in common
        found.record.base = NO_PAST
    return found


def encode_record(record: PatientRecord) -> bytes:
    """The engine's part of `encode_patient` alone."""
    return encode_patient(StoredPatient(record, {}, 0, None))


def decode_record(raw: bytes) -> PatientRecord:
    """The engine's part of `decode_patient`. Raises StateFormatError."""
    return decode_patient(raw).record


def encode_differential(differs: Differential, applied: Mapping[str, Applied]) -> bytes:
    """Value of the patients table beside the record."""
    return _packed(_encoder.encode((*differs[:4], _to_row(differs.changed), applied)))


def decode_differential(raw: bytes) -> tuple[Differential, dict[str, Applied]]:
    """Back again. Raises StateFormatError."""
    _form(raw)
    try:
        turn, clock, seq, due, changed, applied = _differential.decode(_body(raw))
        return Differential(turn, clock, seq, due, _to_changed(changed)), applied
    except (*_UNREADABLE, KeyError) as error:
        raise _unreadable("differential of a patient", error) from error


def encode_window(window: Window, undo: Undo | None = None, turn: int = 0) -> bytes:
    """Value of the windows table."""
    return _packed(window_body(window, undo, turn))


def window_body(window: Window, undo: Undo | None = None, turn: int = 0) -> bytes:
    """The value before it is compressed."""
    before = None if undo is None else (undo.seq, _to_rows(undo.facts), undo.dense)
    return _encoder.encode((_to_rows(window.facts), window.dense, before, turn))


def decode_window(raw: bytes) -> Window:
    """The window as it was written. Raises StateFormatError."""
    stored = decode_stored_window(raw)
    return Window(stored.facts, stored.dense)


def decode_stored_window(raw: bytes) -> StoredWindow:
    """All that a value of the windows table says. Raises StateFormatError."""
    form = _form(raw)
    try:
        body = _body(raw)
        if form >= _IN_TURNS:
            rows, dense, before, turn = _window.decode(body)
        elif form >= _PLACED:
            rows, dense, before, turn = *_window_of_4.decode(body), 0
        else:
            rows, dense, before, turn = *_window_of_2.decode(body), None, 0
        undo = None if before is None else Undo(before[0], _to_facts(before[1]), before[2])
        return StoredWindow(_to_facts(rows), dense, undo, turn)
    except (*_UNREADABLE, KeyError) as error:
        raise _unreadable("window of facts", error) from error


def _to_row(changed: Changed) -> tuple[Any, ...]:
    start, seq, facts, gone, dense = changed
    return start, seq, _to_rows(facts), gone, dense


def _to_changed(row: tuple[Any, ...]) -> Changed:
    start, seq, rows, gone, dense = row
    return Changed(start, seq, _to_facts(rows), gone, dense)


def _to_rows(facts: tuple[Fact, ...]) -> list[tuple[int, int, str, PatientEvent]]:
    return [(fact.at, fact.seq, type(fact.event).__name__, fact.event) for fact in facts]


def _to_facts(rows: list[_Row]) -> tuple[Fact, ...]:
    return tuple(Fact(at, seq, _events[kind].decode(event)) for at, seq, kind, event in rows)


def _packed(body: bytes) -> bytes:
    return _PREFIX + _compressor.compress(body)


def _body(raw: bytes) -> bytes | memoryview:
    body = memoryview(raw)[1:]
    if raw[0] < _DEFLATED:
        return body
    if raw[0] >= _FRAMED:
        if not 0 <= frame_content_size(body) <= _LARGEST:
            raise ValueError("too large")
        frames = _decompressor if raw[0] >= _WITH_DICTIONARY else _decompressor_of_8
        return frames.decompress(body, allow_extra_data=False)
    inflater = zlib.decompressobj()
    inflated = inflater.decompress(body, _LARGEST)
    if not inflater.eof or inflater.unused_data:
        raise ValueError("cut short, too large, or with something behind it")
    return inflated


def _form(raw: bytes) -> int:
    if raw and raw[0] in READABLE:
        return raw[0]
    found = str(raw[0]) if raw else "none"
    raise StateFormatError(
        f"a state table holds format {found}, this version reads formats"
        f" {', '.join(map(str, sorted(READABLE)))}: run the version that wrote it, or give"
        " this one an application_id of its own and let it read the source topics from the"
        " start"
    )


def _unreadable(what: str, error: Exception) -> StateFormatError:
    # Not the values: a chart does not belong in a log.
    return StateFormatError(f"a {what} in a state table cannot be read ({type(error).__name__})")
