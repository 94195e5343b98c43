"""What the router writes is what the contract says."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from schemas.delivery import Delivery, Undelivered
from stream.router import records
from stream.router.alerts import Place
from stream.router.message import Message, delivered
from tests.router.alarms import alert

NOW = datetime(2026, 3, 2, 10, 0, 0, 250_000, tzinfo=UTC)
WAY = records.Way("bleep", "webhook", "https://bleep.example.org/")
MESSAGE = Message("bleep", (alert(1), alert(2, priority="low")), None)


def test_deliveries_are_those_of_the_contract() -> None:
    lines = [
        records.attempt(WAY, MESSAGE, b"body", 2, delivered(202, "thanks"), NOW, 0.01),
        records.inhibited(WAY, alert(2), alert(1), NOW),
        records.passed_on(WAY, MESSAGE, "mail", "late", 3, NOW),
        records.reported(WAY, MESSAGE.message_id, {"code": "AA"}, NOW),
    ]
    read = [Delivery.model_validate_json(line) for line in lines]
    assert not any(one.model_extra for one in read)
    assert [one.type for one in read] == [
        "delivery.delivered",
        "delivery.inhibited",
        "delivery.passed_on",
        "delivery.reported",
    ]
    assert {one.at for one in read} == {NOW}
    assert read[0].message_id == read[3].message_id


def test_dead_letters_hold_the_original_bytes() -> None:
    whole = Undelivered.model_validate_json(
        records.undelivered(WAY, MESSAGE, "gave_up", 7, "503 busy", NOW)
    )
    odd = Undelivered.model_validate_json(
        records.unreadable(WAY, Place("alerts", 1, 2, 3), b"\xff", "it is not JSON", NOW)
    )
    assert not whole.model_extra
    assert not odd.model_extra
    originals = [base64.b64decode(one.value_base64) for one in whole.alerts]
    assert originals == [one.raw for one in MESSAGE.alerts]
    assert base64.b64decode(odd.alerts[0].value_base64) == b"\xff"
