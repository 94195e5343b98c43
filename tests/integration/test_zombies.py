"""A worker that was stopped for longer than its session, and comes back to find others at work."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, TopicPartition
from workers import PARTITIONS, Process, by_patient, expected, read_when, send, total

from stream.offline import OfflineEngine
from stream.rules import load_ruleset
from stream.worker.codec import decode_record
from stream.worker.run import EXIT_EVICTED
from tests.worker.ward_events import lines, ward

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers import Broker, Topics

    from stream.engine.state import PatientRecord

SESSION_S = 3.0
SETTINGS = {
    "session_timeout_s": str(SESSION_S),
    "batch_max_events": "20",
    "batch_within_s": "0.02",
    "tick_interval_s": "0.5",
}


def records_in_the_changelog(topics: Topics) -> dict[str, PatientRecord]:
    """What a recovery would take for each patient's newest record."""
    with KafkaConsumer(bootstrap_servers=topics.bootstrap) as consumer:
        name = f"{topics.prefix}app-patients-changelog"
        parts = [TopicPartition(name, p) for p in range(PARTITIONS)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        newest: dict[bytes, bytes | None] = {}
        while any(consumer.position(part) < end for part, end in ends.items()):
            for batch in consumer.poll(timeout_ms=500).values():
                newest |= {one.key: one.value for one in batch}
        return {key.decode(): decode_record(value) for key, value in newest.items() if value}


def test_a_zombie_writes_nothing_and_ends(
    topics: Callable[..., Topics], start: Callable[..., Process], broker: Broker
) -> None:
    if broker.kind == "embedded":
        pytest.skip("the embedded broker never evicts a member that died")
    mine = topics(PARTITIONS)
    raw = lines(ward(12))
    zombie = start(mine, "zombie", **SETTINGS).ready()
    feeding = threading.Thread(
        target=lambda: [
            (send(mine, raw[i : i + 15]), time.sleep(0.1)) for i in range(0, len(raw), 15)
        ]
    )
    feeding.start()
    time.sleep(0.6)
    zombie.process.send_signal(signal.SIGSTOP)
    heir = start(mine, "heir", **SETTINGS).ready()
    feeding.join()
    said = expected(raw)
    read_when(mine, "alerts", total(said))
    zombie.process.send_signal(signal.SIGCONT)
    assert zombie.process.wait(30) == EXIT_EVICTED
    assert "no longer counts this worker a member" in zombie.log.read_text()
    time.sleep(2)  # the heir looks at the ends of the changelogs every half second
    found = by_patient(read_when(mine, "alerts", total(said)))
    assert {patient: list(dict.fromkeys(values)) for patient, values in found.items()} == said
    engine = OfflineEngine(load_ruleset())
    for value in raw:
        engine.take(value)
    told = {patient: state.record.published for patient, state in engine.states.items()}
    held = {patient: record.published for patient, record in records_in_the_changelog(mine).items()}
    assert held == told
    assert heir.end() == 0
