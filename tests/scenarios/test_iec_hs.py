"""The IEC-HS screen on results: ferritin and two of the common criteria within 72 hours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts import Chart, clock

FERRITIN = ("ferritin", 900.0, "ng/mL")
AST = ("ast", 320.0, "U/L")
ALT = ("alt", 320.0, "U/L")
FIBRINOGEN = ("fibrinogen", 1.2, "g/L")
PLATELETS = ("platelets", 18.0, "10*9/L")
ANC = ("anc", 300.0, "/uL")
CALM = [
    ("ferritin", 200.0, "ng/mL"),
    ("ast", 30.0, "U/L"),
    ("alt", 30.0, "U/L"),
    ("fibrinogen", 3.0, "g/L"),
    ("platelets", 180.0, "10*9/L"),
    ("anc", 2500.0, "/uL"),
]

Result = tuple[str, float, str]


def resulted(chart: Chart, at: str, *results: Result, **more: Any) -> None:
    for result in results:
        chart.lab(at, *result, **more)


def screen(chart: Chart) -> dict[str, Any]:
    found: dict[str, Any] = chart.look()["iec_hs"]
    return found


def names(chart: Chart) -> set[str]:
    return {item["name"] for item in screen(chart)["criteria"]}


def spoken(chart: Chart) -> list[tuple[bool, str]]:
    return [(a.body["positive"], clock(a.effective_time)) for a in chart.said("iec_hs.changed")]


# -- positive, negative, unknown ------------------------------------------------------------------


@pytest.mark.parametrize(
    "pair",
    [(AST, FIBRINOGEN), (ALT, PLATELETS), (FIBRINOGEN, ANC), (AST, ANC), (FIBRINOGEN, PLATELETS)],
)
def test_ferritin_and_two_common_criteria_are_positive(pair: tuple[Result, Result]) -> None:
    chart = Chart()
    resulted(chart, "10:00", FERRITIN, *pair)
    assert screen(chart)["positive"] is True
    assert spoken(chart) == [(True, "10:00")]
    (alert,) = chart.said("iec_hs.changed")
    assert alert.priority == "medium"
    assert "Hines" in alert.body["citation"]
    assert len(alert.reasons[0]["event_ids"]) == 3


@pytest.mark.parametrize("pair", [(AST, ALT), (PLATELETS, ANC)])
def test_two_results_of_one_criterion_are_one(pair: tuple[Result, Result]) -> None:
    chart = Chart()
    resulted(chart, "10:00", *CALM)
    resulted(chart, "11:00", FERRITIN, *pair)
    assert screen(chart)["positive"] is False
    assert spoken(chart) == []


def test_without_ferritin_it_is_not_known() -> None:
    chart = Chart()
    resulted(chart, "10:00", AST, FIBRINOGEN, PLATELETS)
    assert screen(chart)["positive"] is None
    assert "ferritin" in screen(chart)["missing"]
    assert spoken(chart) == []


def test_with_ferritin_alone_it_is_not_known() -> None:
    chart = Chart()
    resulted(chart, "10:00", FERRITIN)
    assert screen(chart)["positive"] is None
    assert {"ast", "alt", "fibrinogen", "platelets", "anc"} <= set(screen(chart)["missing"])


def test_what_is_missing_could_still_make_it_positive() -> None:
    chart = Chart()
    resulted(chart, "10:00", FERRITIN, FIBRINOGEN, ("ast", 30, "U/L"), ("alt", 30, "U/L"))
    assert screen(chart)["positive"] is None  # the counts are missing
    resulted(chart, "11:00", ("platelets", 80, "10*9/L"), ("anc", 900, "/uL"))
    assert screen(chart)["positive"] is False


def test_a_normal_ferritin_is_negative_whatever_is_missing() -> None:
    chart = Chart()
    resulted(chart, "10:00", CALM[0])
    assert screen(chart)["positive"] is False


def test_all_normal_says_nothing() -> None:
    chart = Chart()
    resulted(chart, "10:00", *CALM)
    assert screen(chart)["positive"] is False
    assert names(chart) == set()
    assert spoken(chart) == []


def test_before_any_result_there_is_no_screen() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    assert chart.look()["iec_hs"] is None
    chart.lab("11:00", "il6", 900, "pg/mL")  # nothing that the screen reads
    assert chart.look()["iec_hs"] is None


def test_without_a_therapy_there_is_no_screen() -> None:
    chart = Chart(therapy=None)
    resulted(chart, "10:00", FERRITIN, AST, FIBRINOGEN)
    assert chart.look()["iec_hs"] is None
    assert spoken(chart) == []


def test_a_result_in_a_unit_that_it_cannot_have_is_not_used() -> None:
    chart = Chart()
    resulted(chart, "10:00", AST, FIBRINOGEN, ("ferritin", 900.0, "mmol/L"))
    assert screen(chart)["positive"] is None


def test_units_are_converted() -> None:
    chart = Chart()
    resulted(
        chart, "10:00", ("ferritin", 90, "ug/dL"), ("fibrinogen", 120, "mg/dL"),
        ("platelets", 18000, "/uL"),
    )  # fmt: skip
    assert screen(chart)["positive"] is True


# -- bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "met"), [(600.0, False), (600.1, True)])
def test_ferritin_above_twice_the_usual_limit(value: float, met: bool) -> None:
    chart = Chart()
    resulted(chart, "10:00", ("ferritin", value, "ng/mL"), AST, FIBRINOGEN)
    assert screen(chart)["positive"] is met


@pytest.mark.parametrize(("limit", "met"), [(400.0, True), (450.0, False)])
def test_the_limit_of_the_laboratory_wins_over_the_usual_one(limit: float, met: bool) -> None:
    chart = Chart()
    chart.lab("10:00", "ferritin", 900.0, "ng/mL", upper_limit=limit)
    resulted(chart, "10:00", AST, FIBRINOGEN)
    assert screen(chart)["positive"] is met


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "limits", "met"),
    [
        ("ast", 200.0, "U/L", {"upper_limit": 40.0}, False),
        ("ast", 201.0, "U/L", {"upper_limit": 40.0}, True),
        ("alt", 251.0, "U/L", {"upper_limit": 50.0}, True),
        ("fibrinogen", 1.5, "g/L", {}, False),
        ("fibrinogen", 1.49, "g/L", {}, True),
        ("fibrinogen", 1.8, "g/L", {"lower_limit": 2.0}, True),
        ("fibrinogen", 2.0, "g/L", {"lower_limit": 2.0}, False),
        ("fibrinogen", 1.8, "g/L", {}, False),
        ("platelets", 25.0, "10*9/L", {}, False),
        ("platelets", 24.0, "10*9/L", {}, True),
        ("anc", 500.0, "/uL", {}, False),
        ("anc", 499.0, "/uL", {}, True),
    ],
)
def test_the_bounds_of_the_common_criteria(
    analyte: str, value: float, unit: str, limits: dict[str, float], met: bool
) -> None:
    chart = Chart()
    resulted(chart, "10:00", FERRITIN)
    chart.lab("10:00", analyte, value, unit, **limits)
    assert len(names(chart) - {"ferritin"}) == int(met)


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "met"),
    [
        ("ldh", 250.0, "U/L", False),
        ("ldh", 251.0, "U/L", True),
        ("inr", 1.3, "1", True),
        ("bilirubin", 1.3, "mg/dL", True),
        ("triglycerides", 2.99, "mmol/L", False),
        ("triglycerides", 266.0, "mg/dL", True),
        ("creatinine", 1.3, "mg/dL", True),
    ],
)
def test_what_may_be_present_is_listed_and_makes_nothing_positive(
    analyte: str, value: float, unit: str, met: bool
) -> None:
    chart = Chart()
    resulted(chart, "10:00", *CALM)
    resulted(chart, "11:00", FERRITIN, FIBRINOGEN)
    chart.lab("11:00", analyte, value, unit)
    assert len(names(chart)) == 2 + int(met)
    assert screen(chart)["positive"] is False


# -- clustering -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("ferritin", "positive"), [("28:00", True), ("27:59", None)])
def test_only_what_lies_within_72_hours_clusters(ferritin: str, positive: bool | None) -> None:
    chart = Chart()
    resulted(chart, ferritin, FERRITIN)
    resulted(chart, "60:00", AST)
    resulted(chart, "100:00", FIBRINOGEN)
    assert screen(chart)["positive"] is positive


def test_results_that_are_too_old_leave_the_last_word_standing() -> None:
    chart = Chart()
    resulted(chart, "10:00", FERRITIN, AST, FIBRINOGEN)
    chart.lab("120:00", "platelets", 80, "10*9/L")
    assert screen(chart)["positive"] is None
    assert spoken(chart) == [(True, "10:00")]


# -- baseline -------------------------------------------------------------------------------------


def baseline(*results: Result) -> Chart:
    chart = Chart(therapy=None)
    resulted(chart, "-20:00", *results)
    chart.therapy("0:00")
    return chart


@pytest.mark.parametrize(("value", "met"), [(400.0, False), (401.0, True)])
def test_ferritin_above_twice_the_own_baseline(value: float, met: bool) -> None:
    chart = baseline(("ferritin", 200.0, "ng/mL"))
    resulted(chart, "10:00", ("ferritin", value, "ng/mL"), AST, FIBRINOGEN)
    assert screen(chart)["positive"] is met


def test_ferritin_above_twice_the_limit_counts_beside_a_raised_baseline() -> None:
    chart = baseline(("ferritin", 500.0, "ng/mL"))
    resulted(chart, "10:00", ("ferritin", 900.0, "ng/mL"), AST, FIBRINOGEN)
    assert screen(chart)["positive"] is True


@pytest.mark.parametrize(("value", "met"), [(400.0, False), (501.0, True)])
def test_transaminases_go_by_an_abnormal_baseline(value: float, met: bool) -> None:
    chart = baseline(("ast", 100.0, "U/L"))
    resulted(chart, "10:00", FERRITIN, ("ast", value, "U/L"), FIBRINOGEN)
    assert ("transaminases" in names(chart)) is met


def test_a_normal_baseline_does_not_lower_the_bound_of_transaminases() -> None:
    chart = baseline(("ast", 20.0, "U/L"))
    resulted(chart, "10:00", FERRITIN, ("ast", 150.0, "U/L"), FIBRINOGEN)
    assert "transaminases" not in names(chart)


def test_the_baseline_is_of_the_first_infusion() -> None:
    chart = baseline(("ferritin", 200.0, "ng/mL"))
    resulted(chart, "100:00", ("ferritin", 350.0, "ng/mL"))
    chart.therapy("110:00", dose_number=2)
    resulted(chart, "120:00", ("ferritin", 420.0, "ng/mL"), AST, FIBRINOGEN)
    assert screen(chart)["positive"] is True


def test_a_baseline_that_comes_late_counts() -> None:
    chart = Chart(therapy="0:00")
    resulted(chart, "10:00", ("ferritin", 450.0, "ng/mL"), AST, FIBRINOGEN)
    assert screen(chart)["positive"] is False
    chart.lab("-5:00", "ferritin", 200.0, "ng/mL", received="12:00")
    assert screen(chart)["positive"] is True
    assert spoken(chart) == [(True, "10:00")]


@pytest.mark.parametrize(
    ("second", "at", "met"),
    [(400.0, "30:00", True), (399.0, "30:00", False), (400.0, "35:00", False)],
)
def test_rapidly_rising_is_double_within_a_day(second: float, at: str, met: bool) -> None:
    chart = Chart()
    resulted(chart, "10:00", ("ferritin", 200.0, "ng/mL"))
    resulted(chart, at, ("ferritin", second, "ng/mL"), AST, FIBRINOGEN)
    assert screen(chart)["positive"] is met


# -- out and back, corrections --------------------------------------------------------------------


def test_out_and_back() -> None:
    chart = Chart()
    resulted(chart, "10:00", FERRITIN, AST, FIBRINOGEN)
    resulted(chart, "20:00", *CALM)
    resulted(chart, "30:00", ("ferritin", 1500.0, "ng/mL"), AST, FIBRINOGEN)
    assert spoken(chart) == [(True, "10:00"), (False, "20:00"), (True, "30:00")]
    assert [a.priority for a in chart.said("iec_hs.changed")] == ["medium", "information", "medium"]
    assert len({a.alert_id for a in chart.said("iec_hs.changed")}) == 3


def test_it_says_a_thing_once() -> None:
    chart = Chart()
    resulted(chart, "10:00", FERRITIN, AST, FIBRINOGEN)
    events = list(chart.events)
    resulted(chart, "14:00", FERRITIN, AST, FIBRINOGEN)
    for event in events:
        chart.apply(event)
    chart.restart()
    resulted(chart, "18:00", FERRITIN)
    chart.tick("60:00")
    assert spoken(chart) == [(True, "10:00")]


def test_a_late_result_says_when_it_became_positive() -> None:
    chart = Chart()
    resulted(chart, "10:00", FERRITIN, AST)
    chart.lab("12:00", *FIBRINOGEN, received="20:00")
    assert spoken(chart) == [(True, "12:00")]
    (alert,) = chart.said("iec_hs.changed")
    assert alert.late_by_s == 8 * 3600


def test_a_result_retracted_for_another_turns_it_negative() -> None:
    chart = Chart()
    resulted(chart, "10:00", *CALM[1:])
    chart.lab("11:00", *CALM[0])
    resulted(chart, "12:00", AST, FIBRINOGEN)
    chart.lab("12:30", *FERRITIN, id="wrong")
    assert spoken(chart) == [(True, "12:30")]
    chart.retract("13:00", "wrong")
    assert [said for said, _ in spoken(chart)] == [True, False]


@pytest.mark.parametrize("all_of_them", [True, False])
def test_a_positive_screen_on_retracted_results_is_taken_back(all_of_them: bool) -> None:
    chart = Chart()
    for number, result in enumerate((FERRITIN, AST, FIBRINOGEN)):
        chart.lab("10:00", *result, id=f"l{number}")
    assert spoken(chart) == [(True, "10:00")]
    for number in range(3 if all_of_them else 1):
        chart.retract("11:00", f"l{number}")
    chart.tick("12:00")
    assert len(spoken(chart)) == 2


# -- its own channel ------------------------------------------------------------------------------


def test_it_touches_neither_the_grade_nor_icans() -> None:
    chart, plain = Chart(), Chart()
    for one in (chart, plain):
        one.at("9:00", temp=38.5, sbp=120, dbp=70)
        one.neuro("9:00", ice=8)
    resulted(chart, "10:00", FERRITIN, AST, FIBRINOGEN, PLATELETS)
    for one in (chart, plain):
        one.tick("20:00")
    assert chart.grades() == plain.grades()
    chart.expect(raw_grade=1, grade=1, icans=1)
    assert len(chart.said("icans.changed")) == 1


def test_after_the_stay_nothing_is_said() -> None:
    chart = Chart()
    chart.outcome("9:00", "discharged")
    resulted(chart, "10:00", FERRITIN, AST, FIBRINOGEN)
    assert spoken(chart) == []


def test_it_outlives_a_restart() -> None:
    chart = Chart()
    resulted(chart, "10:00", FERRITIN, AST)
    chart.restart()
    resulted(chart, "11:00", FIBRINOGEN)
    chart.restart()
    resulted(chart, "12:00", *CALM)
    assert spoken(chart) == [(True, "11:00"), (False, "12:00")]
