"""A worker without Faust and Kafka: the rounds over a broker that answers later, or not."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from faust.types import TP

from stream.metrics import Metrics
from stream.offline import OfflineEngine
from stream.rules import load_ruleset
from stream.worker.agent import Rounds
from stream.worker.batch import BatchPolicy
from stream.worker.changelogs import ChangelogPositions, Changelogs
from stream.worker.codec import encode_record, encode_window
from stream.worker.grader import RulesetGrader
from stream.worker.ledger import Ledger
from stream.worker.partitions import partition_of
from stream.worker.records import SourceRecord
from stream.worker.stored_state import stored_record, stored_state
from stream.worker.table_keys import differential_key, is_differential, split_window_key, window_key
from stream.worker.unsettled import Place, places_of
from stream.worker.ward import Ward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from stream.engine.state import PatientRecord

PARTITIONS = 4
NOW = 4_000_000_000.0  # far ahead: nothing of the tests lies in the future
POLICY = BatchPolicy(
    home_topic="vitals", ticks_topic="ticks", alerts_topic="alerts", deadletter_topic="deadletter",
    status_topic="status", partitions=PARTITIONS, max_ahead=3_600_000_000,
    max_record_bytes=262_144, deadletters_per_minute=600,
    application_id="test", worker="w1", hash_key=b"k" * 16,
)  # fmt: skip


class BrokerDownError(Exception):
    pass


class FakeBroker:
    """Takes sends as Faust's producer does, answers them later, and can go away at a topic."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, bytes | None, int | None, Any]] = []
        self.acknowledged: list[tuple[str, bytes | None, bytes | None]] = []
        self._open: list[str] = []
        self.down_at: str | None = None
        self.allow = 0

    async def send(
        self, topic: str, key: Any, value: Any, partition: Any, timestamp: Any, headers: Any
    ) -> Any:
        assert topic in OUTPUTS or set(self._open) <= {topic}, topic
        offset = sum(t == topic and p == partition for t, _, _, p, _ in self.sent)
        self.sent.append((topic, key, value, partition, headers))
        answer = asyncio.get_running_loop().create_future()
        self._open.append(topic)

        def settle() -> None:
            if topic in self._open:
                self._open.remove(topic)
            if self.down_at == topic:
                if self.allow <= 0:
                    answer.set_exception(BrokerDownError(topic))
                    return
                self.allow -= 1
            self.acknowledged.append((topic, key, value))
            answer.set_result(SimpleNamespace(topic=topic, partition=partition, offset=offset))

        asyncio.get_running_loop().call_later(0.001, settle)
        return answer

    async def read(self, span: Any) -> list[Any]:
        raise AssertionError(f"nobody else writes here, and yet {span}")

    def values(self, topic: str) -> list[Any]:
        return [json.loads(v) for t, _, v in self.acknowledged if t == topic and v is not None]

    def table(self, topic: str) -> dict[bytes, bytes]:
        """What a recovery reads back from a changelog."""
        content: dict[bytes, bytes] = {}
        for t, key, value in self.acknowledged:
            if t == topic and key is not None:
                if value is None:
                    content.pop(key, None)
                else:
                    content[key] = value
        return content


OFFSETS = count(1_000_000)
"""Of records of which a test does not say where they lie: none is another one read again."""
OUTPUTS = {"alerts", "deadletter", "status"}


class Worker:
    """Rounds over a fake broker; `restart` forgets everything that was not acknowledged."""

    def __init__(self, grader: Any = None, write_after: float = 0.0) -> None:
        self.broker = FakeBroker()
        self.write_after, self.now = write_after, NOW
        self.metrics = Metrics()
        self.grader = grader or RulesetGrader(load_ruleset())
        self.restart()

    def restart(self) -> None:
        self.broker._open = []  # what was under way is neither here nor there
        ward = Ward(self.broker.table("pc"), self.broker.table("wc"), PARTITIONS)
        positions = ChangelogPositions()
        changelogs = Changelogs(ward, ("pc", "wc"), lambda: positions, self.broker.read)
        self.rounds = Rounds(
            ward, self.grader, POLICY, changelogs, self.metrics,
            clock=lambda: self.now, write_after=self.write_after,
        )  # fmt: skip
        self.rounds.writer.settle = self._settle
        self.ledgers: dict[int, Ledger] = defaultdict(Ledger)
        self.rounds.refresh(set(range(PARTITIONS)))

    def own_everything(self) -> None:
        """As after a recovery: both changelogs are known up to their ends."""
        for topic in ("pc", "wc"):
            for partition in range(PARTITIONS):
                at = sum(t == topic and p == partition for t, _, _, p, _ in self.broker.sent)
                self.rounds.changelogs.positions.restored(TP(topic, partition), at)

    async def ends(self) -> dict[TP, int]:
        """The ends of both changelogs, as a broker tells them."""
        sent = Counter(TP(t, p) for t, _, _, p, _ in self.broker.sent if p is not None)
        return {tp: sent[tp] for tp in self.rounds.changelogs.positions.next}

    def _settle(self, places: Iterable[Place]) -> None:
        for _, partition, offset in places:
            self.ledgers[partition].settle(offset)

    def work(self, records: list[SourceRecord], size: int = 1000) -> None:
        async def all_of_them() -> None:
            for first in range(0, len(records), size):
                batch = records[first : first + size]
                for one in batch:
                    self.ledgers[one.partition].deliver(one.offset)
                await self.rounds.work(self.broker, batch)
                self.rounds.writer.worked_off(places_of(batch))
                await self.rounds.writer.finish()

        asyncio.run(all_of_them())


def record(
    value: bytes | None, offset: int | None = None, *, key: bytes | None = b"",
    topic: str = "vitals", partition: int | None = None,
) -> SourceRecord:  # fmt: skip
    if key == b"" and value is not None:
        try:
            key = json.loads(value)["patient_id"].encode()
        except (ValueError, KeyError, TypeError):
            key = b"p00"
    home = partition_of(key or b"", PARTITIONS)
    return SourceRecord(
        topic, home if partition is None else partition,
        next(OFFSETS) if offset is None else offset, NOW, key, value,
    )  # fmt: skip


def records_in(patients: Mapping[bytes, bytes]) -> dict[bytes, PatientRecord]:
    """The record in force of each patient of the table."""
    return {
        key: stored_record(value, patients.get(differential_key(key)))
        for key, value in patients.items()
        if not is_differential(key)
    }


def alter(
    patients: dict[bytes, bytes],
    windows: dict[bytes, bytes],
    key: bytes,
    change: Callable[[PatientRecord], PatientRecord],
) -> None:
    """Write a patient's state whole, with another record."""
    held = {start: windows[window_key(key, start)] for start in windows_of(windows, key)}
    state = stored_state(patients[key], patients.pop(differential_key(key), None), held).state
    patients[key] = encode_record(change(state.record))
    windows |= {window_key(key, start): encode_window(w) for start, w in state.windows.items()}


def windows_of(windows: Mapping[bytes, bytes], patient: bytes) -> list[int]:
    """The starts of the patient's windows in the table."""
    parts = filter(None, map(split_window_key, windows))
    return sorted(start for whose, start in parts if whose == patient)


def offline(raw: list[bytes]) -> list[bytes]:
    engine = OfflineEngine(load_ruleset())
    alerts: list[bytes] = []
    for line in raw:
        alerts += [alert.to_bytes() for alert in engine.take(line).alerts]
    return alerts
