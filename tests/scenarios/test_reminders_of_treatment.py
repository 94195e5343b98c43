"""Reminders K2 to K6 and K10: tocilizumab, tebentafusp, fever again at home."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stream.engine.ruleset import HOUR
from tests.charts import Chart, clock, when
from tests.scenarios.reminder_courses import (
    COURSES,
    fever_again_at_home,
    hours_after,
    replayed,
    rounds,
    tebentafusp_on_oxygen,
    three_doses,
    tocilizumab_at_grade_2,
)

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
