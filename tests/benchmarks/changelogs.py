"""What the workers' state weighs in the log: as read back, as it grows on disk, and when."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from brokers import KafkaAdminClient
from confluent_kafka import TopicPartition as Place
from kafka import KafkaConsumer, TopicPartition

from tests.benchmarks.log import GIVE_UP_S, PARTITIONS, Follower
from tests.benchmarks.paced import Written
from tests.benchmarks.plan import Void

if TYPE_CHECKING:
    from collections.abc import Mapping

    from brokers import Topics


class Weight(NamedTuple):
    """The changelogs at one moment: where their partitions end, and their bytes on disk."""

    ends: dict[TopicPartition, int]
    disk: int | None

    def grown(self, before: Weight) -> int | None:
        """Bytes on disk since then; None where a broker does not say."""
        both = before.disk is not None and self.disk is not None
        return self.disk - before.disk if both else None  # type: ignore[operator]


class Changelogs:
    """What the workers' tables weigh in the log; found by their names, whatever they are."""

    def __init__(self, topics: Topics, application_id: str) -> None:
        self._bootstrap = topics.bootstrap
        self._prefix = application_id

    def weigh(self) -> Weight:
        """The present state."""
        with KafkaAdminClient(bootstrap_servers=self._bootstrap) as admin:
            names = [
                name for name in admin.list_topics()
                if name.startswith(self._prefix) and name.endswith("-changelog")
            ]  # fmt: skip
            disk = _on_disk(admin, names)
        parts = [TopicPartition(name, number) for name in names for number in range(PARTITIONS)]
        with KafkaConsumer(bootstrap_servers=self._bootstrap) as consumer:
            return Weight(consumer.end_offsets(parts), disk)

    def follow(self, since: Weight) -> ChangelogReader:
        """Reads what is written from that moment on, while it is written."""
        return ChangelogReader(self._bootstrap, f"{self._prefix}-weigh", since.ends)

    def since(self, before: Weight) -> dict[str, Any]:
        """Records and bytes since then: keys and values as read back, and growth on disk.

        Raises Void.
        """
        now = self.weigh()
        with self.follow(before) as reader:
            written = reader.until(now.ends)
        return {
            "records": len(written), "bytes": sum(each.size for each in written),
            "disk": now.grown(before),
        }  # fmt: skip


class ChangelogReader(Follower):
    """`with changelogs.follow(weight) as reader`: a thread reads, before compaction takes any."""

    def __init__(self, bootstrap: str, group: str, begin: Mapping[TopicPartition, int]) -> None:
        self._written: list[Written] = []
        self._next = {(part.topic, part.partition): offset for part, offset in begin.items()}
        places = [Place(*part, offset) for part, offset in self._next.items()]
        # seldom: nobody waits for it
        super().__init__(bootstrap, group, places, fetch_min_bytes=1_000_000, fetch_wait_max_ms=500)

    def _take(self) -> None:
        for message in self._consumer.consume(5_000, 0.5):
            if message.error():
                continue
            size = len(message.key() or b"") + len(message.value() or b"")
            self._written.append(Written(message.timestamp()[1] / 1000, size))
            self._next[message.topic(), message.partition()] = message.offset() + 1

    def until(self, ends: Mapping[TopicPartition, int]) -> list[Written]:
        """All records before these ends. Raises Void."""
        give_up = time.monotonic() + GIVE_UP_S
        while any(self._next[part.topic, part.partition] < end for part, end in ends.items()):
            if time.monotonic() > give_up:
                raise Void("the changelogs could not be read to their ends")
            time.sleep(0.05)
        return list(self._written)


def _on_disk(admin: Any, names: list[str]) -> int | None:
    """Bytes of the topics on all brokers; None where these do not say."""
    try:
        answers = admin.describe_log_dirs({name: list(range(PARTITIONS)) for name in names})
    except Exception:  # noqa: BLE001 - an embedded broker does not know the question
        return None
    return sum(
        part["partition_size"]
        for answer in answers for folder in answer["log_dirs"]
        for topic in folder["topics"] for part in topic["partitions"]
    )  # fmt: skip
