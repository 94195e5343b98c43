"""What is answered to a person's answer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.events import INPUT_ADAPTER
from stream.router.acknowledgements import Acknowledgements, Ruling
from stream.router.directory import Directory, KnownAlert
from stream.settings import Settings
from tests.router.alarms import MONDAY

GRADE = KnownAlert("a-1", "p-1", "grade.changed")
ESCALATION = KnownAlert("a-2", "p-1", "escalation.opened", escalates="a-1")


def desk(*alerts: KnownAlert) -> Acknowledgements:
    return Acknowledgements({alert.alert_id: alert for alert in alerts}.get)


def said(there: Acknowledgements, after_s: float = 0, **fields: Any) -> Ruling:
    body = {"alert_id": "a-1", "by": "nurse-12", **fields}
    return there.rule(json.dumps(body).encode(), MONDAY + timedelta(seconds=after_s))


def test_an_answer_becomes_an_event_that_the_contract_takes() -> None:
    ruling = said(desk(GRADE), reason="at the bedside")
    assert (ruling.verdict, ruling.status) == ("accepted", 202)
    assert ruling.event is not None
    assert INPUT_ADAPTER.validate_json(ruling.event).patient_id == "p-1"
    event = json.loads(ruling.event)
    assert event["action"] == "acknowledge"
    assert event["time"] == event["received_at"] == "2026-03-02T10:00:00.000Z"


def test_the_same_again_is_the_same_event() -> None:
    there = desk(GRADE)
    first, again = said(there), said(there, after_s=5)
    assert (again.verdict, again.status) == ("repeated", 200)
    assert again.event == first.event
    other = said(there, by="physician-3")
    assert other.verdict == "accepted"
    assert other.event_id != first.event_id


def test_the_id_of_an_escalation_stands_for_the_alert_that_it_escalates() -> None:
    for known in (desk(GRADE, ESCALATION), desk(ESCALATION)):
        ruling = said(known, alert_id="a-2")
        assert (ruling.verdict, ruling.alert_id, ruling.patient_id) == ("accepted", "a-1", "p-1")


def hears(directory: Directory, number: int, what: str) -> None:
    document = {"alert_id": f"e-{number}", "patient_id": "p-1", "type": what, "alert": "a-1"}
    directory._heard(SimpleNamespace(value=json.dumps(document).encode()))


def test_an_answer_that_holds_no_more_is_no_answer() -> None:
    directory = Directory(Settings())
    directory._alerts["a-1"] = GRADE
    for number, again in enumerate(("reopened", "unshelved", "opened")):
        hears(directory, 2 * number, "escalation.acknowledged")
        assert directory._alerts["a-1"].acknowledged
        hears(directory, 2 * number + 1, f"escalation.{again}")
        assert not directory._alerts["a-1"].acknowledged


@pytest.mark.parametrize(
    ("over", "again"),
    [("acknowledged", "reopened"), ("acknowledged", "unshelved"), ("closed", "opened")],
)
def test_the_same_words_to_an_alarm_that_asks_anew_are_another_answer(
    over: str, again: str
) -> None:
    directory = Directory(Settings())
    directory._alerts["a-1"] = GRADE
    there = Acknowledgements(directory.alert)
    hears(directory, 1, "escalation.opened")
    first = said(there)
    hears(directory, 2, f"escalation.{over}")
    assert said(there, after_s=5).event == first.event
    hears(directory, 3, f"escalation.{again}")
    anew = said(there, after_s=600)
    assert anew.verdict == "accepted"
    assert anew.event_id != first.event_id
    hears(directory, 1, "escalation.opened")  # written once more after a crash
    assert said(there, after_s=605).event == anew.event
    assert said(there, event_id="e-1").verdict == "accepted"
    hears(directory, 4, f"escalation.{over}")
    hears(directory, 5, f"escalation.{again}")
    assert said(there, event_id="e-1").verdict == "repeated"


@pytest.mark.parametrize(
    ("alert", "verdict", "words"),
    [
        (replace(GRADE, superseded_by="a-9"), "late", "superseded by a-9"),
        (replace(GRADE, closed=True), "late", "closed before"),
        (replace(GRADE, acknowledged=True), "accepted", "acknowledged before"),
    ],
)
def test_a_late_answer_is_taken_and_told(alert: KnownAlert, verdict: str, words: str) -> None:
    ruling = said(desk(alert))
    assert (ruling.verdict, ruling.status) == (verdict, 202)
    assert words in ruling.text
    assert ruling.event is not None


def test_unknown_and_contradictory_ones_become_no_event() -> None:
    there = desk(GRADE)
    unknown = said(there, alert_id="a-7")
    assert (unknown.verdict, unknown.status, unknown.event) == ("unknown", 404, None)
    other = said(there, patient_id="p-2")
    assert (other.verdict, other.status, other.event) == ("contradictory", 409, None)
    assert said(there, event_id="e-1").verdict == "accepted"
    twice = said(there, event_id="e-1", by="somebody-else")
    assert (twice.verdict, twice.event) == ("contradictory", None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": "shelve"}, "until: shelving needs its end"),
        ({"until": "2026-03-02T11:00:00Z"}, "until: acknowledge has no end"),
        ({"action": "shelve", "until": "2026-03-02T09:00:00Z"}, "not after its beginning"),
        ({"time": "2026-03-02T12:00:00Z"}, "lies in the future"),
        ({"action": "ignore"}, "action"),
        ({"by": ""}, "by"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(fields: dict[str, str], words: str) -> None:
    ruling = said(desk(GRADE), **fields)
    assert (ruling.verdict, ruling.status, ruling.event) == ("refused", 422, None)
    assert words in ruling.text


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b"[" * 5000])
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    assert desk(GRADE).rule(raw, MONDAY).verdict == "refused"
