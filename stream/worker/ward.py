"""The patients of this worker's partitions: the two state tables as the engine's states.

The tables hold bytes (their changelogs must always decode, whatever a newer version wrote); this
keeps the assembled states beside them, an index of the windows of each patient, and an index of
when each patient's next timer fires. All three are rebuilt from the tables after a rebalance.

The states may be ahead of the tables: several changes of a patient are written at once. What is
not written yet is lost with the process, and read again from the source topics.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from stream.engine.events import Micros
from stream.engine.facts import Window
from stream.engine.native import mypyc_attr
from stream.engine.state import PatientState, Published
from stream.worker.codec import (
    Applied,
    StoredPatient,
    Undo,
    encode_differential,
    encode_patient,
    encode_window,
)
from stream.worker.partitions import partition_of
from stream.worker.sickness import Sickness
from stream.worker.stored_state import (
    Written,
    change,
    differential,
    stored_record,
    stored_state,
    unchanged,
)
from stream.worker.stored_window import stored_window
from stream.worker.table_keys import (
    differential_key,
    is_differential,
    patient_of,
    split_window_key,
    window_key,
)

_AT_HAND: Final = 1
"""The newest window, which comes to have more facts, is not put away."""


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Writes:
    """What is to be changed in the tables, in the order in which the broker has to take it.

    Windows first, then the record, which is the commit mark: a state assembled from newer windows
    and an older record drops what the record does not know, and has back what a thinned minute lost
    since. Forgotten windows go last, since the older record still needs them. What is written of a
    record may be a differential (`stream.worker.stored_state`).
    """

    windows: Final[dict[bytes, bytes]]
    records: Final[dict[bytes, bytes]]
    forgotten: Final[list[bytes]]
    states: Final[dict[bytes, PatientState]]
    """What the tables then hold."""
    written: Final[dict[bytes, Written]]
    """What the next writing of each has to know of this one."""
    time: Final[float]
    assignment: Final[int]

    def __init__(
        self,
        windows: dict[bytes, bytes],
        records: dict[bytes, bytes],
        forgotten: list[bytes],
        states: dict[bytes, PatientState],
        written: dict[bytes, Written],
        time: float,
        assignment: int,
    ) -> None:
        self.windows = windows
        self.records = records
        self.forgotten = forgotten
        self.states = states
        self.written = written
        self.time = time
        self.assignment = assignment


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Graded:
    """A patient's state after a batch, and how far it is in the source topics.

    What is read again is known by its place, since neither a thinned minute nor a folded past keeps
    the ids of its events.
    """

    state: Final[PatientState]
    applied: Final[Mapping[str, Applied]]

    def __init__(self, state: PatientState, applied: Mapping[str, Applied]) -> None:
        self.state = state
        self.applied = applied


class Ward:
    """See the module. `patients` and `windows` are the tables' own mappings."""

    def __init__(
        self, patients: dict[bytes, bytes], windows: dict[bytes, bytes], partitions: int
    ) -> None:
        self.partitions = partitions
        self.stale = True
        self._assignment = 0
        self._patients = patients
        self._windows = windows
        self._states: dict[bytes, PatientState] = {}
        self._applied: dict[bytes, Mapping[str, Applied]] = {}
        self._starts: dict[bytes, array[int]] = {}
        """Of the windows of each patient in the table, ascending."""
        self._grades: dict[bytes, int] = {}
        self._graded: Counter[int] = Counter()
        self.sickness: Final = Sickness()
        """By the highest grade said or suspected of a patient, of either scale."""
        self._alarms: dict[bytes, tuple[str, ...]] = {}
        self._standing: Counter[str] = Counter()
        self._torn: dict[bytes, set[int]] = {}
        self._written: dict[bytes, Written] = {}
        self._stored: dict[bytes, Mapping[Micros, Window]] = {}
        self._since: dict[bytes, float] = {}
        self._due: dict[int, dict[bytes, Micros]] = defaultdict(dict)

    def refresh(self, assigned: AbstractSet[int]) -> None:
        """After a rebalance: forget the patients of other partitions, index our own.

        Faust's memory store keeps keys that were written live after their partition is gone; a
        partition that comes back later must not meet its old self. Raises StateFormatError where a
        record was written by another format.
        """
        self._assignment += 1
        self._states.clear()
        self._applied.clear()
        self._starts.clear()
        self._due.clear()
        self._grades.clear()
        self._graded = Counter(dict.fromkeys(self._graded, 0))
        self.sickness.clear()
        self._alarms.clear()
        self._standing.clear()
        self._torn.clear()
        self._written.clear()
        self._stored.clear()
        self._since.clear()
        for key in list(self._windows):
            parts = split_window_key(key)
            if parts is None or partition_of(parts[0], self.partitions) not in assigned:
                del self._windows[key]
            else:
                self._has_window(*parts)
        for key in list(self._patients):
            partition = partition_of(patient_of(key), self.partitions)
            if partition not in assigned:
                del self._patients[key]
            elif not is_differential(key):
                differs = self._patients.get(differential_key(key))
                record = stored_record(self._patients[key], differs)
                self._note_said(key, record.published)
                self._note_due(partition, key, record.next_due)
        self.stale = False

    def __len__(self) -> int:
        return len(self._grades)

    def __iter__(self) -> Iterator[bytes]:
        return iter([key for key in self._patients if not is_differential(key)])

    def state(self, key: bytes) -> PatientState | None:
        """The patient's state, assembled from the tables the first time it is asked for."""
        state = self._states.get(key)
        if state is None and key in self._patients:
            windows = {
                start: self._windows[window_key(key, start)] for start in self._starts.get(key, ())
            }
            differs = self._patients.get(differential_key(key))
            state, self._applied[key], self._torn[key], self._written[key] = stored_state(
                self._patients[key], differs, windows
            )
            self._states[key] = state
        return state

    def applied(self, key: bytes) -> Mapping[str, Applied]:
        """How far the patient's state is, by source topic."""
        self.state(key)
        return self._applied.get(key, {})

    def take_in(self, graded: Mapping[bytes, Graded], now: float) -> None:
        """What a batch came to is said: from here on it is the state. It waits to be written."""
        for key, one in graded.items():
            before, record = self.state(key), one.state.record
            if before is None or before.record is not record:
                self._stored.setdefault(key, {} if before is None else before.windows)
                self._since.setdefault(key, now)
                if before is None or before.record.published is not record.published:
                    self._note_said(key, record.published)
                if before is None or before.record.next_due != record.next_due:
                    self._note_due(partition_of(key, self.partitions), key, record.next_due)
            self._states[key] = one.state
            self._applied[key] = one.applied
            held = {} if before is None or before.derived is None else before.windows
            if len(held) != len(one.state.windows):
                self._put_away(key)

    def _put_away(self, key: bytes) -> None:
        """Leave the facts of older windows to the table, where it holds the very same ones."""
        state = self._states[key]
        at_hand = [start for start, window in state.windows.items() if window.stored is None]
        if len(at_hand) <= _AT_HAND:
            return
        # where nothing waits, the tables hold this very one
        stored = self._stored.get(key, state.windows)
        beside = self._beside(key)
        away = {
            start: stored_window(self._windows[window_key(key, start)])
            for start in sorted(at_hand)[:-_AT_HAND]
            if start not in beside and stored.get(start) is state.windows[start]
        }
        if away:  # in both, so that they still are the same
            windows = {**state.windows, **away}
            self._states[key] = PatientState(state.record, windows, state.derived)
            if key in self._stored:
                self._stored[key] = {**stored, **away}

    @property
    def waiting(self) -> Mapping[bytes, float]:
        """The patients whose states wait to be written, and since when; the longest first."""
        return self._since

    def writes(self, keys: Iterable[bytes], now: float) -> Writes:
        """What has to be written of these patients, as they are now."""
        writes = Writes({}, {}, [], {}, {}, now, self._assignment)
        for key in keys:
            if key in self._since:
                self._write(writes, key)
        return writes

    def _write(self, writes: Writes, key: bytes) -> None:
        state, written, changed = self._states[key], self._written.get(key), None
        if written is not None and not self._torn.get(key):
            changed = change(written, self._stored[key], state)
        if written is not None and changed is not None:
            dense = written.dense
            differs = differential(written, state.record, changed)
        else:
            differs = None
            changed, dense = unchanged(state)
            self._write_windows(writes, key, state)
        if written is not None and differs is not None:
            value = encode_differential(differs, self._applied[key])
            writes.records[differential_key(key)] = value
            writes.written[key] = Written(written.turn, written.record, changed, dense)
        else:
            turn = 1 if written is None else written.turn + 1
            stored = StoredPatient(state.record, self._applied[key], turn, changed)
            writes.records[key] = encode_patient(stored)
            writes.written[key] = Written(turn, state.record, changed, dense)
        writes.states[key] = state

    def _write_windows(self, writes: Writes, key: bytes, state: PatientState) -> None:
        before, beside, seq = self._stored[key], self._beside(key), state.record.seq
        turn = self._written[key].turn + 1 if key in self._written else 1
        for start, window in state.windows.items():
            if start in beside or before.get(start) is not window:
                undo = _undo(before.get(start), window, seq)
                writes.windows[window_key(key, start)] = encode_window(window, undo, turn)
        writes.forgotten.extend(
            window_key(key, start)
            for start in sorted({*before, *self._torn.get(key, ())})
            if start not in state.windows
        )

    def _beside(self, key: bytes) -> set[int]:
        """Windows of which the windows table holds another one than was written last."""
        beside = set(self._torn.get(key, ()))
        written = self._written.get(key)
        if written is not None and written.moved and written.changed.start is not None:
            beside.add(written.changed.start)
        return beside

    def due(self, partition: int) -> Mapping[bytes, Micros]:
        """When the next timer of each patient of a partition fires; those with none are absent."""
        return self._due[partition]

    def written(self, writes: Writes) -> bool:
        """Everything of `writes` is acknowledged: make it the tables' content.

        False where the partitions were given away since: then it is not ours to say.
        """
        if writes.assignment != self._assignment:
            return False
        for key, value in writes.windows.items():
            if key not in self._windows:
                self._has_window(*(split_window_key(key) or (b"", 0)))
            self._windows[key] = value
        for key in writes.forgotten:
            if self._windows.pop(key, None) is not None:
                patient, start = split_window_key(key) or (b"", 0)
                self._starts[patient].remove(start)
        self._patients.update(writes.records)
        self._written.update(writes.written)
        for key, state in writes.states.items():
            self._torn.pop(key, None)
            del self._stored[key], self._since[key]
            if self._states[key].record is not state.record:  # it went on meanwhile
                self._stored[key], self._since[key] = state.windows, writes.time
            self._put_away(key)
        return True

    def _has_window(self, patient: bytes, start: int) -> None:
        starts = self._starts.setdefault(patient, array("q"))
        starts.insert(bisect_left(starts, start), start)

    def home(self, key: bytes, window: bool) -> int:  # noqa: FBT001
        """The partition of a table's record: that of its patient's source records."""
        parts = split_window_key(key) if window else None
        return partition_of(parts[0] if parts else patient_of(key), self.partitions)

    def stored(self, key: bytes, window: bool) -> bytes | None:  # noqa: FBT001
        """What a table holds under a key of its changelog; None: nothing."""
        return (self._windows if window else self._patients).get(key)

    def grades(self) -> Counter[int]:
        """How many patients have each grade, as said; 0 for one that nobody has any more."""
        return Counter(self._graded)

    def standing(self) -> Counter[str]:
        """How many alarms are in each state, closed ones left out."""
        return Counter(self._standing)

    def _note_said(self, key: bytes, said: Published) -> None:
        if (before := self._grades.get(key)) is not None:
            self._graded[before] -= 1
        self._graded[said.grade] += 1
        self._grades[key] = said.grade
        self.sickness.note(key, said.sickness)
        states = tuple([alarm.state for alarm in said.alarms.open])
        if states != self._alarms.get(key, ()):
            self._standing.subtract(self._alarms.pop(key, ()))
            if states:
                self._alarms[key] = states
                self._standing.update(states)

    def _note_due(self, partition: int, key: bytes, due: Micros | None) -> None:
        if due is None:
            self._due[partition].pop(key, None)
        else:
            self._due[partition][key] = due


def _undo(old: Window | None, new: Window, seq: int) -> Undo | None:
    """What the window was before, where more than new facts tell the two apart."""
    if old is None or old is new or not new.dense:
        return None
    kept = {fact.seq for fact in new.facts}
    lost = tuple(fact for fact in old.facts if fact.seq not in kept)
    return Undo(seq, lost, old.dense) if lost or old.dense != new.dense else None
