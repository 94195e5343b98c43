"""Reminders K1 to K10: when each is due, what ends it, and that it speaks once.

The same laws for the course of every timer; what is particular to each is in the files beside.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from stream.engine import Tick
from stream.engine.events import Retraction
from stream.engine.ruleset import HOUR, SECOND
from tests.charts import P0, Chart, clock, when
from tests.scenarios.reminder_courses import (
    COURSES,
    Course,
    every,
    hours_after,
    replayed,
    second_before,
    tocilizumab_at_grade_2,
)

ORDERS = re.compile(r"\b(give|administer|must|should|start|stop|order)\b", re.IGNORECASE)


# -- what holds for each of them ------------------------------------------------------------------


@every
def test_it_speaks_at_the_second_at_which_it_is_due_and_says_so(course: Course) -> None:
    chart = course.chart()
    chart.apply(Tick(when(course.due) - SECOND))
    assert chart.reminders(course.code) == []
    chart.tick(course.due)
    assert chart.reminders(course.code) == [(course.code, course.due)]
    (alert,) = [a for a in chart.said("reminder") if a.body["timer"] == course.code]
    assert alert.emitted_time == when(course.due)
    assert alert.priority == "low"


@every
def test_however_late_the_clock_is_read_it_says_when_it_was_due(course: Course) -> None:
    chart = course.chart()
    chart.tick(hours_after(course.due, 40))
    assert chart.reminders(course.code) == [(course.code, course.due)]


@every
def test_it_cites_its_source_and_orders_nothing(course: Course) -> None:
    chart = course.chart()
    chart.tick(course.due)
    (alert,) = [a for a in chart.said("reminder") if a.body["timer"] == course.code]
    body = alert.to_wire()
    assert body["status"] in ("checked", "mem", "DESIGN")
    assert len(body["citation"]) > 10
    assert body["text"].startswith(P0.timers[course.code].text)
    assert not ORDERS.search(P0.timers[course.code].text)


@every
def test_it_is_silent_when_its_condition_ends_before(course: Course) -> None:
    chart = course.chart()
    course.end(chart)
    for hour in range(30):
        chart.tick(hours_after(course.due, hour))
        if course.code != "K8":  # which waits for the next check instead
            assert chart.reminders(course.code) == []
    if course.code == "K8":
        assert chart.reminders("K8") == [("K8", "33:00")]


@every
def test_it_speaks_once_whatever_is_repeated(course: Course) -> None:
    chart = course.chart()
    events = list(chart.events)
    for hour in range(6):
        chart.tick(hours_after(course.due, hour))
    for event in events:
        chart.apply(event)  # sent again: a duplicate
    chart.restart()
    for event in events:
        chart.apply(replace(event, received_at=when(course.due) + 8 * HOUR))
    for hour in range(8, 60, 3):
        chart.tick(hours_after(course.due, hour))
    assert chart.reminders(course.code) == [(course.code, course.due)]


@every
def test_a_restart_neither_loses_nor_repeats_it(course: Course) -> None:
    chart = course.chart()
    chart.restart()
    chart.tick(second_before(course.due))
    chart.restart()
    assert chart.reminders(course.code) == []
    chart.tick(course.due)
    chart.restart()
    chart.tick(hours_after(course.due, 2))
    assert chart.reminders(course.code) == [(course.code, course.due)]


@every
def test_what_comes_late_speaks_at_once_and_says_when_it_was_due(course: Course) -> None:
    events = course.events()
    (late,) = [e for e in events if e.event_id == "trigger"]
    chart = replayed([e for e in events if e.event_id != "trigger"])
    chart.tick(hours_after(course.due, 1))
    assert chart.reminders(course.code) == []
    received = when(course.due) + 2 * HOUR
    outputs = chart.apply(replace(late, received_at=received))
    (alert,) = [a for a in outputs.alerts if a.body.get("timer") == course.code]
    assert clock(alert.effective_time) == course.due
    assert alert.emitted_time == received
    assert alert.late_by_s == 2 * 3600


@every
def test_what_was_entered_in_error_reminds_of_nothing(course: Course) -> None:
    chart = course.chart()
    chart.retract(chart_end(chart), "trigger")
    chart.tick(hours_after(course.due, 1))
    assert chart.reminders(course.code) == []


@every
def test_a_retraction_that_arrives_first_counts_too(course: Course) -> None:
    events = course.events()
    therapy = events[: 1 + next(i for i, e in enumerate(events) if type(e).__name__ == "Therapy")]
    gone = Retraction(event_id="gone", patient_id="p", time=when("1:00"), retracts="trigger")
    chart = replayed([*therapy, gone, *events[len(therapy) :]])
    chart.tick(hours_after(course.due, 1))
    assert chart.reminders(course.code) == []


@every
def test_who_has_left_is_reminded_of_nothing(course: Course) -> None:
    for outcome in ("discharged", "transferred", "death"):
        chart = course.chart()
        chart.outcome(chart_end(chart), outcome, "other" if outcome == "death" else None)
        chart.tick(hours_after(course.due, 48))
        assert chart.reminders() == [r for r in chart.reminders() if when(r[1]) < when(course.due)]


@every
def test_without_a_therapy_it_says_nothing(course: Course) -> None:
    chart = replayed([e for e in course.events() if type(e).__name__ != "Therapy"])
    chart.tick(hours_after(course.due, 48))
    assert chart.reminders() == []


@every
def test_it_never_touches_the_grade(course: Course) -> None:
    chart, silent = course.chart(), Chart(age=None, therapy=None, ruleset=replace(P0, timers=QUIET))
    for event in chart.events:
        silent.apply(event)
    for both in (chart, silent):
        both.tick(hours_after(course.due, 1))
    assert silent.reminders() == []
    assert silent.grades() == chart.grades()


QUIET = {code: replace(rule, products=("nothing",)) for code, rule in P0.timers.items()}


@every
def test_the_assessment_lists_it_until_it_has_spoken(course: Course) -> None:
    chart = course.chart()
    listed = {item["timer"]: item["due"] for item in chart.look()["timers"]}
    assert course.code in listed
    chart.tick(course.due)
    assert course.code not in {item["timer"] for item in chart.look()["timers"]}


def chart_end(chart: Chart) -> str:
    return clock(max(e.time for e in chart.events))


# -- what was said and begins earlier than was known ----------------------------------------------


@pytest.mark.parametrize("code", ["K1", "K5", "K7"])
def test_a_late_earlier_beginning_is_no_second_reminder(code: str) -> None:
    (course,) = [c for c in COURSES if c.code == code]
    chart = course.chart()
    chart.tick(hours_after(course.due, 1))
    (first,) = [e for e in chart.events if getattr(e, "event_id", "") == "trigger"]
    assert not isinstance(first, Tick)
    chart.apply(
        replace(
            first,
            event_id="earlier",
            time=first.time - HOUR // 2,
            received_at=when(course.due) + 2 * HOUR,
        )
    )
    chart.tick(hours_after(course.due, 3))
    assert len(chart.reminders(code)) == 1


# -- among each other -----------------------------------------------------------------------------


def test_several_reminders_come_in_the_order_in_which_they_are_due() -> None:
    chart = tocilizumab_at_grade_2("tisa-cel")
    chart.tick("40:00")
    said = chart.reminders()
    assert said == [("K2", "19:00"), ("K8", "22:00"), ("K10", "23:00"), ("K3", "35:00")]


def test_a_reminder_due_at_the_instant_of_an_event_waits_for_that_instant_to_be_over() -> None:
    chart = tocilizumab_at_grade_2()
    chart.give("19:00", "tocilizumab")
    chart.tick("19:00")
    assert chart.reminders("K2") == []
