"""For each of the reminders K1 to K10 a course in which its timer runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from stream.engine import Tick
from stream.engine.events import PatientEvent
from stream.engine.ruleset import HOUR, SECOND
from tests.charts import Chart, clock, when

Retold = Callable[[Chart], object]


@dataclass(frozen=True)
class Course:
    """A chart in which one timer runs out at `due`; `end` ends its condition before that.

    The event with the id `trigger` is the one that the timer rests on.
    """

    code: str
    due: str
    chart: Callable[[], Chart]
    end: Retold

    def events(self) -> list[PatientEvent]:
        return [e for e in self.chart().events if not isinstance(e, Tick)]


def rounds(chart: Chart, first: int, last: int, every: int, temp: float) -> None:
    """Temperature and pressure every few hours."""
    for hour in range(first, last + 1, every):
        chart.at(f"{hour}:00", temp=temp, sbp=120, dbp=70)


def replayed(events: Sequence[PatientEvent | Tick]) -> Chart:
    chart = Chart(age=None, therapy=None)
    for event in events:
        chart.apply(event)
    return chart


def three_days_of_fever() -> Chart:
    chart = Chart()
    chart.at("10:00", temp=38.4, sbp=120, dbp=70, id="trigger")
    rounds(chart, 18, 74, 8, 38.4)
    return chart


def tocilizumab_at_grade_2(product: str = "axi-cel") -> Chart:
    chart = Chart(therapy=None)
    chart.therapy("0:00", product)
    chart.at("10:00", temp=38.5, sbp=120, dbp=70)
    chart.oxygen("10:30", "nasal_cannula", 2)
    chart.give("11:00", "tocilizumab", id="trigger")
    return chart


def three_doses() -> Chart:
    chart = Chart()
    chart.at("10:00", temp=38.5, sbp=120, dbp=70)
    chart.give("11:00", "tocilizumab")
    chart.give("19:00", "tocilizumab")
    chart.give("27:00", "tocilizumab", id="trigger")
    return chart


def tebentafusp_on_oxygen() -> Chart:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "Kimmtrak", "bispecific", dose_number=1)
    chart.at("4:00", temp=38.5, sbp=120, dbp=70)
    chart.oxygen("5:00", "nasal_cannula", 2, id="trigger")
    return chart


def fever_again_at_home() -> Chart:
    chart = Chart(therapy=None)
    chart.patient("0:00", location="At home")
    chart.therapy("0:00", "epcoritamab", "bispecific")
    chart.at("10:00", temp=38.5, sbp=120, dbp=70)
    chart.give("10:30", "acetaminophen")
    chart.at("12:00", temp=37.2)
    chart.at("14:00", temp=38.2, id="trigger")
    return chart


def a_week_of_fever() -> Chart:
    chart = Chart()
    chart.at("10:00", temp=38.4, sbp=120, dbp=70, id="trigger")
    rounds(chart, 16, 172, 6, 38.4)
    return chart


def nobody_comes() -> Chart:
    chart = Chart()
    chart.at("10:00", temp=38.4, sbp=120, dbp=70, id="trigger")
    return chart


def grade_2_after_the_first_part() -> Chart:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "obe-cel", "car_t", dose_number=1)
    chart.at("24:00", temp=38.5, sbp=120, dbp=70)
    chart.oxygen("25:00", "nasal_cannula", 2, id="trigger")
    chart.oxygen("27:00", "room_air")
    rounds(chart, 28, 64, 4, 36.8)
    return chart


def air(at: str) -> Retold:
    return lambda chart: chart.oxygen(at, "room_air")


def cool(at: str) -> Retold:
    return lambda chart: chart.at(at, temp=36.8, sbp=120, dbp=70)


def retracted(at: str) -> Retold:
    return lambda chart: chart.retract(at, "trigger")


COURSES = [
    Course("K1", "82:00", three_days_of_fever, cool("80:00")),
    Course("K2", "19:00", tocilizumab_at_grade_2, air("12:00")),
    Course("K3", "35:00", tocilizumab_at_grade_2, air("20:00")),
    Course("K4", "27:00", three_doses, retracted("27:00")),
    Course("K5", "8:00", tebentafusp_on_oxygen, air("7:00")),
    Course("K6", "14:00", fever_again_at_home, retracted("14:00")),
    Course("K7", "178:00", a_week_of_fever, cool("176:00")),
    Course("K8", "22:00", nobody_comes, cool("21:00")),
    Course("K9", "192:00", grade_2_after_the_first_part, retracted("70:00")),
    Course("K10", "23:00", lambda: tocilizumab_at_grade_2("tisa-cel"), air("12:00")),
]
every = pytest.mark.parametrize("course", COURSES, ids=lambda course: course.code)


def second_before(at: str) -> str:
    return clock(when(at) - SECOND)


def hours_after(at: str, hours: int) -> str:
    return clock(when(at) + hours * HOUR)
