"""A leader of changelogs that was deposed and does not know it: nothing that it hides is lost."""

from __future__ import annotations

import json
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from brokers import fresh_topics
from kafka import KafkaAdminClient, TopicPartition
from kafka.structs import OffsetAndMetadata
from test_zombies import records_in_the_changelog
from workers import PARTITIONS, Process, by_patient, expected, read_when, send, total

from stream.offline import OfflineEngine
from stream.rules import load_ruleset
from stream.worker.marks import ends_of
from stream.worker.preflight import TABLES
from stream.worker.progress import PARTS, Part
from stream.worker.run import EXIT_EVICTED
from tests.worker.ward_events import lines, ward

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brokers import Broker, Topics

SCRIPT = str(Path(__file__).with_name("deposed_leader.py"))
SETTINGS = {"batch_max_events": "20", "batch_within_s": "0.02", "state_interval_s": "0.5"}
FOR_S, LONGER_S = "4", "12"
ENDS_WITHIN_S = 60


@pytest.fixture
def mine(broker: Broker) -> Iterator[Topics]:
    with fresh_topics(broker, PARTITIONS) as topics:
        yield topics


class Crew:
    """Workers on the same topics, one after the other."""

    def __init__(self, topics: Topics, home: Path, stack: ExitStack) -> None:
        self.topics, self._home, self._stack = topics, home, stack
        self.raw = lines(ward(12))
        self.half = len(self.raw) // 2

    def start(self, name: str, *script: str, **settings: str) -> Process:
        process = Process(self.topics, self._home, name, script, **SETTINGS | settings)
        self._stack.callback(process.end, signal.SIGKILL)
        return process

    def first_half(self) -> None:
        """Worked off and committed by a worker that is gone."""
        worker = self.start("first").ready()
        send(self.topics, self.raw[: self.half])
        read_when(self.topics, "alerts", total(expected(self.raw[: self.half])))
        assert worker.end() == 0

    def second_half(self) -> None:
        send(self.topics, self.raw[self.half :])

    def alerts(self) -> dict[str, list[bytes]]:
        """By patient, each once, once there are as many as the engine has."""
        found = by_patient(read_when(self.topics, "alerts", total(expected(self.raw))))
        return {patient: list(dict.fromkeys(values)) for patient, values in found.items()}

    def whole(self) -> bool:
        """Whether the newest records of the changelog are the engine's."""
        engine = OfflineEngine(load_ruleset())
        for value in self.raw:
            engine.take(value)
        held = records_in_the_changelog(self.topics)
        return {patient: record.published for patient, record in held.items()} == {
            patient: state.record.published for patient, state in engine.states.items()
        }

    @property
    def group(self) -> str:
        return f"{self.topics.prefix}app"

    def changelogs(self) -> list[str]:
        return [f"{self.group}-{table}-changelog" for table in TABLES]


@pytest.fixture
def crew(mine: Topics, tmp_path: Path) -> Iterator[Crew]:
    with ExitStack() as stack:
        yield Crew(mine, tmp_path, stack)


def logged(process: Process, event: str) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in process.log.read_text().splitlines() if line[:1] == "{"]
    return [entry for entry in entries if entry["event"] == event]


def told(crew: Crew) -> dict[int, dict[str, int]]:
    """By partition, what the commits of its source tell of the changelogs."""
    with KafkaAdminClient(bootstrap_servers=crew.topics.bootstrap) as admin:
        stands = admin.list_group_offsets(crew.group)[crew.group]
    return {tp.partition: ends_of(at.metadata) for tp, at in stands.items() if at.offset > 0}


def test_what_it_hides_is_waited_for(crew: Crew) -> None:
    crew.first_half()
    assert (commits := told(crew))
    assert all(ends.keys() == set(TABLES) and min(ends.values()) > 0 for ends in commits.values())
    heir = crew.start("heir", SCRIPT, "checked", FOR_S).ready()
    crew.second_half()
    assert crew.alerts() == expected(crew.raw)
    assert heir.end() == 0
    assert crew.whole()
    said = logged(heir, "a changelog is too short")
    assert said
    assert all(name in said[0]["logs"] for name in crew.changelogs())


def test_unchecked_it_is_lost(crew: Crew) -> None:
    """That the test above shows something: as it was before commits told of the ends."""
    crew.first_half()
    heir = crew.start("heir", SCRIPT, "unchecked", LONGER_S).ready()
    crew.second_half()
    time.sleep(5)
    # It may still wait for a span that it was told of and is not given.
    assert heir.end() in {0, EXIT_EVICTED}
    assert not crew.whole()


def test_a_changelog_that_stays_too_short_ends_the_worker_until_somebody_decides(
    crew: Crew, broker: Broker
) -> None:
    """One was deleted and made anew; what the log line says to do brings the history back."""
    if broker.kind == "embedded":
        pytest.skip("it keeps the member that ended in its group")
    crew.first_half()
    patients = crew.changelogs()[0]
    delete(crew, [patients])
    stuck = crew.start("stuck", recovery_timeout_s="8")
    assert stuck.process.wait(ENDS_WITHIN_S) == PARTS[Part.RECOVERY].exit_code
    (last,) = logged(stuck, "stuck")
    assert f"{patients}/" in last["about"]
    assert "ends at 1, and was acknowledged up to" in last["about"]
    assert "--reset-offsets" in logged(stuck, "a changelog is too short")[0]["to_do"]
    delete(crew, crew.changelogs())
    start_anew(crew)
    after = crew.start("after").ready()
    crew.second_half()
    assert crew.alerts() == expected(crew.raw)
    assert after.end() == 0
    assert crew.whole()


def delete(crew: Crew, names: list[str]) -> None:
    """The next worker makes them anew."""
    with KafkaAdminClient(bootstrap_servers=crew.topics.bootstrap) as admin:
        admin.delete_topics(names)
        deadline = time.monotonic() + 20
        while set(names) & set(admin.list_topics()):
            assert time.monotonic() < deadline
            time.sleep(0.2)


def start_anew(crew: Crew) -> None:
    """As `kafka-consumer-groups.sh --reset-offsets --to-earliest --all-topics --execute`."""
    with KafkaAdminClient(bootstrap_servers=crew.topics.bootstrap) as admin:
        deadline = time.monotonic() + 30
        while True:  # the member that ended is in the group as long as its session
            stands = admin.list_group_offsets(crew.group)[crew.group]
            first = {TopicPartition(*tp): OffsetAndMetadata(0, "", -1) for tp in stands}
            admin.alter_group_offsets(crew.group, first)
            now = admin.list_group_offsets(crew.group)[crew.group]
            if all(at.offset == 0 and not at.metadata for at in now.values()):
                return
            assert time.monotonic() < deadline
            time.sleep(0.5)
