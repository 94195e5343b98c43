"""Every row of a document that cannot be built, not only the first that a builder meets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.rules.errors import RulesetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Document = dict[str, Any]
    Path = tuple[str, ...]

UNBUILT = (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError)
"""What a builder may raise for a table of the wrong shape; RulesetError is a ValueError."""

_NOTHING = object()


def faults(
    document: Document, base: Document, make: Callable[[Document], object]
) -> tuple[list[str], Document, list[str]]:
    """(a sentence for each wrong row, the document without them, the names of these rows).

    Each entry that differs from the packaged document `base` is tried alone on that document, and
    where it cannot be built the packaged one stands in for it. `make` builds a whole document.
    """
    told: list[str] = []
    repaired, names = document, []
    for path in _differing(document, base):
        try:
            make(_with(base, path, document))
        except UNBUILT as error:
            name = ".".join(path)
            told += sentences(error, name)
            names.append(name)
            repaired = _with(repaired, path, base)
    return told, repaired, names


def sentences(error: Exception, where: str = "") -> list[str]:
    """What was raised, in sentences that name the row."""
    if isinstance(error, RulesetError):
        return str(error).splitlines()
    at = f"; look at {where}" if where else ""
    if isinstance(error, KeyError):
        return [f"the ruleset lacks the table or key {error}{at}"]
    return [f"the ruleset has a row of the wrong shape: {error}{at}"]


def _differing(document: Document, base: Document) -> Iterator[Path]:
    """Tables, or where both have the table its entries, that are not the packaged ones."""
    for table in dict.fromkeys((*base, *document)):
        here, there = document.get(table, _NOTHING), base.get(table, _NOTHING)
        if not isinstance(here, dict) or not isinstance(there, dict):
            if here != there:
                yield (table,)
            continue
        for entry in dict.fromkeys((*there, *here)):
            if here.get(entry, _NOTHING) != there.get(entry, _NOTHING):
                yield table, entry


def _with(base: Document, path: Path, other: Document) -> Document:
    """A document with the entry at a path taken from another, where it may be missing."""
    if not path:
        return other
    key, rest = path[0], path[1:]
    if key not in other:
        return {name: value for name, value in base.items() if name != key}
    value = _with(base[key], rest, other[key]) if rest else other[key]
    return {**base, key: value}
