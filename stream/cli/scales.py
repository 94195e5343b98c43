"""`stormwatch scales`: the grading scales, one of them in full, and where they disagree."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.exits import USAGE, CommandError
from stream.cli.options import RulesetOption, ruleset_from
from stream.cli.products import seconds, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.engine import Ruleset
    from stream.engine.ruleset import OrganRule, PressorTable
    from stream.engine.scales import Scale, ScaleRow

EXAMPLES = (
    "stormwatch scales",
    "stormwatch scales lee-2014",
    "stormwatch scales --differences",
    "stormwatch scales penn-2018 --json",
)

HEADERS = ("scale", "ages", "fever", "products", "status", "title", "citation")
FEVER = {"onset": "required at onset", "any": "not required", "unsaid": "left open"}
"""What a scale's rule on fever means, in a word; `left open`: without fever 0 stays possible."""

SIGNS = {
    "crs": "an episode is open: fever was there at its onset",
    "hypotension": "confirmed, by the limit for the age, not attributed to another cause",
    "hypoxia": "a device that counts, or low saturation on air",
    "oxygen": "a device that counts is charted",
    "fio2": "the charted fraction, else what the device is known to give",
    "pressors": "vasopressors that run together, vasopressin among them",
    "organ": "the worse of creatinine and bilirubin, by CTCAE",
    "liver": "the worse of transaminases and bilirubin, by CTCAE",
    "neutropenia": "fewer neutrophils than `parameters.neutropenia_anc`",
    "admitted": "in hospital by the charted location",
}
"""Signs whose names do not say all."""

_ORGAN_SIGNS = {
    "organ": ("creatinine", "bilirubin"),
    "liver": ("transaminase", "bilirubin"),
    "creatinine": ("creatinine",),
    "transaminase": ("transaminase",),
    "bilirubin": ("bilirubin",),
}
"""Which tables of organ grades a sign rests on."""


def scales(
    *,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A scale.", show_default=False)
    ] = None,
    differences: Annotated[
        bool,
        typer.Option("--differences", help="What every scale says of the same situations."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    ruleset: RulesetOption = None,
) -> None:
    """Show the grading scales: whom they are for, what they ask of fever, and their source.

    With NAME every criterion of one scale, its conditions and its table of high doses. With
    --differences a table of situations, graded by the engine on each scale; several grades where
    the wording leaves them open, `-` where a scale does not apply.
    """
    if differences and name is not None:
        raise CommandError(f"{name} or --differences, not both: the table has all scales", USAGE)
    rules = ruleset_from(ruleset)
    if differences:
        _differences(rules, as_json=as_json)
        return
    from stream.cli.astct import as_scale

    every = (as_scale(rules, ruleset), *rules.scales.rows)
    shown = every if name is None else (_named(every, name),)
    if as_json:
        for scale in shown:
            print(json.dumps(_object(scale, rules, whole=name is not None), ensure_ascii=False))
    elif name is None:
        _table([HEADERS, *map(_cells, shown)])
    else:
        _whole(shown[0], rules)


def _named(every: Sequence[Scale], name: str) -> Scale:
    from stream.rules.fields import nearest

    for scale in every:
        if scale.name == name.casefold():
            return scale
    hint = nearest(name, [scale.name for scale in every])
    raise CommandError(f"no scale {name!r}{hint}", USAGE)


def _cells(scale: Scale) -> tuple[str, ...]:
    return (
        scale.name,
        scale.ages,
        FEVER[scale.fever],
        ", ".join(scale.products) or "all",
        scale.status,
        scale.title,
        scale.citation,
    )


def _whole(scale: Scale, rules: Ruleset) -> None:
    """Everything of one scale, each criterion with its conditions and status."""
    print(scale.title)
    facts = zip(HEADERS, _cells(scale), strict=True)
    for label, text in facts:
        if label != "title":
            print(f"  {label:8}  {text}")
    print()
    rows = [
        (spelled(row), row.text, ", ".join(item.text for item in row.when), row.status)
        for row in scale.rows
    ]
    _table([("grade", "criterion", "conditions, all of them", "status"), *rows])
    signs = {item.sign for row in scale.rows for item in row.when}
    if told := [(sign, text) for sign, text in SIGNS.items() if sign in signs]:
        print()
        _table(told)
    if table := doses_of(scale, rules):
        _doses(table)
    if "pressor_long" in signs:
        print(f"\npressor_long: a vasopressor has been running for {span(rules.pressor_long)}")
    for organ, rule in organs_of(scale, rules).items():
        _organ(organ, rule)


def spelled(row: ScaleRow) -> str:
    """`3`, or `3 or 4` where the wording leaves both."""
    return " or ".join(map(str, row.grades))


def doses_of(scale: Scale, rules: Ruleset) -> PressorTable | None:
    """The table of high doses that a scale's criteria speak of; None where none does."""
    uses = any(item.sign == "high_dose" for row in scale.rows for item in row.when)
    return rules.pressor_tables[scale.pressor_table] if uses else None


def organs_of(scale: Scale, rules: Ruleset) -> dict[str, OrganRule]:
    """The grades of organs that a scale's criteria speak of."""
    signs = {item.sign for row in scale.rows for item in row.when}
    names = dict.fromkeys(organ for sign in sorted(signs) for organ in _ORGAN_SIGNS.get(sign, ()))
    return {organ: rules.organs[organ] for organ in names}


def _doses(table: PressorTable) -> None:
    print(f"\nhigh_dose: one of these for at least {span(table.held)} without a break")
    rows = [
        (f"{agent} alone", f">= {dose:g} {unit}") for agent, (dose, unit) in table.alone.items()
    ]
    rows += [
        ("several, without vasopressin", f">= {table.combined:g} {table.unit} equivalent"),
        ("with vasopressin", f">= {table.with_vasopressin:g} {table.unit} equivalent"),
    ]
    _table(rows, indent="  ")
    parts = [f"{weight:g} x {agent} ({unit})" for agent, (weight, unit) in table.weights.items()]
    per_kg = ", divided by the body weight" if table.unit == "ug/kg/min" else ""
    print(f"  equivalent: {' + '.join(parts)}, in ug/min{per_kg}")
    print(f"  {table.source} ({table.status})")


def _organ(name: str, rule: OrganRule) -> None:
    limit = ", ".join(f"{grade} above {multiple:g} x" for multiple, grade in rule.of_limit)
    baseline = ", ".join(f"{grade} above {multiple:g} x" for multiple, grade in rule.of_baseline)
    print(f"\n{name}: grade {limit} the upper limit ({', '.join(rule.analytes)})")
    which = "where the baseline is abnormal" if rule.baseline_first else "or, if worse,"
    print(f"  {which} grade {baseline} the baseline")
    print(f"  {rule.source} ({rule.status})")


def _differences(rules: Ruleset, *, as_json: bool) -> None:
    from stream.cli.situations import answered

    found = list(answered(rules))
    if as_json:
        for item in found:
            grades = {name: None if g is None else list(g) for name, g in item.grades.items()}
            row = {"id": item.id, "situation": item.text, "grades": grades}
            print(json.dumps(row, ensure_ascii=False))
        return
    names = list(found[0].grades)
    rows = [(item.id, *map(item.spelled, names), item.text) for item in found]
    _table([("id", *names, "situation"), *rows])


def _table(rows: Sequence[tuple[str, ...]], indent: str = "") -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        print(f"{indent}{'  '.join(cells)}".rstrip())


def _object(scale: Scale, rules: Ruleset, *, whole: bool) -> dict[str, Any]:
    """A scale by field; `whole` with its criteria and tables, spans in seconds as `_s`."""
    found: dict[str, Any] = {
        "name": scale.name,
        "title": scale.title,
        "ages": scale.ages,
        "fever": scale.fever,
        "products": list(scale.products),
        "citation": scale.citation,
        "status": scale.status,
    }
    if not whole:
        return found
    table = doses_of(scale, rules)
    organs = organs_of(scale, rules)
    return {
        **found,
        "rows": [
            {
                "grades": list(row.grades),
                "criterion": row.text,
                "when": [item.text for item in row.when],
                "status": row.status,
            }
            for row in scale.rows
        ],
        "high_dose": None if table is None else _plain(table),
        "organs": {name: _plain(rule) for name, rule in organs.items()},
    }


def _plain(rule: PressorTable | OrganRule) -> dict[str, Any]:
    from dataclasses import asdict

    fields = asdict(rule)
    if "held" in fields:
        fields["held_s"] = seconds(fields.pop("held"))
    return fields
