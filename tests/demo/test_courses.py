"""The scripted courses: the same each time, valid, and each does what its story says."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import Any

import pytest

from stream.demo.courses import course_events, load_script
from stream.demo.ward import load_ward
from stream.intake import decode
from stream.offline import OfflineEngine
from stream.rules import load_ruleset

Json = dict[str, Any]
SCRIPT = load_script()
WARD = load_ward(load_ruleset())
BAD_ON_PURPOSE = {"implausible_value", "unit_missing"}


@pytest.fixture(scope="module")
def said() -> dict[str, list[Json]]:
    """What the engine says of the ward, by patient."""
    engine = OfflineEngine(load_ruleset())
    alerts: dict[str, list[Json]] = defaultdict(list)
    for raw in WARD.events:
        for alert in engine.take(raw).alerts:
            alerts[alert.patient_id].append(alert.to_wire())
    return alerts


def test_the_same_bytes_each_time() -> None:
    assert load_ward(load_ruleset()).events == WARD.events


def test_events_are_valid_and_only_the_slips_on_purpose_are_refused() -> None:
    for course in SCRIPT.patients:
        for event in course_events(course, SCRIPT):
            intake = decode(json.dumps(event).encode())
            refused = {rejection.code for rejection in intake.rejections}
            assert refused <= (BAD_ON_PURPOSE if course["id"] == "demo-06" else set()), event


def test_ids_are_unique_and_order_is_that_of_receipt() -> None:
    events = [json.loads(raw) for raw in WARD.events]
    assert len({event["event_id"] for event in events}) == len(events)
    received = [datetime.fromisoformat(event["received_at"]) for event in events]
    assert received == sorted(received)
    assert received[-1] <= SCRIPT.begins + SCRIPT.span
    for event in events:
        assert datetime.fromisoformat(event["time"]) <= datetime.fromisoformat(event["received_at"])


def test_values_drift_but_stay_near_their_curve() -> None:
    course = SCRIPT.patients[0]
    values = [
        reading["value"]
        for event in course_events(course, SCRIPT)
        if event["type"] == "vitals"
        for reading in event["readings"]
        if reading["signal"] == "heart_rate"
    ]
    rows = [row[2] for row in course["curve"]]
    assert min(rows) - 12 <= min(values)
    assert max(values) <= max(rows) + 12
    assert len(set(values)) > 20


def grades(alerts: list[Json]) -> list[int]:
    return [alert["to_grade"] for alert in alerts if alert["type"].startswith("grade.")]


@pytest.mark.parametrize(
    ("patient_id", "path"),
    [
        ("demo-01", [1, 2, 1, 0]),
        ("demo-02", [1, 2, 3, 1, 0]),
        ("demo-03", [1, 2, 1, 3, 1, 0]),
        ("demo-04", [1, 2, 1, 0]),
        ("demo-05", [1, 2, 3, 4, 3, 2, 1, 0]),
        ("demo-06", [1, 2, 1, 0]),
        ("demo-07", [2, 1, 0]),
        ("demo-08", [1, 2, 1, 0]),
        ("demo-09", [1, 0]),
    ],
)
def test_each_course_goes_the_way_of_its_story(
    said: dict[str, list[Json]], patient_id: str, path: list[int]
) -> None:
    assert grades(said[patient_id]) == path


def test_what_the_stories_promise_besides(said: dict[str, list[Json]]) -> None:
    def types(patient_id: str) -> list[str]:
        return [alert["type"] for alert in said[patient_id]]

    assert "icans.changed" in types("demo-02")
    assert "grade.revised" in types("demo-03")
    assert types("demo-04").count("signal.lost") == types("demo-04").count("signal.restored") == 3
    assert "reminder" in types("demo-05")
    assert "grade.revised" in types("demo-06")
    (candidate,) = [alert for alert in said["demo-07"] if alert["type"] == "candidate.raised"]
    assert candidate["why"] == "masked_onset"
    assert "grade.revised" in types("demo-09")


def test_real_stays_are_on_the_ward_too(said: dict[str, list[Json]]) -> None:
    real = [patient_id for patient_id in WARD.stories if not patient_id.startswith("demo-")]
    assert len(real) >= 2
    assert any(said[patient_id] for patient_id in real)
