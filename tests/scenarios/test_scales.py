"""The other scales, each by its own wording, and every reason for which they disagree.

Pressors, (1) and (5), are in test_high_doses.py; organs, (4), in test_scale_organs.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts import Chart
from tests.scenarios.scale_charts import ADULT, ill, low, says, seen

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


# -- faults of the engine, each with the chart that shows it ---------------------------------------


def test_at_the_very_instant_the_scales_are_held_as_the_grade_is() -> None:
    chart = ill()
    chart.oxygen("11:00", "nasal_cannula", 2)
    chart.oxygen("12:00", "room_air")
    chart.at("13:00", hr=80)  # timers of 13:00 wait for what else may follow at 13:00
    says(chart, astct=2, ctcae=2, lee=2, penn=3, cartox=2)


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
