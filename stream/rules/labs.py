"""`labs.toml` -> `LabRule`s: one unit per analyte, and every unit in which it may come."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from stream.engine.laboratory import ANALYTES, LabRule
from stream.engine.score_definitions import LAB
from stream.rules.errors import RulesetError
from stream.rules.fields import Keys, nearest
from stream.rules.rows import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream.engine.score_definitions import ScoreDefinition

_LAB = frozenset(
    {"unit", "same", "factors", "divisors", "plausible", "upper_limit", "lower_limit"}
    | {"restarts_after", "source", "status", "conversion_source", "conversion_status"}
)


def build_labs(table: Mapping[str, Any]) -> dict[str, LabRule]:
    """The rule of every analyte of the contract; the table is left as it is.

    Raises:
        RulesetError: an analyte too few or too many, a key that is not known, a unit listed twice,
            limits outside of what is plausible, a missing source, ...
    """
    for name in table:
        if name not in ANALYTES:
            raise RulesetError(f"labs.{name}: no analyte{nearest(name, ANALYTES, 1)}")
    for name in ANALYTES:
        if name not in table:
            raise RulesetError(f"labs.{name} is missing: add its unit, limits and source")
    return {name: _rule(name, table[name]) for name in ANALYTES}


def check_units(scores: Mapping[str, ScoreDefinition], labs: Mapping[str, LabRule]) -> None:
    """Raises RulesetError where a score reads a result in another unit than the rule has it in."""
    for score in scores.values():
        for item in score.inputs:
            for each in item.counts:
                if each.analyte not in labs or labs[each.analyte].unit != each.unit:
                    raise RulesetError(
                        f"scores.{score.name}.inputs.{item.name}.counts: expected analytes of "
                        f"labs.toml in their units, not {each.analyte} in {each.unit}"
                    )
            analyte = item.chart.removeprefix(LAB)
            if analyte != item.chart and labs[analyte].unit != item.unit:
                raise RulesetError(
                    f"labs.{analyte}.unit = {labs[analyte].unit!r}: "
                    f"{score.name} reads it in {item.unit}; list other units as factors"
                )


def _rule(name: str, table: Any) -> LabRule:
    fields = Keys(table, f"labs.{name}", _LAB)
    where, row = fields.where, fields.table
    source, status = fields.source(), fields.one_of("status", STATUSES)
    if ("conversion_source" in row) != ("conversion_status" in row):
        raise RulesetError(f"{where}: conversion_source and conversion_status go together")
    if "conversion_status" in row:
        fields.text("conversion_source", blank=True)
        fields.one_of("conversion_status", STATUSES)
    elif "divisors" in row:
        raise RulesetError(f"{where}.conversion_source is missing: where are the divisors from?")
    low, high = _plausible(fields)
    lower = fields.given("lower_limit", fields.number, None)
    upper = fields.given("upper_limit", fields.number, None)
    for key, value in (("lower_limit", lower), ("upper_limit", upper)):
        if value is not None and not low < value < high:
            raise fields.wrong(key, f"within plausible, {low}-{high}")
    if lower is not None and upper is not None and not lower < upper:
        raise RulesetError(f"{where}.lower_limit: expected below upper_limit, {upper}")
    unit = fields.text("unit", blank=True)
    if not unit.strip():
        raise RulesetError(f"{where}.unit is empty: a unitless number is in '1'")
    return LabRule(
        analyte=name,
        unit=unit,
        factors=_factors(fields, unit),
        plausible=(low, high),
        upper_limit=upper,
        lower_limit=lower,
        restarts_after=fields.distinct("restarts_after"),
        source=source,
        status=status,
    )


def _factors(fields: Keys, unit: str) -> dict[str, float]:
    """Every unit that the analyte may come in, and what to multiply by to have `unit`."""
    factors: dict[str, float] = {unit: 1.0}
    same = dict.fromkeys(fields.distinct("same"), 1.0)
    divided = {other: 1 / value for other, value in fields.numbers("divisors").items()}
    for part in (same, fields.numbers("factors"), divided):
        for other, factor in part.items():
            if other in factors:
                raise RulesetError(
                    f"{fields.where}: the unit {other} stands there twice; remove one"
                )
            factors[other] = factor
    return factors


def _plausible(fields: Keys) -> tuple[float, float]:
    pair = fields.table.get("plausible")
    if (
        not isinstance(pair, list)
        or len(pair) != len(("low", "high"))
        or not all(type(item) in (int, float) for item in pair)
        or not 0 <= pair[0] < pair[1] <= sys.float_info.max
    ):
        raise fields.wrong("plausible", "[low, high], finite and from 0 on")
    return float(pair[0]), float(pair[1])
