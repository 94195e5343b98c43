"""`guidance.toml` -> `GuidanceRow`s, or a RulesetError that names the row and the field."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stream.engine.guidance import TOPICS, GuidanceRow
from stream.rules.errors import RulesetError
from stream.rules.fields import Fields, nearest
from stream.rules.products import THERAPY_CLASSES
from stream.rules.rows import STATUSES
from stream.rules.texts import order_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream.engine.products import Catalogue

_KEYS = frozenset(
    {"id", "topic", "grades", "therapy_classes", "products", "text", "citation", "version"}
    | {"date", "status", "evidence", "agents", "suicide_gene", "dose"}
    | {"interval_s", "most_in_day", "most_in_all"}
)

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?|undated")


def build_guidance(table: Mapping[str, Any], products: Catalogue) -> tuple[GuidanceRow, ...]:
    """The rows of `guidance.toml` in its order; the argument is left as it is.

    Raises:
        RulesetError: a field is missing, unknown or cannot be; an id stands twice; a text orders;
            every row that is wrong is told, one a line.
    """
    fields = Fields(table, "guidance", ("rows",))
    rows: dict[str, GuidanceRow] = {}
    problems: list[str] = []
    for place in fields.rows("rows", _KEYS):
        try:
            name = place.text("id")
            if not _ID.fullmatch(name):
                raise place.wrong("id", "words in lower case with hyphens, such as asco-2021-g2")
            if name in rows:
                raise place.wrong("id", "an id of its own: it stands twice")
            rows[name] = _row(Fields(place.table, f"guidance.{name}", _KEYS), products)
        except RulesetError as error:
            problems.append(str(error))
    if problems:
        raise RulesetError("\n".join(problems))
    return tuple(rows.values())


def _row(fields: Fields, products: Catalogue) -> GuidanceRow:
    agents = fields.texts("agents")
    limits = {
        "interval": fields.micros("interval_s") if "interval_s" in fields.table else None,
        "most_in_day": _count(fields, "most_in_day"),
        "most_in_all": _count(fields, "most_in_all"),
    }
    if not agents and any(value is not None for value in limits.values()):
        raise RulesetError(f"{fields.where}.agents is missing: limits of doses are of an agent")
    if not agents and "dose" in fields.table:
        raise RulesetError(f"{fields.where}.agents is missing: a dose is of an agent")
    classes = _known(fields, "therapy_classes", THERAPY_CLASSES)
    names = _known(fields, "products", products.products)
    for name in names:
        its = products.products[name].therapy_class
        if classes and its not in classes:
            raise fields.wrong("therapy_classes", f"{its}, the class of {name}, or no class")
    return GuidanceRow(
        id=fields.text("id"),
        topic=fields.one_of("topic", TOPICS),
        grades=_grades(fields),
        therapy_classes=classes,
        products=names,
        text=_text(fields),
        citation=fields.text("citation"),
        version=fields.text("version"),
        date=_date(fields),
        status=fields.one_of("status", STATUSES),
        evidence=fields.text("evidence", ""),
        agents=agents,
        suicide_gene=fields.text("suicide_gene", ""),
        dose=fields.text("dose", ""),
        **limits,
    )


def _known(fields: Fields, key: str, known: Any) -> tuple[str, ...]:
    words = fields.texts(key)
    for word in words:
        if word not in known:
            raise RulesetError(f"{fields.where}.{key}: {word!r} is not known{nearest(word, known)}")
    return words


def _grades(fields: Fields) -> tuple[int, ...]:
    """Ascending and each once; 0 is for what follows a dose without the syndrome."""
    value = fields.table.get("grades")
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(x, int) and not isinstance(x, bool) for x in value)
        or sorted(set(value)) != value
        or not 0 <= value[0] <= value[-1] <= 5
    ):
        raise fields.wrong("grades", "grades from 0 to 5, ascending")
    return tuple(value)


def _text(fields: Fields) -> str:
    value = fields.text("text")
    if found := order_in(value):
        raise fields.wrong("text", f"what is published, not an order: without {found!r}")
    return value


def _date(fields: Fields) -> str:
    value = fields.text("date")
    if not _DATE.fullmatch(value):
        raise fields.wrong("date", "a date such as 2021 or 2024-05, or undated")
    return value


def _count(fields: Fields, key: str) -> int | None:
    return fields.whole(key, 1) if key in fields.table else None
