"""What no parameter set may weaken, measured by the packaged one; the figures are `limits.toml`'s.

[words]       lists that may only grow, and by words of the same sort
[priorities]  how loud something is at least
[multiples]   how far from the packaged value
[ranges]      ranges that hold the packaged one
[shares]      how large a share of another value
[children]    how far below the packaged limits for children
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import cache
from math import nextafter
from typing import TYPE_CHECKING, Any

from stream.rules.limits import tables
from stream.rules.safety import PRIORITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stream.engine.ruleset import Ruleset
    from stream.rules.rows import Cell


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], dict[str, Any]], ...]:
    return tuple(
        (kind, re.compile(translate(rows)), row)
        for kind in ("words", "priorities", "multiples", "ranges")
        for rows, row in tables()[kind].items()
    )


@cache
def _floors(row: str) -> tuple[tuple[str, dict[str, Any]], ...]:
    return tuple((kind, floor) for kind, pattern, floor in _patterns() if pattern.match(row))


def weakened(every: Iterable[Cell], packaged: Mapping[str, Any]) -> Iterator[str]:
    """Every value that is weaker than it may be, a sentence each.

    `packaged`: the values of the packaged document by row.
    """
    values = {}
    for cell in every:
        values[cell.row] = cell.value
        for kind, floor in _floors(cell.row):
            old = packaged.get(cell.row)
            if expected := _CHECKS[kind](cell.value, old, floor):
                yield f"{cell.row} = {cell.value!r}: expected {expected}; {floor['why']}"
    for row in packaged:
        if row not in values and any(kind == "words" for kind, _ in _floors(row)):
            yield f"{row} is missing: expected at least the packaged list"
    for row, share in tables()["shares"].items():
        for whole in share["of"]:
            value, other = values.get(row), values.get(whole)
            if _number(value) and _number(other) and not value <= share["max"] * other:
                yield (
                    f"{row} = {value!r}: expected at most {share['max']:g} of {whole} "
                    f"({other:.12g}); {share['why']}"
                )


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _words(value: Any, old: Any, floor: Mapping[str, Any]) -> str:
    if not isinstance(value, list):
        return ""
    for word in old if isinstance(old, list) else []:
        if word not in value:
            return f"{word!r} in the list too: words can only be added"
    among = floor["among"]
    for word in value:
        if (among and word not in among) or not (isinstance(word, str) and word.strip()):
            return f"only {', '.join(among) or 'words'}, not {word!r}"
    return ""


def _priority(value: Any, _: Any, floor: Mapping[str, Any]) -> str:
    least = floor["least"]
    if value in PRIORITIES and PRIORITIES.index(value) < PRIORITIES.index(least):
        return f"at least {least!r}"
    return ""


def _multiple(value: Any, old: Any, floor: Mapping[str, Any]) -> str:
    if not _number(value) or not _number(old):
        return ""
    low, high = floor["min"] * old, floor["max"] * old
    return "" if low <= value <= high else f"{low:.12g} to {high:.12g} (packaged: {old:.12g})"


def _range(value: Any, old: Any, _: Mapping[str, Any]) -> str:
    if not all(isinstance(x, list) and len(x) == 2 and all(map(_number, x)) for x in (value, old)):
        return ""
    if value[0] <= old[0] and value[1] >= old[1]:
        return ""
    return f"a range that holds the packaged one ({old[0]:.12g} to {old[1]:.12g})"


_CHECKS = {"words": _words, "priorities": _priority, "multiples": _multiple, "ranges": _range}


def lower_for_children(rules: Ruleset, packaged: Mapping[str, Any]) -> list[str]:
    """Whether the limit of systolic pressure is far below the packaged one at some age.

    `packaged`: the tables of the packaged document. Names the age at which it is furthest below.
    """
    rows = packaged["parameters"]
    old, adult = rows["child_limits"]["value"], rows["adult_systolic_mmhg"]["value"]
    until = max(limit["below_years"] for limit in old)
    ages = {float(year) for year in range(int(until))}
    ends = [limit["below_years"] for limit in old]
    ends += [limit.below_years for limit in rules.child_limits]
    for end in ends:
        ages |= {end, nextafter(end, 0.0)}
    floor = tables()["children"]

    def packaged_limit(age: float) -> float:
        for limit in old:
            if age < limit["below_years"]:
                return float(limit["base_mmhg"] + limit["per_year_mmhg"] * int(age))
        return float(adult)

    def below(age: float) -> float:
        return packaged_limit(age) - rules.systolic_limit(age)

    worst = max(sorted(age for age in ages if 0 <= age < until), key=below)
    if below(worst) <= floor["below_mmhg"]:
        return []
    least = packaged_limit(worst) - floor["below_mmhg"]
    said = f"{rules.systolic_limit(worst):g} mm[Hg] at {worst:.3g} years"
    return [f"parameters.child_limits: {said}: expected at least {least:g}; {floor['why']}"]
