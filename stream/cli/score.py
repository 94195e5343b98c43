"""`stormwatch score`: one score from values on the command line."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.exits import USAGE, CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.engine.scores import ScoreDefinition, ScoreInput, Value


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
        print(f"  {item.name:{width}}  {what}: {item.meaning}{absent}")
    for name, least in ((band.name, band.at_least) for band in definition.bands):
        print(f"  from {least:g}: {name}")
    print(f"  source: {definition.source} ({definition.status})\n  {definition.caution}")
