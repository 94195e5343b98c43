"""Worker and router killed between every two rungs of a ladder, and in the middle of some."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from routers import Router, webhook, when
from services import READY_S
from workers import PARTITIONS, Process, by_patient, expected, read, send, total

from tests.router.servers import HttpServer
from tests.worker.ward_events import START, event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from brokers import Broker, Topics

LEFT_ALONE, ANSWERED, FEVERISH = "p-alone", "p-answered", "p-feverish"


def line(kind: str, patient: str, minute: float, **fields: Any) -> bytes:
    at = START + timedelta(minutes=minute)
    return json.dumps(event(kind, f"{patient}-{kind}-{minute}", patient, at, **fields)).encode()


def vitals(patient: str, minute: float, temperature: float = 37.2) -> bytes:
    measured = (
        ("heart_rate", 88, "/min"), ("systolic_bp", 120, "mm[Hg]"), ("diastolic_bp", 70, "mm[Hg]")
    )  # fmt: skip
    readings: list[dict[str, Any]] = [
        {"signal": signal, "value": value, "unit": unit} for signal, value, unit in measured
    ]
    readings.append({"signal": "temperature", "value": temperature, "unit": "Cel", "site": "oral"})
    return line("vitals", patient, minute, readings=readings)


def to_bedsides(minute: float) -> list[bytes]:
    """Readings of everybody: they bring the time that lets a rung begin."""
    return [vitals(patient, minute) for patient in (LEFT_ALONE, ANSWERED, FEVERISH)]


def grade_three_and_one() -> list[bytes]:
    """Fever in all three; two get norepinephrine at minute 20, whose ladders begin then."""
    raw = []
    for patient in (LEFT_ALONE, ANSWERED, FEVERISH):
        raw += [
            line("therapy", patient, 0, product="axi-cel", therapy_class="car_t"),
            line("patient", patient, 1, age_years=50, weight_kg=70, location="ward-7/bed-1"),
            vitals(patient, 10, temperature=38.7),
        ]
        if patient != FEVERISH:
            raw.append(
                line("infusion", patient, 20, agent="norepinephrine", rate=4, unit="ug/min",
                     action="start")
            )  # fmt: skip
    return raw


def answer_of_a_nurse(raw: list[bytes]) -> bytes:
    said = [json.loads(alert) for alert in expected(raw)[ANSWERED]]
    opened = [one for one in said if one["type"] == "escalation.opened" and one["grade"] == 3]
    return line(
        "acknowledgement", ANSWERED, 42, alert_id=opened[-1]["alert"], by="nurse-1",
        action="acknowledge", reason="seen",
    )  # fmt: skip


def told_by_grade(home: Path, raw: list[bytes]) -> dict[str, list[bytes]]:
    """What `stormwatch grade` prints for these events, by patient."""
    (home / "events.jsonl").write_bytes(b"\n".join(raw) + b"\n")
    done = subprocess.run(
        [sys.executable, "-m", "stream.cli", "grade", str(home / "events.jsonl")],
        capture_output=True, check=True,
    )  # fmt: skip
    said: dict[str, list[bytes]] = {}
    for alert in done.stdout.splitlines():
        said.setdefault(json.loads(alert)["patient_id"], []).append(alert)
    return said


def alert_ids(body: bytes) -> list[str]:
    return [alert["alert_id"] for alert in json.loads(body)["alerts"]]


class Bleep:
    """A receiver that fails by a seed, and may keep the next caller waiting for its answer."""

    def __init__(self) -> None:
        self._chance = random.Random(5)
        self.silent = threading.Event()
        self.server = HttpServer(self._answer)

    async def _answer(self, _number: int, _body: bytes) -> int:
        while self.silent.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.02)
        return self._chance.choice((200, 200, 200, 500, 503))

    def told(self) -> int:
        """How many alerts were taken, repeats counted once."""
        return len({alert for body in self.server.taken for alert in alert_ids(body)})


def begun_and_killed(topics: Topics, home: Path, bleep: Bleep, once: Callable[[], bool]) -> None:
    """Start both on what is there, and kill them once something is so."""
    pair = (
        Process(topics, home, "worker", session_timeout_s="2"),
        Router(topics, home, webhook("bleep", bleep.server.port)),
    )
    try:
        when(once, READY_S, lambda: [service.said() for service in pair])
    finally:
        killed = [service.end(signal.SIGKILL) for service in pair]
    assert killed == [-signal.SIGKILL] * 2


def test_a_ladder_goes_on_where_it_stood_whoever_is_killed_between_its_rungs(
    topics: Callable[..., Topics], broker: Broker, tmp_path: Path
) -> None:
    """Every other time nobody waits for the rung to be told: it is told while they are killed."""
    if broker.kind == "embedded":
        pytest.skip("the embedded broker never evicts a member that died")
    mine = topics(PARTITIONS)
    bleep = Bleep()
    raw: list[bytes] = []
    with bleep.server.up():
        for number, events in enumerate(
            [grade_three_and_one(), *map(to_bedsides, (26.2, 31.2, 41.2, 52.2))]
        ):
            if number == 4:
                events.insert(0, answer_of_a_nurse(raw))
            known = total(expected(raw))
            raw += events
            wanted = total(expected(raw))
            assert wanted > known, "there is a rung"
            send(mine, events)
            if number % 2:
                bleep.silent.set()
                called = len(bleep.server.seen)
                begun_and_killed(mine, tmp_path, bleep, lambda c=called: len(bleep.server.seen) > c)
                bleep.silent.clear()
            else:
                begun_and_killed(mine, tmp_path, bleep, lambda w=wanted: bleep.told() >= w)
    graded = told_by_grade(tmp_path, raw)
    assert graded == expected(raw)
    # Repeats are allowed, with the same bytes; first appearances are in the engine's order.
    written = by_patient(read(mine, "alerts"))
    assert {patient: list(dict.fromkeys(said)) for patient, said in written.items()} == graded
    bodies = {body for _, body, _ in bleep.server.seen}
    for alert in chain.from_iterable(graded.values()):
        assert len([body for body in bodies if alert in body]) == 1
    assert len(bodies) == total(graded) == bleep.told()
    steps = [json.loads(alert) for alert in graded[LEFT_ALONE]]
    (alarm,) = {one["alert"] for one in steps if one["type"] == "escalation.repeated"}
    assert [one["type"].partition(".")[2] for one in steps if one.get("alert") == alarm] == [
        "opened", "advanced", "advanced", "repeated", "repeated",
    ]  # fmt: skip
    told_of = {json.loads(alert)["type"] for alert in graded[ANSWERED]}
    assert "escalation.acknowledged" in told_of
