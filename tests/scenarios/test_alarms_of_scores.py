"""Scores that ask somebody: a band of medium priority or more, on a ladder of its own."""

from __future__ import annotations

from tests.charts import Chart

WELL: dict[str, float] = {"temp": 37.0, "sbp": 118, "dbp": 70, "hr": 80, "rr": 16, "spo2": 97}
ILL: dict[str, float] = {"temp": 35.4, "sbp": 112, "dbp": 70, "hr": 132, "rr": 26, "spo2": 97}


def worse() -> Chart:
    """NEWS2 of 7 from 11:00 on, without fever, low pressure or oxygen: no grade."""
    chart = Chart()
    chart.oxygen("9:00", "room_air")
    chart.neuro("9:00", ice=10, consciousness="awake")
    chart.at("10:00", **WELL)
    chart.at("11:00", **ILL, id="ill")
    chart.tick("11:15:01")
    return chart


def test_news2_of_7_asks_and_calls_the_emergency_team_within_half_an_hour() -> None:
    chart = worse()
    chart.tick("11:50")
    assert chart.grades() == []
    assert chart.told("risk") == [
        "11:15 risk news2 opened 0 bedside_nurse",
        "11:25 risk news2 advanced 1 charge_nurse physician",
        "11:35 risk news2 advanced 2 rapid_response",
        "11:45 risk news2 exhausted",
    ]


def test_bands_of_low_priority_ask_nobody() -> None:
    chart = worse()
    low = [a for a in chart.said("risk.changed") if a.priority == "low"]
    assert {alert.body["score"] for alert in low} >= {"shock_index"}
    assert chart.alarms() == ["risk news2 unacknowledged"]


def test_an_answer_holds_until_the_band_is_left() -> None:
    chart = worse()
    chart.restart()
    chart.answer("11:20", chart.alarm(event="risk"))
    for minute in range(30, 130, 10):
        chart.at(f"{11 + minute // 60}:{minute % 60:02}", **WELL)
    assert chart.told("risk")[-2:] == [
        "11:20 risk news2 acknowledged",
        "12:30 risk news2 closed returned",
    ]


def test_a_score_of_withdrawn_readings_is_cancelled() -> None:
    chart = worse()
    chart.at("11:05", **WELL, received="11:22")
    chart.at("11:30", **WELL)
    assert chart.told("risk")[-1] == "11:30 risk news2 closed cancelled"
    closed = chart.said("escalation.closed")[-1]
    assert closed.body["by_alert"] == chart.said("risk.changed")[-1].alert_id


def test_a_patient_who_is_back_is_asked_about_again() -> None:
    chart = worse()
    chart.outcome("11:16", "transferred", id="end")
    chart.retract("11:18", "end")
    assert chart.told("risk")[-2:] == [
        "11:16 risk news2 closed ended",
        "11:18 risk news2 opened 0 bedside_nurse",
    ]
