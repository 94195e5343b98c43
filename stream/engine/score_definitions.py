"""What a score is, as data: its inputs, points and bands, and where the stream finds each input.

The definitions, each number with its source, are in `stream/rules/scores.toml`; what is computed
from them is in `stream.engine.scores`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from stream.engine.events import Micros

Value = float | bool | str
"""What an input holds: a number in the input's unit, a truth value, or one of its choices."""

Method = Literal["ratio", "weighted_sum", "points", "dose"]
Kind = Literal["number", "flag", "choice"]
Timing = Literal["now", "before_therapy"]
Priority = Literal["medium", "low", "information"]

CHARTED: Final[Mapping[str, str]] = {
    "temperature": "Cel",
    "heart_rate": "/min",
    "respiratory_rate": "/min",
    "spo2": "%",
    "systolic_bp": "mm[Hg]",
    "mean_bp": "mm[Hg]",
    "on_oxygen": "",
    "alert": "",
    "altered_mentation": "",
    "spo2_scale": "",
    "hours_since_therapy": "h",
}
"""Where the stream finds an input, besides `lab:ANALYTE`, and the unit in which it has it."""

LAB: Final = "lab:"

Table = tuple[tuple[float, ...], tuple[float, ...], float, float]
"""Bounds, points, and the fewest and most points; `points[bisect_left(bounds, value)]`."""


@dataclass(frozen=True, slots=True)
class Step:
    """Points for a value below `below`, or at most `at_most`; with neither, for the rest."""

    points: float
    below: float | None = None
    at_most: float | None = None

    @property
    def bound(self) -> float:
        """The largest value that the step is for."""
        if self.below is not None:
            return math.nextafter(self.below, -math.inf)
        return math.inf if self.at_most is None else self.at_most

    def holds(self, value: float) -> bool:
        """Whether this step is for the value, where none before it is."""
        return value <= self.bound


@dataclass(frozen=True, slots=True)
class Variant:
    """Steps that count instead while the other inputs named in `when` are as it says."""

    when: tuple[tuple[str, Value], ...]
    steps: tuple[Step, ...]
    status: str = ""  # where it differs from the score's


@dataclass(frozen=True, slots=True)
class Counted:
    """A result that counts where it is at most `at_most`, in `unit`."""

    analyte: str
    at_most: float
    unit: str


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
    variants: tuple[Variant, ...] = ()  # the first that holds replaces `steps`
    choices: tuple[str, ...] = ()
    unit_from: str = ""  # the choice input that names this number's unit
    divisors: tuple[tuple[str, float], ...] = ()  # unit -> what to divide by to get `unit`
    counts: tuple[Counted, ...] = ()  # how many of these results are low makes the number
    chart: str = ""  # one of CHARTED, or `lab:ANALYTE`; empty: nothing in the stream
    max_age: Micros | None = None  # an older value counts as missing; None: it does not age
    source: str = ""  # where it differs from the score's
    status: str = ""

    def steps_among(self, values: Mapping[str, Value]) -> tuple[Step, ...]:
        """The steps that count while the other inputs are these."""
        for variant in self.variants:
            if all(values.get(name) == wanted for name, wanted in variant.when):
                return variant.steps
        return self.steps

    @property
    def options(self) -> tuple[Value, ...]:
        """All that a flag or a choice can be."""
        return (False, True) if self.kind == "flag" else self.choices


@dataclass(frozen=True, slots=True)
class Band:
    """What values from `at_least` on, or above `above`, are called."""

    name: str
    at_least: float | None = None
    above: float | None = None
    priority: Priority = "low"  # of saying that a value came to lie here
    meaning: str = ""
    status: str = ""  # where it differs from the score's

    @property
    def edge(self) -> float:
        """The smallest value that lies in the band or a higher one."""
        if self.above is not None:
            return math.nextafter(self.above, math.inf)
        return -math.inf if self.at_least is None else self.at_least


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition in the form in which `partial` reads it; made by `plan_of`."""

    required: tuple[str, ...]
    """Inputs without a default."""
    rows: tuple[
        tuple[str, Any, Table, tuple[tuple[tuple[tuple[str, Any, Value], ...], Table], ...]], ...
    ]
    """Per input with points: name, default, its table, and (when, table) of each variant."""
    switches: tuple[tuple[str, tuple[Value, ...]], ...]
    """Inputs without a default that variants depend on, and all that they can be."""
    edges: tuple[float, ...]
    bands: tuple[str, ...]
    """Names: below the first edge, from the first on, ..."""


@dataclass(slots=True, init=False)
class Probe:
    """One input that the stream holds, as it is looked at with every event."""

    name: Final[str]
    item: Final[str]
    """Where the stream finds it; empty: it is counted."""
    ages: Final[bool]
    age: Final[Micros]
    """The greatest, where it ages."""
    bounds: Final[tuple[float, ...] | None]
    """Between two of them every value counts the same. None: each value counts for itself."""

    def __init__(
        self,
        name: str,
        item: str,
        age: Micros | None,
        bounds: tuple[float, ...] | None,
    ) -> None:
        self.name = name
        self.item = item
        self.ages = age is not None
        self.age = 0 if age is None else age
        self.bounds = bounds


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
    timing: Timing = "now"  # `before_therapy`: from the last values before the infusion
    announce: bool = False  # whether another band is said, as `risk.changed`
    hold: Micros = 0  # how long a higher band must last before it is said
    hold_down: Micros = 0  # and a lower one
    latched: bool = False  # what was once so stays so until the next dose
    adults_only: bool = False
    therapy_classes: tuple[str, ...] = ()  # empty: all
    targets: tuple[str, ...] = ()  # empty: all
    plan: Plan = field(init=False, repr=False, compare=False)
    charted: tuple[tuple[str, str, Micros | None], ...] = field(
        init=False, repr=False, compare=False
    )
    """(input, where the stream finds it, greatest age) of each input that the stream holds."""
    items: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Where the stream finds them, of those that are one value each."""
    probes: tuple[Probe, ...] = field(init=False, repr=False, compare=False)
    """`charted`, each with the bounds of its cells."""
    calm: str = field(init=False, repr=False, compare=False)
    """The band of a score of 0."""
    bands_known: dict[tuple[Value | None, ...], str | None] = field(
        init=False, repr=False, compare=False
    )
    """What `stream.engine.scores.band_in` remembers."""

    def __hash__(self) -> int:
        return hash(self.name)

    def __post_init__(self) -> None:
        plan = plan_of(self)
        object.__setattr__(self, "plan", plan)
        object.__setattr__(self, "calm", plan.bands[bisect_right(plan.edges, 0)])
        charted = tuple(
            (item.name, item.chart, item.max_age)
            for item in self.inputs
            if item.chart or item.counts
        )
        object.__setattr__(self, "charted", charted)
        object.__setattr__(self, "items", tuple(item for _, item, _ in charted if item))
        probes = tuple(Probe(*item, cells_of(self, item[0])) for item in charted)
        object.__setattr__(self, "probes", probes)
        object.__setattr__(self, "bands_known", {})

    def input(self, name: str) -> ScoreInput | None:
        """The input of this name, if there is one."""
        return next((item for item in self.inputs if item.name == name), None)

    @property
    def in_stream(self) -> bool:
        """Whether any input is found in the stream; the others are for the command line alone."""
        return bool(self.charted)

    def is_for(self, therapy_class: str, target: str) -> bool:
        """Whether the score is meant for patients under this therapy."""
        classes, targets = self.therapy_classes, [name.casefold() for name in self.targets]
        return (not classes or therapy_class in classes) and (
            not targets or target.casefold() in targets
        )

    def priority(self, band: str) -> Priority:
        """The priority of saying that a value came to lie in this band; empty: below the first."""
        return next((item.priority for item in self.bands if item.name == band), "information")


def table_of(item: ScoreInput, steps: tuple[Step, ...]) -> Table:
    """The points of a flag or a number, for look-up by bisection."""
    bounds: tuple[float, ...]
    points: tuple[float, ...]
    if item.kind == "flag":
        bounds, points = (0.0,), (item.when_false, item.when_true)
    else:
        bounds = tuple(step.bound for step in steps if step.bound < math.inf)
        points = tuple(float(step.points) for step in steps)
        if len(points) == len(bounds):
            points += (0.0,)
    return bounds, points, min(points), max(points)


def cells_of(definition: ScoreDefinition, name: str) -> tuple[float, ...] | None:
    """The bounds of an input in all tables that it is looked up in; None where it is used as is."""
    item = definition.input(name)
    if definition.method != "points" or item is None or item.kind != "number":
        return None
    tables = [
        table
        for row, _, usual, variants in definition.plan.rows
        if row == name
        for table in (usual, *(other for _, other in variants))
    ]
    asked = {
        key
        for _, _, _, variants in definition.plan.rows
        for when, _ in variants
        for key, _, _ in when
    }
    return None if name in asked else tuple(sorted({b for bounds, *_ in tables for b in bounds}))


def plan_of(definition: ScoreDefinition) -> Plan:
    """The look-up tables of a definition."""
    defaults = {item.name: item.default for item in definition.inputs}
    depended_on = {
        name for item in definition.inputs for variant in item.variants for name, _ in variant.when
    }
    return Plan(
        required=tuple(name for name, default in defaults.items() if default is None),
        rows=tuple(
            (
                item.name,
                item.default,
                table_of(item, item.steps),
                tuple(
                    (
                        tuple((name, defaults.get(name), wanted) for name, wanted in variant.when),
                        table_of(item, variant.steps),
                    )
                    for variant in item.variants
                ),
            )
            for item in definition.inputs
            if item.kind != "choice"
        ),
        switches=tuple(
            (item.name, item.options)
            for item in definition.inputs
            if item.name in depended_on and item.default is None
        ),
        edges=tuple(band.edge for band in definition.bands),
        bands=("", *(band.name for band in definition.bands)),
    )
