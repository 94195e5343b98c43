"""Tables read with a check of every key, so that a wrong one is told by its full name."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from stream.engine.ruleset import SECOND
from stream.rules.errors import RulesetError
from stream.rules.rows import STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

KINDS = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


def shaped(
    where: str, row: Any, keys: Mapping[str, type], required: Iterable[str] = ()
) -> dict[str, Any]:
    """A copy of a table whose keys are all known and whose values are of these kinds.

    `float` takes whole numbers too, and only finite ones. Raises RulesetError.
    """
    if not isinstance(row, dict):
        raise RulesetError(f"{where} = {row!r}: expected a table")
    for key, value in row.items():
        if key not in keys:
            raise RulesetError(f"{where}.{key}: no such key; {nearest(key, keys)}")
        kind = keys[key]
        fits = isinstance(value, (int, float) if kind is float else kind)
        if not fits or (isinstance(value, bool) and kind not in (bool, object)):
            raise RulesetError(f"{where}.{key} = {value!r}: expected {KINDS[kind]}")
        if kind is float and not math.isfinite(value):
            raise RulesetError(f"{where}.{key} = {value!r}: expected a finite number")
    for key in required:
        if key not in row:
            raise RulesetError(f"{where}.{key} is missing: add {KINDS[keys[key]]}")
    return dict(row)


def nearest(word: object, known: Collection[str]) -> str:
    """What may have been meant, else all that there is."""
    close = get_close_matches(str(word), list(known), n=1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"


def one_of(where: str, word: object, known: Collection[str]) -> str:
    """The word, which must be one of those known."""
    if not isinstance(word, str) or word not in known:
        raise RulesetError(f"{where} = {word!r}: not known; {nearest(word, known)}")
    return word


def words(where: str, items: Iterable[Any], known: Collection[str] = ()) -> tuple[str, ...]:
    """A list of distinct words, each one of those known where there is such a list."""
    found: list[str] = []
    for item in items:
        if not isinstance(item, str) or not item.strip():
            raise RulesetError(f"{where}: {item!r} is no word; expected a list of texts")
        if item in found:
            raise RulesetError(f"{where}: {item!r} stands there twice; remove one")
        found.append(one_of(where, item, known) if known else item)
    return tuple(found)


def sourced(where: str, row: Mapping[str, Any]) -> None:
    """Refuses a row that does not say where its figures are from."""
    if not str(row.get("source", "")).strip():
        raise RulesetError(f"{where}.source is missing: name the publication, or the choice")
    one_of(f"{where}.status", row.get("status"), STATUSES)


def micros(where: str, row: Mapping[str, Any], key: str) -> int:
    """A duration of the row, in seconds there, as microseconds."""
    if row[key] < 0:
        raise RulesetError(f"{where}.{key} = {row[key]!r}: expected seconds, 0 or more")
    return int(row[key] * SECOND)
