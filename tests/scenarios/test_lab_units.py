"""Blood gases and reference ranges on a chart: what cannot be is told, kept and not used."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts import Chart


def febrile() -> Chart:
    chart = Chart()
    chart.at("9:00", temp=38.9, sbp=120, dbp=70)
    return chart


def refused(chart: Chart) -> list[tuple[str, str]]:
    assert chart.last is not None
    return [(rejection.code, rejection.detail) for rejection in chart.last.rejections]


# -- blood gas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "code", "says"),
    [
        (0.86, "1", "unit_mismatch", "sao2 in '1': expected one of %"),
        (11.2, "kPa", "unit_mismatch", "sao2 in 'kPa'"),
        (86, "mm[Hg]", "unit_mismatch", "map the unit at the source"),
        (0.86, "%", "implausible_value", "sao2 = 0.86 %: expected 40 to 100 %"),
        (860, "%", "implausible_value", "send it again with a new event_id"),
    ],
)
def test_a_saturation_that_cannot_be_is_told_and_not_used(
    value: float, unit: str, code: str, says: str
) -> None:
    chart = febrile()
    for at in ("10:00", "10:05"):
        chart.lab(at, "sao2", value, unit)
        ((found, detail),) = refused(chart)
        assert found == code
        assert says in detail
    chart.expect("10:05", raw_grade=1)


def test_a_saturation_in_percent_counts() -> None:
    chart = febrile()
    for at in ("10:00", "10:05"):
        chart.lab(at, "sao2", 86, "%")
        assert refused(chart) == []
    chart.expect("10:05", raw_grade=2)


# -- limits of the reference range -----------------------------------------------------------------


def lee(chart: Chart, at: str) -> Any:
    return chart.look(at)["scales"]["lee-2014"]


@pytest.mark.parametrize(
    ("analyte", "unit", "limits", "told"),
    [
        ("creatinine", "mg/dL", {"upper_limit": 0.0}, "upper_limit = 0 mg/dL"),
        ("creatinine", "mg/dL", {"upper_limit": -1.2}, "upper_limit = -1.2 mg/dL"),
        ("creatinine", "mg/dL", {"upper_limit": 106.0}, "upper_limit = 106 mg/dL"),  # umol/L
        ("creatinine", "mg/dL", {"lower_limit": -0.5}, "lower_limit = -0.5 mg/dL"),
        (
            "creatinine",
            "mg/dL",
            {"lower_limit": 40.0, "upper_limit": 1.2},
            "lower_limit = 40 and upper_limit = 1.2 mg/dL",
        ),
    ],
)
def test_creatinine_by_the_usual_limit_where_the_one_sent_cannot_be(
    analyte: str, unit: str, limits: dict[str, float], told: str
) -> None:
    """9 mg/dL is more than 6 times the usual 1.2 mg/dL: grade 4 of an organ."""
    usual, sent = febrile(), febrile()
    usual.lab("10:00", analyte, 9.0, unit)
    sent.lab("10:00", analyte, 9.0, unit, **limits)
    ((code, detail),) = refused(sent)
    assert code == "implausible_value"
    assert f"creatinine: {told} cannot be a limit" in detail
    assert lee(sent, "10:30") == lee(usual, "10:30") == 4


@pytest.mark.parametrize("upper", [0.0, -300.0])
def test_a_limit_of_nothing_makes_no_screen_positive(upper: float) -> None:
    chart = febrile()
    chart.lab("10:00", "ferritin", 250, "ng/mL", upper_limit=upper)
    chart.lab("10:00", "ast", 900, "U/L")
    chart.lab("10:00", "platelets", 12, "10*9/L")
    screen = chart.look("10:30")["iec_hs"]
    assert screen["positive"] is not True
    assert "ferritin" not in [item["name"] for item in screen["criteria"]]


@pytest.mark.parametrize(
    ("analyte", "unit", "value", "limits"),
    [
        ("creatinine", "umol/L", 90, {"lower_limit": 44.0, "upper_limit": 80.0}),
        ("crp", "mg/L", 2, {"lower_limit": 0.0, "upper_limit": 5.0}),
        ("ldh", "U/L", 200, {"lower_limit": 0.0, "upper_limit": 250.0}),
        ("ferritin", "ng/mL", 200, {"lower_limit": 15.0, "upper_limit": 150.0}),
    ],
)
def test_limits_that_can_be_are_those_of_the_laboratory(
    analyte: str, unit: str, value: float, limits: dict[str, float]
) -> None:
    chart = febrile()
    chart.lab("10:00", analyte, value, unit, **limits)
    assert refused(chart) == []


def test_the_same_result_sent_again_is_a_duplicate() -> None:
    chart = febrile()
    chart.lab("10:00", "creatinine", 9.0, "mg/dL", upper_limit=0.0)
    outputs = chart.apply(chart.events[-1])
    assert outputs.outcome == "duplicate"
    assert outputs.rejections == ()
