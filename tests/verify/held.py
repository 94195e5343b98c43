"""What topics hold after a worker has run, in memory: the real worker, no Kafka."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stream.verify.audit import Audit, Names
from stream.verify.findings import Report
from stream.verify.rebuild import RebuildPolicy
from stream.worker.partitions import partition_of
from stream.worker.records import SourceRecord
from stream.worker.table_keys import patient_of
from tests.charts import P0
from tests.worker.harness import PARTITIONS, Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream.verify.findings import Finding, Kind

NAMES = Names(("vitals", "care"), "ticks", "alerts", "pc", "wc")
NOW = 1_780_000_000.0


@dataclass
class Log:
    """One partition of a topic; `first` records of it are deleted."""

    records: list[SourceRecord]
    first: int = 0

    @property
    def end(self) -> int:
        return self.records[-1].offset + 1 if self.records else self.first

    def __iter__(self) -> Iterator[SourceRecord]:
        return (record for record in self.records if record.offset >= self.first)


@dataclass
class Held:
    """Topics in memory; `committed` None: everything is."""

    logs: dict[tuple[str, int], Log] = field(default_factory=dict)
    tables: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    offsets: dict[str, int] | None = None
    clock: float = NOW

    def put(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None
    ) -> SourceRecord:
        """One record more, a millisecond later."""
        home = partition_of(key or b"", PARTITIONS) if partition is None else partition
        log = self.logs.setdefault((topic, home), Log([]))
        self.clock += 0.001
        record = SourceRecord(topic, home, log.end, self.clock, key, value)
        log.records.append(record)
        return record

    def send(self, raw: Iterable[bytes], topic: str = "vitals") -> list[SourceRecord]:
        """Events, each to its patient's partition."""
        return [self.put(topic, json.loads(r)["patient_id"].encode(), r) for r in raw]

    def tick(self, time: str) -> list[SourceRecord]:
        """One tick for every partition."""
        value = json.dumps({"type": "tick", "time": time}).encode()
        return [self.put("ticks", None, value, number) for number in range(PARTITIONS)]

    def written_by(self, worker: Worker) -> None:
        """The worker's alerts and tables become the topics'."""
        for number in range(PARTITIONS):
            self.logs.pop(("alerts", number), None)
        for topic, key, value in worker.broker.acknowledged:
            if topic == "alerts":
                self.put(topic, key, value)
        self.tables = {"pc": worker.broker.table("pc"), "wc": worker.broker.table("wc")}

    # -- what `stream.verify.audit` reads ------------------------------------------------------

    def committed(self, partition: int) -> dict[str, int]:
        mine = {topic: log.end for (topic, number), log in self.logs.items() if number == partition}
        return mine if self.offsets is None else {t: self.offsets.get(t, mine[t]) for t in mine}

    def table(self, topic: str, partition: int) -> dict[bytes, bytes]:
        return {
            key: value
            for key, value in self.tables.get(topic, {}).items()
            if partition_of(key[:-9] if topic == "wc" else patient_of(key), PARTITIONS) == partition
        }

    def open(self, topic: str, partition: int) -> Log:
        return self.logs.get((topic, partition), Log([]))

    # -- what is done to them ------------------------------------------------------------------

    def alerts_of(self, patient: str) -> list[SourceRecord]:
        log = self.logs["alerts", partition_of(patient.encode(), PARTITIONS)]
        return [record for record in log.records if record.key == patient.encode()]

    def tamper(self, old: SourceRecord, value: bytes | None) -> None:
        """Alter one record's value; None takes the record out, as in a copy of the topic."""
        log = self.logs[old.topic, old.partition]
        kept = [r for r in log.records if r is not old or value is not None]
        log.records = [
            replace(r, offset=n, value=value if r is old else r.value) for n, r in enumerate(kept)
        ]

    def swap(self, one: SourceRecord, other: SourceRecord) -> None:
        """Two records change their places."""
        log = self.logs[one.topic, one.partition]
        log.records[one.offset] = replace(other, offset=one.offset)
        log.records[other.offset] = replace(one, offset=other.offset)


def verified(held: Held, only: str | None = None, **policy: Any) -> Report:
    """The report on all partitions."""
    report = Report()
    rules = RebuildPolicy(P0, PARTITIONS, "ticks", 3_600_000_000, 262_144)
    rules = replace(rules, only=None if only is None else only.encode(), **policy)
    audit = Audit(held, NAMES, rules, report)
    for number in range(PARTITIONS):
        audit.partition(number)
    return report


def kinds(report: Report) -> dict[Kind, int]:
    """How many of each kind, notes left out."""
    found: dict[Kind, int] = {}
    for finding in report.findings:
        if finding.kind.weight != "note":
            found[finding.kind] = found.get(finding.kind, 0) + 1
    return found


def only(report: Report, kind: Kind) -> Finding:
    """The one finding there is, which is of this kind."""
    assert set(kinds(report)) == {kind}, report.findings
    (finding,) = [item for item in report.findings if item.kind is kind]
    return finding
