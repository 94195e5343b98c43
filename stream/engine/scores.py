"""Scores: arithmetic on definitions that are data, so that no clinical number stands here.

`evaluate` is for the command line: it checks the values and refuses what is missing. `partial` is
for the stream: it takes what there is and says within which limits the score lies.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from stream.engine.native import mypyc_attr
from stream.engine.score_definitions import (
    CHARTED,
    LAB,
    Band,
    Plan,
    ScoreDefinition,
    ScoreInput,
    Step,
    Value,
    Variant,
)

__all__ = [
    "CHARTED",
    "LAB",
    "Band",
    "Partial",
    "ScoreDefinition",
    "ScoreError",
    "ScoreInput",
    "Step",
    "Value",
    "Variant",
    "band",
    "band_in",
    "evaluate",
    "partial",
]

BANDS_KEPT: Final = 4096
"""Combinations of inputs whose band is remembered, of each score."""

_UNKNOWN: Final = "?"
"""No band: nothing is remembered of these inputs."""


class ScoreError(ValueError):
    """The values do not fit the score; the text names the input, the value and what it takes."""


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Partial:
    """A score as far as the inputs at hand tell it; a missing input never counts as normal."""

    value: Final[float | None]
    """None while an input is missing."""
    lowest: Final[float | None]
    highest: Final[float | None]
    """The limits that it lies within, whatever the missing inputs are; None: they are not known."""
    missing: Final[tuple[str, ...]]
    band: Final[str | None]
    """The band that both limits lie in, empty below the first; None while that is open."""

    def __init__(
        self,
        value: float | None,
        lowest: float | None,
        highest: float | None,
        missing: tuple[str, ...],
        band: str | None,
    ) -> None:
        self.value = value
        self.lowest = lowest
        self.highest = highest
        self.missing = missing
        self.band = band


def evaluate(definition: ScoreDefinition, values: Mapping[str, Value]) -> float:
    """The score of these values, each in its input's unit.

    Raises ScoreError for an unknown, missing or impossible value.
    """
    known = _checked(definition, values)
    try:
        result = _result(definition, known)
    except ArithmeticError:
        result = math.inf
    if not math.isfinite(result):
        raise ScoreError(f"{definition.name} of these values is no finite number")
    return result


def band(definition: ScoreDefinition, value: float) -> str:
    """The name of the band that a value lies in; empty below the first."""
    plan = definition.plan
    return plan.bands[bisect_right(plan.edges, value)]


def partial(definition: ScoreDefinition, values: Mapping[str, Value | None]) -> Partial:
    """The score of the values at hand, absent ones None or left out; it never raises.

    Values are plausible and in the inputs' units. What has a default counts as that when absent.
    """
    plan = definition.plan
    known: dict[str, Value] = {name: value for name, value in values.items() if value is not None}
    missing = tuple([name for name in plan.required if name not in known])
    if definition.method != "points":
        return _whole(definition, known, missing)
    if missing:
        lowest, highest = _limits(plan, known)
    else:
        lowest, highest = _sum(plan, known.get)
    if definition.maximum is not None:
        lowest, highest = min(lowest, definition.maximum), min(highest, definition.maximum)
    at_lowest, at_highest = bisect_right(plan.edges, lowest), bisect_right(plan.edges, highest)
    return Partial(
        None if missing else lowest,
        lowest,
        highest,
        missing,
        plan.bands[at_lowest] if at_lowest == at_highest else None,
    )


def band_in(definition: ScoreDefinition, cells: tuple[Value | None, ...]) -> str | None:
    """The band of `partial`, remembered, for a value or a cell of each of `definition.probes`.

    A cell is the number of its input's bounds that lie below the value.
    """
    known = definition.bands_known
    remembered = known.get(cells, _UNKNOWN)
    if remembered != _UNKNOWN:
        return remembered
    values: dict[str, Value | None] = {}
    for place, value in enumerate(cells):
        cell: object = value
        probe = definition.probes[place]
        bounds = probe.bounds
        if bounds is not None and isinstance(cell, int):
            values[probe.name] = bounds[cell] if cell < len(bounds) else math.inf
        else:
            values[probe.name] = value
    if len(known) >= BANDS_KEPT:
        known.clear()
    known[cells] = found = partial(definition, values).band
    return found


def _whole(
    definition: ScoreDefinition, known: dict[str, Value], missing: tuple[str, ...]
) -> Partial:
    """A score that nothing can be said of before all inputs are there."""
    if not missing:
        known = {
            item.name: known.get(item.name, item.default)  # type: ignore[misc]
            for item in definition.inputs
        }
        try:
            value = _result(definition, known)
        except (ArithmeticError, LookupError):  # a zero below the line, an unknown choice of unit
            value = math.nan
        if math.isfinite(value):
            return Partial(value, value, value, (), band(definition, value))
        missing = tuple(
            item.name for item in definition.inputs if item.power < 0 or item.kind == "choice"
        )
    return Partial(None, None, None, missing, None)


def _limits(plan: Plan, known: dict[str, Value]) -> tuple[float, float]:
    """Fewest and most points: over all that the absent inputs with variants behind them can be."""
    absent = [(name, options) for name, options in plan.switches if name not in known]
    if not absent:
        return _sum(plan, known.get)
    names = [name for name, _ in absent]
    sums = [
        _sum(plan, {**known, **dict(zip(names, chosen, strict=True))}.get)
        for chosen in product(*(options for _, options in absent))
    ]
    return min(low for low, _ in sums), max(high for _, high in sums)


def _sum(plan: Plan, get: Callable[..., Any]) -> tuple[float, float]:
    """Fewest and most points, each absent input without a default ranging over its table."""
    lowest = highest = 0.0
    for name, default, table, variants in plan.rows:
        bounds, points, least, most = table
        for when, other in variants:
            for key, usual, wanted in when:
                if get(key, usual) != wanted:
                    break
            else:
                bounds, points, least, most = other
                break
        value = get(name, default)
        if value is not None:
            least = most = points[bisect_left(bounds, value)]
        lowest += least
        highest += most
    return lowest, highest


def _result(definition: ScoreDefinition, known: Mapping[str, Value]) -> float:
    """The sum, product or dose of values that are all there."""
    if definition.method == "ratio":
        result = 1.0
        for item in definition.inputs:
            result *= _in_unit(item, known) ** item.power
        return _rounded(definition, result)
    numbers = {
        item.name: _in_unit(item, known) for item in definition.inputs if item.kind == "number"
    }
    match definition.method:
        case "weighted_sum":
            result = math.fsum(
                item.weight * numbers[item.name]
                for item in definition.inputs
                if item.name in numbers
            )
        case "points":
            result = math.fsum(_points(item, known) for item in definition.inputs)
        case "dose":
            result = math.fsum(
                numbers[item.name] * _points(item, known) for item in definition.inputs
            )
    return _rounded(definition, result)


def _rounded(definition: ScoreDefinition, result: float) -> float:
    if definition.maximum is not None:
        result = min(result, definition.maximum)
    return float(f"{result:.12g}")  # no binary dust: 0.275, not 0.27499999999999997


def _checked(definition: ScoreDefinition, values: Mapping[str, Value]) -> dict[str, Value]:
    for name in values:
        if definition.input(name) is None:
            names = ", ".join(item.name for item in definition.inputs)
            raise ScoreError(f"{definition.name} has no input {name!r}; it takes {names}")
    checked = {
        item.name: _check(item, values[item.name])
        for item in definition.inputs
        if item.name in values
    }
    missing = []
    for item in definition.inputs:
        if item.name in checked:
            continue
        if item.default is None:
            missing.append(f"{item.name} ({item.unit})" if item.unit else item.name)
        else:
            checked[item.name] = item.default
    if missing:
        raise ScoreError(f"{definition.name} also needs {', '.join(missing)}")
    return checked


def _check(item: ScoreInput, value: Value) -> Value:
    if item.kind == "flag":
        if not isinstance(value, bool):
            raise ScoreError(f"{item.name} is true or false, not {value!r}")
        return value
    if item.kind == "choice":
        if value not in item.choices:
            raise ScoreError(f"{item.name} is one of {', '.join(item.choices)}, not {value!r}")
        return value
    if isinstance(value, bool | str) or not math.isfinite(value):
        raise ScoreError(f"{item.name} is a number{_in(item.unit)}, not {value!r}")
    if item.whole and value != int(value):
        raise ScoreError(f"{item.name} is a whole number, not {value:g}")
    if item.above is not None and value <= item.above:
        raise ScoreError(f"{item.name} must be above {item.above:g}{_unit(item)}, not {value:g}")
    if item.minimum is not None and value < item.minimum:
        raise ScoreError(
            f"{item.name} must be at least {item.minimum:g}{_unit(item)}, not {value:g}"
        )
    if item.maximum is not None and value > item.maximum:
        raise ScoreError(
            f"{item.name} must be at most {item.maximum:g}{_unit(item)}, not {value:g}"
        )
    return value


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""


def _unit(item: ScoreInput) -> str:
    return f" {item.unit}" if item.unit else ""


def _in_unit(item: ScoreInput, values: Mapping[str, Value]) -> float:
    number = float(values[item.name])
    if item.unit_from:
        number /= dict(item.divisors)[str(values[item.unit_from])]
    return number


def _points(item: ScoreInput, known: Mapping[str, Value]) -> float:
    value = known[item.name]
    if item.kind == "choice":
        return 0.0
    if item.kind == "flag":
        return item.when_true if value else item.when_false
    steps = item.steps_among(known)
    return next((step.points for step in steps if step.holds(float(value))), 0.0)
