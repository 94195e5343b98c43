"""A worker that was stopped for longer than its session, and comes back to find others at work."""

from __future__ import annotations

import re
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, TopicPartition
from workers import PARTITIONS, Process, by_patient, expected, read_when, send, total

from stream.offline import OfflineEngine
from stream.rules import load_ruleset
from stream.worker.run import EXIT_EVICTED
from tests.worker.harness import records_in
from tests.worker.ward_events import lines, ward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from brokers import Broker, Topics

    from stream.engine.state import PatientRecord

SESSION_S = 3.0
SETTINGS = {
    "session_timeout_s": str(SESSION_S),
    "batch_max_events": "20",
    "batch_within_s": "0.02",
    "tick_interval_s": "0.5",
}
SCRIPT = str(Path(__file__).with_name("loading_coordinator.py"))
LOADS_S = "6"
GONE = "no longer counts this worker a member"
REPLACED = "another worker owns a partition of ours"


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
        records = records_in({key: value for key, value in newest.items() if value})
        return {key.decode(): record for key, record in records.items()}


class Scene:
    """A worker is stopped at work; another takes over and works all off; the first one wakes."""

    def __init__(self, topics: Topics, home: Path, stack: ExitStack) -> None:
        self.topics, self._home, self._stack = topics, home, stack
        self.raw = lines(ward(12))

    def start(self, name: str, *script: str) -> Process:
        process = Process(self.topics, self._home, name, script, **SETTINGS)
        self._stack.callback(process.end, signal.SIGKILL)
        return process

    def play(self, *script: str) -> tuple[Process, Process]:
        """The zombie and the heir."""
        topics, raw = self.topics, self.raw
        zombie = self.start("zombie", *script).ready()
        feeding = threading.Thread(
            target=lambda: [
                (send(topics, raw[i : i + 15]), time.sleep(0.1)) for i in range(0, len(raw), 15)
            ]
        )
        feeding.start()
        time.sleep(0.6)
        zombie.process.send_signal(signal.SIGSTOP)
        heir = self.start("heir").ready()
        feeding.join()
        read_when(topics, "alerts", total(expected(raw)))
        zombie.process.send_signal(signal.SIGCONT)
        return zombie, heir

    def nothing_is_lost(self) -> None:
        said = expected(self.raw)
        found = by_patient(read_when(self.topics, "alerts", total(said)))
        assert {patient: list(dict.fromkeys(values)) for patient, values in found.items()} == said
        engine = OfflineEngine(load_ruleset())
        for value in self.raw:
            engine.take(value)
        told = {patient: state.record.published for patient, state in engine.states.items()}
        held = records_in_the_changelog(self.topics)
        assert {patient: record.published for patient, record in held.items()} == told


@pytest.fixture
def scene(topics: Callable[..., Topics], tmp_path: Path, broker: Broker) -> Iterator[Scene]:
    if broker.kind == "embedded":
        pytest.skip("the embedded broker never evicts a member that died")
    with ExitStack() as stack:
        yield Scene(topics(PARTITIONS), tmp_path, stack)


def evicted(zombie: Process, *words: str) -> None:
    """It has ended, by one of these words."""
    assert zombie.process.wait(30) == EXIT_EVICTED
    text = zombie.log.read_text()
    assert any(word in text for word in words)
    time.sleep(2)  # the heir looks at the ends of the changelogs every half second


def foreign(worker: Process) -> float:
    """Records of others that the worker found in its changelogs."""
    found = re.search(r"^stormwatch_foreign_writes_total (\S+)$", worker.metrics, re.MULTILINE)
    assert found is not None
    return float(found[1])


def test_a_zombie_writes_nothing_and_ends(scene: Scene) -> None:
    zombie, heir = scene.play()
    evicted(zombie, GONE, REPLACED)
    scene.nothing_is_lost()
    assert foreign(heir) == 0
    assert heir.end() == 0


def test_a_coordinator_that_loads_its_groups_makes_no_zombie_a_member(scene: Scene) -> None:
    """It answers every heartbeat without an error, to whomever."""
    zombie, heir = scene.play(SCRIPT, "proofs", LOADS_S)
    evicted(zombie, GONE, REPLACED)
    scene.nothing_is_lost()
    assert foreign(heir) == 0
    assert heir.end() == 0


def test_a_zombie_that_takes_this_for_a_proof_finds_the_heir_s_barrier(scene: Scene) -> None:
    zombie, heir = scene.play(SCRIPT, "heartbeats", LOADS_S)
    evicted(zombie, REPLACED)
    scene.nothing_is_lost()
    assert heir.end() == 0


def test_a_zombie_that_believes_all_writes_over_the_heir(scene: Scene) -> None:
    """That the tests above show something."""
    _, heir = scene.play(SCRIPT, "all", LOADS_S)
    deadline = time.monotonic() + 20
    while not foreign(heir):
        assert time.monotonic() < deadline
        time.sleep(0.2)
