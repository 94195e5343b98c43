"""What the topics of a run hold: records in, records out, and how far the group has come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stream.settings import Settings

POLL_MS = 500
NOTHING_S = 120.0
"""So long a broker may have nothing more of a log that has more."""


class ReadError(RuntimeError):
    """A topic could not be read to its end."""


def client_arguments(settings: Settings) -> dict[str, Any]:
    """Arguments of kafka-python's clients."""
    servers = settings.bootstrap_servers.split(",")
    return {"bootstrap_servers": servers, **settings.kafka_python_security()}


def read(settings: Settings, topic: str, partition: int) -> Iterator[Any]:
    """All records of one partition up to its present end, in order. Raises ReadError."""
    from kafka import KafkaConsumer, TopicPartition  # noqa: PLC0415 - slow to import

    consumer = KafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        max_poll_records=5_000,
        **client_arguments(settings),
    )
    place = TopicPartition(topic, partition)
    try:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        since = time.monotonic()
        while consumer.position(place) < end:
            records = consumer.poll(timeout_ms=POLL_MS).get(place, ())
            yield from (record for record in records if record.offset < end)
            if records:
                since = time.monotonic()
            elif time.monotonic() - since > NOTHING_S:
                raise ReadError(f"{topic}[{partition}] ends at {end}, but is not served so far")
    finally:
        consumer.close()


def newest(records: Iterator[Any]) -> dict[bytes, bytes]:
    """What a compacted topic says: the last value of each key, without those taken back."""
    table: dict[bytes, bytes] = {}
    for record in records:
        if record.value is None:
            table.pop(record.key, None)
        else:
            table[record.key] = record.value
    return table


class Group:
    """How far the workers' group has come; it asks by name only and never joins."""

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        from kafka import KafkaConsumer, TopicPartition  # noqa: PLC0415

        self._consumer = KafkaConsumer(
            group_id=settings.application_id,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            **client_arguments(settings),
        )
        self.places = [
            TopicPartition(topic, number)
            for topic in topics
            for number in range(settings.partitions)
        ]

    def committed(self) -> Mapping[Any, int]:
        """The committed offset of each partition; 0 where nothing is committed."""
        return {place: self._consumer.committed(place) or 0 for place in self.places}

    def ends(self) -> Mapping[Any, int]:
        """The end of each partition's log."""
        ends: Mapping[Any, int] = self._consumer.end_offsets(self.places)
        return ends

    def close(self) -> None:
        """End the connection."""
        self._consumer.close()
