"""`limits.toml`: how far each number may go, and what no parameter set may weaken."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from importlib import resources
from typing import Any

from stream.rules.rows import Cell, cells

LIMITS_FILE = "limits.toml"


@dataclass(frozen=True, slots=True)
class Limit:
    """How far the numbers of some rows may go, both ends included.

    Of a range `[low, high]` the low end is besides at most `low_max`, the high end at least
    `high_min`, so that it cannot be narrowed to nothing.
    """

    rows: str
    minimum: float
    maximum: float
    whole: bool
    unit: str
    why: str
    low_max: float | None = None
    high_min: float | None = None

    def broken(self, value: Any) -> bool:
        """Whether a number is beyond the limits; what is no number at all is so too."""
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return True
        return not self.minimum <= value <= self.maximum or (self.whole and value != int(value))

    def broken_by(self, value: Any) -> bool:
        """Whether a number, or any of a list of them, is beyond the limits."""
        if not isinstance(value, list):
            return self.broken(value)
        if any(self.broken(number) for number in value):
            return True
        if self.low_max is None or self.high_min is None:
            return False
        return not value or value[0] > self.low_max or value[-1] < self.high_min

    def __str__(self) -> str:
        """What is expected, such as `37.5 to 38.5 Cel`."""
        whole = "a whole number, " if self.whole else ""
        text = f"{whole}{self.minimum:.12g} to {self.maximum:.12g} {self.unit}".rstrip()
        if self.low_max is None or self.high_min is None:
            return text
        return f"{text}, from at most {self.low_max:.12g} to at least {self.high_min:.12g}"


@cache
def tables() -> dict[str, Any]:
    """The tables of `limits.toml`; nobody changes them."""
    return tomllib.loads(resources.files("stream.rules").joinpath(LIMITS_FILE).read_text("utf-8"))


@cache
def limits() -> tuple[Limit, ...]:
    """The rows of `[limits]`, in the order of the file."""
    return tuple(
        Limit(
            rows=name,
            minimum=row["min"],
            maximum=row["max"],
            whole=row.get("whole", False),
            unit=row["unit"],
            why=row["why"],
            low_max=row.get("low_max"),
            high_min=row.get("high_min"),
        )
        for name, row in tables()["limits"].items()
    )


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Limit], ...]:
    return tuple((re.compile(translate(limit.rows)), limit) for limit in limits())


@cache
def _exact() -> dict[str, Limit]:
    return {limit.rows: limit for limit in limits()}


@cache
def limit_of(row: str) -> Limit | None:
    """The limits of one row, such as `stale.spo2.usual_s`."""
    if exact := _exact().get(row):
        return exact
    return next((limit for pattern, limit in _patterns() if pattern.match(row)), None)


def beyond_limits(document: dict[str, Any]) -> list[str]:
    """Every number of a document that is beyond its limits, a sentence each."""
    return [problem for cell in cells(document) if (problem := beyond(cell))]


def beyond(cell: Cell) -> str:
    """What is wrong with one value; empty where it is within its limits or has none."""
    limit = limit_of(cell.row)
    if limit is None or not limit.broken_by(cell.value):
        return ""
    return f"{cell.row} = {cell.value!r}: expected {limit}; {limit.why}"


def unlimited(row: str, value: Any) -> str:
    """Why a site cannot change this number: it has no limits. Empty where it can."""
    numbers = value if isinstance(value, list) else [value]
    number = any(isinstance(item, (int, float)) and not isinstance(item, bool) for item in numbers)
    if number and limit_of(row) is None:
        return f"{row} = {value!r}: has no safety limits, so no site can change it"
    return ""
