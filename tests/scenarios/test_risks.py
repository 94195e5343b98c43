"""Scores over time: bands that hold before they are said, and what corrections do to them.

What a score is at one moment is in test_scores_of_a_patient.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts import Chart, clock

WELL: dict[str, float] = {"temp": 37.0, "sbp": 118, "dbp": 70, "hr": 80, "rr": 16, "spo2": 97}
ILL: dict[str, float] = {"temp": 39.4, "sbp": 85, "dbp": 50, "hr": 110, "rr": 24, "spo2": 91}


def on_air(**more: Any) -> Chart:
    """Awake and on room air, charted at 9:00."""
    chart = Chart(**more)
    chart.oxygen("9:00", "room_air")
    chart.neuro("9:00", ice=10, consciousness="awake")
    return chart


def score(chart: Chart, name: str, at: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = chart.look(at)["scores"][name]
    return found


def spoken(chart: Chart, name: str) -> list[tuple[str | None, str]]:
    """(band, when it came into force) of every risk.changed of a score."""
    return [
        (a.body["band"], clock(a.effective_time))
        for a in chart.said("risk.changed")
        if a.body["score"] == name
    ]


# -- a band holds before it is said ---------------------------------------------------------------


def test_a_band_is_said_once_it_has_held_for_a_quarter_of_an_hour() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.at("11:00", **ILL)
    chart.tick("11:14:59")
    assert spoken(chart, "news2") == []
    chart.tick("11:15")
    assert spoken(chart, "news2") == [("high", "11:15")]
    (alert,) = [a for a in chart.said("risk.changed") if a.body["score"] == "news2"]
    assert (alert.priority, alert.body["from_band"], alert.body["to_value"]) == (
        "medium",
        "low",
        11,
    )
    assert {item["name"] for item in alert.body["inputs"]} >= {"spo2", "heart_rate", "alert"}
    assert {item["age_s"] for item in alert.body["inputs"] if item["name"] == "spo2"} == {900}


@pytest.mark.parametrize("minutes", [5, 14])
def test_a_spike_says_nothing(minutes: int) -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.at("11:00", **ILL)
    chart.at(f"11:{minutes:02}", **WELL)
    chart.tick("14:00")
    assert {a.body["score"] for a in chart.said("risk.changed")} <= {"early_high_fever"}


def test_a_dip_of_five_minutes_starts_the_quarter_anew() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.at("11:00", **ILL)
    chart.at("11:10", **WELL)
    chart.at("11:12", **ILL)
    chart.tick("11:26:59")
    assert spoken(chart, "news2") == []
    chart.tick("12:00")
    assert spoken(chart, "news2") == [("high", "11:27")]


def test_improvement_holds_too_and_is_information() -> None:
    chart = on_air()
    chart.at("10:00", **ILL)
    chart.at("12:00", **WELL)
    chart.tick("12:59:59")
    assert spoken(chart, "news2") == [("high", "10:15")]
    chart.tick("13:00")  # down only after an hour, as the grade
    assert spoken(chart, "news2") == [("high", "10:15"), ("low", "13:00")]
    assert chart.said("risk.changed")[-1].priority == "information"


def test_easix_above_its_cut_off_is_said_at_once() -> None:
    chart = Chart()
    chart.lab("10:00", "ldh", 600, "U/L")
    chart.lab("10:00", "creatinine", 1.2, "mg/dL")
    assert spoken(chart, "easix") == []
    chart.lab("10:30", "platelets", 50, "10*9/L")
    assert spoken(chart, "easix") == [("raised", "10:30")]


def test_being_well_from_the_beginning_is_no_change() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.tick("13:00")
    assert chart.said("risk.changed") == []


def test_the_same_band_is_said_once() -> None:
    chart = on_air()
    for minute in range(10, 60, 10):
        chart.at(f"10:{minute}", **ILL)
        chart.restart()
    for event in list(chart.events):
        chart.apply(event)
    chart.tick("12:00")
    assert spoken(chart, "news2") == [("high", "10:25")]


def test_a_score_that_swings_between_two_raised_bands_is_raised() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    for step in range(18):  # three hours of 6 and 7 points
        hour, minute = divmod(step * 10, 60)
        rr = 22 if step % 2 else 25
        chart.at(f"{11 + hour}:{minute:02}", temp=37.0, sbp=95, dbp=60, hr=115, rr=rr, spo2=97)
    chart.tick("14:00")
    assert spoken(chart, "news2") != []


# -- age of inputs --------------------------------------------------------------------------------


def test_old_inputs_make_no_new_band() -> None:
    chart = on_air()
    chart.at("10:00", **ILL)
    chart.tick("10:15")
    chart.tick("20:00")
    assert spoken(chart, "news2") == [("high", "10:15")]
    assert score(chart, "news2", "20:00")["band"] is None


def test_a_band_does_not_come_to_hold_on_inputs_that_grew_old_meanwhile() -> None:
    chart = on_air()
    chart.at("10:00", **{**WELL, "hr": 60, "sbp": 118})
    chart.at("13:50", hr=130)  # shock index 1.1, on a pressure of 10:00
    chart.tick("15:00")
    assert spoken(chart, "shock_index") == []


# -- early high fever -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "temp", "raised"),
    [("30:00", 38.9, True), ("36:00", 39.5, True), ("36:01", 39.5, False), ("30:00", 38.8, False)],
)
def test_early_high_fever(at: str, temp: float, raised: bool) -> None:
    chart = Chart()
    chart.at(at, temp=temp)
    chart.tick("37:00")
    band = [b for b, _ in spoken(chart, "early_high_fever")]
    assert band == (["raised"] if raised else [])


@pytest.mark.parametrize(
    ("product", "cls"),
    [
        ("ide-cel", "car_t"),
        ("a trial product", "car_t"),
        ("blinatumomab", "bispecific"),
        ("afami-cel", "tcr_t"),
    ],
)
def test_early_high_fever_is_for_cd19_car_t(product: str, cls: str) -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, cls)
    chart.at("20:00", temp=39.6)
    chart.tick("21:00")
    assert "early_high_fever" not in chart.look()["scores"]
    assert spoken(chart, "early_high_fever") == []


@pytest.mark.parametrize("product", ["axi-cel", "tisa-cel", "brexu-cel", "liso-cel", "obe-cel"])
def test_early_high_fever_is_for_every_cd19_car_t(product: str) -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, "car_t")
    chart.at("20:00", temp=39.6)
    chart.tick("21:00")
    assert spoken(chart, "early_high_fever") == [("raised", "20:00")]


def test_early_high_fever_is_a_fact_that_stays() -> None:
    chart = Chart()
    chart.at("30:00", temp=39.2)
    chart.at("30:10", temp=38.5)
    chart.at("37:15", temp=39.4)
    chart.tick("60:00")
    assert spoken(chart, "early_high_fever") == [("raised", "30:00")]
    chart.therapy("500:00", dose_number=2)
    chart.at("510:00", temp=39.0)
    assert spoken(chart, "early_high_fever") == [("raised", "30:00"), ("raised", "510:00")]


def test_a_fever_from_before_the_infusion_is_not_early_after_it() -> None:
    chart = Chart(therapy=None)
    chart.at("9:00", temp=39.6)
    chart.therapy("10:00")
    chart.tick("11:00")
    assert spoken(chart, "early_high_fever") == []


# -- corrections ----------------------------------------------------------------------------------


def test_a_late_reading_undoes_a_band_once_that_is_borne_out() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.at("11:00", **ILL)
    chart.tick("11:20")
    chart.at("11:05", **WELL, received="11:22")
    chart.at("11:29", **WELL)
    assert spoken(chart, "news2") == [("high", "11:15")]
    chart.at("11:30", **WELL)
    assert spoken(chart, "news2") == [("high", "11:15"), ("low", "11:15")]
    first, second = [a for a in chart.said("risk.changed") if a.body["score"] == "news2"]
    assert second.supersedes == first.alert_id


def test_a_band_that_a_late_reading_undoes_and_a_new_one_confirms_says_nothing_more() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.at("11:00", **ILL)
    chart.tick("11:20")
    chart.at("11:05", **WELL, received="11:22")
    chart.at("11:31", **ILL)
    chart.tick("12:00")
    assert [band for band, _ in spoken(chart, "news2")] == ["high"]


def test_a_band_on_a_retracted_reading_goes_back_with_the_next_ones() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.at("11:00", **ILL, id="wrong")
    chart.tick("11:20")
    chart.retract("11:25", "wrong")
    chart.at("11:40", **WELL)
    chart.tick("14:00")
    assert [band for band, _ in spoken(chart, "news2")] == ["high", "low"]


def test_a_band_on_retracted_readings_alone_is_taken_back() -> None:
    chart = on_air()
    chart.at("11:00", **ILL, id="wrong")
    chart.tick("11:20")
    assert spoken(chart, "news2") == [("high", "11:15")]
    chart.retract("11:30", "wrong")
    chart.tick("14:00")
    assert len(spoken(chart, "news2")) == 2


def test_scores_never_touch_the_grade() -> None:
    chart, plain = on_air(), on_air()
    for one in (chart, plain):
        one.at("10:00", temp=38.5, sbp=120, dbp=70)
    chart.at("10:05", hr=190, rr=45)
    for one in (chart, plain):
        one.tick("11:00")
    assert spoken(chart, "shock_index") == [("high", "10:20")]
    assert chart.grades() == plain.grades()
    chart.expect(raw_grade=1)


def test_without_a_therapy_there_are_no_scores() -> None:
    chart = on_air(therapy=None)
    chart.at("10:00", **ILL)
    chart.tick("11:00")
    assert chart.look()["scores"] == {}
    assert chart.said("risk.changed") == []


def test_after_the_stay_nothing_is_said_and_data_reopens_it() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.at("10:20", **ILL)
    chart.outcome("10:30", "transferred")
    chart.tick("12:00")
    assert spoken(chart, "news2") == []
    chart.at("13:00", **ILL)
    chart.tick("14:00")
    assert spoken(chart, "news2") == [("high", "13:00")]


def test_a_restart_in_the_quarter_of_an_hour_changes_nothing() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.at("11:00", **ILL)
    chart.restart()
    chart.tick("11:14:59")
    chart.restart()
    chart.tick("11:15")
    assert spoken(chart, "news2") == [("high", "11:15")]
