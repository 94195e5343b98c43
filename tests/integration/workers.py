"""Workers as processes, and what goes in and comes out of their topics."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from services import Service

from stream.offline import OfflineEngine
from stream.rules import load_ruleset

if TYPE_CHECKING:
    from brokers import Topics

PARTITIONS = 4


class Process(Service):
    """`python -m stream.worker`, or a script in its place, with settings in its environment."""

    greeting = "worker ready"

    def __init__(
        self, topics: Topics, home: Path, name: str, script: tuple[str, ...] = (), **settings: str
    ) -> None:
        prefix = topics.prefix
        chosen = {
            "bootstrap_servers": topics.bootstrap, "topic_prefix": prefix,
            "application_id": f"{prefix}app", "partitions": str(PARTITIONS), "metrics_port": "0",
            "data_dir": str(home / name), "session_timeout_s": "6", "ticks": "off",
            "hash_key": "k" * 32, **settings,
        }  # fmt: skip
        super().__init__(script or ("-m", "stream.worker"), home, name, chosen)

    @property
    def base(self) -> str:
        """Where the worker is probed; known once it is ready."""
        return self.address("metrics")

    @property
    def metrics(self) -> str:
        return answer(f"{self.base}/metrics")[1]


def answer(url: str) -> tuple[int, str]:
    """Status and text."""
    try:
        with urllib.request.urlopen(url, timeout=5) as said:
            return said.status, said.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def send(topics: Topics, raw: list[bytes], topic: str = "vitals") -> None:
    """Records of their patients; those that are no JSON are some other patient's."""
    with KafkaProducer(bootstrap_servers=topics.bootstrap, acks="all") as producer:
        for value in raw:
            key = json.loads(value)["patient_id"].encode() if value[:1] == b"{" else b"p-0"
            producer.send(topics.name(topic), key=key, value=value)
        producer.flush()


def read(topics: Topics, topic: str) -> list[Any]:
    """Everything that is in a topic now."""
    with KafkaConsumer(bootstrap_servers=topics.bootstrap) as consumer:
        parts = [TopicPartition(topics.name(topic), p) for p in range(PARTITIONS)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        records: list[Any] = []
        deadline = time.monotonic() + 20
        while any(consumer.position(part) < end for part, end in ends.items()):
            assert time.monotonic() < deadline
            for batch in consumer.poll(timeout_ms=500).values():
                records += batch
        return records


def read_when(topics: Topics, topic: str, count: int, *, seconds: float = 40.0) -> list[Any]:
    """What is in a topic once there are that many distinct values, and a little later."""
    deadline = time.monotonic() + seconds
    while True:
        records = read(topics, topic)
        if len({record.value for record in records}) >= count:
            time.sleep(0.7)
            return read(topics, topic)
        assert time.monotonic() < deadline, f"{len(records)} of {count} in {topic}"
        time.sleep(0.3)


def expected(raw: list[bytes]) -> dict[str, list[bytes]]:
    """The engine's alerts over the same events, by patient, in order."""
    engine = OfflineEngine(load_ruleset())
    said: dict[str, list[bytes]] = {}
    for line in raw:
        for alert in engine.take(line).alerts:
            said.setdefault(alert.patient_id, []).append(alert.to_bytes())
    return said


def by_patient(records: list[Any]) -> dict[str, list[bytes]]:
    said: dict[str, list[bytes]] = {}
    for record in records:
        said.setdefault(record.key.decode(), []).append(record.value)
    return said


def total(said: dict[str, list[bytes]]) -> int:
    return sum(map(len, said.values()))
