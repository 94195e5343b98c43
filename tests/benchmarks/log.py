"""The topics of a case: events in at full speed or at a rate, alerts out, and what state weighs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from brokers import KafkaAdminClient
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as Place
from kafka import KafkaConsumer, TopicPartition

from stream.worker.partitions import partition_of
from tests.benchmarks.oracle import Said
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
        """Sends `rate` a second; returns when each was handed to the client, seconds since 1970."""
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


class Read(NamedTuple):
    """An alert, when the broker had it and when it was here, seconds since 1970."""

    said: Said
    stored: float
    arrived: float


class AlertReader:
    """`with AlertReader(topics) as alerts`: a thread reads whatever comes from now on."""

    def __init__(self, topics: Topics) -> None:
        self.read: list[Read] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._consumer = Consumer(
            {
                "bootstrap.servers": topics.bootstrap,
                "group.id": f"{topics.prefix}bench-reader",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 100,
            }
        )
        name = topics.name("alerts")
        self._consumer.assign([Place(name, number, 0) for number in range(PARTITIONS)])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)
        self._consumer.close()

    def _run(self) -> None:
        while not self._over.is_set():
            message = self._consumer.poll(0.2)
            if message is None or message.error():
                continue
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


class Weight(NamedTuple):
    """The changelogs at one moment: where their partitions end, and their bytes on disk."""

    ends: dict[TopicPartition, int]
    disk: int | None


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

    def since(self, before: Weight) -> dict[str, Any]:
        """Records and bytes since then: keys and values as read back, and growth on disk."""
        now = self.weigh()
        found = {"records": 0, "bytes": 0}
        config = {"bootstrap.servers": self._bootstrap, "group.id": f"{self._prefix}-weigh"}
        consumer = Consumer({**config, "enable.auto.commit": False})
        left = {(p.topic, p.partition): end for p, end in now.ends.items() if end > before.ends[p]}
        consumer.assign([Place(*key, before.ends[TopicPartition(*key)]) for key in left])
        give_up = time.monotonic() + GIVE_UP_S
        while left and time.monotonic() < give_up:
            for message in consumer.consume(5_000, 0.5):
                if message.error():
                    continue
                found["records"] += 1
                found["bytes"] += len(message.key() or b"") + len(message.value() or b"")
                place = message.topic(), message.partition()
                if message.offset() + 1 >= left.get(place, 0):
                    left.pop(place, None)
        consumer.close()
        both = before.disk is not None and now.disk is not None
        return {**found, "disk": now.disk - before.disk if both else None}  # type: ignore[operator]


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
