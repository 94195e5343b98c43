"""Workers in which a part stands still, on a real broker: each ends, and says which it was."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import ExitStack, suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from brokers import Broker, fresh_topics
from kafka import KafkaProducer
from stuck_worker import FROM_THE_START, ONCE_READY
from workers import PARTITIONS, Process, answer, send

from stream.broker import EmbeddedBroker
from stream.worker.preflight import TABLES
from stream.worker.progress import PARTS, Part
from tests.worker.ward_events import lines, ward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SCRIPT = Path(__file__).with_name("stuck_worker.py")
STALL_S, UNREADY_S = "5", "12"
ENDS_WITHIN_S = 150
STUCK = [*ONCE_READY, *FROM_THE_START]


class StuckWorker:
    """One worker, told by its log, its exit code, and what its /livez said last."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.last_answer = 200, ""
        threading.Thread(target=self._probe, daemon=True).start()

    def _probe(self) -> None:
        while self.runs:
            time.sleep(0.3)
            if (port := self.port) is None:
                continue
            with suppress(OSError, HTTPException):  # no longer there, or gone while it answered
                self.last_answer = answer(f"http://127.0.0.1:{port}/livez")

    @property
    def runs(self) -> bool:
        return self.process.process.poll() is None

    @property
    def port(self) -> int | None:
        """From the log: a worker that never gets ready prints no line."""
        told = [event["port"] for event in self.log() if event["event"] == "metrics served"]
        return told[0] if told else None

    def log(self) -> list[dict[str, Any]]:
        text = self.process.log.read_text()
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("}\n")]


@pytest.fixture(scope="module")
def spares(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Process]]:
    """Two workers for one partition."""
    if broker.kind == "embedded":
        pytest.skip("the embedded broker leaves JoinGroup unanswered where a busy member rejoins")
    home = tmp_path_factory.mktemp("spares")
    with ExitStack() as stack:
        topics = stack.enter_context(fresh_topics(broker, 1))
        pair = [
            Process(
                topics, home, name, partitions="1", stall_timeout_s=STALL_S, recovery_timeout_s="60"
            )
            for name in ("w1", "w2")
        ]
        for process in pair:
            stack.callback(process.end, signal.SIGKILL)
        yield pair


@pytest.fixture(scope="module")
def workers(
    broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Part, StuckWorker]]:
    """All of them at once on the same input, each in a group of its own, until all have ended."""
    home = tmp_path_factory.mktemp("stuck")
    changelogs = tuple(f"{Part.RECOVERY}-{table}-changelog" for table in TABLES)
    with ExitStack() as stack:
        topics = stack.enter_context(fresh_topics(broker, PARTITIONS, changelogs=changelogs))
        with KafkaProducer(bootstrap_servers=topics.bootstrap) as producer:
            producer.send(topics.prefix + changelogs[0], key=b"p00", value=b"to be restored")
        started = {}
        for part in STUCK:
            process = Process(
                topics, home, part.value, (str(SCRIPT), part.value),
                application_id=topics.prefix + part.value, stall_timeout_s=STALL_S,
                recovery_timeout_s=UNREADY_S if part in FROM_THE_START else "60",
            )  # fmt: skip
            stack.callback(process.end, signal.SIGKILL)
            started[part] = StuckWorker(process)
        raw, deadline = lines(ward(8)), time.monotonic() + ENDS_WITHIN_S
        while any(worker.runs for worker in started.values()) and time.monotonic() < deadline:
            send(topics, raw[:40])  # every partition has something to do, always
            time.sleep(0.3)
        yield started


def test_workers_without_partitions_or_events_are_not_stuck(
    spares: list[Process], workers: dict[Part, StuckWorker]
) -> None:
    """Two workers, one partition: the spare one is ready, and both outlast those that are stuck."""
    assert not any(worker.runs for worker in workers.values())
    shares = []
    for process in spares:
        process.ready()
        for probe in ("livez", "readyz"):
            assert answer(f"{process.base}/{probe}")[0] == 200
        shares += [
            line.split()[1]
            for line in process.metrics.splitlines()
            if line.startswith("stormwatch_assigned_partitions ")
        ]
    assert sorted(shares) == ["0.0", "1.0"]
    assert [process.end() for process in spares] == [0, 0]


@pytest.mark.parametrize("part", STUCK)
def test_a_stuck_part_is_named_probed_and_ends_the_worker(
    workers: dict[Part, StuckWorker], part: Part
) -> None:
    worker = workers[part]
    assert not worker.runs, "still running: silently stuck"
    (verdict,) = [event for event in worker.log() if event["event"] == "stuck"]
    assert verdict["part"] == part.value, verdict
    assert worker.process.end() == PARTS[part].exit_code
    status, text = worker.last_answer
    assert status == 503
    assert f"[-]{part.value} failed" in text
    if part is Part.PARTITION:
        assert "vitals/" in str(verdict["about"])


def until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_worker_outlasts_a_short_silence_of_the_brokers_and_no_long_one(
    start: Callable[..., Process],
) -> None:
    with EmbeddedBroker() as own:
        assert own.pid is not None
        mine = Broker(own.bootstrap, "embedded", "a test silences it")
        with fresh_topics(mine, PARTITIONS) as topics:
            worker = start(topics, session_timeout_s="30", broker_timeout_s="6").ready()
            os.kill(own.pid, signal.SIGSTOP)
            try:
                until(lambda: answer(f"{worker.base}/readyz")[0] == 503)
                assert answer(f"{worker.base}/livez")[0] == 200
                os.kill(own.pid, signal.SIGCONT)
                until(lambda: answer(f"{worker.base}/readyz")[0] == 200)
                os.kill(own.pid, signal.SIGSTOP)
                assert worker.process.wait(60) == PARTS[Part.BROKERS].exit_code
            finally:
                os.kill(own.pid, signal.SIGCONT)
