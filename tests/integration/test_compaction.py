"""The state in the changelogs stays bounded, and a log that was compacted gives the tables back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from workers import PARTITIONS, Process, by_patient, expected, read_when, send, total

from stream.worker.marks import BARRIER
from stream.worker.table_keys import patient_of
from tests.worker.ward_events import lines, ward

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers import Broker, Topics

CHANGELOGS = ("app-patients-changelog", "app-windows-changelog")
PATIENTS = 4
QUICK = {
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "1000",
    "delete.retention.ms": "1000",
}
PATIENCE_S = 60


def compact_quickly(topics: Topics) -> None:
    with KafkaAdminClient(bootstrap_servers=topics.bootstrap) as admin:
        admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, topics.prefix + name, QUICK)
                for name in CHANGELOGS
            ]
        )


def kept(topics: Topics, changelog: str) -> list[bytes]:
    """The keys of all records of states that the changelog still holds, in order."""
    with KafkaConsumer(bootstrap_servers=topics.bootstrap, consumer_timeout_ms=1500) as consumer:
        parts = [TopicPartition(topics.prefix + changelog, p) for p in range(PARTITIONS)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        return [record.key for record in consumer if record.key != BARRIER]


def test_a_compacted_log_is_small_and_gives_the_same_tables(
    topics: Callable[..., Topics], start: Callable[..., Process], broker: Broker
) -> None:
    if broker.kind != "apache-kafka":
        pytest.skip("compaction is Apache Kafka's")
    mine = topics(PARTITIONS, changelogs=CHANGELOGS)
    compact_quickly(mine)
    raw = lines(ward(PATIENTS))
    part = len(raw) // 4
    settings = {"batch_max_events": "1"}  # a record of each table for each event
    worker = start(mine, "before", **settings).ready()
    for first in range(0, 3 * part, part):
        send(mine, raw[first : first + part])
        time.sleep(1.5)  # a segment ends; the newest is never compacted
    read_when(mine, "alerts", total(expected(raw[: 3 * part])))
    assert worker.end() == 0
    give_up = time.monotonic() + PATIENCE_S
    while len(keys := kept(mine, CHANGELOGS[0])) > part + PATIENTS:
        assert time.monotonic() < give_up, f"{len(keys)} records of {3 * part} are still there"
        time.sleep(1)
    assert len(set(map(patient_of, keys))) == PATIENTS
    after = start(mine, "after", **settings).ready()  # reads a log that is mostly holes
    send(mine, raw[3 * part :])
    said = expected(raw)
    assert by_patient(read_when(mine, "alerts", total(said))) == said
    assert after.end() == 0
