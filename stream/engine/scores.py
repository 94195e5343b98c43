"""Scores: arithmetic on definitions that are data, so that no clinical number stands here.

A `ScoreDefinition` says which inputs a score takes and how they count; `evaluate` checks the values
and does the sum. The definitions, each number with its source, are in `stream/rules/scores.toml`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = float | bool | str
"""What an input holds: a number in the input's unit, a truth value, or one of its choices."""

Method = Literal["ratio", "weighted_sum", "points", "dose"]
Kind = Literal["number", "flag", "choice"]


class ScoreError(ValueError):
    """The values do not fit the score; the text names the input, the value and what it takes."""


@dataclass(frozen=True, slots=True)
class Step:
    """Points for a value below `below`, or at most `at_most`; with neither, for the rest."""

    points: float
    below: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether this step is for the value."""
        if self.below is not None:
            return value < self.below
        return self.at_most is None or value <= self.at_most


@dataclass(frozen=True, slots=True)
class ScoreInput:
    """One input of a score: what it is measured in, what it may be, how it counts."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    default: Value | None = None  # None: the input must be given
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    whole: bool = False  # whole numbers only
    weight: float = 1.0  # in a weighted sum
    power: int = 1  # in a ratio: 1 above the line, -1 below it
    when_true: float = 0.0  # points of a flag
    when_false: float = 0.0
    steps: tuple[Step, ...] = ()  # points, or dose per kilogram, of a number
    choices: tuple[str, ...] = ()
    unit_from: str = ""  # the choice input that names this number's unit
    divisors: tuple[tuple[str, float], ...] = ()  # unit -> what to divide by to get `unit`


@dataclass(frozen=True, slots=True)
class Band:
    """What values from `at_least` on are called."""

    name: str
    at_least: float


@dataclass(frozen=True, slots=True)
class ScoreDefinition:
    """One score as data."""

    name: str
    title: str
    unit: str
    method: Method
    source: str
    status: str
    caution: str
    inputs: tuple[ScoreInput, ...]
    bands: tuple[Band, ...] = ()  # ascending
    maximum: float | None = None

    def input(self, name: str) -> ScoreInput | None:
        """The input of this name, if there is one."""
        return next((item for item in self.inputs if item.name == name), None)


def evaluate(definition: ScoreDefinition, values: Mapping[str, Value]) -> float:
    """The score of these values, each in its input's unit.

    Raises ScoreError for an unknown, missing or impossible value.
    """
    known = _checked(definition, values)
    numbers = {
        item.name: _in_unit(item, known) for item in definition.inputs if item.kind == "number"
    }
    match definition.method:
        case "ratio":
            result = 1.0
            for item in definition.inputs:
                result *= numbers[item.name] ** item.power
        case "weighted_sum":
            result = math.fsum(
                item.weight * numbers[item.name]
                for item in definition.inputs
                if item.name in numbers
            )
        case "points":
            result = math.fsum(_points(item, known[item.name]) for item in definition.inputs)
        case "dose":
            result = math.fsum(
                numbers[item.name] * _points(item, numbers[item.name]) for item in definition.inputs
            )
    if definition.maximum is not None:
        result = min(result, definition.maximum)
    return float(f"{result:.12g}")  # no binary dust: 0.275, not 0.27499999999999997


def band(definition: ScoreDefinition, value: float) -> str:
    """The name of the band that a value lies in; empty below the first."""
    names = [item.name for item in definition.bands if value >= item.at_least]
    return names[-1] if names else ""


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


def _points(item: ScoreInput, value: Value) -> float:
    if item.kind == "flag":
        return item.when_true if value else item.when_false
    return next((step.points for step in item.steps if step.holds(float(value))), 0.0)
