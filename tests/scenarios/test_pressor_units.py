"""Doses of vasopressors on a chart: base or salt, U/h or U/min, and the equivalent of Goradia."""

from __future__ import annotations

from typing import Any

import pytest

from stream.engine.plausibility import screened
from tests.charts import P0, Chart


def febrile() -> Chart:
    chart = Chart()
    chart.patient("-0:30", weight_kg=70.0)
    chart.at("10:00", temp=38.9, sbp=84, dbp=48)
    return chart


def scales(chart: Chart, at: str) -> dict[str, Any]:
    found: dict[str, Any] = chart.look(at)["scales"]
    return found


def nee(chart: Chart, at: str) -> dict[str, Any]:
    found: dict[str, Any] = chart.look(at)["scores"]["nee"]
    return found


def test_a_salt_weighs_twice_its_base() -> None:
    """30 ug/min of the tartrate are 15 of the base: not high by Lee's table, 30 of the base are."""
    salt, base = febrile(), febrile()
    salt.pump("11:00", "norepinephrine", 30, expressed_as="salt")
    base.pump("11:00", "norepinephrine", 30)
    assert scales(salt, "14:30")["lee-2014"] == 2
    assert scales(base, "14:30")["lee-2014"] == 3
    assert scales(salt, "14:30")["astct-2019"] == scales(base, "14:30")["astct-2019"] == 3
    assert nee(salt, "14:30")["value"] == pytest.approx(15 / 70)
    assert nee(base, "14:30")["value"] == pytest.approx(30 / 70)


def test_a_salt_whose_base_is_not_known_is_a_dose_that_is_not_known() -> None:
    chart = febrile()
    chart.pump("11:00", "epinephrine", 30, expressed_as="salt")
    assert scales(chart, "14:30")["lee-2014"] == [2, 3]
    assert nee(chart, "14:30")["missing"] == ["epinephrine"]
    assert nee(chart, "14:30")["value"] is None


@pytest.mark.parametrize(
    ("rate", "expressed_as", "refused"), [(9, "salt", False), (9, "base", True), (11, "salt", True)]
)
def test_the_quarantine_is_of_the_base(rate: float, expressed_as: str, refused: bool) -> None:
    chart = febrile()
    chart.pump("11:00", "norepinephrine", rate, unit="ug/kg/min", expressed_as=expressed_as)
    assert chart.last is not None
    assert bool(chart.last.rejections) is refused
    event, rejections = screened(chart.events[-1], P0)  # type: ignore[arg-type]
    assert event.usable is not refused  # type: ignore[union-attr]
    assert [r.code for r in rejections] == ["implausible_dose"] * refused


def test_vasopressin_in_units_an_hour_is_not_in_units_a_minute() -> None:
    chart = febrile()
    chart.pump("11:00", "vasopressin", 1.8, unit="U/h")
    assert nee(chart, "12:00")["value"] == pytest.approx(0.075)
    chart.pump("12:00", "vasopressin", 0.03, unit="U/min", action="rate")
    assert nee(chart, "12:30")["value"] == pytest.approx(0.075)


def test_the_equivalent_names_what_it_cannot_count() -> None:
    chart = febrile()
    chart.pump("11:00", "norepinephrine", 7)
    chart.pump("11:00", "terlipressin", 1, unit="mg/h")
    found = nee(chart, "12:00")
    assert found["value"] is None
    assert found["at_least"] == pytest.approx(0.1)
    assert found["missing"] == ["terlipressin"]
    assert [item["name"] for item in found["inputs"]] == ["norepinephrine"]
    chart.pump("12:30", "norepinephrine", 0, action="stop")
    chart.pump("12:30", "terlipressin", 0, unit="mg/h", action="stop")
    assert "nee" not in chart.look("13:00")["scores"]


def test_a_dose_that_cannot_be_is_not_counted_and_not_guessed() -> None:
    chart = febrile()
    chart.pump("11:00", "norepinephrine", 50, unit="ug/kg/min")
    assert nee(chart, "12:00")["missing"] == ["norepinephrine"]
    chart.expect("12:00", raw_grade=3)
