"""Doses of vasopressors: units, equivalents, and what Lee 2014 and Penn 2018 call high."""

from __future__ import annotations

import pytest

from stream.engine.fold import Running
from stream.engine.pressor_dose import in_unit, is_high
from stream.engine.ruleset import HOUR
from tests.charts import P0, START

LEE, PENN = P0.pressor_tables["lee-2014"], P0.pressor_tables["penn-2018"]
NE, DA, PE, EPI = "norepinephrine", "dopamine", "phenylephrine", "epinephrine"
VP = ("vasopressin", 0.03, "U/min")
Dose = tuple[str, float, str]


def running(*doses: Dose, usable: bool = True) -> dict[str, Running]:
    return {
        agent: Running(START, START, rate, unit, "e1", "e1", usable) for agent, rate, unit in doses
    }


@pytest.mark.parametrize(
    ("rate", "unit", "wanted", "weight", "value"),
    [
        (4, "ug/min", "ug/min", None, 4),
        (240, "ug/h", "ug/min", None, 4),
        (0.24, "mg/h", "ug/min", None, 4),
        (0.1, "ug/kg/min", "ug/min", 70, 7),
        (100, "ng/kg/min", "ug/min", 70, 7),
        (0.006, "mg/kg/h", "ug/min", 70, 7),
        (7, "ug/min", "ug/kg/min", 70, 0.1),
        (0.42, "mg/h", "ug/kg/min", 70, 0.1),
        (100, "ng/kg/min", "ug/kg/min", None, 0.1),
        (0.006, "mg/kg/h", "ug/kg/min", None, 0.1),
        (0.03, "U/min", "U/min", None, 0.03),
        (1.8, "U/h", "U/min", None, 0.03),
        (0.0005, "U/kg/min", "U/min", 60, 0.03),
    ],
)
def test_a_rate_in_another_unit(
    rate: float, unit: str, wanted: str, weight: float | None, value: float
) -> None:
    assert in_unit(rate, unit, wanted, weight) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "wanted", "weight"),
    [
        ("ug/kg/min", "ug/min", None),
        ("mg/h", "ug/kg/min", None),
        ("U/kg/min", "U/min", None),
        ("U/min", "ug/min", 70),
        ("ug/min", "U/min", 70),
        ("mL/h", "ug/min", 70),
    ],
)
def test_a_rate_that_cannot_be_told_is_none(unit: str, wanted: str, weight: float | None) -> None:
    assert in_unit(4, unit, wanted, weight) is None


@pytest.mark.parametrize(
    ("doses", "lee", "penn"),
    [
        # one agent alone, each at its limit and just below; 70 kg
        ([(NE, 20, "ug/min")], True, True),
        ([(NE, 19.9, "ug/min")], False, True),
        ([(NE, 0.2, "ug/kg/min")], False, True),
        ([(NE, 0.199, "ug/kg/min")], False, False),
        ([(DA, 10, "ug/kg/min")], True, True),
        ([(DA, 9.9, "ug/kg/min")], False, False),
        ([(PE, 200, "ug/min")], True, True),
        ([(PE, 199, "ug/min")], False, False),
        ([(EPI, 10, "ug/min")], True, True),
        ([(EPI, 6.9, "ug/min")], False, False),
        ([(EPI, 0.1, "ug/kg/min")], False, True),
        # several without vasopressin: the equivalent
        ([(NE, 8, "ug/min"), (PE, 60, "ug/min")], False, True),  # 14 ug/min, 0.2 ug/kg/min
        ([(NE, 7.9, "ug/min"), (PE, 60, "ug/min")], False, False),
        ([(NE, 15, "ug/min"), (EPI, 6, "ug/min")], True, True),  # 21 ug/min
        ([(NE, 15, "ug/min"), (DA, 10, "ug/kg/min")], True, True),  # 20 ug/min
        ([(NE, 15, "ug/min"), (DA, 9.8, "ug/kg/min")], False, True),
        # with vasopressin, whose own dose does not count
        ([(NE, 10, "ug/min"), VP], True, True),
        ([(NE, 9.9, "ug/min"), VP], False, True),
        ([(NE, 0.1, "ug/kg/min"), VP], False, True),
        ([(NE, 6.9, "ug/min"), VP], False, False),
        ([VP], False, False),
        # what is no vasopressor does not count
        ([(NE, 19, "ug/min"), ("dobutamine", 10, "ug/kg/min")], False, True),
        ([("milrinone", 0.5, "ug/kg/min")], False, False),
    ],
)
def test_high_doses_at_70_kg(doses: list[Dose], lee: bool, penn: bool) -> None:
    assert is_high(running(*doses), LEE, P0, 70) is lee
    assert is_high(running(*doses), PENN, P0, 70) is penn


@pytest.mark.parametrize(
    ("doses", "lee", "penn"),
    [
        ([(NE, 25, "ug/min")], True, None),
        ([(NE, 0.3, "ug/kg/min")], None, True),
        ([(PE, 250, "ug/min")], True, True),  # both tables limit it by the minute
        ([(DA, 12, "ug/kg/min")], True, True),  # both tables limit it by the kilogram
        ([(NE, 25, "ug/min"), (EPI, 0.01, "ug/kg/min")], True, None),  # enough without the other
        ([(NE, 5, "ug/min"), (EPI, 0.01, "ug/kg/min")], None, None),
        ([VP], False, False),
    ],
)
def test_high_doses_without_a_weight(
    doses: list[Dose], lee: bool | None, penn: bool | None
) -> None:
    assert is_high(running(*doses), LEE, P0, None) is lee
    assert is_high(running(*doses), PENN, P0, None) is penn


def test_what_nobody_knows_is_none() -> None:
    assert is_high(running((NE, 900, "ug/min"), usable=False), LEE, P0, 70) is None
    assert is_high(running((NE, 1, "U/min")), LEE, P0, 70) is None
    assert is_high(running(("metaraminol", 50, "ug/min")), LEE, P0, 70) is None
    mixed = running((NE, 21, "ug/min"), ("metaraminol", 50, "ug/min"))
    assert is_high(mixed, LEE, P0, 70) is True


def test_a_high_dose_is_one_of_three_hours() -> None:
    assert {table.held for table in P0.pressor_tables.values()} == {3 * HOUR}


def test_the_limit_itself_is_high_whatever_the_weight() -> None:
    """0.2 ug/kg/min at 48 kg is 9.6 ug/min."""
    assert is_high(running((NE, 9.6, "ug/min")), PENN, P0, 48) is True
