"""The verification of one partition after the other; memory is that of the largest partition.

What is read when matters while workers run, since they send alerts first, then write the tables,
then commit. It is read backwards: committed offsets, tables, alerts, and the inputs last. So every
alert that a table knows must be there, and all that was written comes from input that is read.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from stream.verify.chain import Chain, read_link
from stream.verify.compare import Patient, Said
from stream.verify.findings import Doubt, Finding, Kind
from stream.verify.rebuild import Rebuild, by_record_time
from stream.version import ENGINE_VERSION
from stream.worker.codec import StateFormatError
from stream.worker.partitions import partition_of
from stream.worker.stored_state import stored_state
from stream.worker.table_keys import (
    differential_key,
    is_differential,
    patient_of,
    split_window_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stream.verify.findings import Report
    from stream.verify.rebuild import RebuildPolicy, Step
    from stream.worker.records import SourceRecord


class Log(Protocol):
    """One partition of a topic: its first offset, its end as it was when opened, its records."""

    first: int
    end: int

    def __iter__(self) -> Iterator[SourceRecord]:
        """The records up to `end`, in order."""


class Topics(Protocol):
    """Where the records are."""

    def committed(self, partition: int) -> Mapping[str, int]:
        """By topic, the offset that the workers have committed; absent: none."""

    def table(self, topic: str, partition: int) -> dict[bytes, bytes]:
        """The newest value of each key of a changelog."""

    def open(self, topic: str, partition: int) -> Log:
        """A log from its beginning to its end of now; several may be open at once."""


@dataclass(frozen=True, slots=True)
class Names:
    """Full names of the topics: two inputs, the ticks, the alerts, the changelogs of the tables."""

    inputs: tuple[str, ...]
    ticks: str
    alerts: str
    patients: str
    windows: str


@dataclass(slots=True)
class Audit:
    """Verifies partitions into `report`."""

    topics: Topics
    names: Names
    policy: RebuildPolicy
    report: Report

    def partition(self, number: int) -> None:
        """Everything that one partition holds."""
        self.report.seen["partitions"] += 1
        committed = self.topics.committed(number)
        ward = _Ward(self, number)
        ward.read_tables()
        ward.read_alerts()
        ward.rebuild(committed)
        ward.judge()


class _Ward:
    """The patients of one partition."""

    def __init__(self, audit: Audit, partition: int) -> None:
        self.audit, self.number = audit, partition
        self.names, self.policy, self.report = audit.names, audit.policy, audit.report
        self.patients: dict[bytes, Patient] = {}
        self.doubts: set[Doubt] = set()
        self.whole = True
        self.sure_from = 0.0
        """Records of before (seconds since 1970) may have been graded by other rules."""
        self.near_the_clock: set[bytes] = set()

    def patient(self, key: bytes) -> Patient:
        """The patient of this key, seen before or not."""
        found = self.patients.get(key)
        if found is None:
            said = Said(Chain(whole=self.whole))
            name = key.decode(errors="replace")
            found = self.patients[key] = Patient(name, self.names.alerts, self.number, said)
        return found

    def wanted(self, key: bytes | None) -> bool:
        """Whether the key is of a patient that is to be verified."""
        return self.policy.only in (None, key)

    # -- what was written ----------------------------------------------------------------------

    def read_tables(self) -> None:
        """Every patient's state, assembled as a worker would."""
        names, topics = self.names, self.audit.topics
        windows: dict[bytes, dict[int, bytes]] = defaultdict(dict)
        for key, value in topics.table(names.windows, self.number).items():
            parts = split_window_key(key)
            if parts is not None and self.wanted(parts[0]):
                windows[parts[0]][parts[1]] = value
        patients = topics.table(names.patients, self.number)
        for key, value in patients.items():
            whose = patient_of(key)
            if not self.wanted(whose):
                continue
            if partition_of(whose, self.policy.partitions) != self.number:
                self._add(Kind.WRONG_PLACE, whose, names.patients)
                continue
            if is_differential(key):
                continue
            patient = self.patient(key)
            try:
                differs = patients.get(differential_key(key))
                patient.table = stored_state(value, differs, windows.get(key, {})).state
            except StateFormatError as error:
                patient.readable = False
                self._add(Kind.FORMAT, key, names.patients, detail=str(error))

    def read_alerts(self) -> None:
        """The chain of each patient."""
        log = self.audit.topics.open(self.names.alerts, self.number)
        self.whole = log.first == 0
        for patient in self.patients.values():
            patient.said.chain.whole = self.whole
        ours = self.policy.rules.hash, ENGINE_VERSION
        foreign = False
        for record in log:
            if not self.wanted(record.key):
                continue
            self.report.seen["alerts"] += 1
            link = read_link(record.value, record.offset)
            if link is None:
                self._add(Kind.UNREADABLE, record.key, self.names.alerts, record.offset)
                continue
            key = link.patient_id.encode()
            home = partition_of(key, self.policy.partitions)
            if key != record.key or home != self.number:
                self._add(Kind.WRONG_PLACE, record.key, self.names.alerts, record.offset)
                continue
            self.patient(key).said.chain.take(link)
            if link.rules != ours:
                foreign = True
                self.sure_from = float("inf")
                self.patient(key).doubts.add(Doubt.RULESET)
            elif foreign:
                foreign, self.sure_from = False, record.timestamp
        for patient in self.patients.values():
            patient.said.index()
            self.report.seen["repeats"] += patient.said.chain.repeats

    # -- what the events lead to ---------------------------------------------------------------

    def rebuild(self, committed: Mapping[str, int]) -> None:
        """Run the inputs again, and tell each patient of every step."""
        names = self.names
        logs = []
        for topic in (*names.inputs, names.ticks):
            log = self.audit.topics.open(topic, self.number)
            self._offsets(topic, log, committed.get(topic))
            if log.first > 0:
                self.doubts.add(Doubt.TICKS if topic == names.ticks else Doubt.RETENTION)
            logs.append(log)
        rebuild = Rebuild(self.policy)
        for record in by_record_time(logs):
            self.report.seen["records"] += 1
            settled = record.offset < committed.get(record.topic, 0)
            for step in rebuild.take(record):
                self._told(step, committed=settled)
        self.near_the_clock = rebuild.near_the_clock

    def _told(self, step: Step, *, committed: bool) -> None:
        tick = step.record.topic == self.names.ticks
        self.patient(step.key).take(step, committed=committed, tick=tick)

    def _offsets(self, topic: str, log: Log, committed: int | None) -> None:
        if committed is not None and committed > log.end:
            self._add(Kind.BEYOND_END, None, topic, committed, log.end)
        if committed is not None and committed < log.first and topic != self.names.ticks:
            self._add(Kind.DELETED_UNREAD, None, topic, committed, log.first)
        behind = log.end - max(committed or 0, log.first)
        if behind > 0:
            words = f"{behind} records" + (", nothing committed" if committed is None else "")
            self._add(Kind.BEHIND, None, topic, max(committed or 0, log.first), detail=words)

    # -- the verdict ---------------------------------------------------------------------------

    def judge(self) -> None:
        """Every patient's findings, in the order of the keys."""
        for key in sorted(self.patients):
            patient = self.patients[key]
            self.report.seen["patients"] += 1
            doubts = set(self.doubts)
            if patient.began is None or patient.began <= self.sure_from:
                doubts |= {Doubt.RULESET} if self.sure_from else set()
            if key in self.near_the_clock:
                doubts.add(Doubt.FUTURE)
            for finding in patient.verdict(self.policy.rules, doubts):
                self.report.add(finding)

    def _add(
        self, kind: Kind, key: bytes | None, topic: str, *offsets: int, detail: str = ""
    ) -> None:
        name = None if key is None else key.decode(errors="replace")
        self.report.add(Finding(kind, name, topic, self.number, offsets, (), detail))
