"""`stormwatch guidance`: what is published for a grade, by product or class, with citations."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.exits import USAGE, CommandError
from stream.cli.options import RulesetOption, ruleset_from

if TYPE_CHECKING:
    from collections.abc import Collection

    from stream.engine import Ruleset
    from stream.engine.guidance import GuidanceRow

EXAMPLES = (
    "stormwatch guidance --product axi-cel --grade 2",
    "stormwatch guidance --class checkpoint_inhibitor",
    "stormwatch guidance --topic rechallenge --json",
)

WIDTH = 100
UNVERIFIED = "unverified"


def guidance(
    *,
    product: Annotated[
        str | None,
        typer.Option("--product", metavar="NAME", help="For this product.", show_default=False),
    ] = None,
    therapy_class: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="CLASS", help="For an unnamed product of it.", show_default=False
        ),
    ] = None,
    grade: Annotated[
        int | None,
        typer.Option("--grade", min=0, max=5, help="For this grade.", show_default=False),
    ] = None,
    topic: Annotated[
        str | None,
        typer.Option("--topic", metavar="TOPIC", help="Only about this.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    ruleset: RulesetOption = None,
) -> None:
    """Show what is published, in our words, with citation, version and date: never an order.

    What was not compared with its publication is marked unverified. Publications that differ stand
    beside each other. For resume, rechallenge and stop the grade is the highest of the episode.
    """
    from stream.engine.guidance import PREVAILS

    chosen = _chosen(ruleset_from(ruleset), product, therapy_class, grade, topic)
    if as_json:
        for row in chosen:
            print(json.dumps(_object(row), ensure_ascii=False))
        return
    for row in chosen:
        _print(row)
    if not chosen:
        print("Nothing is on record for this.\n")
    print(PREVAILS)


def _chosen(
    rules: Ruleset,
    product: str | None,
    therapy_class: str | None,
    grade: int | None,
    topic: str | None,
) -> list[GuidanceRow]:
    """The rows that a person asks for, in the order in which they are shown with a grade."""
    from stream.cli.products import product_named
    from stream.engine.guidance import TOPICS, in_order, speaks_of

    if product is not None and therapy_class is not None:
        raise CommandError("--product or --class, not both: a product has its class", USAGE)
    if therapy_class is not None:
        _known("--class", therapy_class, rules.products.classes)
    if topic is not None:
        _known("--topic", topic, TOPICS)
    found = None if product is None else product_named(rules.products, product)
    its_class = therapy_class if found is None else found.therapy_class
    rows = [
        row
        for row in rules.guidance
        if (its_class is None or speaks_of(row, found, its_class))
        and (grade is None or grade in row.grades)
        and (topic is None or row.topic == topic)
    ]
    return list(in_order(rows))


def _known(option: str, word: str, words: Collection[str]) -> None:
    from difflib import get_close_matches

    if word in words:
        return
    near = get_close_matches(word, words, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(words)}"
    raise CommandError(f"{option} {word}: {hint}", USAGE)


def _print(row: GuidanceRow) -> None:
    from textwrap import fill

    from stream.engine.guidance import SAYS

    grades = ", ".join(map(str, row.grades))
    whom = ", ".join(row.products or row.therapy_classes) or "all therapies"
    carrier = f", carrying {row.suicide_gene}" if row.suicide_gene else ""
    mark = {"checked": "", "mem": f"  [{UNVERIFIED}]"}.get(row.status, f"  [{row.status}]")
    print(f"{row.topic}, grade {grades}: {row.id}{mark}")
    citation = f"{row.citation}; {row.version}; {row.date}"
    lines = [SAYS + row.text, f"For {whom}{carrier}.", citation]
    if row.evidence:
        lines.append(f"Evidence: {row.evidence}.")
    for line in lines:
        print(fill(line, WIDTH, initial_indent="  ", subsequent_indent="    "))
    print()


def _object(row: GuidanceRow) -> dict[str, Any]:
    """All fields by name, the interval in seconds, and what everything shown ends with."""
    from dataclasses import asdict

    from stream.cli.products import seconds
    from stream.engine.guidance import PREVAILS

    fields = asdict(row)
    interval = fields.pop("interval")
    return {
        **fields,
        "interval_s": None if interval is None else seconds(interval),
        "verified": row.status != "mem",
        "note": PREVAILS,
    }
