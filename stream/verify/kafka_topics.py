"""The topics of `stream.verify.audit`, read from Kafka: no group is joined, nothing is written."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import (
    CoordinatorNotAvailableError,
    KafkaTimeoutError,
    OffsetOutOfRangeError,
)

from stream.worker.records import SourceRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Self

STALLED_S = 30.0
"""A broker that gives nothing for so long, though there is more, is given up."""


COORDINATOR_S = 10.0


class TopicsUnfitError(RuntimeError):
    """A topic is not there, has another number of partitions, or lost records while it was read."""


@dataclass(slots=True)
class KafkaLog:
    """One partition; see `stream.verify.audit.Log`. Each has a consumer of its own."""

    consumer: Any
    place: TopicPartition
    first: int
    end: int

    def __iter__(self) -> Iterator[SourceRecord]:
        """The records up to `end`. Raises TopicsUnfitError, and KafkaError of the client."""
        yield from self.read(self.first, self.end)

    def read(self, first: int, end: int) -> Iterator[SourceRecord]:
        """The records from one offset to before another."""
        self.consumer.assign([self.place])
        self.consumer.seek(self.place, first)
        last = time.monotonic()
        while self.consumer.position(self.place) < end:
            try:
                polled = self.consumer.poll(timeout_ms=500).get(self.place, ())
            except OffsetOutOfRangeError:
                raise TopicsUnfitError(
                    f"records of {self.place.topic} were deleted while they were read: run it again"
                ) from None
            if polled:
                last = time.monotonic()
            elif time.monotonic() - last > STALLED_S:
                where = f"{self.place.topic}[{self.place.partition}]"
                raise KafkaTimeoutError(f"{where} gave no record for {STALLED_S:g} s")
            for record in polled:
                if record.offset < end:
                    yield SourceRecord(
                        record.topic,
                        record.partition,
                        record.offset,
                        record.timestamp / 1000,
                        record.key,
                        record.value,
                    )


class KafkaTopics:
    """See `stream.verify.audit.Topics`. `client`: arguments of a kafka-python client."""

    def __init__(self, client: Mapping[str, Any], group: str, partitions: int) -> None:
        self._client, self._group, self._partitions = dict(client), group, partitions
        self._admin: Any = None
        self._consumers: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._admin = KafkaAdminClient(**self._client)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for consumer in self._consumers.values():
            consumer.close()
        self._admin.close()

    def committed(self, partition: int) -> dict[str, int]:
        """By topic, the offset that the group has committed in a partition."""
        deadline = time.monotonic() + COORDINATOR_S
        while True:
            try:
                offsets = self._admin.list_group_offsets(self._group).get(self._group, {})
                break
            except CoordinatorNotAvailableError:  # the first that is asked for on a new broker
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.3)
        return {
            place.topic: found.offset
            for place, found in offsets.items()
            if place.partition == partition and found.offset >= 0
        }

    def table(self, topic: str, partition: int) -> dict[bytes, bytes]:
        """The newest value of each key of a changelog.

        Compaction may take a value away before it is read only for one behind the end as it was
        then: so the log is read on to where its end is afterwards.
        """
        content: dict[bytes, bytes] = {}
        log = self.open(topic, partition)
        first, end = log.first, log.end
        for _ in range(2):
            for record in log.read(first, end):
                if record.key is None:
                    continue
                if record.value is None:
                    content.pop(record.key, None)
                else:
                    content[record.key] = record.value
            first, end = end, self._extent(log.consumer, log.place)[1]
        return content

    def open(self, topic: str, partition: int) -> KafkaLog:
        """A log from its beginning to its end of now. Raises TopicsUnfitError."""
        place = TopicPartition(topic, partition)
        consumer = self._consumers.get(topic)
        if consumer is None:
            consumer = self._consumers[topic] = KafkaConsumer(
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                allow_auto_create_topics=False,
                **self._client,
            )
            self._fits(topic, consumer.partitions_for_topic(topic))
        return KafkaLog(consumer, place, *self._extent(consumer, place))

    def _extent(self, consumer: Any, place: TopicPartition) -> tuple[int, int]:
        first = consumer.beginning_offsets([place])[place]
        return first, consumer.end_offsets([place])[place]

    def _fits(self, topic: str, found: set[int] | None) -> None:
        if not found:
            raise TopicsUnfitError(
                f"there is no topic {topic}: name the workers' application_id and topic_prefix, "
                "and see `stormwatch topics check`"
            )
        if len(found) != self._partitions:
            raise TopicsUnfitError(
                f"topic {topic} has {len(found)} partitions, the settings say {self._partitions}: "
                f"set partitions = {len(found)}"
            )
