"""`scales.toml` -> `Scales`, tables of high doses and CTCAE grades of organs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, cast

from stream.engine.ruleset import OrganRule, PressorTable
from stream.engine.scales import Condition, Scale, ScaleRow, Scales
from stream.engine.signs import SIGN_NAMES
from stream.rules.fields import Fields, nearest
from stream.rules.rows import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCALE = (
    "title",
    "citation",
    "status",
    "fever",
    "ages",
    "products",
    "pressor_table",
    "rows",
)
_ROW = ("grades", "when", "text", "status")
_TABLE = (
    "held_s",
    "unit",
    "alone",
    "combined",
    "with_vasopressin",
    "weights",
    "source",
    "status",
)
_ORGAN = ("analytes", "of_limit", "of_baseline", "baseline_first", "source", "status")
ORGANS = ("creatinine", "transaminase", "bilirubin")
_CONDITION = re.compile(r"(?P<sign>\w+)(?: (?P<test>>=|<|is) (?P<value>\S+))?")
_TESTS: Mapping[str | None, Literal["true", "at_least", "below", "one_of"]] = {
    None: "true",
    ">=": "at_least",
    "<": "below",
    "is": "one_of",
}


def build_scales(document: Mapping[str, Any]) -> Scales:
    """The scales of `[scale.*]`. Raises RulesetError."""
    root = Fields(document, "scales", ("scale", "pressor_table", "organ"))
    tables = set(document.get("pressor_table", ()))
    names = list(document.get("scale", {}))
    found = root.tables("scale", _SCALE)
    return Scales(
        tuple(_scale(name, fields, tables) for name, fields in zip(names, found, strict=True))
    )


def _scale(name: str, fields: Fields, tables: set[str]) -> Scale:
    status = fields.one_of("status", STATUSES)
    rows = fields.rows("rows", _ROW)
    if not rows:
        raise fields.wrong("rows", "at least one criterion")
    return Scale(
        name=name,
        title=fields.text("title"),
        citation=fields.text("citation"),
        status=status,
        fever=cast("Any", fields.one_of("fever", ("onset", "any", "unsaid"))),
        ages=cast("Any", fields.one_of("ages", ("all", "adult", "child"))),
        products=fields.texts("products"),
        pressor_table=fields.one_of("pressor_table", tables),
        rows=tuple(_row(row, status) for row in rows),
    )


def _row(fields: Fields, status: str) -> ScaleRow:
    grades = fields.table.get("grades")
    good = (
        isinstance(grades, list)
        and grades
        and all(isinstance(g, int) and 1 <= g <= 5 for g in grades)
        and grades == sorted(set(grades))
    )
    if not good:
        raise fields.wrong("grades", "grades from 1 to 5, ascending")
    return ScaleRow(
        grades=tuple(cast("list[int]", grades)),
        when=tuple(_condition(fields, text) for text in fields.texts("when")),
        text=fields.text("text"),
        status=fields.one_of("status", STATUSES) if "status" in fields.table else status,
    )


def _condition(fields: Fields, text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise fields.wrong("when", f"SIGN, SIGN >= N, SIGN < N or SIGN is A|B, not {text!r}")
    sign, value = match["sign"], match["value"]
    if sign not in SIGN_NAMES:
        raise fields.wrong("when", f"a known sign, not {sign!r}{nearest(sign, SIGN_NAMES)}")
    test = _TESTS[match["test"]]
    if test == "one_of":
        return Condition(sign, test, text, words=tuple(value.split("|")))
    try:
        return Condition(sign, test, text, number=float(value or 0))
    except ValueError:
        raise fields.wrong("when", f"a number after {match['test']}, not {value!r}") from None


def build_pressor_tables(document: Mapping[str, Any]) -> dict[str, PressorTable]:
    """The tables of `[pressor_table.*]` by name. Raises RulesetError."""
    root = Fields(document, "scales", ("scale", "pressor_table", "organ"))
    names = list(document.get("pressor_table", {}))
    found = root.tables("pressor_table", _TABLE)
    return {
        name: PressorTable(
            name=name,
            alone=_doses(fields, "alone"),
            combined=_number(fields, "combined"),
            with_vasopressin=_number(fields, "with_vasopressin"),
            unit=fields.one_of("unit", ("ug/min", "ug/kg/min")),
            weights=_doses(fields, "weights"),
            held=fields.micros("held_s"),
            source=fields.text("source"),
            status=fields.one_of("status", STATUSES),
        )
        for name, fields in zip(names, found, strict=True)
    }


def _number(fields: Fields, key: str) -> float:
    value = fields.table.get(key)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value > 0:
        raise fields.wrong(key, "a number above 0")
    return float(value)


def _doses(fields: Fields, key: str) -> dict[str, tuple[float, str]]:
    table = fields.table.get(key)
    if not isinstance(table, dict) or not table:
        raise fields.wrong(key, "agents, each with [number, unit]")
    found: dict[str, tuple[float, str]] = {}
    for agent, pair in table.items():
        if not (
            isinstance(pair, list)
            and len(pair) == 2
            and isinstance(pair[0], (int, float))
            and pair[0] > 0
            and pair[1] in ("ug/min", "ug/kg/min")
        ):
            raise fields.wrong(key, f"for {agent} [number above 0, ug/min or ug/kg/min]")
        found[agent] = (float(pair[0]), pair[1])
    return found


def build_organs(document: Mapping[str, Any]) -> dict[str, OrganRule]:
    """The rows of `[organ.*]` by name; all that the scales count. Raises RulesetError."""
    root = Fields(document, "scales", ("scale", "pressor_table", "organ"))
    names = list(document.get("organ", {}))
    found = root.tables("organ", _ORGAN)
    organs = {
        name: OrganRule(
            analytes=fields.texts("analytes"),
            of_limit=_multiples(fields, "of_limit"),
            of_baseline=_multiples(fields, "of_baseline"),
            baseline_first=fields.flag("baseline_first"),
            source=fields.text("source"),
            status=fields.one_of("status", STATUSES),
        )
        for name, fields in zip(names, found, strict=True)
    }
    for name in ORGANS:
        if name not in organs:
            raise root.wrong("organ", f"a table organ.{name}")
    return organs


def _multiples(fields: Fields, key: str) -> tuple[tuple[float, int], ...]:
    rows = fields.table.get(key)
    good = isinstance(rows, list) and all(
        isinstance(row, list)
        and len(row) == 2
        and isinstance(row[0], (int, float))
        and row[0] > 0
        and row[1] in (1, 2, 3, 4)
        for row in rows
    )
    if not good or rows != sorted(cast("Any", rows)):
        raise fields.wrong(key, "[[multiple above 0, grade 1 to 4], ...], ascending")
    return tuple((float(multiple), int(grade)) for multiple, grade in cast("Any", rows))
