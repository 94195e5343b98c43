"""Doses of vasopressors: units, norepinephrine equivalents and what a scale calls high.

Lee 2014 and Penn 2018 have tables of their own (`pressor_table` in `stream/rules/scales.toml`),
kept apart from the equivalent of Goradia 2021, which is a score. ASTCT knows no dose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stream.engine.events import Infusion, Micros
from stream.engine.fold import NEVER, Fold, Running
from stream.engine.ruleset import PressorTable, Ruleset

_MASS_PER_MIN: Final = {
    "ug/min": (1.0, False),
    "ug/h": (1 / 60, False),
    "mg/h": (1000 / 60, False),
    "ug/kg/min": (1.0, True),
    "ng/kg/min": (0.001, True),
    "mg/kg/h": (1000 / 60, True),
}
_UNITS_PER_MIN: Final = {"U/min": (1.0, False), "U/h": (1 / 60, False), "U/kg/min": (1.0, True)}
_PER_KG: Final = frozenset(
    unit for unit, (_, per_kg) in (*_MASS_PER_MIN.items(), *_UNITS_PER_MIN.items()) if per_kg
)


def in_unit(rate: float, unit: str, wanted: str, weight_kg: float | None) -> float | None:
    """The rate in `wanted` (`ug/min`, `ug/kg/min`, `U/min`); None where that cannot be known."""
    scale = _UNITS_PER_MIN if wanted in _UNITS_PER_MIN else _MASS_PER_MIN
    if unit not in scale:
        return None
    factor, per_kg = scale[unit]
    wanted_factor, wanted_per_kg = scale[wanted]
    value = rate * factor / wanted_factor
    if per_kg == wanted_per_kg:
        return value
    if weight_kg is None:
        return None
    return value * weight_kg if per_kg else value / weight_kg


def wrong_kind(agent: str, unit: str, rules: Ruleset) -> bool:
    """Whether the unit is of another quantity than the agent's limit: units for a mass, say."""
    limit = rules.dose_limits.get(agent)
    return limit is not None and (unit in _UNITS_PER_MIN) != (limit[1] in _UNITS_PER_MIN)


def beyond_limit(
    agent: str, dose: Infusion | Running, rules: Ruleset, weight_kg: float | None
) -> bool:
    """Whether it is more than the agent's limit, as base.

    Without a weight a dose that is not per kg is judged by the ruleset's ceiling weight, above
    which hardly anyone is; a dose per kg against a limit that is not cannot be judged then.
    """
    if agent not in rules.dose_limits:
        return False
    limit, wanted = rules.dose_limits[agent]
    # a salt whose base is not known is judged as if it were all base
    share = rules.base_of_salt.get(agent, 1.0) if dose.expressed_as == "salt" else 1.0
    ceiling = None if is_per_kg(dose.unit) else rules.ceiling_weight_kg
    value = in_unit(dose.rate, dose.unit, wanted, weight_kg or ceiling)
    return value is not None and _exact(value * share) > limit


def is_per_kg(unit: str) -> bool:
    """Whether the unit is of a dose for each kilogram of the body."""
    return unit in _PER_KG


def dose_of(
    agent: str, run: Running, wanted: str, rules: Ruleset, weight_kg: float | None
) -> float | None:
    """The dose of what runs, as base, in `wanted`; None where that cannot be known.

    A dose beyond the limit is none: judged here, by the weight known at that time of the chart, so
    that the order in which weight and dose arrived does not matter.
    """
    if not run.usable or beyond_limit(agent, run, rules, weight_kg):
        return None
    share = 1.0
    if run.expressed_as == "salt":
        if agent not in rules.base_of_salt:
            return None
        share = rules.base_of_salt[agent]
    dose = in_unit(run.rate, run.unit, wanted, weight_kg)
    return None if dose is None else dose * share


def is_high(
    running: Mapping[str, Running], table: PressorTable, rules: Ruleset, weight_kg: float | None
) -> bool | None:
    """Whether what runs is a high dose by the table; None where a dose or a weight is missing."""
    agents = {a: run for a, run in running.items() if rules.agent_class.get(a) == "vasopressor"}
    vasopressin = any(rules.agent_class.get(a) == "vasopressin" for a in running)
    if not agents:
        return False
    # the tables do not say so, but a dose that is high alone cannot be less beside another agent
    alone = [_high_alone(agent, run, table, rules, weight_kg) for agent, run in agents.items()]
    if True in alone or (len(agents) == 1 and not vasopressin):
        return True if True in alone else alone[0]
    total, complete = 0.0, True
    for agent, run in agents.items():
        share = _equivalent(agent, run, table, rules, weight_kg)
        complete = complete and share is not None
        total += share or 0.0
    if _exact(total) >= (table.with_vasopressin if vasopressin else table.combined):
        return True
    return False if complete else None


def _high_alone(
    agent: str, run: Running, table: PressorTable, rules: Ruleset, weight_kg: float | None
) -> bool | None:
    if agent not in table.alone:
        return None
    limit, unit = table.alone[agent]
    dose = dose_of(agent, run, unit, rules, weight_kg)
    return None if dose is None else _exact(dose) >= limit


def _exact(value: float) -> float:
    """Without binary dust: 9.6 ug/min at 48 kg is 0.2 ug/kg/min and not a little less."""
    return float(f"{value:.12g}")


def _equivalent(
    agent: str, run: Running, table: PressorTable, rules: Ruleset, weight_kg: float | None
) -> float | None:
    """Norepinephrine equivalent of one agent in the table's unit."""
    if agent not in table.weights:
        return None
    weight, unit = table.weights[agent]
    dose = dose_of(agent, run, unit, rules, weight_kg)
    # the weights lead to ug/min; a table per kilogram divides by the body weight
    return None if dose is None else in_unit(dose * weight, "ug/min", table.unit, weight_kg)


def track_doses(fold: Fold, time: Micros, rules: Ruleset) -> None:
    """Note since when vasopressors run, and since when their dose is (perhaps) high."""
    runs = any(rules.agent_class.get(a) in ("vasopressor", "vasopressin") for a in fold.running)
    if not runs:
        fold.pressor_since = NEVER
        fold.high_dose = {}
        return
    if fold.pressor_since == NEVER:
        fold.pressor_since = time
    tracked: dict[str, tuple[Micros, Micros]] = {}
    for name, table in rules.pressor_tables.items():
        verdict = is_high(fold.running, table, rules, fold.weight_kg)
        if verdict is False:
            continue
        since, perhaps = fold.high_dose.get(name, (NEVER, NEVER))
        since = NEVER if verdict is None else (time if since == NEVER else since)
        tracked[name] = (since, time if perhaps == NEVER else perhaps)
    fold.high_dose = tracked


def next_dose_timer(fold: Fold, rules: Ruleset, floor: Micros) -> list[Micros]:
    """When what runs now will have run for as long as a table or a scale asks, since `floor`."""
    if fold.pressor_since == NEVER:
        return []
    dues = [max(fold.pressor_since, floor) + rules.pressor_long]
    for name, marks in fold.high_dose.items():
        held = rules.pressor_tables[name].held
        dues += [max(mark, floor) + held for mark in marks if mark != NEVER]
    return dues
