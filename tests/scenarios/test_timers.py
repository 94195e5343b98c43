"""Reminders K1 to K10: when each is due, what ends it, and that it speaks once.

Every timer has a course that lets it run out; the same laws are checked on all of them, then what
is particular to each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from stream.engine import Tick
from stream.engine.events import PatientEvent, Retraction
from stream.engine.ruleset import HOUR, SECOND
from tests.charts import P0, Chart, clock, when

Retold = Callable[[Chart], object]

ORDERS = re.compile(r"\b(give|administer|must|should|start|stop|order)\b", re.IGNORECASE)


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


# -- K1: fever for three days at grade 1 ----------------------------------------------------------


def test_k1_waits_for_the_grade_to_be_1() -> None:
    chart = three_days_of_fever()
    chart.oxygen("80:00", "nasal_cannula", 2)
    chart.tick("83:00")
    assert chart.reminders("K1") == []
    chart.oxygen("83:30", "room_air")
    chart.at("84:00", temp=38.4, sbp=120, dbp=70)
    chart.tick("90:00")
    assert chart.reminders("K1") == [("K1", "84:30")]


def test_k1_counts_from_the_first_fever_of_a_run_without_a_gap_of_a_day() -> None:
    chart = Chart()
    rounds(chart, 10, 34, 8, 38.4)
    rounds(chart, 42, 66, 8, 36.9)  # the last fever was at 34:00
    rounds(chart, 70, 94, 8, 38.4)
    chart.tick("100:00")
    assert chart.reminders("K1") == []


def test_k1_does_not_count_fever_of_another_cause() -> None:
    chart = Chart()
    chart.attribute("9:00", "fever", "infection", "9:00", "20:00")
    rounds(chart, 10, 88, 6, 38.4)
    chart.tick("90:00")
    assert chart.reminders("K1") == []
    chart.at("90:00", temp=38.4, sbp=120, dbp=70)
    chart.tick("95:00")
    assert chart.reminders("K1") == [("K1", "94:00")]  # the first fever that counts: 22:00


def test_k1_needs_a_fever_of_the_last_day() -> None:
    chart = Chart()
    rounds(chart, 10, 50, 8, 38.4)
    chart.tick("83:00")
    assert chart.reminders("K1") == []


def test_k1_speaks_again_in_another_run_of_fever() -> None:
    chart = three_days_of_fever()
    rounds(chart, 82, 120, 6, 36.8)
    rounds(chart, 130, 210, 8, 38.4)
    chart.tick("211:00")
    assert chart.reminders("K1") == [("K1", "202:00")]


# -- K2, K3, K4, K10: tocilizumab -----------------------------------------------------------------


def test_k2_counts_what_was_given_until_then() -> None:
    chart = tocilizumab_at_grade_2()
    chart.give("20:00", "tocilizumab")
    chart.give("46:00", "tocilizumab")
    chart.tick("60:00")
    assert chart.reminders("K2") == [("K2", "19:00"), ("K2", "28:00"), ("K2", "54:00")]
    texts = [a.body["text"] for a in chart.said("reminder") if a.body["timer"] == "K2"]
    counts = [text.rsplit(". ", 1)[1] for text in texts]
    assert counts == [
        "Given in the last 24 h: 1; on record: 1.",
        "Given in the last 24 h: 2; on record: 2.",
        "Given in the last 24 h: 1; on record: 3.",
    ]


def test_k2_starts_anew_with_the_next_dose() -> None:
    chart = tocilizumab_at_grade_2()
    chart.give("18:00", "tocilizumab")
    chart.tick("25:59")
    assert chart.reminders("K2") == []
    chart.tick("26:00")
    assert chart.reminders("K2") == [("K2", "26:00")]


def test_k2_waits_until_a_grade_that_had_fallen_is_back() -> None:
    chart = tocilizumab_at_grade_2()
    chart.oxygen("12:00", "room_air")
    chart.oxygen("21:00", "nasal_cannula", 2)
    chart.tick("22:00")
    assert chart.reminders("K2") == [("K2", "21:00")]


def test_k2_is_of_tocilizumab_alone() -> None:
    chart = tocilizumab_at_grade_2()
    chart.retract("11:01", "trigger")
    chart.give("11:30", "siltuximab")
    chart.tick("34:00")
    assert chart.reminders("K2") == []
    chart.tick("36:00")
    assert chart.reminders("K3") == [("K3", "35:30")]


def test_k2_does_not_speak_of_a_dose_of_an_episode_that_is_over() -> None:
    chart = tocilizumab_at_grade_2()
    chart.oxygen("12:00", "room_air")
    rounds(chart, 13, 45, 4, 36.8)
    assert chart.grades()[-1] == ("changed", 0)
    chart.at("100:00", temp=38.5, sbp=120, dbp=70)
    chart.oxygen("101:00", "nasal_cannula", 2)
    chart.tick("110:00")
    assert chart.reminders("K2") == []


@pytest.mark.parametrize("code", ["K2", "K3", "K4", "K10"])
def test_a_corrected_dose_at_another_time_moves_what_is_due(code: str) -> None:
    (course,) = [c for c in COURSES if c.code == code]
    events = course.events()
    chart = replayed(events)
    (wrong,) = [e for e in events if e.event_id == "trigger"]
    earlier = wrong.time - HOUR // 4
    chart.apply(
        replace(wrong, event_id="right", replaces="trigger", time=earlier, received_at=wrong.time)
    )
    chart.tick(hours_after(course.due, 2))
    assert chart.reminders(code) == [(code, clock(when(course.due) - HOUR // 4))]


@pytest.mark.parametrize("code", ["K2", "K3", "K4", "K10"])
def test_a_dose_whose_amount_is_corrected_is_not_reminded_of_again(code: str) -> None:
    (course,) = [c for c in COURSES if c.code == code]
    events = course.events()
    chart = replayed(events)
    chart.tick(course.due)
    (wrong,) = [e for e in events if e.event_id == "trigger"]
    chart.apply(replace(wrong, event_id="right", replaces="trigger", dose=560.0, unit="mg"))
    chart.tick(hours_after(course.due, 2))
    assert chart.reminders(code) == [(code, course.due)]


def test_k3_is_for_grade_2_that_has_not_improved() -> None:
    chart = tocilizumab_at_grade_2()
    chart.oxygen("20:00", "simple_mask", 6)
    chart.tick("36:00")
    assert chart.reminders("K3") == []
    chart.oxygen("36:00", "nasal_cannula", 2)
    chart.tick("38:00")
    assert chart.reminders("K3") == [("K3", "37:00")]


def test_k3_counts_from_the_first_dose() -> None:
    chart = tocilizumab_at_grade_2()
    chart.give("20:00", "tocilizumab")
    chart.give("28:00", "siltuximab")
    chart.tick("60:00")
    assert chart.reminders("K3") == [("K3", "35:00")]


def test_k3_does_not_count_a_dose_from_before_the_episode() -> None:
    chart = Chart()
    chart.give("2:00", "tocilizumab", intent="prophylaxis")
    chart.at("10:00", temp=38.5, sbp=120, dbp=70)
    chart.oxygen("10:30", "nasal_cannula", 2)
    chart.tick("40:00")
    assert chart.reminders("K3") == []


def test_k3_is_not_for_a_grade_that_came_down_to_2() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5, sbp=120, dbp=70)
    chart.oxygen("10:30", "simple_mask", 6)
    chart.give("11:00", "tocilizumab")
    chart.oxygen("20:00", "nasal_cannula", 2)
    chart.tick("40:00")
    assert chart.reminders("K3") == []


def test_k4_two_doses_are_below_the_maximum() -> None:
    chart = three_doses()
    chart.retract("27:00", "trigger")
    chart.tick("60:00")
    assert chart.reminders("K4") == []


def test_k4_a_dose_24_hours_before_is_of_another_day() -> None:
    chart = Chart()
    for at in ("11:00", "19:00", "35:00"):
        chart.give(at, "tocilizumab")
    chart.tick("36:00")
    assert chart.reminders("K4") == []


def test_k4_four_in_all_are_the_maximum_however_far_apart() -> None:
    chart = Chart()
    for hour in (11, 41, 71, 101):
        chart.give(f"{hour}:00", "tocilizumab", intent="prophylaxis")
    chart.tick("102:00")
    assert chart.reminders("K4") == [("K4", "101:00")]
    (alert,) = [a for a in chart.said("reminder") if a.body["timer"] == "K4"]
    assert alert.body["text"].endswith(
        "Given in the last 24 h: 1 of at most 3; in total: 4 of at most 4."
    )
    assert len(alert.reasons[0]["event_ids"]) == 4


def test_k10_is_for_tisagenlecleucel_alone() -> None:
    for product in ("axi-cel", "brexu-cel", "a trial product"):
        chart = tocilizumab_at_grade_2(product)
        chart.tick("40:00")
        assert chart.reminders("K10") == []
    for product in ("Kymriah", "CTL019", "tisagenlecleucel"):
        chart = tocilizumab_at_grade_2(product)
        chart.tick("40:00")
        assert chart.reminders("K10") == [("K10", "23:00")]


def test_k10_speaks_at_once_when_it_gets_worse() -> None:
    chart = tocilizumab_at_grade_2("tisa-cel")
    chart.oxygen("15:00", "simple_mask", 6)
    chart.tick("15:00")
    assert chart.reminders("K10") == [("K10", "15:00")]
    chart.tick("40:00")
    assert chart.reminders("K10") == [("K10", "15:00")]


def test_k10_worsening_after_an_improvement_is_dated_when_it_came() -> None:
    chart = tocilizumab_at_grade_2("tisa-cel")
    chart.oxygen("12:00", "room_air")
    chart.tick("24:00")
    assert chart.reminders("K10") == []
    chart.oxygen("25:00", "simple_mask", 6)
    chart.tick("26:00")
    assert chart.reminders("K10") == [("K10", "25:00")]


# -- K5: tebentafusp ------------------------------------------------------------------------------


@pytest.mark.parametrize("product", ["tarlatamab", "epcoritamab", "a trial product", "axi-cel"])
def test_k5_is_for_tebentafusp_alone(product: str) -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, "bispecific")
    chart.at("4:00", temp=38.5, sbp=120, dbp=70)
    chart.oxygen("5:00", "nasal_cannula", 2)
    chart.tick("20:00")
    assert chart.reminders("K5") == []


def test_k5_counts_low_pressure_from_its_confirmation() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "tebentafusp", "bispecific")
    chart.at("4:00", temp=38.5, sbp=84, dbp=50)
    chart.at("4:10", sbp=84, dbp=50)
    chart.tick("7:09:59")
    assert chart.reminders("K5") == []
    chart.tick("7:10")
    assert chart.reminders("K5") == [("K5", "7:10")]


def test_k5_starts_anew_with_another_sign() -> None:
    chart = tebentafusp_on_oxygen()
    chart.tick("9:00")
    chart.oxygen("10:00", "room_air")
    chart.oxygen("11:00", "nasal_cannula", 2)
    chart.tick("20:00")
    assert chart.reminders("K5") == [("K5", "8:00"), ("K5", "14:00")]


def test_k5_is_dated_to_a_time_at_which_the_sign_was_of_grade_2() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "tebentafusp", "bispecific")
    chart.at("4:00", temp=38.5, sbp=120, dbp=70)
    chart.oxygen("5:00", "simple_mask", 6)
    chart.oxygen("10:00", "nasal_cannula", 2)
    chart.tick("20:00")
    assert all(when(due) >= when("10:00") for _, due in chart.reminders("K5"))


# -- K6: at home under a bispecific ---------------------------------------------------------------


@pytest.mark.parametrize("place", ["Ward 7, bed 2", None])
def test_k6_is_for_outpatients(place: str | None) -> None:
    chart = fever_again_at_home()
    events = [e for e in chart.events if type(e).__name__ != "Patient"]
    inside = Chart()
    if place is not None:
        inside.patient("0:00", location=place)
    for event in events:
        inside.apply(event)
    inside.tick("30:00")
    assert inside.reminders("K6") == []


def test_k6_is_for_bispecifics() -> None:
    chart = fever_again_at_home()
    cells = Chart()
    for event in chart.events:
        if type(event).__name__ == "Therapy":
            continue
        cells.apply(event)
    cells.tick("30:00")
    assert cells.reminders("K6") == []


@pytest.mark.parametrize(("back", "said"), [("18:29", 1), ("18:30", 0), ("18:31", 0)])
def test_k6_is_for_fever_within_8_hours_of_the_antipyretic(back: str, said: int) -> None:
    chart = Chart(therapy=None)
    chart.patient("0:00", location="Hotel")
    chart.therapy("0:00", "glofitamab", "bispecific")
    chart.at("10:00", temp=38.5)
    chart.give("10:30", "ibuprofen")
    chart.at("14:00", temp=37.2)
    chart.at(back, temp=38.2)
    chart.tick("30:00")
    assert len(chart.reminders("K6")) == said


@pytest.mark.parametrize(("still", "said"), [("12:29", 0), ("12:30", 1)])
def test_k6_fever_that_never_went_counts_once_the_drug_had_time(still: str, said: int) -> None:
    chart = Chart(therapy=None)
    chart.patient("0:00", location="Outpatient clinic")
    chart.therapy("0:00", "mosunetuzumab", "bispecific")
    chart.at("10:00", temp=38.5)
    chart.give("10:30", "acetaminophen")
    chart.at(still, temp=38.4)
    chart.tick("12:31")
    assert len(chart.reminders("K6")) == said


def test_k6_speaks_once_for_each_antipyretic() -> None:
    chart = fever_again_at_home()
    chart.at("15:00", temp=38.4)
    chart.give("16:00", "acetaminophen")
    chart.at("18:00", temp=37.0)
    chart.at("20:00", temp=38.4)
    chart.at("21:00", temp=38.4)
    chart.tick("22:00")
    assert chart.reminders("K6") == [("K6", "14:00"), ("K6", "20:00")]


def test_k6_does_not_follow_the_patient_home() -> None:
    chart = Chart(therapy=None)
    chart.patient("0:00", location="Ward 7, bed 2")
    chart.therapy("0:00", "epcoritamab", "bispecific")
    chart.at("10:00", temp=38.5)
    chart.give("10:30", "acetaminophen")
    chart.at("12:00", temp=37.2)
    chart.at("14:00", temp=38.2)
    chart.at("20:00", temp=36.8)
    chart.patient("40:00", location="Home")
    chart.tick("41:00")
    assert chart.reminders("K6") == []


# -- K7: signs for a week -------------------------------------------------------------------------


def test_k7_waits_for_a_sign_to_be_there() -> None:
    chart = Chart()
    rounds(chart, 10, 172, 6, 38.4)
    rounds(chart, 176, 188, 4, 36.9)
    chart.tick("189:00")
    assert chart.reminders("K7") == []
    chart.at("190:00", temp=38.3)
    chart.tick("191:00")
    assert chart.reminders("K7") == [("K7", "190:00")]


def test_k7_counts_each_episode_for_itself() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.4, sbp=120, dbp=70)
    rounds(chart, 14, 42, 4, 36.9)
    rounds(chart, 100, 200, 6, 38.4)
    chart.tick("201:00")
    assert chart.reminders("K7") == []


def test_k7_counts_support_without_fever() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.4, sbp=120, dbp=70)
    chart.oxygen("11:00", "nasal_cannula", 2)
    chart.give("12:00", "tocilizumab")
    rounds(chart, 14, 176, 6, 36.9)
    chart.tick("178:00")
    assert chart.reminders("K7") == [("K7", "178:00")]


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


# -- K8: nobody looked ----------------------------------------------------------------------------


def test_k8_either_sign_is_a_check() -> None:
    chart = nobody_comes()
    chart.at("20:00", temp=37.0)
    chart.at("30:00", sbp=120, dbp=70)
    chart.tick("41:59:59")
    assert chart.reminders("K8") == []
    chart.tick("42:00")
    assert chart.reminders("K8") == [("K8", "42:00")]


def test_k8_a_pulse_is_no_check() -> None:
    chart = nobody_comes()
    chart.at("20:00", hr=90, rr=16, spo2=97)
    chart.tick("22:00")
    assert chart.reminders("K8") == [("K8", "22:00")]


def test_k8_speaks_again_after_another_gap() -> None:
    chart = nobody_comes()
    chart.at("23:00", temp=38.2)
    chart.tick("36:00")
    assert chart.reminders("K8") == [("K8", "22:00"), ("K8", "35:00")]


@pytest.mark.parametrize(
    ("product", "cls", "dose", "hours"),
    [
        ("axi-cel", "car_t", 1, 24),
        ("tebentafusp", "bispecific", 1, 12),
        ("tarlatamab", "bispecific", 2, 12),
        ("lifileucel", "til", 1, 12),
        ("afami-cel", "tcr_t", 1, 12),
    ],
)
def test_k8_keeps_to_the_interval_of_the_window_before_any_episode(
    product: str, cls: str, dose: int, hours: int
) -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, cls, dose_number=dose)
    chart.tick(second_before(f"{hours}:00"))
    assert chart.reminders("K8") == []
    chart.tick("120:00")
    assert chart.reminders("K8") == [("K8", f"{hours}:00")]


@pytest.mark.parametrize(
    ("product", "dose"), [("tebentafusp", 4), ("tarlatamab", 3), ("mosunetuzumab", 1)]
)
def test_k8_asks_for_nothing_where_no_interval_is_published(product: str, dose: int) -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, "bispecific", dose_number=dose)
    chart.tick("120:00")
    assert chart.reminders("K8") == []


def test_k8_ends_with_the_window() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "tebentafusp", "bispecific", dose_number=1)
    chart.at("13:00", temp=36.8, sbp=120, dbp=70)  # the next check would be due at 25:00
    chart.tick("60:00")
    assert chart.reminders("K8") == [("K8", "12:00")]


def test_k8_ends_with_the_episode() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "mosunetuzumab", "bispecific", dose_number=1)
    chart.at("10:00", temp=38.4, sbp=120, dbp=70)
    rounds(chart, 14, 42, 4, 36.9)
    chart.expect(episode=None)
    chart.tick("90:00")
    assert chart.reminders("K8") == []


# -- K9: before the next dose ---------------------------------------------------------------------


def dosed(product: str, *, grade: int = 2, cls: str = "bispecific", number: int = 1) -> Chart:
    """A dose at 0:00, an episode of this grade from 24:00 on that is closed at 54:00."""
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, cls, dose_number=number)
    chart.at("24:00", temp=38.5, sbp=120, dbp=70)
    if grade >= 2:
        chart.oxygen("25:00", "nasal_cannula" if grade == 2 else "simple_mask", 2)
    chart.oxygen("27:00", "room_air")
    rounds(chart, 28, 64, 4, 36.8)
    chart.expect(episode=None, grade=0)
    return chart


def k9(chart: Chart) -> list[str]:
    return [a.body["text"] for a in chart.said("reminder") if a.body["timer"] == "K9"]


@pytest.mark.parametrize(("grade", "said"), [(1, 0), (2, 1), (3, 1)])
def test_k9_obe_cel_asks_a_day_before_the_second_part(grade: int, said: int) -> None:
    chart = dosed("obe-cel", cls="car_t", grade=grade)
    chart.tick("191:59:59")
    assert chart.reminders("K9") == []
    chart.tick("240:00")
    assert chart.reminders("K9") == [("K9", "192:00")] * said


def test_k9_obe_cel_says_what_is_published_after_grade_2_and_after_grade_3() -> None:
    for grade, words in ((2, "delay of the second part to day 21"), (3, "no second part")):
        chart = dosed("obe-cel", cls="car_t", grade=grade)
        chart.tick("192:00")
        (text,) = k9(chart)
        assert words in text
        assert f"reached grade {grade}" in text
        (alert,) = [a for a in chart.said("reminder") if a.body["timer"] == "K9"]
        assert "Aucatzyl" in alert.body["citation"]


def test_k9_obe_cel_asks_about_an_open_episode_of_grade_1() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "obe-cel", "car_t", dose_number=1)
    rounds(chart, 180, 188, 4, 38.4)
    chart.tick("193:00")
    assert chart.reminders("K9") == [("K9", "192:00")]
    assert "an episode is open" in k9(chart)[0]


def test_k9_obe_cel_has_no_third_part() -> None:
    chart = dosed("obe-cel", cls="car_t", number=2)
    chart.tick("600:00")
    assert chart.reminders("K9") == []


def test_k9_other_car_t_has_no_next_dose() -> None:
    chart = dosed("axi-cel", cls="car_t", grade=3)
    chart.give("100:00", "acetaminophen", intent="premedication")
    chart.tick("600:00")
    assert chart.reminders("K9") == []


def test_k9_glofitamab_asks_when_the_syndrome_was_not_over_for_72_hours() -> None:
    """Dose 2 is due at 168:00; the episode of grade 1 closes at 110:00."""
    chart = Chart(therapy=None)
    chart.therapy("0:00", "glofitamab", "bispecific", dose_number=1)
    chart.at("78:00", temp=38.4, sbp=120, dbp=70)
    rounds(chart, 86, 140, 4, 36.9)
    chart.expect(episode=None)
    chart.tick("168:00")
    assert chart.reminders("K9") == [("K9", "144:00")]
    assert "not been over for the published time" in k9(chart)[0]
    assert "72 h" in k9(chart)[0]


def test_k9_glofitamab_over_for_72_hours_asks_nothing() -> None:
    chart = dosed("glofitamab", grade=1)  # closed at 52:00
    rounds(chart, 68, 160, 8, 36.8)
    chart.tick("168:00")
    chart.therapy("168:00", "glofitamab", "bispecific", dose_number=2)
    chart.tick("169:00")
    assert chart.reminders("K9") == []


def test_k9_glofitamab_counts_the_72_hours_up_to_the_dose() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "glofitamab", "bispecific", dose_number=1)
    chart.at("48:00", temp=38.4, sbp=120, dbp=70)
    rounds(chart, 56, 160, 4, 36.9)  # closed at 80:00, 88 h before dose 2 at 168:00
    chart.tick("168:00")
    assert chart.reminders("K9") == []


@pytest.mark.parametrize(("hours", "said"), [(71, 1), (72, 0)])
def test_k9_glofitamab_the_dose_itself_asks(hours: int, said: int) -> None:
    chart = dosed("glofitamab", grade=1, number=9)  # beyond the schedule: nothing asks before
    closed = next(a.effective_time for a in chart.said() if a.body["to_grade"] == 0)
    chart.therapy(clock(closed + hours * HOUR), "glofitamab", "bispecific", dose_number=10)
    chart.tick("200:00")
    assert len(chart.reminders("K9")) == said


@pytest.mark.parametrize(("number", "hours"), [(1, 168), (2, 168), (3, 168)])
def test_k9_tebentafusp_is_weekly(number: int, hours: int) -> None:
    chart = dosed("tebentafusp", number=number)
    chart.tick(second_before(f"{hours - 24}:00"))
    assert chart.reminders("K9") == []
    chart.tick(f"{hours + 48}:00")
    assert chart.reminders("K9") == [("K9", f"{hours - 24}:00")]
    assert "dexamethasone 4 mg" in k9(chart)[0]


def test_k9_tebentafusp_is_weekly_from_dose_4_on_too() -> None:
    chart = dosed("tebentafusp", number=4)
    chart.tick("168:00")
    assert chart.reminders("K9") == [("K9", "144:00")]


def test_k9_a_premedication_asks_at_once() -> None:
    chart = dosed("tebentafusp")
    chart.give("120:00", "dexamethasone", intent="premedication")
    chart.tick("120:00")
    assert chart.reminders("K9") == [("K9", "120:00")]
    chart.tick("160:00")
    assert chart.reminders("K9") == [("K9", "120:00")]


def test_k9_a_treatment_is_no_premedication() -> None:
    chart = dosed("tebentafusp")
    chart.give("120:00", "dexamethasone")
    chart.give("120:30", "acetaminophen", intent="prophylaxis")
    chart.tick("140:00")
    assert chart.reminders("K9") == []


def test_k9_the_dose_itself_asks() -> None:
    chart = dosed("tebentafusp")
    chart.therapy("130:00", "tebentafusp", "bispecific", dose_number=2)
    chart.tick("150:00")
    assert chart.reminders("K9") == [("K9", "130:00")]


def test_k9_never_twice_for_one_dose() -> None:
    chart = dosed("tebentafusp")
    chart.tick("150:00")
    chart.give("166:00", "dexamethasone", intent="premedication")
    chart.give("167:00", "acetaminophen", intent="premedication")
    chart.restart()
    chart.therapy("168:00", "tebentafusp", "bispecific", dose_number=2)
    chart.tick("300:00")
    assert chart.reminders("K9") == [("K9", "144:00")]


def test_k9_asks_about_each_dose_of_the_schedule() -> None:
    chart = dosed("tebentafusp")
    chart.therapy("168:00", "tebentafusp", "bispecific", dose_number=2)
    chart.tick("340:00")
    assert chart.reminders("K9") == [("K9", "144:00"), ("K9", "312:00")]


def test_k9_the_first_dose_is_not_asked_about() -> None:
    chart = Chart(therapy=None)
    chart.give("-1:00", "dexamethasone", intent="premedication")
    chart.therapy("0:00", "tebentafusp", "bispecific", dose_number=1)
    chart.tick("160:00")
    assert chart.reminders("K9") == []


def test_k9_a_checkpoint_inhibitor_is_asked_about_by_its_premedication_and_its_dose() -> None:
    for at, chart in (("500:00", dosed("nivolumab", cls="checkpoint_inhibitor")),):
        chart.therapy(at, "nivolumab", "checkpoint_inhibitor", dose_number=2)
        chart.tick(at)
        assert chart.reminders("K9") == [("K9", at)]
        assert "withheld at grade 2" in k9(chart)[0]


def test_k9_grade_1_asks_nothing() -> None:
    for product in ("tebentafusp", "tarlatamab", "mosunetuzumab", "epcoritamab"):
        chart = dosed(product, grade=1)
        chart.tick("160:00")
        chart.therapy("168:00", product, "bispecific", dose_number=2)
        chart.tick("169:00")
        assert chart.reminders("K9") == []


def test_k9_names_the_dose_by_its_charted_number() -> None:
    chart = dosed("tebentafusp", number=2)
    chart.tick("150:00")
    assert "Dose 3:" in k9(chart)[0]


def test_k9_shows_what_is_from_memory_as_unverified() -> None:
    chart = dosed("teclistamab", number=4)
    chart.therapy("168:00", "teclistamab", "bispecific", dose_number=5)
    chart.tick("169:00")
    (alert,) = [a for a in chart.said("reminder") if a.body["timer"] == "K9"]
    assert "48 h in hospital after the next dose" in alert.body["text"]
    assert alert.body["status"] == "mem" or "memory" in alert.body["text"]


def test_k9_another_product_begins_with_its_first_dose() -> None:
    chart = dosed("axi-cel", cls="car_t")
    chart.therapy("1000:00", "tebentafusp", "bispecific")
    chart.tick("1160:00")
    assert "Dose 2:" in k9(chart)[-1]


def test_k9_an_older_dose_charted_late_asks_nothing_again() -> None:
    chart = dosed("tebentafusp", number=2)
    chart.therapy("130:00", "tebentafusp", "bispecific", dose_number=3)
    chart.tick("131:00")
    assert chart.reminders("K9") == [("K9", "130:00")]
    chart.therapy("-168:00", "tebentafusp", "bispecific", dose_number=1, received="132:00")
    chart.tick("140:00")
    assert chart.reminders("K9") == [("K9", "130:00")]


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
