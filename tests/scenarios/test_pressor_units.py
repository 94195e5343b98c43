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


# -- doses that no patient is given ----------------------------------------------------------------


def refused(chart: Chart) -> list[str]:
    assert chart.last is not None
    return [rejection.code for rejection in chart.last.rejections]


@pytest.mark.parametrize(
    ("agent", "rate", "unit", "beyond"),
    [
        ("norepinephrine", 350, "ug/min", False),  # 5 ug/kg/min at 70 kg, the limit itself
        ("norepinephrine", 351, "ug/min", True),
        ("norepinephrine", 22, "mg/h", True),  # ug/min charted as mg/h: 5.2 ug/kg/min
        ("norepinephrine", 21, "mg/h", False),
        ("norepinephrine", 21_001, "ug/h", True),
        ("dopamine", 3_501, "ug/min", True),
        ("vasopressin", 12, "U/h", False),  # 0.2 U/min
        ("vasopressin", 0.03, "U/kg/min", True),  # U/min charted per kg: 2.1 U/min
        ("vasopressin", 0.0005, "U/kg/min", False),
        ("metaraminol", 10.1, "ug/kg/min", True),
        ("angiotensin_ii", 40, "ng/kg/min", False),
        ("angiotensin_ii", 40, "ug/kg/min", True),  # ng charted as ug
    ],
)
def test_every_unit_is_measured_at_the_patient_s_weight(
    agent: str, rate: float, unit: str, beyond: bool
) -> None:
    chart = febrile()
    chart.pump("11:00", agent, rate, unit=unit)
    assert refused(chart) == ["implausible_dose"] * beyond
    assert nee(chart, "12:00")["missing"] == [agent] * beyond
    chart.expect("12:00", raw_grade=3)  # the agent runs, whatever its dose


@pytest.mark.parametrize(
    ("agent", "rate", "unit", "beyond"),
    [
        ("norepinephrine", 600, "ug/min", False),  # 8.6 ug/kg/min at 70 kg, 4 at the ceiling weight
        ("norepinephrine", 751, "ug/min", True),
        ("norepinephrine", 46, "mg/h", True),
        ("vasopressin", 13, "U/h", True),  # needs no weight
        ("vasopressin", 0.002, "U/kg/min", False),  # cannot be judged, and no dose is known
    ],
)
def test_without_a_weight_only_what_is_beyond_for_nearly_everybody(
    agent: str, rate: float, unit: str, beyond: bool
) -> None:
    chart = Chart()
    chart.at("10:00", temp=38.9, sbp=84, dbp=48)
    chart.pump("11:00", agent, rate, unit=unit)
    assert refused(chart) == ["implausible_dose"] * beyond
    assert P0.ceiling_weight_kg == 150


def test_what_the_dead_letter_says() -> None:
    chart = febrile()
    chart.pump("11:00", "norepinephrine", 700, unit="ug/min")
    assert chart.last is not None
    (rejection,) = chart.last.rejections
    for words in ("700 ug/min", "above 5 ug/kg/min (at 70 kg)", "counts as running"):
        assert words in rejection.detail
    unweighed = Chart()
    unweighed.pump("11:00", "norepinephrine", 800, unit="ug/min")
    assert unweighed.last is not None
    assert "no weight on record, judged by 150 kg" in unweighed.last.rejections[0].detail


def test_a_dose_and_the_weight_count_in_whatever_order_they_arrive() -> None:
    """The weight makes 600 ug/min a dose that cannot be, also where it arrives afterwards."""
    first, last = Chart(), Chart()
    first.patient("9:00", weight_kg=70.0, id="weight")
    first.pump("11:00", "norepinephrine", 600, id="pump")
    last.pump("11:00", "norepinephrine", 600, id="pump")
    assert refused(last) == []
    assert nee(last, "11:30")["missing"] == ["norepinephrine"]  # no weight, no dose per kg
    last.patient("9:00", weight_kg=70.0, id="weight")
    for chart in (first, last):
        assert nee(chart, "12:00")["missing"] == ["norepinephrine"]
        assert nee(chart, "12:00")["value"] is None
    heavy = Chart()
    heavy.patient("9:00", weight_kg=130.0)
    heavy.pump("11:00", "norepinephrine", 600)
    assert nee(heavy, "12:00")["value"] == pytest.approx(600 / 130)


def test_the_same_dose_sent_again_is_a_duplicate_although_the_weight_is_known_now() -> None:
    chart = Chart()
    chart.pump("11:00", "norepinephrine", 600)
    pump = chart.events[-1]
    chart.patient("9:00", weight_kg=70.0)
    outputs = chart.apply(pump)
    assert outputs.outcome == "duplicate"
    assert outputs.rejections == ()


@pytest.mark.parametrize(
    ("agent", "unit"),
    [
        ("norepinephrine", "U/min"),
        ("phenylephrine", "U/kg/min"),
        ("vasopressin", "mg/h"),
        ("vasopressin", "ug/kg/min"),
    ],
)
def test_a_unit_of_another_quantity_is_no_dose(agent: str, unit: str) -> None:
    chart = febrile()
    chart.pump("11:00", agent, 0.03, unit=unit)
    assert refused(chart) == ["unit_mismatch"]
    assert nee(chart, "12:00")["missing"] == [agent]
    chart.expect("12:00", raw_grade=3)
    chart.pump("13:00", agent, 0, unit=unit, action="stop")
    assert refused(chart) == []  # a stop has no dose
