"""A route at work before a real file, with a notebook in Kafka's place."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from stream.router.lane import Lane
from stream.router.metrics import RouterMetrics
from stream.router.receivers import make_receiver
from stream.router.source import Arrival
from stream.sentences import audit_line
from tests.router.alarms import MONDAY, raw_alert, routes

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Notebook:
    """What would be written to Kafka; `blank` until a broker would answer."""

    written: list[tuple[str, bytes]] = field(default_factory=list)
    reachable: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, topic: str, _key: bytes | None, value: bytes) -> None:
        await self.reachable.wait()
        self.written.append((topic, value))


def arrival(lane: Lane, offset: int, raw: bytes) -> Arrival:
    record = SimpleNamespace(
        topic="alerts", partition=0, offset=offset, timestamp=int(MONDAY.timestamp() * 1000),
        key=b"p-1", value=raw,
    )  # fmt: skip
    return Arrival(record, lane.ledger.take(0, offset))


def lane_to(tmp_path: Path, table: str, notebook: Notebook, more: str = "") -> Lane:
    """A route `r` to the receiver of a table; `more` fields of the route."""
    loaded = routes(f'[[route]]\nname = "r"\nreceiver = "r"\n{more}\n[receiver.r]\n{table}')
    route = loaded.route[0]
    lane = Lane(
        loaded, route, make_receiver(loaded.receiver["r"], tmp_path), scribe=notebook,  # type: ignore[arg-type]
        metrics=RouterMetrics(["r"]), where=lambda _patient: None, sent=lambda *_: None,
    )  # fmt: skip
    lane.ledger.assign(0, 0)
    return lane


async def until(met: object) -> None:
    async with asyncio.timeout(10):
        while not met():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_an_offset_waits_for_the_audit_record_and_the_delivery_for_neither(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        notebook = Notebook()
        lane = lane_to(tmp_path, 'kind = "file"\npath = "out.jsonl"', notebook)
        work = asyncio.create_task(lane.run())
        lane.arrived([arrival(lane, n, raw_alert(n)) for n in range(5)])
        out = tmp_path / "out.jsonl"
        await until(lambda: out.exists() and len(out.read_text().splitlines()) == 5)
        await until(lambda: lane.waiting.flying == 0)
        assert lane.ledger.committable() == {}, "brokers away: delivered, and nothing committed"
        notebook.reachable.set()
        await until(lambda: lane.ledger.committable() == {0: 5})
        work.cancel()
        await lane.finish(1)
        assert [topic for topic, _ in notebook.written] == ["audit"] * 5
        assert "delivered" in audit_line(json.loads(notebook.written[0][1]))

    asyncio.run(play())


@pytest.mark.parametrize(
    "table",
    [
        'kind = "hl7"\nhost = "127.0.0.1"\nport = 1',
        'kind = "fhir"\nurl = "http://127.0.0.1:1"',
        'kind = "smtp"\nhost = "127.0.0.1"\ntls = "none"\nsender = "a@b"\nto = ["c@d"]',
        'kind = "alertmanager"\nurl = "http://127.0.0.1:1"',
    ],
)
def test_an_alert_that_cannot_be_put_into_words_keeps_nothing_back(
    tmp_path: Path, table: str
) -> None:
    async def play() -> None:
        notebook = Notebook()
        notebook.reachable.set()
        lane = lane_to(tmp_path, table, notebook)
        work = asyncio.create_task(lane.run())
        odd = raw_alert(1, reasons="none", flags=3, late_by_s="x")
        lane.arrived([arrival(lane, 0, odd), arrival(lane, 1, raw_alert(2))])
        await until(lambda: notebook.written and len(lane.waiting) == 1)
        await until(lambda: lane.ledger.committable() == {0: 1})
        work.cancel()
        await lane.finish(1)
        topic, letter = notebook.written[0]
        assert topic == "undelivered.r"
        assert json.loads(letter)["reason"] == "unreadable"

    asyncio.run(play())


FAILING = """
time_zone = "UTC"
[[route]]
name = "bleep"
receiver = "bleep"
priority = ["high"]
retry = { first_s = 0.02, most_s = 0.05, give_up_s = %s }
breaker = { failures = 2, open_s = 0.02, most_open_s = 0.05 }
otherwise = "mail"
otherwise_s = %s
timeout_s = 0.2
[[route]]
name = "mail"
receiver = "mail"
fallback = true
[receiver.bleep]
%s
[receiver.mail]
kind = "file"
path = "mail.jsonl"
"""
NOBODY_THERE = 'kind = "hl7"\nhost = "127.0.0.1"\nport = 1'


def two_lanes(tmp_path: Path, text: str, notebook: Notebook) -> tuple[Lane, Lane]:
    loaded = routes(text)
    first, second = (
        Lane(
            loaded, route, make_receiver(loaded.receiver[route.receiver], tmp_path),
            scribe=notebook, metrics=RouterMetrics([route.name]),  # type: ignore[arg-type]
            where=lambda _patient: None, sent=lambda *_: None,
        )
        for route in loaded.route
    )  # fmt: skip
    first.otherwise = second
    first.ledger.assign(0, 0)
    return first, second


@pytest.mark.parametrize(
    ("give_up_s", "otherwise_s", "odd", "why", "buried"),
    [
        (600, 0.1, {}, "late", False),  # refused connections, still tried
        (0, 600, {}, "gave_up", True),
        (600, 600, {"reasons": "none", "flags": 3}, "refused", True),  # cannot be put into words
    ],
)
def test_what_one_route_does_not_deliver_another_one_tells(
    tmp_path: Path, give_up_s: float, otherwise_s: float, odd: dict[str, object], why: str,
    *, buried: bool,
) -> None:  # fmt: skip
    async def play() -> None:
        notebook = Notebook()
        text = FAILING % (give_up_s, otherwise_s, NOBODY_THERE)
        bleep, mail = two_lanes(tmp_path, text, notebook)
        work = [asyncio.create_task(lane.run()) for lane in (bleep, mail)]
        raw = raw_alert(1, **odd)
        late = arrival(bleep, 0, raw)
        late.record.timestamp = int(time.time() * 1000)
        bleep.arrived([late])
        out = tmp_path / "mail.jsonl"
        await until(lambda: out.exists() and out.read_text().endswith("\n"))
        assert bleep.ledger.committable() == {}, (
            "the record is open until both have done their part"
        )
        notebook.reachable.set()
        await until(lambda: any(b"passed_on" in value for _, value in notebook.written))
        if buried:
            await until(lambda: bleep.ledger.committable() == {0: 1})
        else:
            await until(
                lambda: any(b"delivery.delivered" in value for _, value in notebook.written)
            )
            assert bleep.ledger.committable() == {}
            assert len(bleep.waiting) == 1, "it is tried all the same"
        for task in work:
            task.cancel()
        for lane in (bleep, mail):
            await lane.finish(1)
        (line,) = [json.loads(value) for _, value in notebook.written if b"passed_on" in value]
        assert (line["route"], line["otherwise"], line["why"]) == ("bleep", "mail", why)
        assert audit_line(line).endswith("-> route mail")
        assert len(out.read_text().splitlines()) == 1
        assert json.loads(out.read_text())["alerts"] == [json.loads(raw)]

    asyncio.run(play())


def test_an_alert_waits_a_moment_for_the_place_of_its_patient(tmp_path: Path) -> None:
    """`status` and `alerts` are not in step: what is on its way must not be missed."""

    async def play() -> None:
        notebook, places = Notebook(), {}
        notebook.reachable.set()
        loaded = routes(
            '[[route]]\nname = "icu"\nunit = ["icu-*"]\n[[route]]\nname = "rest"\nfallback = true\n'
        )
        lane = Lane(
            loaded, loaded.route[0], make_receiver(loaded.receiver["journal"], tmp_path),
            scribe=notebook, metrics=RouterMetrics(["icu"]),  # type: ignore[arg-type]
            where=places.get, sent=lambda *_: None,
        )  # fmt: skip
        lane.ledger.assign(0, 0)
        work = asyncio.create_task(lane.run())
        lane.arrived([arrival(lane, 0, raw_alert(1)), arrival(lane, 1, raw_alert(2, "p-2"))])
        await asyncio.sleep(0.1)
        assert lane.ledger.committable() == {}
        places["p-1"] = "icu-2/bed-1"
        await until(lambda: lane.ledger.committable() == {0: 2})
        work.cancel()
        await lane.finish(1)
        (line,) = (tmp_path / "journal.jsonl").read_text().splitlines()
        assert json.loads(line)["alerts"][0]["patient_id"] == "p-1"

    asyncio.run(play())


def test_what_closes_an_alarm_goes_where_the_alarm_is_shown(tmp_path: Path) -> None:
    """A closing is information and names no role; what is shown has to end all the same."""

    async def play() -> None:
        notebook = Notebook()
        notebook.reachable.set()
        loaded = routes(
            '[[route]]\nname = "r"\nreceiver = "r"\npriority = ["high"]\n'
            '[[route]]\nname = "rest"\nfallback = true\n'
            '[receiver.r]\nkind = "alertmanager"\nurl = "http://127.0.0.1:1"\n'
        )
        lane = Lane(
            loaded, loaded.route[0], make_receiver(loaded.receiver["r"], tmp_path),
            scribe=notebook, metrics=RouterMetrics(["r"]),  # type: ignore[arg-type]
            where=lambda _patient: None, sent=lambda *_: None,
        )  # fmt: skip
        lane.ledger.assign(0, 0)
        closing = {"type": "escalation.closed", "priority": "information"}
        first = json.loads(raw_alert(1))["alert_id"]
        work = asyncio.create_task(lane.run())
        lane.arrived(
            [
                arrival(lane, 0, raw_alert(2, alert="another", **closing)),
                arrival(lane, 1, raw_alert(1)),
                arrival(lane, 2, raw_alert(3, alert=first, **closing)),
            ]
        )
        await until(lambda: len(lane.waiting) == 2)
        assert lane.ledger.committable() == {0: 1}
        work.cancel()
        await lane.finish(1)

    asyncio.run(play())
