"""Rows: the readers of `[parameters.*]`, and every value of a document with where it is from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stream.engine.ruleset import SECOND
from stream.rules.errors import RulesetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATUSES = ("checked", "mem", "DESIGN", "site")
"""Read at the named source; from memory of it; our choice; a site's own (in overrides only)."""

PROVENANCE = ("source", "status", "exceptions")
"""The keys of a table that say where its entries are from.

`status` is for the whole table, `exceptions` for entries by name that have another one.
"""
IDENTITIES = ("id", "name", "number", "from_dose", "at_least")
"""What a table in a list can be called by; the first that all have, each another, counts."""


UNITED = ("limit", "plausible", "upper_limit", "lower_limit", "minimum", "maximum", "above")
"""Numbers that are in the `unit` of their table."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a document: its name, such as `stale.spo2.usual_s`, and where it is from."""

    row: str
    value: Any
    unit: str
    source: str
    status: str


def identity(rows: Any) -> str | None:
    """The key by which the tables of a list are told apart; None where there is none."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return None
    for key in IDENTITIES:
        if len({str(row[key]) for row in rows if key in row}) == len(rows):
            return key
    return None


def entries(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table without the keys that say where it is from."""
    return {name: value for name, value in table.items() if name not in PROVENANCE}


def cells(document: Mapping[str, Any]) -> Iterator[Cell]:
    """Every value, in the order of the document, each with its nearest source and status."""
    return _cells(document, "", Cell("", None, "", "", ""))


def _cells(value: Any, row: str, above: Cell) -> Iterator[Cell]:
    if isinstance(value, dict):
        source = str(value.get("source") or value.get("citation") or above.source)
        status = str(value.get("status") or above.status)
        exceptions = value.get("exceptions")
        for key, item in entries(value).items():
            if provenance_of(key, value):
                continue
            other = exceptions.get(key, status) if isinstance(exceptions, dict) else status
            around = Cell(
                row,
                None,
                str(value.get("unit", "")) if key in UNITED else "",
                str(value.get(f"{key}_source", source)),
                str(value.get(f"{key}_status", other)),
            )
            name = row if key == "value" and row else f"{row}.{key}".lstrip(".")
            if isinstance(item, dict) and "like" in item:  # what it lacks is that of its class
                like = _class(value.get("classes"), item["like"])
                around = replace(
                    around,
                    source=str(like.get("source", around.source)),
                    status=str(like.get("status", around.status)),
                )
            yield from _cells(item, name, around)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        called = identity(value)
        for place, item in enumerate(value, start=1):
            yield from _cells(item, f"{row}.{item[called] if called else place}", above)
    else:
        unit = "s" if row.endswith("_s") else above.unit
        yield Cell(row, value, unit, above.source, above.status)


def _class(classes: Any, name: Any) -> Mapping[str, Any]:
    found = classes.get(name) if isinstance(classes, dict) and isinstance(name, str) else None
    return found if isinstance(found, dict) else {}


def provenance_of(key: str, table: Mapping[str, Any]) -> str:
    """The entry whose source or status a key such as `schedule_source` holds; else empty."""
    entry = key.removesuffix("_source").removesuffix("_status")
    return entry if entry != key and entry in table else ""


class Rows:
    """The `[parameters.*]` rows: each must have a source and a known status."""

    def __init__(self, rows: Mapping[str, Any]) -> None:
        self.rows = rows
        for name, row in rows.items():
            if not isinstance(row, dict) or "value" not in row:
                raise RulesetError(
                    f"parameters.{name}: expected a table with value, source, status"
                )
            if not row.get("source") or row.get("status") not in STATUSES:
                raise RulesetError(
                    f"parameters.{name}: needs a source and a status ({', '.join(STATUSES)})"
                )

    def value(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """The value of a row, of one of these types; a truth value is no number."""
        if name not in self.rows:
            raise RulesetError(f"parameters.{name} is missing")
        value = self.rows[name]["value"]
        if not isinstance(value, kind) or isinstance(value, bool):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            words = " or ".join(item.__name__ for item in kinds)
            raise RulesetError(f"parameters.{name} = {value!r}: expected {words}")
        return value

    def number(self, name: str, *, low: float = 0.0, high: float = 1e12) -> float:
        """A number above `low`, at most `high`."""
        value = self.value(name, (int, float))
        if not low < value <= high:
            raise RulesetError(f"parameters.{name} = {value}: expected a number in ({low}, {high}]")
        return float(value)

    def micros(self, name: str) -> int:
        """A duration: the row `<name>_s`, in seconds, as microseconds."""
        return int(self.number(f"{name}_s") * SECOND)

    def count(self, name: str) -> int:
        """A whole number."""
        return int(self.number(name))

    def names(self, name: str) -> tuple[str, ...]:
        """A list of words."""
        return tuple(str(item) for item in self.value(name, list))
