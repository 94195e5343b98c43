"""Scores that ask somebody: a band of medium priority or more, on a ladder of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.charts import P0, Chart

WELL: dict[str, float] = {"temp": 37.0, "sbp": 118, "dbp": 70, "hr": 80, "rr": 16, "spo2": 97}
ILL: dict[str, float] = {"temp": 35.4, "sbp": 112, "dbp": 70, "hr": 132, "rr": 26, "spo2": 97}

HOT = {**ILL, "temp": 38.6, "sbp": 118}
"""NEWS2 of 7 with a fever: the grade is 1, and what is charted beside it."""


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


DAY_10 = 240


def back_after_ten_days(**vitals: float) -> Chart:
    """NEWS2 of 7 when they were discharged; what is measured at 10:00 when they are back."""
    chart = worse()
    chart.outcome("11:20", "discharged")
    chart.at(f"{DAY_10 + 10}:00", **vitals)
    return chart


def test_a_score_of_before_the_discharge_asks_nobody_when_the_patient_is_back_and_well() -> None:
    chart = back_after_ten_days(**WELL)
    chart.restart()
    for minute in range(1, 50):
        chart.at(f"{DAY_10 + 10}:{minute:02}", **WELL)
    assert chart.told("risk")[-1] == "11:20 risk news2 closed ended"


def test_a_score_that_is_as_high_when_the_patient_is_back_asks_at_once() -> None:
    chart = back_after_ten_days(**ILL)
    assert chart.told("risk")[-1] == "250:00 risk news2 opened 0 bedside_nurse"


def test_a_score_asks_as_soon_as_enough_is_measured_to_know_it() -> None:
    chart = back_after_ten_days(temp=ILL["temp"], hr=ILL["hr"])
    chart.restart()
    chart.at("250:10", sbp=ILL["sbp"], dbp=ILL["dbp"])
    assert chart.told("risk")[-1] == "11:20 risk news2 closed ended"
    chart.at("250:20", rr=ILL["rr"])
    assert chart.told("risk")[-1] == "250:20 risk news2 opened 0 bedside_nurse"
    chart.answer("250:21", chart.alarm(event="risk"))
    chart.at("250:30", **ILL)
    assert "risk news2 acknowledged" in chart.alarms()


def test_an_end_that_is_withdrawn_a_day_later_asks_by_what_is_measured_then() -> None:
    chart = worse()
    chart.outcome("11:20", "discharged", id="end")
    chart.retract("35:00", "end")
    assert chart.told("risk")[-1] == "11:20 risk news2 closed ended"
    chart.at("35:05", **ILL)
    assert chart.told("risk")[-1] == "35:05 risk news2 opened 0 bedside_nurse"


# -- beside a high grade ---------------------------------------------------------------------------


def supported(*, before: bool = True) -> Chart:
    """Fever with NEWS2 of 7, and a vasopressor: before the score has lasted, or after."""
    chart = Chart()
    chart.patient("0:10", location="7W/12")
    chart.oxygen("9:00", "room_air")
    chart.neuro("9:00", ice=10, consciousness="awake")
    chart.at("10:00", **WELL)
    chart.at("11:00", **HOT)
    chart.pump("11:10" if before else "11:20", "norepinephrine", 4)
    chart.tick("11:20:01")
    return chart


def weaned(chart: Chart) -> None:
    """Without the vasopressor from 11:30 on, as ill as before: grade 1 from 12:30 on."""
    chart.pump("11:30", "norepinephrine", 0, "stop")
    for time in ("11:35", "12:05", "12:35"):
        chart.at(time, **HOT)


def test_beside_a_grade_3_a_score_is_said_and_asks_nobody() -> None:
    chart = supported()
    news2 = [alert for alert in chart.said("risk.changed") if alert.body["score"] == "news2"]
    assert [alert.body["band"] for alert in news2] == ["high"]
    assert chart.told("risk") == []
    assert chart.alarms() == ["grade 3 unacknowledged"]


def test_the_alarm_of_a_grade_3_takes_the_place_of_the_scores() -> None:
    chart = supported(before=False)
    assert chart.told("risk") == [
        "11:15 risk news2 opened 0 bedside_nurse",
        "11:20 risk news2 closed superseded",
    ]
    assert chart.said("escalation.closed")[-1].body["by_alert"] == chart.alarm(3)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("action", "grade_3"),
    [
        ("acknowledge", "12:30 grade 3 closed returned"),
        ("shelve", "12:30 grade 3 closed returned"),
        (None, "12:30 grade 3 returned"),
    ],
)
def test_a_score_that_outlasts_the_grade_asks_when_the_grade_has_gone(
    before: bool, action: str | None, grade_3: str
) -> None:
    chart = supported(before=before)
    if action is not None:
        until = "13:30" if action == "shelve" else None
        chart.answer("11:25", chart.alarm(3), action, until=until)
    chart.restart()
    weaned(chart)
    chart.tick("12:41")
    assert not [line for line in chart.told("risk") if "11:21" < line < "12:30"]
    assert grade_3 in chart.told("grade")
    assert chart.told("risk")[-2:] == [
        "12:30 risk news2 opened 0 bedside_nurse",
        "12:40 risk news2 advanced 1 charge_nurse physician",
    ]


def test_a_grade_3_that_never_was_leaves_the_score_to_ask() -> None:
    chart = Chart()
    chart.oxygen("9:00", "room_air")
    chart.neuro("9:00", ice=10, consciousness="awake")
    chart.at("11:00", **HOT)
    chart.pump("11:10", "norepinephrine", 4, id="other patient's")
    chart.retract("11:22", "other patient's")
    assert chart.told("risk") == ["11:22 risk news2 opened 0 bedside_nurse"]
    assert chart.alarms() == ["grade 1 unacknowledged", "risk news2 unacknowledged"]


def test_an_answer_to_a_score_that_asks_nobody_is_told_so() -> None:
    chart = supported()
    news2 = next(a for a in chart.said("risk.changed") if a.body["score"] == "news2")
    chart.answer("11:25", news2.alert_id)
    assert chart.last is not None
    (refused,) = chart.last.rejections
    assert refused.code == "alarm_closed"
    assert "(superseded)" in refused.detail
    weaned(chart)
    assert chart.alarms()[-1] == "risk news2 unacknowledged"


def test_up_to_grade_2_and_beside_neurotoxicity_a_score_asks() -> None:
    chart = Chart()
    chart.neuro("9:00", ice=1)  # ICANS 3
    chart.oxygen("10:58", "nasal_cannula", 2)
    chart.at("11:00", **HOT)
    chart.tick("11:15:01")
    assert chart.alarms() == [
        "icans 3 unacknowledged",
        "grade 2 unacknowledged",
        "risk news2 unacknowledged",
    ]


def test_a_site_may_let_scores_ask_beside_every_grade() -> None:
    rule = replace(P0.ladders.alarms, scores_silent_from_grade=5)
    chart = Chart(ruleset=replace(P0, ladders=replace(P0.ladders, alarms=rule)))
    chart.oxygen("9:00", "room_air")
    chart.neuro("9:00", ice=10, consciousness="awake")
    chart.at("11:00", **HOT)
    chart.pump("11:10", "norepinephrine", 4)
    chart.tick("11:15:01")
    assert chart.alarms() == ["grade 3 unacknowledged", "risk news2 unacknowledged"]


def test_a_score_that_a_grade_3_kept_silent_is_not_asked_of_ten_days_later() -> None:
    chart = supported()
    chart.outcome("11:25", "transferred")
    chart.pump(f"{DAY_10 + 10}:00", "norepinephrine", 0, "stop")
    assert "grade 3 unacknowledged" in chart.alarms()
    chart.answer("250:10", chart.alarm(3))
    chart.at("250:20", **{**WELL, "temp": 38.6})
    chart.tick("251:30")
    assert chart.told("grade")[-1] == "251:00 grade 3 closed returned"
    assert chart.told("risk") == []


def test_an_end_entered_in_error_leaves_a_score_to_ask_after_the_grade() -> None:
    chart = supported()
    chart.outcome("11:21", "transferred", id="end")
    chart.retract("11:22", "end")
    weaned(chart)
    assert chart.told("risk") == ["12:30 risk news2 opened 0 bedside_nurse"]
