"""Alarms in the worker: metrics of what was asked and answered, the same after a restart."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.worker.harness import Worker, record
from tests.worker.ward_events import START, event


def at(minute: int) -> Any:
    return START + timedelta(minutes=minute)


def fever() -> list[bytes]:
    reading = {"signal": "temperature", "value": 38.6, "unit": "Cel"}
    events = [
        event("therapy", "t", "p00", at(0), product="axi-cel", therapy_class="car_t"),
        event("vitals", "v", "p00", at(30), readings=[reading]),
        event("oxygen", "o", "p00", at(50), device="nasal_cannula", flow_lpm=2),
        event("oxygen", "o2", "p00", at(64), device="nasal_cannula", flow_lpm=2),
    ]
    return [json.dumps(item).encode() for item in events]


def value(worker: Worker, name: str, **labels: str) -> float | None:
    return worker.metrics.registry.get_sample_value(name, labels)


def test_what_was_asked_and_answered_is_counted_across_a_restart() -> None:
    worker = Worker()
    worker.work([record(raw) for raw in fever()])
    opened = [a for a in worker.broker.values("alerts") if a["type"] == "escalation.opened"]
    assert [alarm["grade"] for alarm in opened] == [1, 2]
    assert value(worker, "stormwatch_alarms_total", event="grade", priority="medium") == 2
    assert value(worker, "stormwatch_alarms_closed_total", why="superseded") == 1
    assert value(worker, "stormwatch_alarm_steps_total") == 2  # at 10:45 and 11:00
    assert value(worker, "stormwatch_alarms_standing", state="unacknowledged") == 1
    (standing,) = worker.broker.values("status")[-1]["alarms"]
    assert (standing["alert"], standing["step"]) == (opened[1]["alert"], 1)

    worker.restart()
    assert value(worker, "stormwatch_alarms_standing", state="unacknowledged") == 1
    answer = event(
        "acknowledgement", "a", "p00", at(65), alert_id=opened[1]["alert"], by="nurse-1",
        action="acknowledge",
    )  # fmt: skip
    again = event("acknowledgement", "b", "p00", at(66), alert_id="gone", by="nurse-1",
                  action="acknowledge")  # fmt: skip
    worker.work([record(json.dumps(item).encode()) for item in (answer, again)])
    assert value(worker, "stormwatch_alarm_answer_seconds_sum") == 15 * 60
    assert value(worker, "stormwatch_alarms_standing", state="unacknowledged") == 0
    assert value(worker, "stormwatch_alarms_standing", state="acknowledged") == 1
    (letter,) = worker.broker.values("deadletter")
    assert (letter["reason"], letter["event_id"]) == ("unknown_alert", "b")
