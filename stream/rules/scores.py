"""`scores.toml` -> `ScoreDefinition`s: every score with its points, units, bands and source."""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

from stream.engine.laboratory import ANALYTES
from stream.engine.score_definitions import (
    CHARTED,
    LAB,
    Band,
    Counted,
    Kind,
    Method,
    Priority,
    ScoreDefinition,
    ScoreInput,
    Step,
    Timing,
    Value,
    Variant,
)
from stream.rules.errors import RulesetError
from stream.rules.fields import Keys, not_known
from stream.rules.products import THERAPY_CLASSES
from stream.rules.rows import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

SCORES_FILE = Path(__file__).with_name("scores.toml")

AGELESS = ("", "spo2_scale", "hours_since_therapy")
"""What does not grow old: a choice that stands until it is changed, and a count of hours."""

_SCORE = frozenset(
    {"title", "unit", "method", "source", "status", "caution", "timing", "maximum", "announce"}
    | {"hold_s", "hold_down_s", "adults_only", "latched", "inputs", "bands"}
    | {"therapy_classes", "targets"}
)
_INPUT = frozenset(
    {"name", "kind", "meaning", "unit", "unit_from", "chart", "source", "status", "default"}
    | {"minimum", "above", "maximum", "whole", "weight", "power", "when_true", "when_false"}
    | {"steps", "variants", "choices", "counts", "divisors", "max_age_s"}
)
_COUNTED = ("analyte", "at_most", "unit")
_BAND = ("name", "priority", "meaning", "status", "at_least", "above")
_STEP = ("points", "below", "at_most")
_VARIANT = ("when", "steps", "status")


@cache
def load_scores() -> Mapping[str, ScoreDefinition]:
    """The packaged definitions by name, in the order of the file."""
    table = tomllib.loads(SCORES_FILE.read_text(encoding="utf-8"))
    return MappingProxyType(build_scores(table))


def build_scores(table: Mapping[str, Any]) -> dict[str, ScoreDefinition]:
    """The definitions by name; the table is left as it is.

    Raises:
        RulesetError: a key that is not known, a missing source, bands or steps out of order, ...
    """
    return {name: _definition(name, row) for name, row in table.items()}


def _definition(name: str, table: Any) -> ScoreDefinition:
    fields = Keys(table, f"scores.{name}", _SCORE)
    where = fields.where
    source, status = fields.source(), fields.one_of("status", STATUSES)
    method: Method = fields.one_of("method", get_args(Method))
    bands = _bands(fields)
    announce = fields.given("announce", fields.flag, default=False)
    if announce and not bands:
        raise RulesetError(
            f"{where}.announce = true: needs bands; a change of band is what is said"
        )
    if announce and "hold_s" not in fields.table:
        raise RulesetError(f"{where}.hold_s is missing: an announced band has to last that long")
    if "inputs" not in fields.table:
        raise fields.wrong("inputs", "a list of tables")
    inputs = tuple(_input(where, method, row) for row in fields.rows("inputs", _INPUT))
    _fit(where, inputs)
    hold = fields.given("hold_s", fields.micros, 0)
    return ScoreDefinition(
        name=name,
        title=fields.text("title", blank=True),
        unit=fields.text("unit", blank=True),
        method=method,
        source=source,
        status=status,
        caution=fields.text("caution", blank=True),
        inputs=inputs,
        bands=bands,
        maximum=fields.given("maximum", fields.number, None),
        timing=fields.one_of("timing", get_args(Timing), "now"),
        announce=announce,
        hold=hold,
        hold_down=fields.given("hold_down_s", fields.micros, hold),
        latched=fields.given("latched", fields.flag, default=False),
        adults_only=fields.given("adults_only", fields.flag, default=False),
        therapy_classes=fields.distinct("therapy_classes", THERAPY_CLASSES),
        targets=fields.distinct("targets"),
    )


def _bands(score: Keys) -> tuple[Band, ...]:
    bands: list[Band] = []
    for row in score.rows("bands", _BAND):
        name = row.text("name", blank=True)
        fields = Keys(row.table, f"{score.where}.bands.{name}", _BAND)
        here = fields.where
        if ("at_least" in row.table) == ("above" in row.table):
            raise RulesetError(f"{here}: needs either at_least or above")
        band = Band(
            name=name,
            at_least=fields.given("at_least", fields.number, None),
            above=fields.given("above", fields.number, None),
            priority=fields.one_of("priority", get_args(Priority), "low"),
            meaning=fields.text("meaning", ""),
            status=fields.one_of("status", STATUSES, ""),
        )
        if bands and not bands[-1].edge < band.edge:
            raise RulesetError(f"{here}: not above {bands[-1].name}; write bands ascending")
        if band.name in {other.name for other in bands}:
            raise RulesetError(f"{here}: that name stands there twice; rename one")
        bands.append(band)
    return tuple(bands)


def _counted(fields: Keys) -> Counted:
    return Counted(
        analyte=fields.text("analyte", blank=True),
        at_most=fields.number("at_most"),
        unit=fields.text("unit", blank=True),
    )


def _input(score: str, method: Method, row: Keys) -> ScoreInput:
    name = row.text("name")
    fields = Keys(row.table, f"{score}.inputs.{name}", _INPUT)
    where = fields.where
    kind: Kind = fields.one_of("kind", get_args(Kind), "number")
    unit = fields.text("unit", "")
    by_steps = kind == "number" and method in ("points", "dose")
    if by_steps and "steps" not in fields.table:
        raise RulesetError(f"{where}.steps is missing: a number counts by steps in {method}")
    if not by_steps and ("steps" in fields.table or "variants" in fields.table):
        raise RulesetError(f"{where}.steps: only numbers have them, in points and dose")
    if kind == "number" and not unit:
        raise RulesetError(f"{where}.unit is missing: a number means nothing without one")
    if by_steps and "unit_from" in fields.table:
        raise RulesetError(f"{where}.unit_from: steps are for one unit; convert before")
    if kind != "number" and method == "ratio":
        raise RulesetError(f"{where}.kind = {kind!r}: a ratio takes numbers only")
    minimum = fields.given("minimum", fields.number, None)
    above = fields.given("above", fields.number, None)
    maximum = fields.given("maximum", fields.number, None)
    least = minimum if minimum is not None else above or 0
    if maximum is not None and least >= maximum:
        raise fields.wrong("maximum", "more than the minimum")
    choices = fields.distinct("choices")
    if (kind == "choice") != bool(choices):
        raise RulesetError(f"{where}.choices: expected for the kind choice, and for it alone")
    return ScoreInput(
        name=name,
        kind=kind,
        meaning=fields.text("meaning", blank=True),
        unit=unit,
        default=_default(fields, kind, choices),
        minimum=minimum,
        above=above,
        maximum=maximum,
        whole=fields.given("whole", fields.flag, default=False),
        weight=fields.given("weight", fields.number, 1.0),
        power=fields.given("power", fields.whole, 1),
        when_true=fields.given("when_true", fields.number, 0.0),
        when_false=fields.given("when_false", fields.number, 0.0),
        steps=_steps(fields) if by_steps else (),
        variants=tuple(_variant(row) for row in fields.rows("variants", _VARIANT)),
        choices=choices,
        unit_from=fields.text("unit_from", ""),
        divisors=tuple(fields.numbers("divisors").items()),
        counts=tuple(_counted(row) for row in fields.rows("counts", _COUNTED)),
        chart=_chart(fields, unit),
        max_age=fields.given("max_age_s", fields.micros, None),
        source=fields.text("source", ""),
        status=fields.one_of("status", STATUSES, ""),
    )


def _default(fields: Keys, kind: Kind, choices: tuple[str, ...]) -> Value | None:
    """A value that the input can have; None: there is no default."""
    default: Value | None = fields.table.get("default")
    fits: tuple[type, ...] = {"flag": (bool,), "choice": (str,)}.get(kind, (int, float))
    if default is not None and (
        not isinstance(default, fits)
        or (kind == "number" and isinstance(default, bool))
        or (kind == "choice" and default not in choices)
    ):
        raise RulesetError(f"{fields.where}.default = {default!r}: not a value of this input")
    return default


def _chart(fields: Keys, unit: str) -> str:
    """Where the stream finds the input, in the unit and with the age that go with that."""
    where, row = fields.where, fields.table
    chart = fields.one_of("chart", ("", *CHARTED, *(LAB + analyte for analyte in ANALYTES)), "")
    if chart in CHARTED and unit != CHARTED[chart]:
        raise RulesetError(f"{where}.unit = {unit!r}: {chart} comes in {CHARTED[chart]!r}")
    if chart in AGELESS and "counts" not in row and "max_age_s" in row:
        raise RulesetError(f"{where}.max_age_s: this does not grow old; remove the key")
    if chart not in AGELESS and "max_age_s" not in row:
        raise RulesetError(
            f"{where}.max_age_s is missing: after how many seconds does {chart} no longer count?"
        )
    return chart


def _steps(fields: Keys) -> tuple[Step, ...]:
    where = f"{fields.where}.steps"
    steps = tuple(
        Step(
            points=row.number("points"),
            below=row.given("below", row.number, None),
            at_most=row.given("at_most", row.number, None),
        )
        for row in fields.rows("steps", _STEP)
    )
    if any(step.below is not None and step.at_most is not None for step in steps):
        raise RulesetError(f"{where}: a step has either below or at_most")
    bounds = [step.bound for step in steps]
    if not bounds or bounds[-1] != float("inf"):
        raise RulesetError(
            f"{where}: the last step must be for all the rest; add {{ points = ... }}"
        )
    if any(later <= earlier for earlier, later in pairwise(bounds)):
        raise RulesetError(f"{where}: the bounds must rise from step to step")
    return steps


def _variant(fields: Keys) -> Variant:
    when = fields.table.get("when")
    if not isinstance(when, dict) or not when:
        raise RulesetError(f"{fields.where}.when: expected the inputs that it depends on")
    status = fields.one_of("status", STATUSES, "")
    return Variant(when=tuple(when.items()), steps=_steps(fields), status=status)


def _fit(where: str, inputs: tuple[ScoreInput, ...]) -> None:
    """Refuses inputs that name each other wrongly."""
    by_name: dict[str, ScoreInput] = {}
    for item in inputs:
        if by_name.setdefault(item.name, item) is not item:
            raise RulesetError(f"{where}.inputs: {item.name!r} stands there twice; remove one")
    for item in inputs:
        here = f"{where}.inputs.{item.name}"
        if bool(item.unit_from) != bool(item.divisors):
            raise RulesetError(f"{here}: unit_from and divisors go together")
        if item.unit_from:
            if item.unit_from not in by_name:
                raise not_known(f"{here}.unit_from", item.unit_from, by_name)
            other = by_name[item.unit_from]
            if set(other.choices) != {unit for unit, _ in item.divisors}:
                raise RulesetError(f"{here}.divisors: expected one for each choice of {other.name}")
        for name, wanted in (pair for variant in item.variants for pair in variant.when):
            if name not in by_name:
                raise not_known(f"{here}.variants.when", name, by_name)
            if not any(
                type(wanted) is type(option) and wanted == option
                for option in by_name[name].options
            ):
                raise RulesetError(
                    f"{here}.variants.when.{name} = {wanted!r}: "
                    f"expected one of {list(by_name[name].options)}"
                )
