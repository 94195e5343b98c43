"""What the input topics hold of one patient, and what the alerts topic holds of one alert."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stream.cli.brokers import reaching
from stream.cli.exits import BROKER, CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stream.settings import Settings

INPUTS = ("vitals", "care")
_ASKS = ("escalation.opened", "escalation.reopened", "escalation.unshelved")
"""What begins a ladder: an answer before it holds no more."""


@dataclass(frozen=True, slots=True)
class Held:
    """One record that a topic holds; `timestamp` in milliseconds since 1970."""

    timestamp: int
    topic: str
    offset: int
    partition: int
    key: bytes | None
    value: bytes

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


def alert_record(settings: Settings, alert_id: str) -> dict[str, Any] | None:
    """The alert of this id on the alerts topic; None where it is not there (any more)."""
    wanted = json.dumps(alert_id)[1:-1].encode()
    for record in _read(settings, ("alerts",)):
        if wanted not in record.value:
            continue
        try:
            document = json.loads(record.value)
        except ValueError:
            continue
        if isinstance(document, dict) and document.get("alert_id") == alert_id:
            return document
    return None


def standing_answer(values: Iterable[bytes], alert_id: str) -> dict[str, Any] | None:
    """The `escalation.acknowledged` of this alert, among alerts, that holds; else None."""
    wanted, found = json.dumps(alert_id)[1:-1].encode(), None
    for value in values:
        if wanted not in value or b"escalation." not in value:
            continue
        try:
            document = json.loads(value)
        except ValueError:
            continue
        if not isinstance(document, dict) or document.get("alert") != alert_id:
            continue
        if document.get("type") == "escalation.acknowledged":
            found = document
        elif document.get("type") in _ASKS:
            found = None
    return found


def alert_values(settings: Settings) -> Iterator[bytes]:
    """All that the alerts topic holds now."""
    return (record.value for record in _read(settings, ("alerts",)))


def patient_events(settings: Settings, patient_id: str) -> list[Held]:
    """The patient's records of the input topics, in the order in which the brokers took them.

    Across the two topics that order is the records' timestamps: the nearest thing to the order in
    which a worker read them.
    """
    key = patient_id.encode()
    records = [record for record in _read(settings, INPUTS) if record.key == key]
    return sorted(records, key=lambda record: (record.timestamp, record.topic, record.offset))


def _read(settings: Settings, topics: Sequence[str]) -> Iterator[Held]:
    """All that the topics hold now; it only looks."""
    from kafka import KafkaConsumer, TopicPartition

    with reaching(settings) as arguments:
        consumer = KafkaConsumer(
            group_id=None, enable_auto_commit=False, allow_auto_create_topics=False, **arguments
        )
        try:
            assigned = []
            for topic in topics:
                name = settings.topic_prefix + topic
                partitions = consumer.partitions_for_topic(name)
                if not partitions:
                    raise CommandError(
                        f"there is no topic {name} at {settings.bootstrap_servers}; name FILEs "
                        "to explain from, or make the topics with `stormwatch topics create`",
                        BROKER,
                    )
                assigned += [TopicPartition(name, number) for number in sorted(partitions)]
            consumer.assign(assigned)
            consumer.seek_to_beginning(*assigned)
            ends = consumer.end_offsets(assigned)
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for partition, records in consumer.poll(timeout_ms=500).items():
                    for record in records:
                        if record.value is not None and record.offset < ends[partition]:
                            yield Held(
                                record.timestamp,
                                record.topic,
                                record.offset,
                                record.partition,
                                record.key,
                                record.value,
                            )
        finally:
            consumer.close()
