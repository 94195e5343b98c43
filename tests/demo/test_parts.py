"""The demo's parts one by one: comparison, board, and a worker that does not start."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.live import Live

from stream.demo.board import Board, LiveScreen, PlainScreen, line_style
from stream.demo.compare import differences, expected
from stream.demo.ward import load_ward
from stream.demo.worker import WorkerFailedError, WorkerProcess, metrics_port
from stream.rules import load_ruleset

if TYPE_CHECKING:
    from pathlib import Path

    from stream.demo.compare import Expected

WARD = load_ward(load_ruleset())


@pytest.fixture(scope="module")
def wanted() -> Expected:
    return expected(WARD.events[:1200], load_ruleset())


def letters(wanted: Expected) -> list[bytes]:
    return [
        json.dumps({"reason": reason, "event_id": event_id or None}).encode()
        for (reason, event_id), count in wanted.letters.items()
        for _ in range(count)
    ]


def test_the_same_is_no_difference(wanted: Expected) -> None:
    assert wanted.total > 5
    assert wanted.letters
    assert differences(wanted, dict(wanted.alerts), letters(wanted)) == []


def test_every_kind_of_difference_is_told(wanted: Expected) -> None:
    patient_id, alerts = next(
        (key, value) for key, value in wanted.alerts.items() if len(value) > 1
    )

    def told(changed: list[bytes]) -> str:
        stream = dict(wanted.alerts) | {patient_id: changed}
        return "\n".join(differences(wanted, stream, letters(wanted)))

    assert f"{patient_id}, alert {len(alerts)}:" in told(alerts[:-1])  # missing
    assert "+ stream (nothing)" in told(alerts[:-1])
    assert "- engine (nothing)" in told([*alerts, alerts[-1]])  # twice
    assert f"{patient_id}, alert 1:" in told(alerts[::-1])  # another order
    assert f"{patient_id}, alert 1:" in told([alerts[0] + b" ", *alerts[1:]])  # another byte
    assert "'not JSON'" in told([b"not JSON", *alerts[1:]])
    unknown = {"ghost": [alerts[0]]} | wanted.alerts
    assert "ghost, alert 1:" in "\n".join(differences(wanted, unknown, letters(wanted)))


def test_dead_letters_are_compared_too(wanted: Expected) -> None:
    found = letters(wanted)
    assert "missing on the topic" in differences(wanted, wanted.alerts, found[1:])[0]
    extra = [*found, b'{"reason": "not_json", "event_id": null}']
    assert "does not know" in differences(wanted, wanted.alerts, extra)[0]


def test_long_differences_are_cut(wanted: Expected) -> None:
    assert differences(wanted, {}, [])[-1].startswith("… and ")


def test_the_board_shows_every_patient(wanted: Expected) -> None:
    board = Board(WARD.stories, WARD.begins)
    board.clock = WARD.ends
    status = {
        "patient_id": "demo-01",
        "grade": 2,
        "candidate_grade": 3,
        "since": "2026-03-02T21:00:00Z",
        "reasons": [{"text": "The blood pressure is low."}],
        "therapy": {"product": "tarlatamab", "time": "2026-03-02T07:00:00Z"},
        "location": "Ward 7, bed 1",
    }
    assert board.take("status", "demo-01", json.dumps(status).encode()) is None
    for patient_id, alerts in wanted.alerts.items():
        for raw in alerts:
            assert board.take("alerts", patient_id, raw)
            assert isinstance(line_style("alerts", raw), str)
    assert board.take("deadletter", "", b'{"reason": "not_json", "topic": "vitals"}')
    text = io.StringIO()
    console = Console(file=text, width=160, force_terminal=True, color_system=None)
    with Live(console=console, auto_refresh=False) as live:
        screen = LiveScreen(live, "metrics at http://127.0.0.1:9108/metrics")
        screen.say("a line above")
        screen.show(board)
        live.refresh()
    shown = text.getvalue()
    for patient_id in WARD.stories:
        assert patient_id in shown
    assert "2 (candidate 3)" in shown
    assert "tarlatamab, day 3" in shown
    assert "The blood pressure is low." in shown
    assert f"{wanted.total} alerts" in shown


def test_plain_lines_are_never_wrapped_nor_marked_up() -> None:
    text = io.StringIO()
    screen = PlainScreen(Console(file=text, width=40))
    screen.say("x" * 100 + " [red]")
    assert text.getvalue() == "x" * 100 + " [red]\n"


def test_a_worker_that_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    environment = dict(os.environ) | {"STORMWATCH_PARTITIONS": "many"}
    with WorkerProcess(tmp_path, environment, tmp_path) as worker:
        with pytest.raises(WorkerFailedError) as caught:
            worker.wait_ready()
        assert "ended with status 2" in str(caught.value)
        assert "partitions" in str(caught.value)
    assert worker.pid is None


def test_a_port_that_is_taken_is_not_asked_for() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert metrics_port(port) == 0
    assert sys.platform == "win32" or metrics_port(port) == port
