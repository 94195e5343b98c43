"""What a route knows after a restart of what it delivered, however long ago that was."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from routers import when
from workers import send

from stream.router.directory import Directory
from stream.router.lane import Lane
from stream.router.source import Source
from stream.settings import load_settings
from tests.router.alarms import raw_alert
from tests.router.test_lane import Notebook, lane_to, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from brokers import Topics
    from conftest import TopicsFactory

    from stream.settings import Settings


def settings_of(topics: Topics) -> Settings:
    return load_settings(
        bootstrap_servers=topics.bootstrap, topic_prefix=topics.prefix,
        application_id=f"{topics.prefix}app", session_timeout_s=6,
    )  # fmt: skip


@asynccontextmanager
async def route_at_work(topics: Topics, home: Path) -> AsyncIterator[Lane]:
    """A route into a file; by the clock, all before is too long ago to be read again."""
    notebook = Notebook()
    notebook.reachable.set()
    lane = lane_to(home, 'kind = "file"\npath = "out.jsonl"', notebook)
    loop = asyncio.get_running_loop()
    source = Source(
        settings_of(topics), "r", beginning=True, remember_s=0.0, ledger=lane.ledger,
        arrived=lambda arrivals: loop.call_soon_threadsafe(lane.arrived, arrivals) and None,
        revoked=lambda numbers: loop.call_soon_threadsafe(lane.revoked, numbers) and None,
        full=lane.full,
    )  # fmt: skip
    work = asyncio.create_task(lane.run())
    source.start()
    yield lane
    await until(lambda: not lane.ledger.committable() and not lane.ledger.unsettled())
    work.cancel()
    source.stop()
    await asyncio.to_thread(source.join, 20)
    await lane.finish(1)
    assert source.failure is None


def told(home: Path) -> list[str]:
    out = home / "out.jsonl"
    lines = out.read_text().splitlines() if out.exists() else []
    return [alert["alert_id"] for line in lines for alert in json.loads(line)["alerts"]]


def test_an_alert_repeated_after_a_restart_is_not_delivered_again(
    topics: TopicsFactory, tmp_path: Path
) -> None:
    there = topics()
    first = [raw_alert(n, f"p-{n % 3}") for n in range(6)]
    changed, new = raw_alert(5, "p-2", to_grade=4), raw_alert(7, "p-1")

    async def play(raw: list[bytes], count: int) -> None:
        send(there, raw, "alerts")
        async with route_at_work(there, tmp_path):
            await until(lambda: len(told(tmp_path)) >= count)

    asyncio.run(play(first, 6))
    asyncio.run(play([*first, changed, new], 8))
    ids = [json.loads(raw)["alert_id"] for raw in (*first, changed, new)]
    assert sorted(told(tmp_path)) == sorted(ids)


def test_what_the_audit_topic_says_was_delivered_is_known_however_long_ago(
    topics: TopicsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = topics()
    line = {
        "type": "delivery.delivered", "route": "r", "message_id": "m-1", "sha256": "0a",
        "patient_id": "p-1", "to": "http://here",
    }  # fmt: skip
    send(there, [json.dumps(line).encode()], "audit")
    monkeypatch.setattr("stream.router.directory.SENT_REACH_S", -3600.0)
    directory = Directory(settings_of(there))
    directory.start()
    try:
        when(directory.ready.is_set, 20, lambda: directory.failure)
    finally:
        directory.stop()
        directory.join(20)
    assert directory.sent("r", "http://here", "m-1") == "0a"
    assert directory.sent("r", "http://there", "m-1") is None
    assert directory.sent("another", "http://here", "m-1") is None
