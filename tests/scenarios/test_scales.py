"""The other scales, each by its own wording, and every reason for which they disagree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.engine.events import Patient
from tests.charts import Chart, when

ADULT = ("ctcae-5", "lee-2014", "penn-2018", "cartox-2018", "mskcc")
LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ill(
    *,
    age: float = 60,
    weight: float | None = 70,
    temp: float = 38.9,
    product: str = "axi-cel",
    cls: str = "car_t",
) -> Chart:
    """A patient after a therapy, at 10:00 with this temperature and a good pressure."""
    chart = Chart(age=age, therapy=None)
    chart.put(Patient, "-0:30", weight_kg=weight)
    chart.therapy("0:00", product, cls)
    chart.at("10:00", temp=temp, sbp=118, dbp=70)
    return chart


def low(chart: Chart, at: str = "11", sbp: float = 76) -> None:
    """Two low pressures, ten minutes apart."""
    chart.at(f"{at}:00", sbp=sbp, dbp=42)
    chart.at(f"{at}:10", sbp=sbp, dbp=42)


def seen(chart: Chart, at: str | None = None) -> dict[str, Any]:
    scales: dict[str, Any] = chart.look(at)["scales"]
    return scales


def says(chart: Chart, at: str | None = None, **wanted: int | list[int] | None) -> None:
    """`lee=2, penn=[3, 4]`: the scales by the first word of their names."""
    short = {
        "astct": "astct-2019",
        "ctcae": "ctcae-5",
        "lee": "lee-2014",
        "penn": "penn-2018",
        "cartox": "cartox-2018",
        "child": "cartox-paediatric-2019",
        "mskcc": "mskcc",
        "label": "mosunetuzumab-label",
    }
    found = seen(chart, at)
    assert {name: found[short[name]] for name in wanted} == wanted


# -- whom a scale is for ---------------------------------------------------------------------------


def test_nothing_is_said_without_a_therapy() -> None:
    chart = Chart(therapy=None)
    chart.at("10:00", temp=38.9, sbp=118, dbp=70)
    assert set(seen(chart).values()) == {None}


def test_a_child_has_the_paediatric_scale_and_an_adult_the_other_one() -> None:
    says(ill(age=17.9), child=1, cartox=None)
    says(ill(age=18), child=None, cartox=1)


def test_a_label_s_variant_is_for_its_product_alone() -> None:
    assert "mosunetuzumab-label" not in seen(ill())
    says(ill(product="Lunsumio", cls="bispecific"), label=1)


# -- (1) one vasopressor at a low dose, (5) doses and clocks ---------------------------------------


def test_one_vasopressor_at_a_low_dose_is_2_or_3() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 4)
    says(chart, "18:00", astct=3, ctcae=3, lee=2, penn=3, cartox=2, mskcc=2)


def test_a_high_dose_counts_from_three_hours_on() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    says(chart, "13:59", astct=3, ctcae=3, lee=2, penn=3, cartox=2)
    says(chart, "14:00", astct=3, ctcae=[3, 4], lee=3, penn=4, cartox=3)


def test_the_high_dose_is_said_without_a_new_event() -> None:
    """The clock is a timer of the patient: a later alert carries what the scales say by then."""
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    chart.oxygen("14:30", "bipap")
    assert chart.said()[-2].body["other_scales"]["lee-2014"] == 2
    assert chart.said()[-1].body["other_scales"]["penn-2018"] == 4


def test_an_interrupted_pump_restarts_the_clock_of_high_doses() -> None:
    for action in ("stop", "rate"):
        chart = ill()
        chart.pump("11:00", "norepinephrine", 25)
        chart.pump("13:00", "norepinephrine", 0, action)
        chart.pump("13:05", "norepinephrine", 25)
        says(chart, "16:04", lee=2, penn=3, cartox=2)
        says(chart, "16:05", lee=3, penn=4, cartox=3)


def test_a_rate_below_the_limit_restarts_the_clock_of_high_doses() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    chart.pump("13:00", "norepinephrine", 8, "rate")
    chart.pump("13:05", "norepinephrine", 25, "rate")
    says(chart, "16:04", lee=2, penn=3)
    says(chart, "16:05", lee=3, penn=4)


def test_a_change_of_a_rate_above_the_limit_does_not_restart_it() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    chart.pump("13:00", "norepinephrine", 40, "rate")
    chart.pump("13:30", "norepinephrine", 21, "running")
    says(chart, "14:00", lee=3, penn=4)


def test_a_late_word_from_the_pump_takes_the_high_dose_back() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    chart.tick("14:30")
    says(chart, lee=3)
    chart.pump("12:00", "norepinephrine", 5, "rate", received="14:40")
    says(chart, lee=2, penn=3)


def test_high_is_by_weight_in_penn_and_by_the_minute_in_lee() -> None:
    heavy, light = ill(weight=120), ill(weight=45)
    for chart in (heavy, light):
        chart.pump("11:00", "norepinephrine", 12)
    says(heavy, "15:00", lee=2, penn=3)
    says(light, "15:00", lee=2, penn=4)
    heavy.pump("15:00", "norepinephrine", 22, "rate")
    says(heavy, "18:00", lee=3, penn=3)


def test_a_pressor_for_a_day_is_3_in_mskcc_alone() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 4)
    says(chart, "34:59", mskcc=2, lee=2, cartox=2)
    says(chart, "35:00", mskcc=3, lee=2, cartox=2)


def test_a_change_of_agents_without_a_gap_keeps_the_day_and_a_gap_ends_it() -> None:
    changed, gap = ill(), ill()
    for chart, stop, start in ((changed, "20:10", "20:00"), (gap, "20:00", "20:10")):
        chart.pump("11:00", "norepinephrine", 4)
        first, second = sorted([(start, "phenylephrine", 30, "start"), (stop, *STOP)])
        chart.pump(*first)
        chart.pump(*second)
    says(changed, "35:00", mskcc=3)
    says(gap, "35:00", mskcc=2)
    says(gap, "44:10", mskcc=3)


STOP = ("norepinephrine", 0, "stop")


def test_several_vasopressors_are_3_and_vasopressin_counts_outside_astct() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 4)
    chart.pump("11:00", "vasopressin", 0.03, unit="U/min")
    says(chart, "11:10", astct=3, ctcae=3, lee=2, cartox=2)
    says(chart, "12:00", astct=3, ctcae=[3, 4], lee=3, penn=3, cartox=3, mskcc=2)
    chart.pump("12:00", "phenylephrine", 40)
    says(chart, "12:15", astct=4, ctcae=4, lee=3, penn=3, cartox=3, mskcc=2)


def test_with_vasopressin_half_the_dose_is_high() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 12)
    says(chart, "15:00", penn=3)
    chart.pump("15:00", "vasopressin", 0.03, unit="U/min")
    says(chart, "17:59", penn=3)
    says(chart, "18:00", penn=4)


def test_vasopressin_as_the_only_vasopressor_is_one_at_no_high_dose() -> None:
    chart = ill()
    chart.pump("11:00", "vasopressin", 0.04, unit="U/min")
    says(chart, "20:00", astct=3, ctcae=3, lee=2, penn=3, cartox=2, mskcc=2)


# -- (2) low-flow oxygen, (3) positive pressure, (6) device or fraction ----------------------------


@pytest.mark.parametrize("device", ["nasal_cannula", "blow_by"])
def test_low_flow_oxygen_is_3_in_penn_and_2_elsewhere(device: str) -> None:
    chart = ill()
    chart.oxygen("11:00", device, 2, fio2=0.28)
    says(chart, astct=2, ctcae=2, lee=2, penn=3, cartox=2, mskcc=2)


def test_the_device_counts_in_astct_and_the_fraction_elsewhere() -> None:
    chart = ill()
    chart.oxygen("11:00", "high_flow_nasal_cannula", 30, fio2=0.39)
    says(chart, astct=3, ctcae=2, lee=2, penn=3, cartox=2, mskcc=2)
    chart.oxygen("12:00", "high_flow_nasal_cannula", 30, fio2=0.40)
    says(chart, astct=3, ctcae=3, lee=3, penn=3, cartox=3, mskcc=3)


def test_a_mask_is_3_in_astct_whatever_it_gives() -> None:
    chart = ill()
    chart.oxygen("11:00", "venturi_mask", 4, fio2=0.28)
    says(chart, astct=3, ctcae=2, lee=2, cartox=2)


@pytest.mark.parametrize(
    ("fio2", "wanted"),
    [(0.30, {"lee": [2, 4], "ctcae": [2, 4]}), (0.50, {"lee": [3, 4], "ctcae": [3, 4]})],
)
def test_positive_pressure_without_a_tube(fio2: float, wanted: dict[str, Any]) -> None:
    for device in ("cpap", "bipap"):
        chart = ill()
        chart.oxygen("11:00", device, fio2=fio2)
        says(chart, astct=4, penn=3, cartox=wanted["lee"], mskcc=wanted["lee"], **wanted)


def test_a_ventilator_is_4_everywhere() -> None:
    chart = ill()
    chart.oxygen("11:00", "invasive_ventilation", fio2=0.3)
    says(chart, astct=4, ctcae=4, lee=4, penn=4, cartox=4, mskcc=4)


def test_a_device_for_the_airway_or_from_home_counts_on_no_scale() -> None:
    for reason in ("airway_protection", "procedure", "home"):
        chart = ill()
        chart.oxygen("11:00", "invasive_ventilation", fio2=0.6, reason=reason)
        assert {seen(chart)[name] for name in ADULT} == {1}


def test_six_litres_are_high_flow_in_the_mosunetuzumab_label() -> None:
    for flow, astct, label in ((5.9, 2, 2), (6, 2, 3), (6.5, 3, 3)):
        chart = ill(product="mosunetuzumab", cls="bispecific")
        chart.oxygen("11:00", "nasal_cannula", flow, fio2=0.35)
        says(chart, astct=astct, label=label, lee=2)


# -- (4) organs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "limit", "lee", "penn"),
    [
        ("creatinine", 1.2, "mg/dL", 1.2, 1, 1),
        ("creatinine", 1.3, "mg/dL", 1.2, 1, 2),
        ("creatinine", 2.4, "mg/dL", 1.2, 2, 2),
        ("creatinine", 4.5, "mg/dL", 1.2, 3, 3),
        ("creatinine", 8.0, "mg/dL", 1.2, 4, [3, 4]),
        ("alt", 160.0, "U/L", 40.0, 2, 2),
        ("ast", 250.0, "U/L", 40.0, 3, 2),
        ("alt", 1000.0, "U/L", 40.0, 3, 3),
        ("bilirubin", 2.0, "mg/dL", 1.2, 2, 2),
        ("bilirubin", 13.0, "mg/dL", 1.2, 4, 3),
    ],
)
def test_organs_count_in_lee_penn_and_cartox(
    analyte: str, value: float, unit: str, limit: float, lee: int, penn: int | list[int]
) -> None:
    chart = ill()
    chart.lab("11:00", analyte, value, unit, upper_limit=limit)
    says(chart, astct=1, ctcae=1, lee=lee, penn=penn, cartox=lee, mskcc=1)


def test_what_was_there_before_the_therapy_is_no_organ_toxicity() -> None:
    chart = Chart(therapy=None)
    chart.lab("-3:00", "creatinine", 2.0, "mg/dL", upper_limit=1.2)
    chart.therapy("0:00")
    chart.at("10:00", temp=38.9, sbp=118, dbp=70)
    chart.lab("11:00", "creatinine", 2.1, "mg/dL", upper_limit=1.2)
    says(chart, lee=1, penn=1, cartox=1)
    chart.lab("12:00", "creatinine", 4.2, "mg/dL", upper_limit=1.2)
    says(chart, lee=3, penn=3, cartox=3)


def test_a_multiple_of_a_good_baseline_counts_within_the_limits() -> None:
    chart = Chart(therapy=None)
    chart.lab("-3:00", "creatinine", 0.5, "mg/dL", upper_limit=1.2)
    chart.therapy("0:00")
    chart.at("10:00", temp=38.9, sbp=118, dbp=70)
    chart.lab("11:00", "creatinine", 0.9, "mg/dL", upper_limit=1.2)
    says(chart, lee=2, cartox=2, ctcae=1)


def test_transaminases_are_judged_by_a_baseline_that_was_abnormal() -> None:
    chart = Chart(therapy=None)
    chart.lab("-3:00", "alt", 100.0, "U/L", upper_limit=40.0)
    chart.therapy("0:00")
    chart.at("10:00", temp=38.9, sbp=118, dbp=70)
    chart.lab("11:00", "alt", 250.0, "U/L", upper_limit=40.0)
    says(chart, lee=1)
    chart.lab("12:00", "alt", 350.0, "U/L", upper_limit=40.0)
    says(chart, "13:30", lee=2, cartox=2)


def test_an_organ_alone_is_no_cytokine_release_syndrome() -> None:
    chart = ill(temp=36.8)
    chart.lab("11:00", "alt", 1000.0, "U/L", upper_limit=40.0)
    assert {seen(chart)[name] for name in ADULT} == {0}


# -- Penn's own criteria ---------------------------------------------------------------------------


def test_penn_neutropenia_counts_in_hospital() -> None:
    for place, penn in (("outpatient", 1), ("ward 7", 2), (None, [1, 2])):
        chart = ill()
        chart.put(Patient, "9:00", location=place)
        chart.lab("10:30", "anc", 0.3, "10*9/L")
        says(chart, penn=penn, lee=1)
    chart.lab("12:00", "anc", 500, "/uL")
    says(chart, "13:30", penn=1)


def test_penn_an_intravenous_treatment_counts_and_premedication_does_not() -> None:
    for extra, penn in (({}, 2), ({"intent": "premedication"}, 1), ({"route": "po"}, 1)):
        chart = ill()
        chart.give("10:30", "meropenem", **{"route": "iv", **extra})
        says(chart, penn=penn)


def test_penn_plasma_is_3_and_nothing_elsewhere() -> None:
    chart = ill()
    chart.give("10:30", "fresh_frozen_plasma", route="iv")
    says(chart, astct=1, ctcae=1, lee=1, penn=3, cartox=1)


def test_penn_fluids_for_hypotension_are_no_intravenous_therapy() -> None:
    chart = ill()
    chart.give("10:30", "fluid_bolus", route="iv", dose=500.0, unit="mL")
    says(chart, penn=1)


def test_penn_several_boluses_are_3_and_fewer_are_left_open() -> None:
    chart = ill()
    low(chart)
    chart.give("11:12", "fluid_bolus")
    says(chart, astct=2, ctcae=2, lee=2, penn=[2, 3], cartox=2, mskcc=[1, 2])
    chart.give("11:20", "fluid_bolus")
    says(chart, penn=3)


# -- fever -----------------------------------------------------------------------------------------


def test_without_fever_at_onset_a_scale_says_0_or_leaves_0_open_or_counts_the_sign() -> None:
    chart = ill(temp=36.8)
    low(chart)
    says(chart, astct=0, ctcae=[0, 2], lee=[0, 2], penn=[0, 2, 3], cartox=[0, 2], mskcc=[0, 1, 2])
    child = ill(temp=36.8, age=4)
    low(child)
    says(child, astct=0, child=2, lee=[0, 2])
    label = ill(temp=36.8, product="mosunetuzumab", cls="bispecific")
    low(label)
    says(label, astct=0, label=0)


def test_a_fever_that_lapsed_is_asked_for_by_astct_and_the_label_alone() -> None:
    chart = ill(product="mosunetuzumab", cls="bispecific")
    for hour in range(14, 38, 6):
        chart.at(f"{hour}:00", temp=36.8, sbp=118, dbp=70)
    chart.oxygen("36:00", "nasal_cannula", 2)
    chart.expect(raw_grade=0, candidate_grade=2, flags={"FEVER_LAPSED"})
    says(chart, astct=1, label=1, ctcae=2, lee=2, penn=3, cartox=2)


def test_after_tocilizumab_the_signs_count_without_fever_on_every_scale() -> None:
    chart = ill()
    chart.give("11:00", "tocilizumab", dose=560.0, unit="mg", route="sc")
    chart.at("20:00", temp=36.8)
    chart.pump("21:00", "norepinephrine", 4)
    says(chart, "22:00", astct=3, ctcae=3, lee=2, penn=3, cartox=2)


def test_what_a_clinician_attributes_to_another_cause_counts_on_no_scale() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    chart.attribute("11:30", "vasopressor", "sedation", "11:00")
    assert {seen(chart, "16:00")[name] for name in ("astct-2019", *ADULT)} == {1}


# -- what is not known makes a set -----------------------------------------------------------------


def test_an_unknown_weight_leaves_a_dose_per_kilogram_open() -> None:
    chart = ill(weight=None)
    chart.pump("11:00", "norepinephrine", 25)
    says(chart, "13:59", lee=2, penn=3)
    says(chart, "14:00", lee=3, penn=[3, 4])
    other = ill(weight=None)
    other.pump("11:00", "norepinephrine", 0.3, unit="ug/kg/min")
    says(other, "14:00", lee=[2, 3], penn=4, cartox=[2, 3], ctcae=[3, 4])


def test_a_quarantined_dose_leaves_the_dose_open_and_the_pressor_counts() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 7.56, unit="ug/kg/min")
    says(chart, "13:59", astct=3, lee=2, penn=3)
    says(chart, "14:00", astct=3, lee=[2, 3], penn=[3, 4], cartox=[2, 3])
    chart.pump("14:30", "norepinephrine", 0.0756, "rate", unit="ug/kg/min")
    says(chart, "15:30", lee=2, penn=3)


def test_an_agent_that_no_table_knows_leaves_the_dose_open() -> None:
    chart = ill()
    chart.pump("11:00", "metaraminol", 50)
    says(chart, "14:00", astct=3, lee=[2, 3], penn=[3, 4])


def test_a_fraction_that_nobody_charted_is_estimated_or_left_open() -> None:
    for device, flow, lee in (
        ("nasal_cannula", 2, 2),  # 28 %
        ("nasal_cannula", 6, 3),  # 44 %
        ("nasal_cannula", None, [2, 3]),
        ("simple_mask", 6, [2, 3]),  # 35 to 50 %
        ("non_rebreather", 15, 3),  # 60 to 90 %
        ("high_flow_nasal_cannula", 40, [2, 3]),
        ("venturi_mask", 4, [2, 3]),
        ("bipap", None, [2, 3, 4]),
    ):
        chart = ill()
        chart.oxygen("11:00", device, flow)
        says(chart, lee=lee, cartox=lee, penn=3)


def test_still_low_on_a_high_dose_or_on_several_is_refractory_or_not_yet() -> None:
    chart = ill()
    chart.pump("10:30", "norepinephrine", 25)
    low(chart)
    says(chart, "14:00", mskcc=[3, 4])
    child = ill(age=4, weight=16)
    for agent in ("norepinephrine", "epinephrine"):
        child.pump("10:30", agent, 0.05, unit="ug/kg/min")
    says(child, "11:00", child=3)
    low(child)
    says(child, child=[3, 4])


# -- children --------------------------------------------------------------------------------------


def test_a_child_s_scale_calls_bipap_3_and_a_tube_4() -> None:
    chart = ill(age=4, weight=16)
    chart.oxygen("11:00", "bipap", fio2=0.3)
    says(chart, astct=4, child=3, lee=[2, 4])
    chart.oxygen("12:00", "invasive_ventilation", fio2=0.3)
    says(chart, astct=4, child=4, lee=4)


def test_a_child_s_pressure_is_low_below_the_limit_of_the_age() -> None:
    for sbp, grade in ((78, 1), (77, 2)):
        chart = ill(age=4)
        low(chart, sbp=sbp)
        says(chart, child=grade, astct=grade)


# -- the hold (contract 11) ------------------------------------------------------------------------


def test_the_other_scales_fall_with_the_emitted_grade_an_hour_later() -> None:
    chart = ill()
    low(chart)
    chart.give("11:12", "fluid_bolus")
    chart.give("11:20", "fluid_bolus")
    chart.at("11:40", sbp=110, dbp=70)
    says(chart, "12:39", astct=2, ctcae=2, lee=2, penn=3, cartox=2, mskcc=[1, 2])
    says(chart, "12:40", astct=1, ctcae=1, lee=1, penn=1, cartox=1, mskcc=1)


def test_a_scale_is_held_by_its_own_worst_hour() -> None:
    chart = ill()
    chart.oxygen("11:00", "non_rebreather", 15)
    chart.oxygen("11:30", "high_flow_nasal_cannula", 30, fio2=0.30)
    says(chart, "12:29", astct=3, lee=3, cartox=3)
    says(chart, "12:30", astct=3, lee=2, cartox=2)


def test_no_scale_says_0_while_the_episode_is_open() -> None:
    chart = ill()
    chart.at("12:00", temp=36.8, sbp=118, dbp=70)
    assert {seen(chart, "20:00")[name] for name in ("astct-2019", *ADULT)} == {1}


def test_what_an_alert_says_of_the_other_scales_is_what_assess_says_then() -> None:
    chart = ill()
    steps = (
        lambda: low(chart),
        lambda: chart.oxygen("11:30", "nasal_cannula", 3),
        lambda: chart.pump("12:00", "norepinephrine", 25),
        lambda: chart.oxygen("15:30", "bipap", fio2=0.5),
        lambda: chart.oxygen("16:00", "nasal_cannula", 2),
        lambda: chart.tick("17:00"),
        lambda: chart.pump("18:00", "norepinephrine", 0, "stop"),
        lambda: chart.at("18:10", temp=37.0, sbp=118, dbp=70),
        lambda: chart.tick("19:00"),
        lambda: chart.oxygen("19:30", "room_air"),
        lambda: chart.tick("20:30"),
        lambda: chart.at("44:00", temp=36.8, sbp=118, dbp=70),
        lambda: chart.tick("44:30"),
    )
    spoken = 1
    for do in steps:
        do()
        for alert in chart.said()[spoken:]:
            wanted = {n: g for n, g in seen(chart).items() if n != "astct-2019" and g is not None}
            assert alert.body["other_scales"] == wanted, alert
        spoken = len(chart.said())
    assert [grade for _, grade in chart.grades()] == [1, 2, 3, 4, 3, 2, 1, 0]


def test_a_revision_carries_the_scales_of_the_corrected_course() -> None:
    chart = ill()
    wrong = chart.oxygen("11:00", "bipap", fio2=0.5)
    chart.retract("11:30", wrong)
    revision = chart.said()[-1]
    assert revision.type == "grade.revised"
    assert set(revision.body["other_scales"].values()) == {1}


def test_death_of_the_syndrome_is_5_on_every_scale() -> None:
    chart = ill()
    chart.outcome("11:00", "death", "crs")
    says(chart, "40:00", astct=5, ctcae=5, lee=5, penn=5, cartox=5, mskcc=5)


# -- laws ------------------------------------------------------------------------------------------

DEVICES = (
    "room_air",
    "nasal_cannula",
    "high_flow_nasal_cannula",
    "venturi_mask",
    "bipap",
    "invasive_ventilation",
)
"""Ascending; each with a charted fraction."""
PRESSORS = ("norepinephrine", "phenylephrine", "vasopressin")
RATES = {
    "norepinephrine": (0.0, 2.0, 9.0, 15.0, 21.0, 60.0),
    "phenylephrine": (0.0, 30.0, 110.0, 205.0),
    "vasopressin": (0.0, 0.03, 0.1),
}

supports = st.tuples(
    st.integers(0, len(DEVICES) - 1),
    st.sampled_from([0.21, 0.28, 0.39, 0.4, 0.6]),
    st.booleans(),
    *(st.sampled_from(RATES[agent]) for agent in PRESSORS),
)


def supported(support: tuple[Any, ...], age: float) -> Chart:
    """A patient with this device, fraction, hypotension and these rates, all since 11:10."""
    device, fio2, hypotension, *rates = support
    chart = ill(age=age)
    low(chart, sbp=70) if hypotension else chart.at("11:10", sbp=118, dbp=70)
    chart.oxygen("11:10", DEVICES[device], 10 if device else None, fio2=fio2 if device else None)
    for agent, rate in zip(PRESSORS, rates, strict=True):
        if rate:
            unit = "U/min" if agent == "vasopressin" else "ug/min"
            chart.pump("11:10", agent, rate, unit=unit)
    return chart


def ends(grades: int | list[int] | None) -> tuple[int, int]:
    if grades is None or isinstance(grades, int):
        return grades or 0, grades or 0
    return grades[0], grades[-1]


@LAWS
@given(one=supports, more=supports, age=st.sampled_from([4.0, 60.0]))
def test_law_more_support_lowers_no_scale(
    one: tuple[Any, ...], more: tuple[Any, ...], age: float
) -> None:
    """Neither the lowest nor the highest grade of an answer falls."""
    both = tuple(max(a, b) for a, b in zip(one, more, strict=True))
    less, greater = supported(one, age), supported(both, age)
    for at in ("11:20", "13:00", "14:30", "36:00"):
        for name, grades in seen(less, at).items():
            low_end, high_end = ends(grades)
            then_low, then_high = ends(seen(greater, at)[name])
            assert low_end <= then_low, (name, at)
            assert high_end <= then_high, (name, at)


results = st.lists(
    st.sampled_from(
        [
            ("creatinine", 8.0, "mg/dL"),
            ("alt", 1000.0, "U/L"),
            ("bilirubin", 14.0, "mg/dL"),
            ("anc", 100.0, "/uL"),
            ("ferritin", 50000.0, "ng/mL"),
            ("platelets", 8.0, "10*9/L"),
            ("ldh", 5000.0, "U/L"),
            ("crp", 300.0, "mg/L"),
            ("lactate", 9.0, "mmol/L"),
        ]
    ),
    min_size=1,
    max_size=6,
)


@LAWS
@given(support=supports, labs=results)
def test_law_results_never_change_astct(support: tuple[Any, ...], labs: list[Any]) -> None:
    without, with_labs = supported(support, 60), supported(support, 60)
    for minute, (analyte, value, unit) in enumerate(labs, start=20):
        with_labs.lab(f"11:{minute}", analyte, value, unit)
        without.at(f"11:{minute}", hr=90)
    assert with_labs.grades() == without.grades()
    for at in ("12:00", "15:00"):
        assert with_labs.look(at)["raw_grade"] == without.look(at)["raw_grade"]


IN_UNITS = {
    "ug/min": 1.0,
    "ug/h": 60.0,
    "mg/h": 0.06,
    "ug/kg/min": 1 / 70,
    "ng/kg/min": 1000 / 70,
    "mg/kg/h": 0.06 / 70,
}
"""What 1 ug/min is, at 70 kg."""
RESULTS = {
    "creatinine": ((2.4, "mg/dL", 1.2), (2.4 * 88.42, "umol/L", 1.2 * 88.42)),
    "bilirubin": ((4.0, "mg/dL", 1.2), (4.0 * 17.1, "umol/L", 1.2 * 17.1)),
    "alt": ((250.0, "U/L", 40.0), (0.25, "U/mL", 0.04)),
}


@LAWS
@given(
    agents=st.dictionaries(
        st.sampled_from(["norepinephrine", "epinephrine", "phenylephrine", "dopamine"]),
        st.tuples(
            st.sampled_from([3.0, 9.9, 10.1, 14.1, 19.9, 20.1, 199.0]), st.sampled_from([*IN_UNITS])
        ),
        min_size=1,
        max_size=3,
    ),
    vasopressin=st.sampled_from([None, (0.03, "U/min"), (1.8, "U/h"), (0.03 / 70, "U/kg/min")]),
    analyte=st.sampled_from([*RESULTS]),
)
def test_law_the_unit_changes_no_grade(
    agents: dict[str, tuple[float, str]], vasopressin: tuple[float, str] | None, analyte: str
) -> None:
    plain, other = ill(), ill()
    for agent, (rate, unit) in agents.items():
        plain.pump("11:00", agent, rate)
        other.pump("11:00", agent, rate * IN_UNITS[unit], unit=unit)
    if vasopressin:
        plain.pump("11:00", "vasopressin", 0.03, unit="U/min")
        other.pump("11:00", "vasopressin", vasopressin[0], unit=vasopressin[1])
    for chart, (value, unit, limit) in zip((plain, other), RESULTS[analyte], strict=True):
        chart.lab("11:30", analyte, value, unit, upper_limit=limit)
    for at in ("12:00", "14:00"):
        assert seen(plain, at) == seen(other, at)


@LAWS
@given(support=supports, labs=results, data=st.data())
def test_law_the_order_of_arrival_changes_no_scale(
    support: tuple[Any, ...], labs: list[Any], data: st.DataObject
) -> None:
    chart = supported(support, 60)
    for minute, (analyte, value, unit) in enumerate(labs, start=20):
        chart.lab(f"11:{minute}", analyte, value, unit)
    late = Chart(age=None, therapy=None)
    for event in data.draw(st.permutations(chart.events)):
        late.replay(event, received_at=when("12:00"))  # type: ignore[arg-type]
    for at in ("12:30", "14:30", "36:00"):
        assert seen(late, at) == seen(chart, at)


# -- faults of the engine, each with the chart that shows it ---------------------------------------


def test_at_the_very_instant_the_scales_are_held_as_the_grade_is() -> None:
    chart = ill()
    chart.oxygen("11:00", "nasal_cannula", 2)
    chart.oxygen("12:00", "room_air")
    chart.at("13:00", hr=80)  # timers of 13:00 wait for what else may follow at 13:00
    says(chart, astct=2, ctcae=2, lee=2, penn=3, cartox=2)


def test_another_vasopressor_does_not_lower_a_high_dose() -> None:
    chart = ill()
    chart.pump("11:00", "epinephrine", 12)
    says(chart, "14:00", penn=4)
    chart.pump("15:00", "norepinephrine", 1)
    says(chart, "18:30", penn=4)


def test_four_times_an_abnormal_baseline_is_grade_2() -> None:
    chart = Chart(therapy=None)
    chart.lab("-3:00", "alt", 250.0, "U/L", upper_limit=40.0)
    chart.therapy("0:00")
    chart.at("10:00", temp=38.9, sbp=118, dbp=70)
    chart.lab("11:00", "alt", 1000.0, "U/L", upper_limit=40.0)
    says(chart, lee=2, cartox=2)


def test_death_of_another_cause_freezes_the_other_scales_too() -> None:
    chart = ill()
    chart.oxygen("11:00", "nasal_cannula", 2)
    chart.oxygen("11:30", "room_air")
    chart.outcome("12:00", "death", "other")
    says(chart, "20:00", astct=2, ctcae=2, penn=3)
