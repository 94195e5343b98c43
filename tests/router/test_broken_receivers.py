"""A route before receivers that hang up in the middle of an answer, or fail by a seed."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.router.alarms import raw_alert
from tests.router.broken_servers import BrokenServer, Speech, control_of, http, mllp
from tests.router.servers import HttpServer
from tests.router.test_lane import Notebook, arrival, lane_to, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stream.router.lane import Lane

HASTY = """
retry = { first_s = 0.01, most_s = 0.03, give_up_s = 600 }
breaker = { failures = 2, open_s = 0.01, most_open_s = 0.02 }
"""
WEBHOOK = 'kind = "webhook"\nurl = "http://127.0.0.1:%d/"\nsecret = "env:BLEEP"'
FHIR = 'kind = "fhir"\nurl = "http://127.0.0.1:%d"'
ALERTMANAGER = 'kind = "alertmanager"\nurl = "http://127.0.0.1:%d"'
HL7 = 'kind = "hl7"\nhost = "127.0.0.1"\nport = %d'
SMTP = 'kind = "smtp"\nhost = "127.0.0.1"\nport = %d\ntls = "none"\nsender = "a@b"\nto = ["c@d"]'


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLEEP", "sixteen characters")


def whole(speech: Speech, message: bytes) -> bytes:
    """The answer of a receiver that has taken a message."""
    match speech:
        case "http":
            return http("201 Created")
        case "mllp":
            return mllp(message, "CA")
        case "smtp":
            return b"250 taken\r\n"


def attempts(notebook: Notebook) -> list[dict[str, Any]]:
    assert {topic for topic, _ in notebook.written} == {"audit"}, "no dead letter"
    return [json.loads(line) for _, line in notebook.written]


@pytest.mark.parametrize(
    ("speech", "table"),
    [("http", WEBHOOK), ("http", FHIR), ("http", ALERTMANAGER), ("mllp", HL7), ("smtp", SMTP)],
)
def test_an_answer_that_is_cut_is_none_and_the_same_bytes_are_sent_again(
    tmp_path: Path, speech: Speech, table: str
) -> None:
    """Cut before it begins, at its first bytes, in its middle, and just before its end."""
    breaker: list[str] = []

    async def cut(number: int, message: bytes) -> bytes:
        breaker.append(lane.breaker.state.value)
        said = whole(speech, message)
        return said if number == 5 else said[: int(len(said) * (0, 0.1, 0.5, 0.95)[number - 1])]

    async def play() -> None:
        nonlocal lane
        notebook.reachable.set()
        lane = lane_to(tmp_path, table % server.port, notebook, HASTY)
        work = asyncio.create_task(lane.run())
        lane.arrived([arrival(lane, 0, raw_alert(1))])
        await until(lambda: lane.ledger.committable() == {0: 1})
        breaker.append(lane.breaker.state.value)
        work.cancel()
        await lane.finish(1)

    lane: Lane
    notebook = Notebook()
    with BrokenServer(speech, cut).up() as server:
        asyncio.run(play())
    lines = attempts(notebook)
    assert [line["type"] for line in lines] == ["delivery.failed"] * 4 + ["delivery.delivered"]
    assert [line["answer"]["code"] for line in lines[:4]] == ["connection"] * 4
    assert [line["attempt"] for line in lines] == [1, 2, 3, 4, 5]
    if speech == "http":
        assert lines[3]["answer"]["text"].startswith("the answer 201 was cut short")
    assert len({line["sha256"] for line in lines}) == 1
    assert len(server.taken) == 5
    assert len(set(server.taken)) == 1
    assert breaker == ["closed", "closed", "half_open", "half_open", "half_open", "closed"]


class Moody:
    """A receiver whose every answer is drawn by a seed; a good one only once `may_be_well`."""

    MOODS = ("refused", "500", "hangs", "cut", "slow", "wrong", "well")

    def __init__(self, speech: Speech, seed: int) -> None:
        self.server = BrokenServer(speech, self._answer)
        self.may_be_well = False
        self.moods: list[str] = []
        self.took: list[bytes] = []
        self._chance = random.Random(seed)

    async def _answer(self, _number: int, message: bytes) -> bytes:
        mood = self._chance.choice(self.MOODS if self.may_be_well else self.MOODS[:4])
        self.moods.append(mood)
        http_speech = self.server.speech == "http"
        good = whole(self.server.speech, message)
        match mood:
            case "refused":
                await self.server.away(0.03)
                return b""
            case "500":
                return http("500 No", "later") if http_speech else mllp(message, "AE")
            case "hangs":
                await asyncio.sleep(30)
            case "cut":
                return good[: self._chance.randrange(len(good))]
            case "wrong":  # of another message, or no answer at all
                return b"250 taken\r\n\r\n" if http_speech else mllp(b"|" * 9 + b"x|", "CA")
            case "slow":
                await asyncio.sleep(0.05)
        self.took.append(message)
        return good


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("speech", "table", "id_of"),
    [
        ("http", WEBHOOK, lambda body: json.loads(body)["message_id"]),
        ("mllp", HL7, lambda frame: str(uuid.UUID(hex=control_of(frame)))),
    ],
)
def test_a_receiver_that_fails_by_a_seed_gets_every_alert_and_delays_no_other(
    tmp_path: Path, speech: Speech, table: str, id_of: Callable[[bytes], str], seed: int
) -> None:
    """It does nothing well before the route beside it has told everything."""
    moody, well = Moody(speech, seed), HttpServer()
    notes, notes_of_other = Notebook(), Notebook()
    chance = random.Random(seed)
    raw = [raw_alert(n, f"p-{n % 7}", chance.choice(("high", "low"))) for n in range(30)]

    async def play() -> None:
        lanes = [
            lane_to(tmp_path, table % moody.server.port, notes, f"{HASTY}timeout_s = 0.15"),
            lane_to(tmp_path, WEBHOOK % well.port, notes_of_other, HASTY),
        ]
        for notebook in (notes, notes_of_other):
            notebook.reachable.set()
        work = [asyncio.create_task(lane.run()) for lane in lanes]
        for lane in lanes:
            lane.arrived([arrival(lane, number, one) for number, one in enumerate(raw)])
        await until(lambda: lanes[1].ledger.committable() == {0: 30})
        assert lanes[0].ledger.committable() == {}
        moody.may_be_well = True
        await until(lambda: lanes[0].ledger.committable() == {0: 30})
        for task, lane in zip(work, lanes, strict=True):
            task.cancel()
            await lane.finish(1)

    with moody.server.up(), well.up():
        asyncio.run(play())
    wanted = {json.loads(one)["alert_id"] for one in raw}
    lines = attempts(notes)
    delivered = [line for line in lines if line["type"] == "delivery.delivered"]
    alert_of = {line["message_id"]: line["alert_ids"] for line in delivered}
    assert len(delivered) == len(alert_of) == 30
    assert {alert_id for ids in alert_of.values() for alert_id in ids} == wanted
    assert {id_of(message) for message in moody.took} == alert_of.keys()
    for message in {*moody.server.taken}:
        (alert_id,) = alert_of[id_of(message)]
        assert alert_id.encode() in message, "an alert under another id"
        assert len([one for one in wanted if one.encode() in message]) == 1
    assert len({*moody.server.taken}) == 30, "a repetition has the same bytes"
    assert {*moody.moods} == {*Moody.MOODS}
    for message_id in alert_of:
        (*failures, last) = [line for line in lines if line["message_id"] == message_id]
        assert [line["attempt"] for line in (*failures, last)] == [*range(1, len(failures) + 2)]
        assert {line["type"] for line in failures} <= {"delivery.failed"}
        assert last in delivered
    assert [line["attempt"] for line in attempts(notes_of_other)] == [1] * 30
    assert len(well.taken) == 30
