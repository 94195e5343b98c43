"""Reads one table of a catalogue field by field; every complaint names the field in full."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from stream.engine.ruleset import SECOND
from stream.rules.errors import RulesetError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Self

    from stream.engine.events import Micros

_LARGEST = sys.float_info.max

_Word = TypeVar("_Word", bound=str)
_Value = TypeVar("_Value")
_Default = TypeVar("_Default")


class Fields:
    """A table and its full name, such as `products.tarlatamab`; the table is never changed."""

    first: ClassVar[int] = 1
    """The place of a list's first table, as complaints name it."""
    no_field: ClassVar[str] = " is no field"
    guesses: ClassVar[int] = 3
    """How many words a complaint offers in place of a wrong key."""

    def __init__(self, table: Any, where: str, known: Collection[str]) -> None:
        if not isinstance(table, Mapping):
            raise RulesetError(f"{where} = {table!r}: expected a table")
        self.table: Mapping[str, Any] = table
        self.where = where
        for key in table:
            if key not in known:
                told = f"{self.no_field}{nearest(key, known, self.guesses)}"
                raise RulesetError(f"{where}.{key}{told}")

    def wrong(self, key: str, expected: str) -> RulesetError:
        """The complaint about a field, to be raised."""
        if key not in self.table:
            return RulesetError(f"{self.where}.{key} is missing: expected {expected}")
        return RulesetError(f"{self.where}.{key} = {self.table[key]!r}: expected {expected}")

    def unknown(self, key: str, words: Collection[str]) -> RulesetError:
        """The complaint about a word that is not among these, to be raised."""
        return self.wrong(key, f"one of {', '.join(words)}")

    def given(
        self, key: str, read: Callable[[str], _Value], default: _Default
    ) -> _Value | _Default:
        """What `read`, one of the readers below, makes of a field; the default without it."""
        return read(key) if key in self.table else default

    def text(self, key: str, default: str | None = None, *, blank: bool = False) -> str:
        """A text; without a default it must be there and, unless `blank`, say something."""
        value = self.table.get(key, default)
        if not isinstance(value, str) or (default is None and not blank and not value.strip()):
            raise self.wrong(key, "a text")
        return value

    def one_of(self, key: str, words: Collection[_Word], default: _Word | None = None) -> _Word:
        """One of the words; without a default it must be there."""
        if default is not None and key not in self.table:
            return default
        value = self.text(key, blank=True)
        for word in words:
            if word == value:
                return word
        raise self.unknown(key, words)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where it is not there."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(x, str) and x for x in value):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def distinct(self, key: str, words: Collection[str] = ()) -> tuple[str, ...]:
        """A list of texts, none twice, each one of the words if there are any; may be missing."""
        value = self.table.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list of texts")
        where, found = f"{self.where}.{key}", list[str]()
        for item in value:
            if not isinstance(item, str) or not item.strip():
                raise RulesetError(f"{where}: {item!r} is no word; expected a list of texts")
            if item in found:
                raise RulesetError(f"{where}: {item!r} stands there twice; remove one")
            if words and item not in words:
                raise not_known(where, item, words)
            found.append(item)
        return tuple(found)

    def flag(self, key: str) -> bool:
        """`true` or `false`; it must be there."""
        value = self.table.get(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def number(self, key: str) -> float:
        """A finite number, whole or not; it must be there."""
        value = self.table.get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise self.wrong(key, "a number")
        if not abs(value) <= _LARGEST:  # nor a whole number that no float holds
            raise self.wrong(key, "a finite number")
        return value

    def numbers(self, key: str) -> dict[str, float]:
        """Numbers above 0 by their names; empty where it is not there."""
        value = self.table.get(key, {})
        fields = type(self)(value, f"{self.where}.{key}", value)
        found = {name: fields.number(name) for name in fields.table}
        for name, number in found.items():
            if number <= 0:
                raise fields.wrong(name, "a number above 0")
        return found

    def whole(self, key: str, low: int | None = None, high: int | None = None) -> int:
        """A whole number from `low` to `high`, both included; it must be there."""
        value = self.table.get(key)
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or (low is not None and value < low)
            or (high is not None and value > high)
        ):
            least = "" if low is None else f" from {low}"
            most = f" to {high}" if high is not None else " on" if least else ""
            raise self.wrong(key, f"a whole number{least}{most}")
        return value

    def micros(self, key: str) -> Micros:
        """Seconds of the file as microseconds; 0 is allowed, less is not."""
        value = self.table.get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0:
            raise self.wrong(key, "seconds, 0 or more")
        if value * SECOND > _LARGEST:
            raise self.wrong(key, "seconds that end")
        return int(value * SECOND)

    def rows(self, key: str, known: Collection[str]) -> list[Self]:
        """A list of tables, each by its place; empty where it is not there."""
        value = self.table.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list of tables")
        return [
            type(self)(row, f"{self.where}.{key}[{place}]", known)
            for place, row in enumerate(value, start=self.first)
        ]

    def tables(self, key: str, known: Collection[str]) -> list[Self]:
        """A table of named tables; empty where it is not there."""
        value = self.table.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(key, "a table of named tables")
        return [type(self)(row, f"{self.where}.{key}.{name}", known) for name, row in value.items()]


class Keys(Fields):
    """Fields of scores and analytes: wrong words are told with the nearest; lists start at 0."""

    first = 0
    no_field = ": no such key"
    guesses = 1

    def unknown(self, key: str, words: Collection[str]) -> RulesetError:
        """The complaint about a word that is not among these, to be raised."""
        if key not in self.table:
            return super().unknown(key, words)
        return not_known(f"{self.where}.{key}", self.table[key], words)

    def source(self) -> str:
        """Where the figures of the table are from; it must be there and say something."""
        if not self.text("source", "").strip():
            raise RulesetError(
                f"{self.where}.source is missing: name the publication, or the choice"
            )
        return self.text("source")


def not_known(where: str, word: str, words: Iterable[str]) -> RulesetError:
    """The complaint about a word that is none of these, to be raised."""
    return RulesetError(f"{where} = {word!r}: not known{nearest(word, words, 1)}")


def nearest(word: str, words: Iterable[str], most: int = 3) -> str:
    """`; did you mean ...?`, or what there is."""
    known = sorted(words)
    near = get_close_matches(word, known, n=most)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; there are {', '.join(known)}"
