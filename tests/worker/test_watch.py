"""The watch around the judgement, and what it tells those who probe the worker."""

from __future__ import annotations

import asyncio
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from stream.metrics import Metrics
from stream.worker.endpoint import serve
from stream.worker.health import Check, Report
from stream.worker.observation import Observation, Place
from stream.worker.observe import Ask
from stream.worker.progress import PARTS, Part, ProgressPolicy
from stream.worker.watch import EXIT_STUCK, Watch, WatchPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRESS = ProgressPolicy(stall_s=0.2, brokers_s=60, dead_s=0.2)
QUICK = WatchPolicy(interval_s=0.02, answer_s=0.02, linger_s=0.0, stop_s=0.1, blind_s=30)


class Course:
    """An observer that sees what it is told to see."""

    def __init__(self, seen: Observation) -> None:
        self.seen, self.stopping, self.looks = seen, False, 0

    def look(self, _patience_s: float) -> Observation:
        self.looks += 1
        return replace(self.seen, answers=self.looks, rounds=self.looks)


def watch_of(seen: Observation, policy: WatchPolicy = QUICK) -> tuple[Any, Watch, list[int]]:
    course, ended = Course(seen), []  # type: ignore[var-annotated]
    return course, Watch(course, PROGRESS, Metrics(), policy, end=ended.append), ended  # type: ignore[arg-type]


def look_until_ended(watch: Watch, ended: list[int]) -> None:
    deadline = time.monotonic() + 20
    while not ended:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        watch.look()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


@contextmanager
def served(watch: Watch) -> Iterator[str]:
    server = serve("127.0.0.1", 0, watch.metrics.registry, watch)
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_stuck_part_ends_the_process_with_its_code_and_is_seen_before() -> None:
    _, watch, ended = watch_of(Observation(fetching=False))
    seen: list[tuple[int, str]] = []
    with served(watch) as base:
        watch._end = lambda code: (seen.append(get(f"{base}/livez")), ended.append(code))  # type: ignore[assignment,func-returns-value]
        look_until_ended(watch, ended)
        assert ended == [PARTS[Part.FETCHER].exit_code]
        ((status, text),) = seen
        assert status == 503
        assert "[-]fetcher failed: " in text
        assert "[+]agent ok\n" in text
        assert 'stormwatch_stuck{part="fetcher"} 1.0' in get(f"{base}/metrics")[1]
        assert 'stormwatch_stuck{part="agent"} 0.0' in get(f"{base}/metrics")[1]


def test_a_verdict_stands_though_the_part_moves_again() -> None:
    course, watch, ended = watch_of(Observation(fetching=False))
    look_until_ended(watch, ended)
    course.seen = Observation()
    watch.look()
    assert not watch.live().passed


def test_time_in_which_nobody_watched_is_held_against_no_one() -> None:
    _, watch, ended = watch_of(Observation(fetching=False), replace(QUICK, interval_s=0.005))
    watch.look()
    time.sleep(0.5)  # as after SIGSTOP and SIGCONT: far beyond the limit of 0.2 s
    watch.look()
    assert ended == []


def test_a_stop_that_never_ends_is_ended() -> None:
    course, watch, ended = watch_of(Observation())
    course.stopping = True
    look_until_ended(watch, ended)
    assert ended == [EXIT_STUCK]
    watch.finish()
    watch.look()
    assert ended == [EXIT_STUCK]


def test_errors_of_the_coordinator_are_counted() -> None:
    _, watch, ended = watch_of(Observation(error="UnknownError()"))
    for _ in range(5):
        watch.look()
    assert ended == [PARTS[Part.COORDINATOR].exit_code]
    assert watch.metrics.coordinator_errors._value.get() == 5


def test_probes_of_a_worker_that_starts_works_and_stops() -> None:
    course, watch, _ = watch_of(Observation(started=False, joined=False, ready=False))
    with served(watch) as base:
        assert get(f"{base}/livez") == (200, "[+]watch ok\nlivez check passed\n")
        assert get(f"{base}/readyz")[0] == 503
        watch.look()
        course.seen = Observation(joined=False, ready=False)
        watch.look()
        status, text = get(f"{base}/readyz")
        assert (status, text.splitlines()[1:5]) == (
            503,
            [
                "[+]brokers ok",
                "[+]leaders ok",
                "[-]assignment failed: the group gave none yet",
                "[-]recovery failed: the tables are not restored yet",
            ],
        )
        course.seen = Observation()  # assigned, restored, and with no partition: rightly empty
        watch.look()
        assert get(f"{base}/readyz")[0] == 200
        assert get(f"{base}/health/ready")[0] == 200
        assert get(f"{base}/health/live")[0] == 200
        assert (
            "[+]fetcher ok: 0 s without progress, limit 0.2 s\n" in get(f"{base}/livez?verbose")[1]
        )
        course.seen = Observation(places={("care", 1): Place(0, 9, 9, 9, 9, 0, led=False)})
        watch.look()
        assert "[-]leaders failed: care/1\n" in get(f"{base}/readyz")[1]
        course.stopping = True
        assert "[-]running failed: the worker is stopping" in get(f"{base}/readyz")[1]
        assert get(f"{base}/livez")[0] == 200
        assert get(f"{base}/elsewhere")[0] == 404
        assert "stormwatch_recovered 0.0" in get(f"{base}/metrics")[1]


def test_a_watch_that_no_longer_looks_is_not_alive() -> None:
    _, watch, _ = watch_of(Observation(), replace(QUICK, blind_s=0.05))
    watch.look()
    assert watch.live().passed
    time.sleep(0.1)
    assert [check.name for check in watch.live().checks if not check.passed] == ["watch"]


def test_a_report_reads_like_those_of_kubernetes() -> None:
    report = Report("livez", (Check("a", True, "1 s"), Check("b", False, "2 s")))
    assert report.text() == "[+]a ok\n[-]b failed: 2 s\nlivez check failed\n"
    assert report.text(verbose=True).startswith("[+]a ok: 1 s\n")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_blocked_loop_is_asked_once_and_answers_late(loop: asyncio.AbstractEventLoop) -> None:
    asked: list[int] = []
    ask = Ask(lambda: asked.append(1) or len(asked), 0)
    assert ask.put(loop, 20)
    gate = threading.Event()
    loop.call_soon_threadsafe(gate.wait)
    assert not ask.put(loop, 0.02)
    assert not ask.put(loop, 0.02)
    assert ask.answer == 1
    gate.set()
    assert ask.put(loop, 20)
    assert (ask.answer, len(asked)) == (2, 2)


def test_what_a_question_raises_is_raised_here(loop: asyncio.AbstractEventLoop) -> None:
    ask = Ask(lambda: 1 // 0, 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            ask.put(loop, 20)


def test_a_loop_that_is_gone_does_not_answer() -> None:
    gone = asyncio.new_event_loop()
    gone.close()
    assert not Ask(lambda: 1, 0).put(gone, 0.02)
