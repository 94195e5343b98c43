"""Writes `stream/engine/fold_difference.py` anew: `python -m tests.fold_difference`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_type_hints

from stream.engine.fold import Fold

FILE = Path(__file__).parents[1] / "stream" / "engine" / "fold_difference.py"

HEAD = '''"""In which fields two folds differ; written by `python -m tests.fold_difference`.

One comparison for each field, spelt out: compiled, that is forty times faster than a loop over the
names. Whole numbers are compared by value, as two that are equal need not be the same object, all
else by identity: what differs only by identity may be told as a difference, and does no harm.
"""

from __future__ import annotations

from stream.engine.events import Micros
from stream.engine.fold import NAMES, Fold
from stream.engine.native import mypyc_attr


@mypyc_attr(acyclic=True)
class Differences:
    """Where a fold differs from another, and what it has there.

    Of numbers that are equal one is kept: a fold has the same time in many fields.
    """

    def __init__(self, time: Micros) -> None:
        self.places: list[int] = []
        """Of the fields, by `stream.engine.fold.NAMES`, ascending."""
        self.values: list[object] = []
        self._time = time
        self._same: object = time
        self._numbers: dict[int, object] = {}

    def number(self, place: int, value: int) -> None:
        """The fold has this number in a field."""
        self.places.append(place)
        if value == self._time:
            self.values.append(self._same)
        else:
            self.values.append(self._numbers.setdefault(value, value))

    def value(self, place: int, value: object) -> None:
        """The fold has this, be it a number or not, in a field."""
        if type(value) is int:
            self.number(place, value)
        else:
            self.places.append(place)
            self.values.append(value)


def differ(one: Micros | None, other: Micros | None) -> bool:
    """Two numbers that may be missing."""
    return one is not other and one != other


def same(one: Fold, other: Fold) -> bool:
    """Equal, with every mapping in the same order: what is written of them is the same too."""
    found = differences(one, other)
    for place, at in enumerate(found.places):
        if not alike(found.values[place], getattr(other, NAMES[at])):
            return False
    return True


def alike(mine: object, other: object) -> bool:
    """Equal, and if they are mappings, in the same order."""
    if mine is other:
        return True
    if mine != other:
        return False
    return not (isinstance(mine, dict) and isinstance(other, dict)) or list(mine) == list(other)


def differences(fold: Fold, other: Fold) -> Differences:
    """All of them, in the order of the fields."""
    found = Differences(fold.time)
'''


def text() -> str:
    hints = get_type_hints(Fold)
    lines = []
    for place, field in enumerate(dataclasses.fields(Fold)):
        kind = "number" if hints[field.name] is int else "value"
        one, other = f"fold.{field.name}", f"other.{field.name}"
        if hints[field.name] in (int, bool):
            told = f"{one} != {other}"
        elif hints[field.name] == int | None:
            told = f"differ({one}, {other})"
        else:
            told = f"{one} is not {other}"
        lines.append(f"    if {told}:")
        lines.append(f"        found.{kind}({place}, fold.{field.name})")
    return HEAD + "\n".join([*lines, "    return found", ""])


if __name__ == "__main__":
    FILE.write_text(text())
