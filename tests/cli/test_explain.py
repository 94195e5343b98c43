"""`stormwatch explain`: every alert of a file is rebuilt from its events, and so is a patient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stream.engine import Tick, due, step
from stream.intake import decode
from stream.retrace import Retrace
from stream.rules import load_ruleset

if TYPE_CHECKING:
    from .conftest import Cli

WARD = Path(__file__).parents[1] / "data" / "ward.jsonl"
P0 = load_ruleset()
Json = dict[str, Any]


def event(kind: str, event_id: str, time: str, **fields: Any) -> Json:
    base = {"type": kind, "event_id": event_id, "patient_id": "p-1"}
    return {**base, "time": f"2026-03-01T{time}:00Z", **fields}


def vitals(event_id: str, time: str, **values: float) -> Json:
    units = {"temperature": "Cel", "systolic_bp": "mm[Hg]", "diastolic_bp": "mm[Hg]", "spo2": "%"}
    readings = [{"signal": s, "value": v, "unit": units[s]} for s, v in values.items()]
    return event("vitals", event_id, time, readings=readings)


COURSE = [
    event("patient", "adult", "00:00", age_years=60, weight_kg=70, location="Ward 7, bed 2"),
    event("therapy", "cells", "00:00", product="axi-cel", therapy_class="car_t"),
    vitals("fever", "08:00", temperature=38.6, systolic_bp=118, diastolic_bp=70, spo2=96),
    event("medication", "toci", "08:30", agent="tocilizumab", dose=560, unit="mg", route="iv"),
    event("oxygen", "cannula", "09:00", device="nasal_cannula", flow_lpm=3),
    event("oxygen", "air", "10:00", device="room_air"),
]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    file = tmp_path / "course.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in COURSE), "utf-8")
    return file


def told(cli: Cli, *words: str | Path) -> Json:
    result = cli("explain", *words, "--json")
    assert result.code == 0, result.err
    (answer,) = result.objects
    return dict(answer)


def test_every_alert_of_a_ward_can_be_explained() -> None:
    """By the state that said it: the reasons and the grade in it are those of the alert."""
    records = WARD.read_bytes().splitlines()
    states: dict[str, Any] = {}
    alerts = []
    for raw in records:
        taken = decode(raw, accept_ticks=True).event
        assert taken is not None
        whose = list(states) if isinstance(taken, Tick) else [taken.patient_id]
        for patient_id in whose:
            if isinstance(taken, Tick) and (due(states[patient_id]) or taken.time + 1) > taken.time:
                continue
            states[patient_id], outputs = step(states.get(patient_id), taken, P0)
            alerts += outputs.alerts
    assert len(alerts) > 10
    for alert in alerts:
        traced = Retrace(P0, alert_id=alert.alert_id)
        traced.run(records)
        assert traced.found == alert
        assert traced.state is not None
        if alert.type == "grade.changed" and alert.late_by_s == 0:
            assert traced.state.record.published.grade == alert.body["to_grade"]


def test_an_alert_as_it_stood_when_it_was_said(cli: Cli, course: Path) -> None:
    alerts = cli("grade", course).objects
    second = next(a for a in alerts if a.get("to_grade") == 2)
    answer = told(cli, second["alert_id"], course)
    assert answer["alert"] == second
    assert (answer["grade"], answer["raw_grade"]) == (2, 2)
    assert answer["at"] == "2026-03-01T09:00:00Z"
    met = {row["code"]: row["met"] for row in answer["criteria"]}
    assert met["LOW_FLOW_OXYGEN"]
    assert met["FEVER"]
    assert not met["HYPOTENSION"]
    assert answer["fever_rule"]["code"] == "fever"
    penn = next(scale for scale in answer["scales"] if scale["scale"] == "penn-2018")
    assert penn["grade"] == 3
    row = next(row for row in penn["rows"] if "supplemental oxygen" in row["criterion"])
    assert row["met"]
    assert row["conditions"] == [{"text": "hypoxia", "met": True}]


def test_evidence_has_ages_and_events(cli: Cli, course: Path) -> None:
    answer = told(cli, "p-1", course, "--at", "2026-03-01T13:00:00Z")
    by_what = {item["what"]: item for item in answer["evidence"]}
    assert by_what["temperature"]["event_id"] == "fever"
    assert by_what["temperature"]["age_s"] == 5 * 3600
    assert not by_what["temperature"]["stale"]
    assert by_what["spo2"]["stale"]
    assert by_what["medication"]["value"] == "tocilizumab 560 mg, 1 on record"


def test_holds_timers_and_what_would_change_the_grade(cli: Cli, course: Path) -> None:
    answer = told(cli, "p-1", course, "--at", "2026-03-01T10:30:00Z")
    assert (answer["grade"], answer["raw_grade"]) == (2, 1)
    (hold,) = [hold for hold in answer["holds"] if hold["hold"] == "down"]
    assert (hold["grade"], hold["until"]) == (2, "2026-03-01T11:00:00Z")
    assert {"time": "2026-03-01T11:00:00Z", "grade": 1} in answer["if_nothing_is_charted"]
    timers = {timer["timer"]: timer for timer in answer["timers"]}
    assert timers["K2"]["due"] == "2026-03-01T16:30:00Z"
    assert timers["K2"]["in_s"] == 6 * 3600
    assert not timers["K2"]["said"]
    assert "doi" in timers["K2"]["citation"]
    raised = {row["to_grade"] for row in answer["would_raise"]}
    assert raised == {3, 4, 5}


def test_the_text_is_for_people(cli: Cli, course: Path) -> None:
    result = cli("explain", "p-1", course, "--at", "2026-03-01T10:30:00Z")
    assert result.code == 0
    for words in (
        "patient p-1 at 2026-03-01T10:30:00Z",
        "under axi-cel (car_t) since 2026-03-01T00:00:00Z",
        "grade 2 since 2026-03-01T09:00:00Z, at this moment 1",
        "Penn 2018: 3",
        "temperature 38.6 Cel (unknown), 2 h 30 min old [fever]",
        "grade 2 until 2026-03-01T11:00:00Z",
        "K2 due 2026-03-01T16:30:00Z",
        "to 1 at 2026-03-01T11:00:00Z, if nothing else is charted",
        "clinician judgement required, local policy prevails",
        P0.hash,
    ):
        assert words in result.out


def test_an_alert_that_only_a_timer_says_is_found(cli: Cli, course: Path, tmp_path: Path) -> None:
    with_tick = tmp_path / "tick.jsonl"
    tick = {"type": "tick", "time": "2026-03-02T00:00:00Z"}
    with_tick.write_text(course.read_text("utf-8") + json.dumps(tick) + "\n", "utf-8")
    alerts = cli("grade", with_tick).objects
    fall = [a for a in alerts if a["type"] == "grade.changed"][-1]
    assert fall["effective_time"] == "2026-03-01T11:00:00Z"
    answer = told(cli, fall["alert_id"], course)  # no tick in the file
    assert answer["alert"] == fall
    assert answer["at"] == "2026-03-01T11:00:00Z"


def test_a_patient_without_a_therapy(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "plain.jsonl"
    file.write_text(json.dumps(vitals("v", "08:00", temperature=39.0)) + "\n", "utf-8")
    answer = told(cli, "p-1", file)
    assert answer["grade"] is None
    assert answer["fever_rule"]["code"] == "out_of_scope"
    assert answer["scales"] == []
    assert "the scale does not apply" in cli("explain", "p-1", file).out


def test_nobody_of_that_name_is_status_1(cli: Cli, course: Path, tmp_path: Path) -> None:
    result = cli("explain", "p-2", course)
    assert result.code == 1
    assert "p-2 is neither a patient nor an alert" in result.err
    assert P0.hash in result.err
    empty = tmp_path / "empty.jsonl"
    empty.write_text("nothing\n", "utf-8")
    assert "no event could be read" in cli("explain", "p-2", empty).err
    assert cli("explain", "p-2", tmp_path / "nowhere").code == 2


def test_without_files_it_asks_the_brokers(program: Cli) -> None:
    result = program("explain", "p-1", "--bootstrap", "127.0.0.1:1")
    assert result.code == 3
    assert "no Kafka broker serves us" in result.err
