"""A patient's state as it lies in the tables: written whole, and what changed since then.

As in a backup, a differential holds everything that changed since the whole state, so that the
newest one is enough, and it is one value under one key: it counts as a whole or not at all. Most
of a state changes seldom. The histories, the alarms and the folded past of a long stay, and the
facts of the minutes before, are so not written anew for every few seconds of a monitor.

A state is written whole, its windows first, once more changed than a differential tells: anything
that was said, a window but the newest, or many facts. A crash within that leaves windows of a later
`turn` than the record's: they tell how they were before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from stream.engine.events import Micros
from stream.engine.facts import Fact, Window, chart_order
from stream.engine.state import PatientRecord, PatientState
from stream.worker.codec import (
    Applied,
    Differential,
    StoredPatient,
    StoredWindow,
    decode_differential,
    decode_patient,
    decode_stored_window,
)

MOST_FACTS: Final = 16
"""Of a differential: two minutes of a monitor with one set a second, once they are thinned. With
more the state is written whole, and the next differential is small again."""


class Whole(NamedTuple):
    """What a differential has to know of the state that was written whole last."""

    turn: int
    record: PatientRecord
    start: Micros | None
    """The newest window."""
    dense: tuple[Micros, ...]
    """Its thinned minutes."""
    gone: tuple[int, ...] = ()
    """Numbers of its facts that went since."""
    moved: bool = False
    """The window is another one by now than the windows table holds."""

    @classmethod
    def of(cls, turn: int, state: PatientState) -> Whole:
        """The state, as it is written whole now."""
        start = max(state.windows, default=None)
        dense = () if start is None else state.windows[start].dense
        return cls(turn, state.record, start, dense)


class Stored(NamedTuple):
    """What the tables hold of a patient."""

    state: PatientState
    applied: Mapping[str, Applied]
    torn: set[Micros]
    """Windows of which the table holds something else than the state has."""
    whole: Whole


def changed_since(
    whole: Whole, before: Mapping[Micros, Window], state: PatientState
) -> Differential | None:
    """What tells the state from the one written whole; None where it is to be written whole again.

    `before` are the windows as they were written last, be it whole or in a differential.
    """
    record, windows, start = state.record, state.windows, whole.start
    if not _only_went_on(whole.record, record) or len(before) != len(windows):
        return None
    for key, window in windows.items():
        if key != start and before.get(key) is not window:
            return None
    facts: tuple[Fact, ...] = ()
    gone: tuple[int, ...] = whole.gone
    dense: tuple[Micros, ...] = ()
    if start is not None:
        new, old = windows.get(start), before.get(start)
        if new is None or old is None or new.dense[: len(whole.dense)] != whole.dense:
            return None
        seq = whole.record.seq
        facts = tuple(fact for fact in new.facts if fact.seq > seq)
        dense = new.dense[len(whole.dense) :]
        if new is not old:
            kept = {fact.seq for fact in new.facts}
            went = (fact.seq for fact in old.facts if fact.seq <= seq and fact.seq not in kept)
            gone = (*gone, *went)
        if len(facts) > MOST_FACTS:
            return None
    return Differential(
        whole.turn, record.clock, record.seq, record.next_due, start, facts, gone, dense
    )


def with_differential(whole: Whole, changed: Differential) -> Whole:
    """What the next differential has to know once this one is written."""
    moved = bool(changed.facts or changed.gone or changed.dense)
    return Whole(whole.turn, whole.record, whole.start, whole.dense, changed.gone, moved)


def stored_record(raw: bytes, differential: bytes | None) -> PatientRecord:
    """The record in force of a patient, of both values of the table. Raises StateFormatError."""
    return _in_force(raw, differential)[0].record


def stored_state(raw: bytes, differential: bytes | None, windows: Mapping[Micros, bytes]) -> Stored:
    """The state in force, of all that the tables hold of a patient. Raises StateFormatError."""
    patient, changed, whole_record = _in_force(raw, differential)
    seq = patient.record.seq
    newest = max(windows, default=None) if changed is None else changed.start
    found: dict[Micros, Window] = {}
    dense: tuple[Micros, ...] = ()
    torn = set()
    for start in sorted(windows):
        stored = decode_stored_window(windows[start])
        later = stored.turn > patient.turn
        found[start], differs = stored.at(seq)
        if differs or later:
            torn.add(start)
        if start == newest and not later:
            dense = stored.dense
            if changed is not None:
                found[start] = _changed(stored, changed)
    state = PatientState.assemble(patient.record, found)
    # What a crash left in the table beyond the record has to go from there as well.
    torn |= windows.keys() - state.windows.keys()
    whole = Whole(patient.turn, whole_record, newest, dense)
    if changed is not None:
        whole = with_differential(whole, changed)
    return Stored(state, patient.applied, torn, whole)


def _in_force(
    raw: bytes, differential: bytes | None
) -> tuple[StoredPatient, Differential | None, PatientRecord]:
    """The patient in force, the differential if it is in it, the record written whole."""
    patient = decode_patient(raw)
    if differential is None:
        return patient, None, patient.record
    changed, applied = decode_differential(differential)
    if changed.turn != patient.turn:  # it is of a whole state that was written over since
        return patient, None, patient.record
    record = replace(
        patient.record, clock=changed.clock, seq=changed.seq, next_due=changed.next_due
    )
    return StoredPatient(record, applied, patient.turn), changed, patient.record


def _changed(stored: StoredWindow, changed: Differential) -> Window:
    gone = set(changed.gone)
    facts = [fact for fact in stored.facts if fact.seq not in gone]
    facts = sorted((*facts, *changed.facts), key=chart_order)
    return Window(tuple(facts), (*stored.dense, *changed.dense))


def _only_went_on(old: PatientRecord, new: PatientRecord) -> bool:
    """Whether nothing differs but what a differential has of the record."""
    return (
        new.base is old.base
        and new.base_until == old.base_until
        and new.published is old.published
        and new.attributions is old.attributions
        and new.voids is old.voids
        and new.chain_head == old.chain_head
        and new.beyond_horizon == old.beyond_horizon
    )
