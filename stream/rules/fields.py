"""Reads one table of a catalogue field by field; every complaint names the field in full."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from stream.engine.ruleset import SECOND
from stream.rules.errors import RulesetError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from stream.engine.events import Micros


class Fields:
    """A table and its full name, such as `products.tarlatamab`; the table is never changed."""

    def __init__(self, table: Any, where: str, known: Collection[str]) -> None:
        if not isinstance(table, Mapping):
            raise RulesetError(f"{where} = {table!r}: expected a table")
        self.table: Mapping[str, Any] = table
        self.where = where
        for key in table:
            if key not in known:
                raise RulesetError(f"{where}.{key} is no field{nearest(key, known)}")

    def wrong(self, key: str, expected: str) -> RulesetError:
        """The complaint about a field, to be raised."""
        if key not in self.table:
            return RulesetError(f"{self.where}.{key} is missing: expected {expected}")
        return RulesetError(f"{self.where}.{key} = {self.table[key]!r}: expected {expected}")

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a default it must be there and say something."""
        value = self.table.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(key, "a text")
        return value

    def one_of(self, key: str, words: Collection[str]) -> str:
        """One of the words."""
        value = self.text(key)
        if value not in words:
            raise self.wrong(key, f"one of {', '.join(words)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where it is not there."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(x, str) and x for x in value):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def flag(self, key: str) -> bool:
        """`true` or `false`; it must be there."""
        value = self.table.get(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def whole(self, key: str, low: int, high: int | None = None) -> int:
        """A whole number from `low` to `high`, both included; it must be there."""
        value = self.table.get(key)
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or value < low
            or (high is not None and value > high)
        ):
            limit = f"from {low} on" if high is None else f"from {low} to {high}"
            raise self.wrong(key, f"a whole number {limit}")
        return value

    def micros(self, key: str) -> Micros:
        """Seconds of the file as microseconds; 0 is allowed, less is not."""
        value = self.table.get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0:
            raise self.wrong(key, "seconds, 0 or more")
        try:
            return int(value * SECOND)
        except OverflowError:
            raise self.wrong(key, "seconds that end") from None

    def rows(self, key: str, known: Collection[str]) -> list[Fields]:
        """A list of tables, each by its place from 1; empty where it is not there."""
        value = self.table.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list of tables")
        return [
            Fields(row, f"{self.where}.{key}[{place}]", known)
            for place, row in enumerate(value, start=1)
        ]

    def tables(self, key: str, known: Collection[str]) -> list[Fields]:
        """A table of named tables; empty where it is not there."""
        value = self.table.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(key, "a table of named tables")
        return [Fields(row, f"{self.where}.{key}.{name}", known) for name, row in value.items()]


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean ...?`, or what there is."""
    known = sorted(words)
    near = get_close_matches(word, known, n=3)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; there are {', '.join(known)}"
