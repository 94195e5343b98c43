"""`stormwatch score`: one score from values on the command line."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.exits import USAGE, CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.engine.scores import Band, ScoreDefinition, ScoreInput, Value, Variant


EXAMPLES = (
    "stormwatch score easix ldh=350 creatinine=1.1 platelets=120",
    "stormwatch score nee norepinephrine=0.1 vasopressin=1.8 vasopressin_unit=U/h",
    "stormwatch score --list",
    "stormwatch score --list news2",
)


def score(
    *,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which score.", show_default=False)
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE…", help="Its inputs.", show_default=False),
    ] = None,
    show: Annotated[
        bool, typer.Option("--list", help="Show the scores, or the inputs of NAME, and end.")
    ] = False,
) -> None:
    """Compute one score from values given as KEY=VALUE.

    Truth values are `true` and `false`; units are fixed and shown by --list, never written.
    """
    from stream.engine.scores import ScoreError, evaluate
    from stream.rules.scores import load_scores

    definitions = load_scores()
    if name is None:
        if not show:
            raise CommandError(f"which score? One of {', '.join(definitions)}", USAGE)
        width = max(map(len, definitions))
        for definition in definitions.values():
            print(f"{definition.name:{width}}  {definition.title}")
        return
    if name not in definitions:
        raise CommandError(f"no score {name!r}; there are {', '.join(definitions)}", USAGE)
    definition = definitions[name]
    if show:
        _describe(definition)
        return
    try:
        value = evaluate(definition, _parsed(definition, values or ()))
    except ScoreError as error:
        raise CommandError(str(error), USAGE) from None
    print(json.dumps({"score": name, "value": int(value) if value == int(value) else value}))


def _parsed(definition: ScoreDefinition, words: Sequence[str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise CommandError(f"{word!r} is not KEY=VALUE", USAGE)
        if key in values:
            raise CommandError(f"{key} is given twice", USAGE)
        item = definition.input(key)
        values[key] = text if item is None else _value(item, text)
    return values


def _value(item: ScoreInput, text: str) -> Value:
    """The typed value; what cannot be one stays text, which `evaluate` refuses by name."""
    if item.kind == "flag":
        return {"true": True, "false": False}.get(text, text)
    if item.kind == "choice":
        return text
    try:
        return float(text) if text.strip() == text and "_" not in text else text
    except ValueError:
        unit = f"; it is in {item.unit}, written without it" if item.unit else ""
        message = f"{item.name} is a number, not {text!r}{unit}"
        raise CommandError(message, USAGE) from None


def _describe(definition: ScoreDefinition) -> None:
    print(
        f"{definition.name}: {definition.title}"
        + (f", in {definition.unit}" * bool(definition.unit))
    )
    width = max(len(item.name) for item in definition.inputs)
    for item in definition.inputs:
        what = {"flag": "true or false", "choice": " or ".join(item.choices)}.get(
            item.kind, item.unit or "a number"
        )
        absent = "" if item.default is None else f" (absent: {item.default})"
        print(f"  {item.name:{width}}  {what}: {item.meaning}{absent}{_mark(item)}")
        if item.chart:
            age = "" if item.max_age is None else f", at most {_span(item.max_age)} old"
            print(f"  {'':{width}}  in the stream: {item.chart}{age}")
        for variant in item.variants:
            when = ", ".join(f"{name}={str(value).lower()}" for name, value in variant.when)
            print(f"  {'':{width}}  other points where {when}{_mark(variant)}")
    for band in definition.bands:
        edge = f"from {band.at_least:g}" if band.above is None else f"above {band.above:g}"
        meaning = f": {band.meaning}" if band.meaning else ""
        print(f"  {edge}: {band.name}{meaning}{_mark(band)}")
    for line in _use(definition):
        print(f"  {line}")
    print(f"  source: {definition.source} ({definition.status})\n  {definition.caution}")


def _use(definition: ScoreDefinition) -> list[str]:
    """When the stream computes the score, and when it speaks of it."""
    lines = []
    if definition.timing == "before_therapy":
        lines.append("in the stream: from the last values before the infusion")
    if definition.announce:
        lasted = f"once it has lasted {_span(definition.hold)}" if definition.hold else "at once"
        lines.append(f"in the stream: a change of band is said {lasted}")
    patients = [
        *definition.targets,
        *definition.therapy_classes,
        *(["adults"] if definition.adults_only else []),
    ]
    return [*lines, *([f"only for: {', '.join(patients)}"] if patients else [])]


def _mark(part: ScoreInput | Band | Variant) -> str:
    """The status of a part that has another one than its score."""
    return f" [{part.status}]" if part.status else ""


def _span(micros: int) -> str:
    """`4 h`, `15 min`."""
    from stream.engine.ruleset import HOUR, MINUTE

    return f"{micros / HOUR:g} h" if micros >= HOUR else f"{micros / MINUTE:g} min"
