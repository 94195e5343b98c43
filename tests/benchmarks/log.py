"""The topics of a case: events in at full speed or at a rate, alerts out, commits awaited."""

from __future__ import annotations

import gc
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as Place
from kafka import KafkaConsumer, TopicPartition

from stream.worker.partitions import partition_of
from tests.benchmarks.oracle import Said
from tests.benchmarks.paced import Read
from tests.benchmarks.plan import Void

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from brokers import Topics

    from tests.benchmarks.ward import Event

PARTITIONS = 8
GIVE_UP_S = 600.0
STEP_S = 0.002
COMMIT_LOOK_S = 0.25


class Loader:
    """Writes events where their patient belongs, as fast as it can or at a rate."""

    def __init__(self, topics: Topics) -> None:
        self._topic = topics.name("vitals")
        self._producer = Producer(
            {
                "bootstrap.servers": topics.bootstrap,
                "acks": "all",
                "linger.ms": 1,
                "log_level": 3,
                "enable.idempotence": True,  # in order, whatever is sent again
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 1_048_576,
            }
        )

    def load(self, events: Iterable[Event]) -> int:
        """Returns how many, once the broker has them all."""
        count = 0
        for count, event in enumerate(events, 1):  # noqa: B007
            self._send(event)
        self._flush()
        return count

    def pace(self, events: Sequence[Event], rate: float) -> list[float]:
        """Sends `rate` a second; returns when each was handed to the client, seconds since 1970.

        Python's collector, which would look through the oracle's states for a third of a second,
        and have a burst follow, does not run meanwhile.
        """
        gc.disable()
        try:
            return self._pace(events, rate)
        finally:
            gc.enable()

    def _pace(self, events: Sequence[Event], rate: float) -> list[float]:
        stamps: list[float] = []
        begin = time.monotonic()
        while len(stamps) < len(events):
            wanted = min(len(events), int((time.monotonic() - begin) * rate) + 1)
            for event in events[len(stamps) : wanted]:
                stamps.append(time.time())
                self._send(event)
            self._producer.poll(0)
            time.sleep(STEP_S)
        self._flush()
        return stamps

    def _send(self, event: Event) -> None:
        while True:
            try:
                self._producer.produce(
                    self._topic, event.value, event.key, partition_of(event.key, PARTITIONS)
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def _flush(self) -> None:
        left = self._producer.flush(GIVE_UP_S)
        if left:
            raise Void(f"the broker did not take {left} events")


class Follower(ABC):
    """`with` it, a thread reads whatever comes from these places on."""

    def __init__(self, bootstrap: str, group: str, begin: list[Place], **settings: int) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=group, daemon=True)
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                **{name.replace("_", "."): value for name, value in settings.items()},
            }
        )
        self._consumer.assign(begin)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)
        self._consumer.close()

    def _run(self) -> None:
        while not self._over.is_set():
            self._take()

    @abstractmethod
    def _take(self) -> None:
        """Wait a moment for what comes, and take it in."""


class AlertReader(Follower):
    """`with AlertReader(topics) as alerts`: a thread reads whatever comes from now on."""

    def __init__(self, topics: Topics) -> None:
        self.read: list[Read] = []
        name = topics.name("alerts")
        begin = [Place(name, number, 0) for number in range(PARTITIONS)]
        super().__init__(
            topics.bootstrap, f"{topics.prefix}bench-reader", begin, fetch_wait_max_ms=100
        )

    def _take(self) -> None:
        message = self._consumer.poll(0.2)
        if message is not None and not message.error():
            said = Said(message.key(), message.value())
            self.read.append(Read(said, message.timestamp()[1] / 1000, time.time()))

    def drain(self, least: int) -> list[Read]:
        """At least so many different alerts, or all that come in time; what is read begins anew."""
        give_up = time.monotonic() + GIVE_UP_S
        quiet, before = 0.0, -1
        while quiet < 120 and time.monotonic() < give_up:
            if len({each.said for each in self.read}) >= least:
                time.sleep(0.5)  # one too many would come now
                break
            quiet = 0.0 if len(self.read) != before else quiet + 0.1
            before = len(self.read)
            time.sleep(0.1)
        read, self.read = self.read, []
        return read


def await_commits(topics: Topics, application_id: str) -> None:
    """Returns once all events are settled: what they led to is said and stored. Raises Void."""
    ends = ends_of(topics)
    consumer = KafkaConsumer(
        bootstrap_servers=topics.bootstrap, group_id=application_id, enable_auto_commit=False
    )
    give_up = time.monotonic() + GIVE_UP_S
    with consumer:
        for number, end in ends.items():
            place = TopicPartition(topics.name("vitals"), number)
            while (consumer.committed(place) or 0) < end:
                if time.monotonic() > give_up:
                    raise Void("what was worked off is not committed")
                time.sleep(COMMIT_LOOK_S)


def ends_of(topics: Topics) -> dict[int, int]:
    """Where each partition of the events' topic ends now."""
    parts = [TopicPartition(topics.name("vitals"), number) for number in range(PARTITIONS)]
    with KafkaConsumer(bootstrap_servers=topics.bootstrap) as consumer:
        return {part.partition: end for part, end in consumer.end_offsets(parts).items()}
