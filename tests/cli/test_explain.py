"""`stormwatch explain`: every alert of a file is rebuilt from its events, and so is a patient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stream.cli import topic_events
from stream.cli.topic_events import Held
from stream.engine import Tick, due, step
from stream.explanation import lines as text_of
from stream.intake import decode
from stream.retrace import Retrace
from stream.rules import load_ruleset

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    clinical = [alert for alert in alerts if not alert.type.startswith("escalation.")]
    assert len(clinical) > 10
    for alert in (*clinical, *alerts[::20]):
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
        "grade 2 unacknowledged, step 2, since 2026-03-01T09:00:00Z, next at ",
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


# -- what cannot be taken --------------------------------------------------------------------------


def test_bad_lines_are_told_as_by_assess(cli: Cli, course: Path) -> None:
    implausible = vitals("hot", "08:30", temperature=60.0)
    other = {**vitals("other", "08:40", temperature=61.0), "patient_id": "p-2"}
    added = "no event\n" + "".join(json.dumps(each) + "\n" for each in (implausible, other))
    course.write_text(course.read_text("utf-8") + added, "utf-8")
    result = cli("explain", "p-1", course, "--json")
    assert result.code == 0
    told = result.err.splitlines()
    assert told[0].startswith(f"{course}:7: not_json: ")
    assert told[1].startswith(f"{course}:8: implausible_value: temperature = 60")
    assert len(told) == 2  # the other patient's is for another explanation
    assert told == cli("assess", course, "--patient", "p-1").err.splitlines()


def test_bad_lines_are_told_with_an_alert_too(cli: Cli, course: Path) -> None:
    alert = cli("grade", course).objects[0]
    course.write_text("no event\n" + course.read_text("utf-8"), "utf-8")
    result = cli("explain", alert["alert_id"], course)
    assert result.code == 0
    assert result.err.startswith(f"{course}:1: not_json: ")
    assert cli("explain", "nobody", course).err.startswith(f"{course}:1: not_json: ")


# -- the moment ------------------------------------------------------------------------------------


def test_before_the_first_event_there_is_nothing_to_explain(cli: Cli, course: Path) -> None:
    result = cli("explain", "p-1", course, "--at", "2026-02-01T00:00:00Z")
    assert result.code == 1
    assert "no event of patient p-1 had happened" in result.err
    assert (
        "by 2026-02-01T00:00:00Z: the first one counts from 2026-03-01T00:00:00Z on" in result.err
    )


def test_an_alert_has_a_moment_of_its_own(cli: Cli, course: Path) -> None:
    alert = cli("grade", course).objects[0]
    result = cli("explain", alert["alert_id"], course, "--at", "2026-03-01T10:00:00Z")
    assert result.code == 2
    assert "--at is for a patient" in result.err


# -- from the topics -------------------------------------------------------------------------------

MINUTE_MS = 60_000
MIDNIGHT_MS = 1_772_323_200_000
LIVE = [
    event("therapy", "cells", "00:00", product="axi-cel", therapy_class="car_t"),
    vitals("fever", "08:00", temperature=38.6),
    event("oxygen", "cannula", "09:00", device="nasal_cannula", flow_lpm=3),
    event("oxygen", "air", "10:00", device="room_air"),
    # sent at 12:00, true at 10:30: by then the worker's clock had said the fall of 11:00
    event("oxygen", "again", "10:30", device="nasal_cannula", flow_lpm=2),
]
SENT = (0, 8 * 60, 9 * 60, 10 * 60, 12 * 60)
"""When the broker took each, in minutes."""


def on_topics(
    monkeypatch: pytest.MonkeyPatch, events: Sequence[Json], said: Sequence[Json]
) -> None:
    def read(_: object, topics: Sequence[str]) -> list[Held]:
        if topics == ("alerts",):
            return [Held(0, "alerts", 0, 0, None, json.dumps(each).encode()) for each in said]
        return [
            Held(MIDNIGHT_MS + minute * MINUTE_MS, "care", number, 3, b"p-1", _raw(each))
            for number, (each, minute) in enumerate(zip(events, SENT, strict=True))
        ]

    monkeypatch.setattr(topic_events, "_read", read)


def _raw(each: Json) -> bytes:
    return json.dumps(each).encode()


def live_alerts(events: Sequence[Json]) -> list[Json]:
    """What a worker says that ticks every minute until each event comes."""
    state, alerts, clock = None, [], 0
    for each, minute in zip(events, SENT, strict=True):
        while state is not None and clock < minute:
            clock += 1
            state, outputs = step(state, Tick((MIDNIGHT_MS + clock * MINUTE_MS) * 1000), P0)
            alerts += outputs.alerts
        clock = minute
        taken = decode(_raw(each)).event
        assert taken is not None
        assert not isinstance(taken, Tick)
        state, outputs = step(state, taken, P0)
        alerts += outputs.alerts
    return [alert.to_wire() for alert in alerts]


@pytest.mark.parametrize("received", [False, True])
def test_an_alert_that_the_worker_s_clock_had_a_part_in(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, received: bool
) -> None:
    """Without ticks the fall of 11:00 is never said: its cause was gone before the next event."""
    events = LIVE
    if received:
        events = [{**each, "received_at": each["time"]} for each in LIVE]
    said = live_alerts(events)
    fall = next(alert for alert in said if alert.get("to_grade") == 1 and alert["from_grade"] == 2)
    assert fall["effective_time"] == "2026-03-01T11:00:00Z"
    on_topics(monkeypatch, events, said)
    untimed = Retrace(P0, patient_id="p-1", alert_id=fall["alert_id"])
    untimed.run([_raw(each) for each in events])
    assert untimed.found is None
    for alert in (fall, *said):
        answer = told(cli, alert["alert_id"])
        assert answer["alert"] == alert


def test_an_alert_of_the_topic_that_the_events_do_not_lead_to(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = {"alert_id": "unheard", "patient_id": "p-1", "ruleset": P0.named()}
    on_topics(monkeypatch, LIVE, [stranger])
    result = cli("explain", "unheard")
    assert result.code == 1
    assert "do not lead to alert unheard" in result.err
    assert "timers that the worker's clock (ticks) let run" in result.err
    result = cli("explain", "unheard", "--at", "2026-03-01T10:00:00Z")
    assert result.code == 2


def test_records_of_the_topics_that_cannot_be_taken(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot = vitals("hot", "10:30", temperature=60.0)
    on_topics(monkeypatch, [*LIVE[:4], hot], [])
    result = cli("explain", "p-1")
    assert result.code == 0
    assert result.err.startswith("care[3]@4: implausible_value: temperature = 60")
    result = cli("explain", "p-1", "--at", "2026-02-01T00:00:00Z")
    assert result.code == 1
    assert "no event of patient p-1 had happened" in result.err


def test_a_band_that_is_left_is_worded(cli: Cli, course: Path) -> None:
    found = told(cli, "p-1", course, "--at", "2026-03-01T10:30:00Z")
    hold = {
        "hold": "band",
        "score": "shock_index",
        "until": "2026-03-01T11:00:00Z",
        "text": "Soon.",
    }
    found["holds"] = [{**hold, "band": None}, {**hold, "band": "high"}]
    text = "\n".join(text_of(found))
    assert "shock_index, change to no band waits until 2026-03-01T11:00:00Z: Soon." in text
    assert "shock_index, change to high waits until 2026-03-01T11:00:00Z: Soon." in text
    assert "None" not in text.split("holds:")[1].split("timers:")[0]
