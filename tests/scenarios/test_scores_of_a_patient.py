"""Scores in `assess`: values, limits, inputs with their ages, trends; missing is not normal."""

from __future__ import annotations

from typing import Any

import pytest

from stream.rules import load_ruleset
from tests.charts import Chart
from tests.scenarios.test_risks import ILL, WELL, on_air, score, spoken

# -- NEWS2 ----------------------------------------------------------------------------------------


def test_news2_of_a_published_example() -> None:
    chart = on_air()
    chart.at("10:00", **ILL)
    assert score(chart, "news2")["value"] == 11
    assert score(chart, "news2")["band"] == "high"


def test_news2_gives_a_temperature_of_38_no_points() -> None:
    chart = on_air()
    chart.at("10:00", **{**WELL, "temp": 38.0})
    assert score(chart, "news2")["value"] == 0
    chart.expect(raw_grade=1)


@pytest.mark.parametrize(
    ("scale", "device", "spo2", "points"),
    [
        (None, "room_air", 90, 3),
        (1, "room_air", 90, 3),
        (2, "room_air", 90, 0),
        (2, "room_air", 99, 0),
        (2, "room_air", 87, 1),
        (None, "nasal_cannula", 97, 2),
        (2, "nasal_cannula", 92, 2),
        (2, "nasal_cannula", 94, 3),
        (2, "nasal_cannula", 97, 5),
    ],
)
def test_news2_scale_2_only_where_a_clinician_chose_it(
    scale: int | None, device: str, spo2: float, points: int
) -> None:
    chart = on_air()
    if scale is not None:
        chart.patient("9:00", spo2_scale=scale)
    chart.oxygen("9:30", device, 2 if device != "room_air" else None)
    chart.at("10:00", **{**WELL, "spo2": spo2})
    assert score(chart, "news2")["value"] == points


def test_news2_counts_who_is_not_alert() -> None:
    chart = on_air()
    chart.neuro("9:30", consciousness="to_voice")
    chart.at("10:00", **WELL)
    assert score(chart, "news2")["value"] == 3


@pytest.mark.parametrize("absent", ["temp", "sbp", "hr", "rr", "spo2"])
def test_news2_a_missing_sign_is_not_a_normal_one(absent: str) -> None:
    chart = on_air()
    seen = {k: v for k, v in WELL.items() if k != absent and (absent, k) != ("sbp", "dbp")}
    chart.at("10:00", **seen)
    result = score(chart, "news2")
    assert result["value"] is None
    assert len(result["missing"]) == 1
    assert (result["at_least"], result["at_most"]) == (0, 3)


def test_news2_what_nobody_charted_is_missing_not_normal() -> None:
    chart = Chart()
    chart.at("10:00", **WELL)
    result = score(chart, "news2")
    assert result["missing"] == ["on_oxygen", "alert"]
    assert (result["at_least"], result["at_most"]) == (0, 5)
    assert result["band"] is None  # it could be the medium one
    chart.tick("12:00")
    assert spoken(chart, "news2") == []


def test_news2_is_high_whatever_is_missing() -> None:
    chart = Chart()
    chart.at("10:00", **ILL)
    result = score(chart, "news2")
    assert (result["value"], result["at_least"], result["band"]) == (None, 11, "high")
    chart.tick("10:15")
    assert spoken(chart, "news2") == [("high", "10:15")]
    (alert,) = [a for a in chart.said("risk.changed") if a.body["score"] == "news2"]
    assert alert.body["missing"] == ["on_oxygen", "alert"]


# -- shock indices, qSOFA -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hr", "sbp", "band"),
    [(89, 100, None), (90, 100, "watch"), (99, 100, "watch"), (100, 100, "high")],
)
def test_shock_index(hr: float, sbp: float, band: str | None) -> None:
    chart = Chart()
    chart.at("10:00", hr=hr, sbp=sbp, dbp=60)
    assert score(chart, "shock_index")["value"] == pytest.approx(hr / sbp)
    assert score(chart, "shock_index")["band"] == band
    chart.tick("10:30")
    assert spoken(chart, "shock_index") == ([] if band is None else [(band, "10:15")])


@pytest.mark.parametrize(("mean", "band"), [(80, None), (70, "high")])
def test_modified_shock_index_is_high_above_1_3(mean: float, band: str | None) -> None:
    chart = Chart()
    chart.at("10:00", hr=104, map=mean)
    assert score(chart, "modified_shock_index")["band"] == band


def test_a_shock_index_without_a_pressure_is_not_known() -> None:
    chart = Chart()
    chart.at("10:00", hr=130)
    result = score(chart, "shock_index")
    assert result["value"] is None
    assert result["at_least"] is None
    assert result["band"] is None
    assert result["missing"] == ["systolic_bp"]


@pytest.mark.parametrize(
    ("rr", "sbp", "awake", "points"),
    [(21, 101, True, 0), (22, 101, True, 1), (22, 100, True, 2), (22, 100, False, 3)],
)
def test_qsofa(rr: float, sbp: float, awake: bool, points: int) -> None:
    chart = Chart()
    chart.neuro("9:00", consciousness="awake" if awake else "to_voice")
    chart.at("10:00", rr=rr, sbp=sbp, dbp=60)
    assert score(chart, "qsofa")["value"] == points
    assert score(chart, "qsofa")["band"] == ("positive" if points >= 2 else None)


ADULT = ("news2", "qsofa", "shock_index", "modified_shock_index")


@pytest.mark.parametrize(("age", "there"), [(4, False), (17.9, False), (18, True), (None, True)])
def test_scores_for_adults_are_for_adults(age: float | None, there: bool) -> None:
    chart = on_air(age=age)
    chart.at("10:00", **ILL)
    chart.tick("11:00")
    for name in ADULT:
        assert (name in chart.look()["scores"]) is there
        assert (spoken(chart, name) != []) is (there and load_ruleset().scores[name].announce)


# -- age of inputs --------------------------------------------------------------------------------


def test_an_input_that_is_too_old_counts_as_missing_and_is_shown() -> None:
    chart = on_air()
    chart.at("10:00", **WELL)
    chart.at("14:00", hr=80)
    assert score(chart, "news2")["missing"] == []
    chart.at("14:01", hr=80)
    result = score(chart, "news2")
    assert set(result["missing"]) == {"temperature", "systolic_bp", "respiratory_rate", "spo2"}
    assert set(result["too_old"]) == set(result["missing"])
    ages = {item["name"]: item["age_s"] for item in result["inputs"]}
    assert ages["spo2"] == 241 * 60
    assert ages["heart_rate"] == 0
    assert result["value"] is None


# -- signs beside the scores ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "temp", "near"),
    [
        ("axillary", 37.5, True),
        ("temporal", 37.9, True),
        ("skin", 37.7, True),
        ("axillary", 37.4, False),
        ("axillary", 38.0, False),
        ("oral", 37.8, False),
        ("core", 37.8, False),
    ],
)
def test_near_fever_at_a_site_that_misses_it(site: str, temp: float, near: bool) -> None:
    chart = Chart()
    chart.at("10:00", temp=temp, site=site)
    assert ("NEAR_FEVER_SITE" in chart.look()["flags"]) is near


@pytest.mark.parametrize(("sbp", "flagged"), [(121, False), (120, True), (113, True)])
def test_relative_hypotension_is_flagged_and_not_graded(sbp: float, flagged: bool) -> None:
    chart = Chart()
    chart.patient("1:00", baseline_systolic=160)
    chart.at("10:00", temp=38.5, sbp=sbp, dbp=70)
    chart.at("10:10", sbp=sbp, dbp=70)
    chart.expect(raw_grade=1, candidate_grade=2 if flagged else None)
    assert ("REL_HYPOTENSION" in chart.look()["flags"]) is flagged


# -- scores of results ----------------------------------------------------------------------------


def test_the_easix_family() -> None:
    chart = Chart()
    for analyte, value, unit in (
        ("ldh", 350, "U/L"),
        ("creatinine", 1.1, "mg/dL"),
        ("platelets", 120, "10*9/L"),
        ("crp", 85, "mg/L"),
    ):
        chart.lab("10:00", analyte, value, unit)
    assert score(chart, "easix")["value"] == pytest.approx(3.208, abs=0.001)
    assert score(chart, "m_easix")["value"] == pytest.approx(24.792, abs=0.001)
    assert score(chart, "s_easix")["value"] == pytest.approx(350 / 120)
    assert score(chart, "easix")["band"] is None
    assert spoken(chart, "easix") == []


def test_results_grow_old_after_two_days() -> None:
    chart = Chart()
    chart.lab("10:00", "ldh", 350, "U/L")
    chart.lab("10:00", "creatinine", 1.1, "mg/dL")
    chart.lab("58:00", "platelets", 120, "10*9/L")
    assert score(chart, "easix")["value"] is not None
    result = score(chart, "easix", "58:01")
    assert result["value"] is None
    assert set(result["too_old"]) == {"ldh", "creatinine"}


def test_hscore_says_between_which_limits_it_lies() -> None:
    chart = Chart()
    chart.at("10:00", temp=39.5)
    chart.lab("10:00", "ferritin", 7000, "ng/mL")
    result = score(chart, "hscore")
    assert result["at_least"] == 49 + 50
    assert result["at_most"] > 250
    assert result["band"] is None
    assert {"immunosuppressed", "organomegaly", "haemophagocytosis"} <= set(result["missing"])
    for analyte, value, unit in (
        ("triglycerides", 4.5, "mmol/L"),
        ("fibrinogen", 2.0, "g/L"),
        ("ast", 80, "U/L"),
    ):
        chart.lab("11:00", analyte, value, unit)
    assert score(chart, "hscore")["at_least"] == 49 + 50 + 64 + 30 + 19
    assert score(chart, "hscore")["band"] == "likely"
    assert spoken(chart, "hscore") == []  # a trend only: nobody is told


COUNTS = (("haemoglobin", 9.2, "g/dL"), ("wbc", 5.1, "10*9/L"), ("platelets", 20, "10*9/L"))


def test_hscore_counts_the_cytopenias_of_the_results() -> None:
    chart = Chart()
    for analyte, value, unit in COUNTS[:2]:
        chart.lab("10:00", analyte, value, unit)
    assert "cytopenia_lines" in score(chart, "hscore")["missing"]  # one is missing: none is normal
    chart.lab("11:00", *COUNTS[2])
    used = {item["name"]: item for item in score(chart, "hscore")["inputs"]}
    assert used["cytopenia_lines"]["value"] == 2  # 5.1 is no cytopenia
    assert used["cytopenia_lines"]["at"].endswith("T10:00:00Z")  # as old as the oldest
    assert score(chart, "hscore")["at_least"] == 24
    chart.lab("12:00", "wbc", 5.0, "10*9/L")
    assert score(chart, "hscore")["at_least"] == 34


HEMATOTOX = (
    ("platelets", 60, "10*9/L"),
    ("anc", 1000, "/uL"),
    ("haemoglobin", 8.5, "g/dL"),
    ("crp", 4, "mg/dL"),
    ("ferritin", 700, "ng/mL"),
)


def test_car_hematotox_is_of_results_from_before_the_infusion() -> None:
    chart = Chart(therapy=None)
    for row in HEMATOTOX:
        chart.lab("-100:00", *row)
    chart.therapy("0:00")
    for analyte, _, unit in HEMATOTOX:
        chart.lab("20:00", analyte, 20, unit)  # what comes after the infusion does not count
    result = score(chart, "car_hematotox")
    assert result["value"] == 2 + 1 + 1 + 1 + 1
    assert result["band"] == "high"
    assert score(chart, "car_hematotox", "400:00")["value"] == 6  # it does not age after that


def test_car_hematotox_without_earlier_results_is_not_known() -> None:
    chart = Chart()
    for row in HEMATOTOX:
        chart.lab("20:00", *row)
    result = score(chart, "car_hematotox")
    assert result["value"] is None
    assert len(result["missing"]) == 5
    assert result["band"] is None


def test_car_hematotox_results_older_than_a_week_are_too_old() -> None:
    chart = Chart(therapy=None)
    for row in HEMATOTOX:
        chart.lab("-169:00" if row[0] == "anc" else "-167:00", *row)
    chart.therapy("0:00")
    assert score(chart, "car_hematotox")["too_old"] == ["anc"]
    assert score(chart, "car_hematotox")["value"] is None
    assert score(chart, "car_hematotox")["band"] == "high"  # 5 points at least


def test_car_hematotox_is_for_car_t() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "tebentafusp", "bispecific")
    assert "car_hematotox" not in chart.look()["scores"]


# -- trends ---------------------------------------------------------------------------------------


def trend(chart: Chart, analyte: str) -> dict[str, Any]:
    found: dict[str, Any] = chart.look()["trends"][analyte]
    return found


@pytest.mark.parametrize("analyte", ["il6", "crp"])
@pytest.mark.parametrize("agent", ["tocilizumab", "siltuximab"])
@pytest.mark.parametrize("at", ["10:00", "12:00", "13:59"])
def test_no_trend_crosses_an_anti_il6_dose(analyte: str, agent: str, at: str) -> None:
    unit = "pg/mL" if analyte == "il6" else "mg/dL"
    chart = Chart()
    chart.lab("10:00", analyte, 20, unit)
    chart.give(at, agent)
    chart.lab("14:00", analyte, 60, unit)
    assert trend(chart, analyte)["before"] is None
    assert trend(chart, analyte)["ratio"] is None
    chart.lab("20:00", analyte, 30, unit)
    assert trend(chart, analyte)["ratio"] == 0.5  # both after the dose


def test_a_dose_at_the_instant_of_a_result_counts_as_before_it() -> None:
    chart = Chart()
    chart.lab("10:00", "crp", 20, "mg/dL")
    chart.lab("14:00", "crp", 10, "mg/dL")
    chart.give("14:00", "tocilizumab")
    assert trend(chart, "crp")["ratio"] is None


def test_a_trend_without_a_dose_between() -> None:
    chart = Chart()
    chart.give("9:00", "tocilizumab")
    chart.lab("10:00", "il6", 20, "pg/mL")
    chart.give("11:00", "dexamethasone")
    chart.lab("14:00", "il6", 0.06, "ng/mL")
    assert trend(chart, "il6")["ratio"] == 3
    assert trend(chart, "il6")["before"]["value"] == 20


def test_ferritin_is_compared_across_tocilizumab() -> None:
    chart = Chart()
    chart.lab("10:00", "ferritin", 500, "ng/mL")
    chart.give("12:00", "tocilizumab")
    chart.lab("14:00", "ferritin", 1500, "ng/mL")
    assert trend(chart, "ferritin")["ratio"] == 3


def test_a_late_dose_cuts_a_trend_and_its_retraction_mends_it() -> None:
    chart = Chart()
    chart.lab("10:00", "crp", 20, "mg/dL")
    chart.lab("14:00", "crp", 5, "mg/dL")
    assert trend(chart, "crp")["ratio"] == 0.25
    dose = chart.give("12:00", "tocilizumab", received="15:00")
    assert trend(chart, "crp")["ratio"] is None
    chart.retract("16:00", dose)
    assert trend(chart, "crp")["ratio"] == 0.25
