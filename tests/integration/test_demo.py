"""The demo as people start it: unattended, interrupted, with a broker of one's own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaAdminClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brokers import Broker

MARK = "STORMWATCH_TEST_DEMO"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The child's environment; the mark in it is inherited by all that the demo starts."""
    for name in list(os.environ):
        if name.startswith("STORMWATCH_"):
            monkeypatch.delenv(name)
    return dict(os.environ) | {MARK.removeprefix("STORMWATCH_"): f"{os.getpid()}-{time.time_ns()}"}


def left_behind(environment: dict[str, str]) -> Iterator[str]:
    """Command lines of processes that carry the mark."""
    name = MARK.removeprefix("STORMWATCH_")
    mark = f"{name}={environment[name]}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            marked = mark in (process / "environ").read_bytes()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            if marked and state not in "ZX":
                yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue


def nothing_left_within(environment: dict[str, str], seconds: float) -> list[str]:
    deadline = time.monotonic() + seconds
    while (left := list(left_behind(environment))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def demo(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "stream.cli", "demo", "--plain", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    pytest.fail(f"the demo ended before it said {text!r}:\n{seen}")


def test_unattended_it_says_what_the_engine_says(environment: dict[str, str]) -> None:
    process = demo(environment, "--for", "6s")
    text, _ = process.communicate(timeout=150)
    assert process.returncode == 0, text
    assert re.search(r"^fed +\d+ events of 12 patients$", text, re.MULTILINE), text
    assert re.search(r"^alerted +\d{3,4} \(", text, re.MULTILINE)
    assert re.search(r"^same +ids and bytes", text, re.MULTILINE)
    assert "grade 3 -> 4" in text
    assert "http://127.0.0.1:" in text
    assert nothing_left_within(environment, 2) == []


def test_cut_short_it_compares_what_was_sent(environment: dict[str, str]) -> None:
    process = demo(environment, "--for", "6s", "--speed", "3000")
    text, _ = process.communicate(timeout=150)
    assert process.returncode == 0, text
    assert re.search(r"^fed +\d+ of \d+ events", text, re.MULTILINE), text
    assert "same " in text


@pytest.mark.parametrize(
    ("number", "words", "code"),
    [
        (signal.SIGTERM, (), 0),
        (signal.SIGINT, ("--for", "60s"), 130),
    ],
    ids=["SIGTERM", "Ctrl-C unattended"],
)
def test_interrupted_it_ends_all_that_it_started(
    environment: dict[str, str], number: signal.Signals, words: tuple[str, ...], code: int
) -> None:
    process = demo(environment, *words)
    text = read_until(process, "playing at")
    assert len(list(left_behind(environment))) >= 3  # demo, broker, worker
    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == code, text + rest
    assert "interrupted: " in rest
    assert "Traceback" not in rest
    assert nothing_left_within(environment, 2) == []


def test_interrupted_while_starting_it_leaves_nothing(environment: dict[str, str]) -> None:
    process = demo(environment)
    read_until(process, "topics made")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert nothing_left_within(environment, 2) == []


def test_killed_it_leaves_nothing_either(environment: dict[str, str]) -> None:
    process = demo(environment)
    read_until(process, "playing at")
    process.kill()
    process.communicate(timeout=60)
    assert nothing_left_within(environment, 15) == []


def test_a_worker_that_dies_is_told(environment: dict[str, str]) -> None:
    process = demo(environment)
    read_until(process, "playing at")
    children = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", "stream.cli worker"],
        capture_output=True,
        text=True,
        check=True,
    )
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the worker ended with status -9; the end of its log:" in rest
    assert nothing_left_within(environment, 2) == []


def test_with_a_broker_of_one_s_own_it_leaves_no_topics(
    environment: dict[str, str], broker: Broker
) -> None:
    process = demo(environment, "--for", "6s", "--bootstrap", broker.bootstrap)
    text, _ = process.communicate(timeout=150)
    assert process.returncode == 0, text
    assert "same " in text
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        assert [name for name in admin.list_topics() if "demo-" in name] == []
    finally:
        admin.close()
