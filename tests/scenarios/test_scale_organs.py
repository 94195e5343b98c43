"""Organs and treatments in the other scales: where they count, and where nothing does."""

from __future__ import annotations

import pytest

from stream.engine.events import Patient
from tests.charts import Chart
from tests.scenarios.scale_charts import ADULT, ill, low, says, seen

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
