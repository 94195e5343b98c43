"""What an alarm or its answer rested on was entered in error: the alarm is over, or asks again."""

from __future__ import annotations

from tests.charts import Chart, clock, when
from tests.scenarios.reminder_courses import (
    Course,
    a_week_of_fever,
    every,
    nobody_comes,
    tocilizumab_at_grade_2,
)
from tests.scenarios.test_alarms import fever, on_pressor

MINUTE = 60_000_000


def later(time: str, minutes: int) -> str:
    return clock(when(time) + minutes * MINUTE)


def reminded(course: Course) -> Chart:
    patient = course.chart()
    patient.tick(later(course.due, 1))
    assert f"reminder {course.code} unacknowledged" in patient.alarms()
    return patient


# -- reminders -------------------------------------------------------------------------------------


@every
def test_a_reminder_of_what_was_entered_in_error_is_cancelled_with_its_trail(
    course: Course,
) -> None:
    patient = reminded(course)
    patient.retract(later(course.due, 2), "trigger")
    assert not [alarm for alarm in patient.alarms() if f"reminder {course.code} " in alarm]
    (closed,) = [
        alert for alert in patient.said("escalation.closed") if alert.body["subject"] == course.code
    ]
    assert closed.body["why"] == "cancelled"
    assert [mark["what"] for mark in closed.body["trail"]] == ["opened"]


def test_a_dose_that_is_charted_better_still_asks() -> None:
    patient = tocilizumab_at_grade_2()
    patient.tick("19:01")
    patient.give("11:02", "tocilizumab", replaces="trigger", received="19:10")
    assert "reminder K2 unacknowledged" in patient.alarms()


def test_what_else_was_entered_in_error_leaves_a_reminder_alone() -> None:
    patient = tocilizumab_at_grade_2()
    patient.at("18:00", hr=90, id="other")
    patient.tick("19:01")
    patient.retract("19:02", "other")
    assert "reminder K2 unacknowledged" in patient.alarms()


def test_one_that_was_answered_stays_over() -> None:
    patient = tocilizumab_at_grade_2()
    patient.tick("19:01")
    patient.answer("19:02", patient.alarm(event="reminder"))
    before = len(patient.told("reminder"))
    patient.retract("19:03", "trigger")
    assert len(patient.told("reminder")) == before


def test_what_counts_after_all_is_said_anew_as_another_alert() -> None:
    patient = tocilizumab_at_grade_2()
    patient.tick("19:01")
    patient.retract("19:10", "trigger", id="wrong")
    patient.retract("19:20", "wrong")
    assert patient.reminders("K2") == [("K2", "19:00"), ("K2", "19:00")]
    first, second = patient.said("reminder")
    assert first.alert_id != second.alert_id
    assert "reminder K2 unacknowledged" in patient.alarms()


def test_what_is_due_later_without_the_error_is_said_then() -> None:
    patient = a_week_of_fever()  # from 10:00; the next fever is of 16:00
    patient.tick("178:01")
    patient.retract("178:02", "trigger")
    assert "reminder K7 unacknowledged" not in patient.alarms()
    patient.at("183:00", temp=38.4, sbp=120, dbp=70)
    patient.tick("184:01")
    assert patient.reminders("K7") == [("K7", "178:00"), ("K7", "184:00")]


# -- answers ---------------------------------------------------------------------------------------


def recovered() -> Chart:
    """Grade 3, answered; then the pump stops, and the alarm is over."""
    patient = on_pressor()
    patient.answer("11:01", patient.alarm(3), id="ack")
    patient.pump("12:00", "norepinephrine", 0)
    patient.tick("20:00")
    assert patient.told("grade")[-1].endswith("grade 3 closed returned")
    return patient


def test_a_latched_alarm_asks_again_though_its_cause_had_gone() -> None:
    patient = recovered()
    patient.retract("20:30", "ack")
    assert patient.told("grade")[-1] == "20:30 grade 3 reopened 0 bedside_nurse physician"
    assert "grade 3 latched" in patient.alarms()
    patient.tick("20:36")
    assert patient.told("grade")[-1].startswith("20:35 grade 3 advanced 1")
    patient.answer("20:40", patient.alarm(3))
    assert patient.told("grade")[-1].endswith("grade 3 closed answered")
    assert "grade 3 latched" not in patient.alarms()


def test_beside_a_higher_alarm_it_stays_closed() -> None:
    patient = recovered()
    patient.oxygen("20:10", "bipap")
    before = len(patient.told("grade"))
    patient.retract("20:30", "ack")
    assert "grade 4 unacknowledged" in patient.alarms()
    assert not [line for line in patient.told("grade")[before:] if "reopened" in line]


def test_what_would_have_ended_by_itself_stays_closed() -> None:
    patient = fever()
    patient.answer("10:01", patient.alarm(1), id="ack")
    for hour in range(11, 60, 4):
        patient.at(f"{hour}:00", temp=36.8, sbp=120, dbp=70)
    before = patient.told("grade")
    assert before[-1].endswith("grade 1 closed returned")
    patient.retract("60:30", "ack")
    assert patient.told("grade") == before


def test_what_happened_once_asks_again() -> None:
    patient = nobody_comes()
    patient.tick("22:01")
    patient.answer("22:02", patient.alarm(event="reminder"), id="ack")
    assert "reminder K8 unacknowledged" not in patient.alarms()
    patient.retract("22:30", "ack")
    assert patient.told("reminder")[-1] == "22:30 reminder K8 reopened 0 worklist"
    assert "reminder K8 unacknowledged" in patient.alarms()


def test_a_patient_who_has_left_is_not_asked_about() -> None:
    patient = recovered()
    patient.outcome("20:10", "discharged")
    before = patient.told()
    patient.retract("20:30", "ack")
    assert patient.told() == before
