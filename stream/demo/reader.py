"""Reads what the worker says, in a thread: alerts, status and dead letters, each as its bytes."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

if TYPE_CHECKING:
    from collections.abc import Iterable

TOPICS = ("alerts", "status", "deadletter")
SOURCES = ("vitals", "care")
PAUSE_S = 0.05


@dataclass(slots=True)
class Heard:
    """What was read so far. Written by the reader's thread, read by all."""

    alerts: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    letters: list[bytes] = field(default_factory=list)
    status: dict[str, bytes] = field(default_factory=dict)
    news: deque[tuple[str, str, bytes]] = field(default_factory=deque)
    """Topic, patient and value of each record since the last look, for the screen."""


class Reader:
    """Follows the output topics from their beginning until it is told to finish."""

    def __init__(self, arguments: dict[str, Any], prefix: str) -> None:
        self.heard = Heard()
        self.error: KafkaError | None = None
        self._prefix = prefix
        self._consumer = KafkaConsumer(
            group_id=None, enable_auto_commit=False, allow_auto_create_topics=False, **arguments
        )
        self._partitions = [
            TopicPartition(prefix + topic, number)
            for topic in TOPICS
            for number in sorted(self._consumer.partitions_for_topic(prefix + topic) or ())
        ]
        self._consumer.assign(self._partitions)
        self._consumer.seek_to_beginning(*self._partitions)
        self._finish = threading.Event()
        self._abandon = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-reader", daemon=True)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def finish(self, within_s: float) -> bool:
        """Reads to the present end of the topics, then stops; False if that took too long."""
        self._finish.set()
        self._thread.join(within_s)
        done = not self._thread.is_alive()
        self.abandon()
        return done and self.error is None

    def abandon(self) -> None:
        """Stops reading at once; harmless when it has stopped."""
        self._abandon.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        ends: dict[Any, int] | None = None
        try:
            while not self._abandon.is_set():
                if ends is None and self._finish.is_set():
                    ends = self._consumer.end_offsets(self._partitions)
                if ends is not None and all(
                    self._consumer.position(partition) >= end for partition, end in ends.items()
                ):
                    break
                # Not `poll(timeout_ms=…)`: the embedded broker answers an empty fetch at once,
                # and kafka-python then asks again and again, with a whole core, until the timeout.
                batches = self._consumer.poll(timeout_ms=0)
                for records in batches.values():
                    self._take(records)
                if not batches:
                    time.sleep(PAUSE_S)
        except KafkaError as error:
            self.error = error
        finally:
            self._consumer.close()

    def _take(self, records: Iterable[Any]) -> None:
        for record in records:
            topic = record.topic.removeprefix(self._prefix)
            patient_id = (record.key or b"").decode("utf-8", "replace")
            if record.value is None:
                continue
            if topic == "alerts":
                self.heard.alerts[patient_id].append(record.value)
            elif topic == "deadletter":
                self.heard.letters.append(record.value)
            else:
                self.heard.status[patient_id] = record.value
            self.heard.news.append((topic, patient_id, record.value))


class Backlog:
    """How many records of the source topics the worker group has not finished."""

    def __init__(self, arguments: dict[str, Any], prefix: str, group: str) -> None:
        # It belongs to the group by name only: it asks for offsets and never joins.
        self._consumer = KafkaConsumer(group_id=group, enable_auto_commit=False, **arguments)
        self._partitions = [
            TopicPartition(prefix + topic, number)
            for topic in SOURCES
            for number in sorted(self._consumer.partitions_for_topic(prefix + topic) or ())
        ]

    def count(self) -> int:
        """Records sent and not yet committed."""
        ends = self._consumer.end_offsets(self._partitions)
        return sum(
            end - (self._consumer.committed(partition) or 0) for partition, end in ends.items()
        )

    def close(self) -> None:
        """Ends the connection."""
        self._consumer.close()
