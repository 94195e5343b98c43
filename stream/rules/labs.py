"""`labs.toml` -> `LabRule`s: one unit per analyte, and every unit in which it may come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.engine.laboratory import ANALYTES, LabRule
from stream.engine.score_definitions import LAB
from stream.rules.errors import RulesetError
from stream.rules.rows import STATUSES
from stream.rules.shapes import nearest, one_of, shaped, sourced, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream.engine.score_definitions import ScoreDefinition

_LAB = {
    **dict.fromkeys(("unit", "source", "status", "conversion_source", "conversion_status"), str),
    **dict.fromkeys(("same", "plausible", "restarts_after"), list),
    **dict.fromkeys(("factors", "divisors"), dict),
    **dict.fromkeys(("upper_limit", "lower_limit"), float),
}


def build_labs(table: Mapping[str, Any]) -> dict[str, LabRule]:
    """The rule of every analyte of the contract; the table is left as it is.

    Raises:
        RulesetError: an analyte too few or too many, a key that is not known, a unit listed twice,
            limits outside of what is plausible, a missing source, ...
    """
    for name in table:
        if name not in ANALYTES:
            raise RulesetError(f"labs.{name}: no analyte; {nearest(name, ANALYTES)}")
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
    where = f"labs.{name}"
    row = shaped(where, table, _LAB, ("unit", "plausible", "source", "status"))
    sourced(where, row)
    if ("conversion_source" in row) != ("conversion_status" in row):
        raise RulesetError(f"{where}: conversion_source and conversion_status go together")
    if "conversion_status" in row:
        one_of(f"{where}.conversion_status", row["conversion_status"], STATUSES)
    elif "divisors" in row:
        raise RulesetError(f"{where}.conversion_source is missing: where are the divisors from?")
    low, high = _plausible(f"{where}.plausible", row["plausible"])
    limits = {key: row[key] for key in ("lower_limit", "upper_limit") if key in row}
    for key, value in limits.items():
        if not low < value < high:
            raise RulesetError(f"{where}.{key} = {value}: expected within plausible, {low}-{high}")
    if len(limits) > 1 and not row["lower_limit"] < row["upper_limit"]:
        raise RulesetError(f"{where}.lower_limit: expected below upper_limit, {row['upper_limit']}")
    return LabRule(
        analyte=name,
        unit=row["unit"],
        factors=_factors(where, row),
        plausible=(low, high),
        upper_limit=limits.get("upper_limit"),
        lower_limit=limits.get("lower_limit"),
        restarts_after=words(f"{where}.restarts_after", row.get("restarts_after", ())),
        source=row["source"],
        status=row["status"],
    )


def _factors(where: str, row: Mapping[str, Any]) -> dict[str, float]:
    """Every unit that the analyte may come in, and what to multiply by to have `unit`."""
    if not row["unit"].strip():
        raise RulesetError(f"{where}.unit is empty: a unitless number is in '1'")
    factors: dict[str, float] = {row["unit"]: 1.0}
    same = dict.fromkeys(words(f"{where}.same", row.get("same", ())), 1.0)
    multiplied = _numbers(f"{where}.factors", row.get("factors", {}))
    divided = _numbers(f"{where}.divisors", row.get("divisors", {}))
    for part in (same, multiplied, {unit: 1 / value for unit, value in divided.items()}):
        for unit, factor in part.items():
            if unit in factors:
                raise RulesetError(f"{where}: the unit {unit} stands there twice; remove one")
            factors[unit] = factor
    return factors


def _numbers(where: str, table: Any) -> dict[str, float]:
    row = shaped(where, table, dict.fromkeys(table, float))
    for unit, value in row.items():
        if value <= 0:
            raise RulesetError(f"{where}.{unit} = {value}: expected a number above 0")
    return row


def _plausible(where: str, pair: list[Any]) -> tuple[float, float]:
    fits = len(pair) == len(("low", "high")) and all(type(item) in (int, float) for item in pair)
    if not fits or not 0 <= pair[0] < pair[1]:
        raise RulesetError(f"{where} = {pair}: expected [low, high], from 0 on")
    return float(pair[0]), float(pair[1])
