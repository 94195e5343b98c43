"""A patient's state as it lies in the tables: written whole, and what changed since then.

Most of a state changes seldom. A differential, as in a backup, holds all that changed since the
record was written, so that the newest one is enough; it is one value under one key, and counts as a
whole or not at all. A record is written anew with whatever is said, or forgotten. Both also hold
what became of the newest window since that was written, as long as it is little; so the histories
and alarms of a long stay are not written again for every few seconds of a monitor, nor the facts of
the minutes before.

Windows are written before their record. A crash within that leaves windows of a later `turn` than
the record's: they tell how they were before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from stream.engine.events import Micros
from stream.engine.facts import Window, chart_order
from stream.engine.state import PatientRecord, PatientState
from stream.worker.codec import (
    Applied,
    Changed,
    Differential,
    StoredPatient,
    StoredWindow,
    decode_differential,
    decode_patient,
    decode_stored_window,
)

MOST_FACTS: Final = 12
"""Of a change: about 90 s of a monitor with one set a second, once they are thinned. With more the
window is written, and the next change is small again."""


class Written(NamedTuple):
    """What was written last of a patient, as far as the next writing has to know."""

    turn: int
    record: PatientRecord
    """As it is in the table, whatever a differential says."""
    changed: Changed
    dense: tuple[Micros, ...]
    """The thinned minutes of the newest window as it is in the table."""

    @property
    def moved(self) -> bool:
        """The newest window is another one by now than the windows table holds."""
        return bool(self.changed.facts or self.changed.gone or self.changed.dense)


class Stored(NamedTuple):
    """What the tables hold of a patient."""

    state: PatientState
    applied: Mapping[str, Applied]
    torn: set[Micros]
    """Windows of which the table holds something else than the state has."""
    written: Written


def change(
    written: Written, before: Mapping[Micros, Window], state: PatientState
) -> Changed | None:
    """What became of the newest window; None where windows are to be written.

    `before` are the windows as they were written last, a change of the newest one included.
    """
    windows, seq, gone = state.windows, written.changed.seq, written.changed.gone
    start: Micros | None = written.changed.start
    if len(before) != len(windows):
        return None
    for key, window in windows.items():
        if key != start and before.get(key) is not window:
            return None
    if start is None:
        return Changed(start, seq)
    new, old = windows.get(start), before.get(start)
    known = len(written.dense)
    if new is None or old is None or new.dense[:known] != written.dense:
        return None
    if new is old:
        return written.changed
    facts = tuple([fact for fact in new.facts if fact.seq > seq])
    if len(facts) > MOST_FACTS:
        return None
    kept = {fact.seq for fact in new.facts}
    went = [fact.seq for fact in old.facts if fact.seq <= seq and fact.seq not in kept]
    return Changed(start, seq, facts, (*gone, *went), new.dense[known:])


def differential(written: Written, record: PatientRecord, changed: Changed) -> Differential | None:
    """What tells the record from the one in the table; None where it is to be written."""
    old = written.record
    if (
        record.base is old.base
        and record.base_until == old.base_until
        and record.published is old.published
        and record.attributions is old.attributions
        and record.voids is old.voids
        and record.chain_head == old.chain_head
        and record.beyond_horizon == old.beyond_horizon
    ):
        return Differential(written.turn, record.clock, record.seq, record.next_due, changed)
    return None


def unchanged(state: PatientState) -> tuple[Changed, tuple[Micros, ...]]:
    """The state's newest window as it is written now, and its thinned minutes."""
    start = max(state.windows, default=None)
    dense = () if start is None else state.windows[start].dense
    return Changed(start, state.record.seq), dense


def stored_record(raw: bytes, differs: bytes | None) -> PatientRecord:
    """The record in force of a patient, of both values of the table. Raises StateFormatError."""
    return _in_force(decode_patient(raw), differs).record


def stored_state(raw: bytes, differs: bytes | None, windows: Mapping[Micros, bytes]) -> Stored:
    """The state in force, of all that the tables hold of a patient. Raises StateFormatError."""
    patient = decode_patient(raw)
    record, applied, turn, changed = _in_force(patient, differs)
    newest = max(windows, default=None) if changed is None else changed.start
    found: dict[Micros, Window] = {}
    dense: tuple[Micros, ...] = ()
    torn = set()
    for start in sorted(windows):
        stored = decode_stored_window(windows[start])
        if start == newest:
            dense = stored.dense
        # where nothing was said of changes (before format 10) the turns do not tell who is later
        if changed is not None and start == newest and stored.turn <= turn:
            found[start] = _with(stored, changed)
        else:
            found[start], differ = stored.at(record.seq)
            if differ or stored.turn > turn:
                torn.add(start)
    if changed is None:
        changed = Changed(newest, record.seq)
    state = PatientState.assemble(record, found)
    # What a crash left in the table beyond the record has to go from there as well.
    torn |= windows.keys() - state.windows.keys()
    return Stored(state, applied, torn, Written(turn, patient.record, changed, dense))


def _in_force(patient: StoredPatient, differs: bytes | None) -> StoredPatient:
    if differs is None:
        return patient
    newer, applied = decode_differential(differs)
    if newer.turn != patient.turn:  # it is of a record that was written over since
        return patient
    record = replace(patient.record, clock=newer.clock, seq=newer.seq, next_due=newer.next_due)
    return StoredPatient(record, applied, patient.turn, newer.changed)


def _with(stored: StoredWindow, changed: Changed) -> Window:
    gone = set(changed.gone)
    facts = [fact for fact in stored.facts if fact.seq not in gone]
    facts = sorted((*facts, *changed.facts), key=chart_order)
    return Window(tuple(facts), (*stored.dense, *changed.dense))
