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
    Variant,
)
from stream.rules.errors import RulesetError
from stream.rules.rows import STATUSES
from stream.rules.shapes import micros, one_of, shaped, sourced, words

if TYPE_CHECKING:
    from collections.abc import Mapping

SCORES_FILE = Path(__file__).with_name("scores.toml")

THERAPY_CLASSES = (
    "car_t",
    "tcr_t",
    "til",
    "bispecific",
    "checkpoint_inhibitor",
    "other_effector_cell",
)
AGELESS = ("", "spo2_scale", "hours_since_therapy")
"""What does not grow old: a choice that stands until it is changed, and a count of hours."""

_SCORE = {
    **dict.fromkeys(("title", "unit", "method", "source", "status", "caution", "timing"), str),
    **dict.fromkeys(("maximum", "hold_s", "hold_down_s"), float),
    **dict.fromkeys(("announce", "adults_only", "latched"), bool),
    **dict.fromkeys(("inputs", "bands", "therapy_classes", "targets"), list),
}
_INPUT = {
    **dict.fromkeys(("name", "kind", "meaning", "unit", "unit_from", "chart"), str),
    **dict.fromkeys(("source", "status"), str),
    **dict.fromkeys(("minimum", "above", "maximum", "weight", "when_true", "when_false"), float),
    **dict.fromkeys(("steps", "variants", "choices", "counts"), list),
    "default": object,
    "divisors": dict,
    "max_age_s": float,
    "power": int,
    "whole": bool,
}
_COUNTED = {"analyte": str, "at_most": float, "unit": str}
_BAND = {
    **dict.fromkeys(("name", "priority", "meaning", "status"), str),
    **dict.fromkeys(("at_least", "above"), float),
}
_STEP = dict.fromkeys(("points", "below", "at_most"), float)
_VARIANT = {"when": dict, "steps": list, "status": str}


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
    where = f"scores.{name}"
    needed = ("title", "unit", "method", "source", "status", "caution", "inputs")
    row = shaped(where, table, _SCORE, needed)
    sourced(where, row)
    one_of(f"{where}.method", row["method"], get_args(Method))
    one_of(f"{where}.timing", row.get("timing", "now"), get_args(Timing))
    announce = row.get("announce", False)
    if announce and not row.get("bands"):
        raise RulesetError(
            f"{where}.announce = true: needs bands; a change of band is what is said"
        )
    if announce and "hold_s" not in row:
        raise RulesetError(f"{where}.hold_s is missing: an announced band has to last that long")
    inputs = tuple(_input(where, row["method"], item) for item in row.pop("inputs"))
    _fit(where, inputs)
    hold = micros(where, row, "hold_s") if "hold_s" in row else 0
    hold_down = micros(where, row, "hold_down_s") if "hold_down_s" in row else hold
    row.pop("hold_s", None)
    row.pop("hold_down_s", None)
    return ScoreDefinition(
        name=name,
        inputs=inputs,
        bands=_bands(f"{where}.bands", row.pop("bands", ())),
        hold=hold,
        hold_down=hold_down,
        therapy_classes=words(
            f"{where}.therapy_classes", row.pop("therapy_classes", ()), THERAPY_CLASSES
        ),
        targets=words(f"{where}.targets", row.pop("targets", ())),
        **row,
    )


def _bands(where: str, items: Any) -> tuple[Band, ...]:
    bands: list[Band] = []
    for number, item in enumerate(items):
        row = shaped(f"{where}[{number}]", item, _BAND, ("name",))
        here = f"{where}.{row['name']}"
        if ("at_least" in row) == ("above" in row):
            raise RulesetError(f"{here}: needs either at_least or above")
        one_of(f"{here}.priority", row.get("priority", "low"), get_args(Priority))
        if "status" in row:
            one_of(f"{here}.status", row["status"], STATUSES)
        band = Band(**row)
        if bands and not bands[-1].edge < band.edge:
            raise RulesetError(f"{here}: not above {bands[-1].name}; write bands ascending")
        if band.name in {other.name for other in bands}:
            raise RulesetError(f"{here}: that name stands there twice; rename one")
        bands.append(band)
    return tuple(bands)


def _counts(where: str, items: Any) -> tuple[Counted, ...]:
    rows = [
        shaped(f"{where}[{number}]", item, _COUNTED, tuple(_COUNTED))
        for number, item in enumerate(items)
    ]
    return tuple(Counted(**row) for row in rows)


def _input(score: str, method: str, table: Any) -> ScoreInput:
    row = shaped(f"{score}.inputs", table, _INPUT, ("name", "meaning"))
    where = f"{score}.inputs.{row['name']}"
    kind = one_of(f"{where}.kind", row.setdefault("kind", "number"), get_args(Kind))
    if "status" in row:
        one_of(f"{where}.status", row["status"], STATUSES)
    _chart(where, row)
    max_age = micros(where, row, "max_age_s") if "max_age_s" in row else None
    row.pop("max_age_s", None)
    by_steps = kind == "number" and method in ("points", "dose")
    if by_steps and "steps" not in row:
        raise RulesetError(f"{where}.steps is missing: a number counts by steps in {method}")
    if not by_steps and ("steps" in row or "variants" in row):
        raise RulesetError(f"{where}.steps: only numbers have them, in points and dose")
    if kind == "number" and not row.get("unit"):
        raise RulesetError(f"{where}.unit is missing: a number means nothing without one")
    if by_steps and "unit_from" in row:
        raise RulesetError(f"{where}.unit_from: steps are for one unit; convert before")
    if kind != "number" and method == "ratio":
        raise RulesetError(f"{where}.kind = {kind!r}: a ratio takes numbers only")
    if row.get("minimum", row.get("above", 0)) >= row.get("maximum", float("inf")):
        raise RulesetError(f"{where}.maximum = {row['maximum']}: expected more than the minimum")
    steps = _steps(f"{where}.steps", row.pop("steps")) if by_steps else ()
    choices = words(f"{where}.choices", row.pop("choices", ()))
    if (kind == "choice") != bool(choices):
        raise RulesetError(f"{where}.choices: expected for the kind choice, and for it alone")
    fits: tuple[type, ...] = {"flag": (bool,), "choice": (str,)}.get(kind, (int, float))
    default = row.get("default")
    if default is not None and (
        not isinstance(default, fits)
        or (kind == "number" and isinstance(default, bool))
        or (kind == "choice" and default not in choices)
    ):
        raise RulesetError(f"{where}.default = {default!r}: not a value of this input")
    return ScoreInput(
        steps=steps,
        variants=tuple(
            _variant(f"{where}.variants[{number}]", item)
            for number, item in enumerate(row.pop("variants", ()))
        ),
        choices=choices,
        divisors=tuple(_divisors(f"{where}.divisors", row.pop("divisors", {})).items()),
        max_age=max_age,
        counts=_counts(f"{where}.counts", row.pop("counts", ())),
        **row,
    )


def _chart(where: str, row: Mapping[str, Any]) -> None:
    chart = row.get("chart", "")
    one_of(f"{where}.chart", chart, ("", *CHARTED, *(LAB + analyte for analyte in ANALYTES)))
    if chart in CHARTED and row.get("unit", "") != CHARTED[chart]:
        raise RulesetError(
            f"{where}.unit = {row.get('unit', '')!r}: {chart} comes in {CHARTED[chart]!r}"
        )
    if chart in AGELESS and "counts" not in row and "max_age_s" in row:
        raise RulesetError(f"{where}.max_age_s: this does not grow old; remove the key")
    if chart not in AGELESS and "max_age_s" not in row:
        raise RulesetError(
            f"{where}.max_age_s is missing: after how many seconds does {chart} no longer count?"
        )


def _divisors(where: str, table: Any) -> dict[str, float]:
    row = shaped(where, table, dict.fromkeys(table, float))
    for unit, divisor in row.items():
        if divisor <= 0:
            raise RulesetError(f"{where}.{unit} = {divisor!r}: expected a number above 0")
    return row


def _steps(where: str, items: Any) -> tuple[Step, ...]:
    steps = tuple(
        Step(**shaped(f"{where}[{number}]", item, _STEP, ("points",)))
        for number, item in enumerate(items)
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


def _variant(where: str, table: Any) -> Variant:
    row = shaped(where, table, _VARIANT, ("when", "steps"))
    if "status" in row:
        one_of(f"{where}.status", row["status"], STATUSES)
    if not row["when"]:
        raise RulesetError(f"{where}.when: expected the inputs that it depends on")
    when = tuple(row.pop("when").items())
    return Variant(when=when, steps=_steps(f"{where}.steps", row.pop("steps")), **row)


def _fit(where: str, inputs: tuple[ScoreInput, ...]) -> None:
    """Refuses inputs that name each other wrongly."""
    words(f"{where}.inputs", [item.name for item in inputs])
    by_name = {item.name: item for item in inputs}
    for item in inputs:
        here = f"{where}.inputs.{item.name}"
        if bool(item.unit_from) != bool(item.divisors):
            raise RulesetError(f"{here}: unit_from and divisors go together")
        if item.unit_from:
            other = by_name[one_of(f"{here}.unit_from", item.unit_from, by_name)]
            if set(other.choices) != {unit for unit, _ in item.divisors}:
                raise RulesetError(f"{here}.divisors: expected one for each choice of {other.name}")
        for name, wanted in (pair for variant in item.variants for pair in variant.when):
            other = by_name[one_of(f"{here}.variants.when", name, by_name)]
            if not any(
                type(wanted) is type(option) and wanted == option for option in other.options
            ):
                raise RulesetError(
                    f"{here}.variants.when.{name} = {wanted!r}: "
                    f"expected one of {list(other.options)}"
                )
