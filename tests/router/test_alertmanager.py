"""Alertmanager is told of alarms and of their end; the real one where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from stream.router.message import Message
from tests.router.alarms import alert
from tests.router.sending import CLOSED, ONE, free_port, receiver, sent
from tests.router.servers import HttpServer

if TYPE_CHECKING:
    from pathlib import Path


def test_alertmanager_is_told_that_an_alarm_is_closed(tmp_path: Path) -> None:
    """By the labels that it holds itself: a closing knows neither severity nor place."""
    firing: list[dict[str, Any]] = []

    def behave(_number: int, body: bytes) -> Any:
        if not body:
            return web.json_response(firing)
        firing[:] = [{"startsAt": "x", "annotations": {}, **one} for one in json.loads(body)]
        return 200

    with HttpServer(behave).up() as server:
        there = receiver(tmp_path, kind="alertmanager", url=f"http://127.0.0.1:{server.port}")
        answers = sent(there, ONE, CLOSED, ONE)
    assert [answer.code for answer in answers] == ["200", "200", "closed"]
    opened, _, resolved, closed = (body for _, body, _ in server.seen)
    assert [asked.split()[0] for asked in server.asked] == ["POST", "GET", "POST", "POST"]
    wanted = f"alert_id={json.dumps(ONE.alerts[0].alert_id)}"
    assert parse_qs(urlsplit(server.asked[1].split()[1]).query)["filter"] == [wanted]
    (first,), (last,), (end,) = (json.loads(body) for body in (opened, resolved, closed))
    assert last["labels"] == first["labels"]
    assert first["endsAt"] > last["endsAt"] == end["endsAt"] == end["startsAt"]


def test_alertmanager_takes_the_alerts_and_a_repetition_is_the_same(tmp_path: Path) -> None:
    binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if binary is None:
        pytest.skip("no prometheus-alertmanager here; apt-get install prometheus-alertmanager")
    port = free_port()
    (tmp_path / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    process = subprocess.Popen(
        [binary, f"--config.file={tmp_path}/am.yml", f"--storage.path={tmp_path}/am",
         f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    now = time.time() - alert().place.timestamp / 1000
    fresh = Message("bleep", (alert(1, after_s=now),), "7")
    over = CLOSED.alerts[0]
    over = replace(over, place=replace(over.place, timestamp=fresh.alerts[0].place.timestamp + 1))
    try:
        base = f"http://127.0.0.1:{port}"
        there = receiver(tmp_path, kind="alertmanager", url=base, labels={"site": "here"})
        end = time.monotonic() + 20
        while (answer := sent(there, fresh)[0]).code == "unreachable":
            assert time.monotonic() < end
            assert process.poll() is None, "Alertmanager did not start"
            time.sleep(0.1)
            there = receiver(tmp_path, kind="alertmanager", url=base, labels={"site": "here"})
        assert answer.outcome == "delivered"
        sent(receiver(tmp_path, kind="alertmanager", url=base, labels={"site": "here"}), fresh)
        with urllib.request.urlopen(f"{base}/api/v2/alerts", timeout=5) as said:
            held = json.load(said)
        closed = receiver(tmp_path, kind="alertmanager", url=base, labels={"site": "here"})
        assert sent(closed, Message("bleep", (over,), None))[0].outcome == "delivered"
        with urllib.request.urlopen(f"{base}/api/v2/alerts", timeout=5) as said:
            assert json.load(said) == []
    finally:
        process.terminate()
        process.wait(10)
    (one,) = held
    assert one["labels"]["alertname"] == "stormwatch.grade.changed"
    assert one["labels"]["severity"] == "high"
    assert one["labels"]["site"] == "here"
    assert one["annotations"]["summary"] == "grade 2 -> 3"
