"""Other grading scales beside ASTCT 2019, each by its own wording; none is turned into another.

A scale is rows of conditions over `Signs` (`stream/rules/scales.toml`). An answer is the set of
grades that the wording allows: a row may name two, and a condition on something that is there but
not measured (an oxygen fraction, a dose without a weight) is neither true nor false. Contract 11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from stream.engine.events import Micros
from stream.engine.fold import Fold

if TYPE_CHECKING:
    from stream.engine.signs import Signs

Grades = tuple[int, ...]
"""The grades that are possible, ascending; one where the wording is clear."""

NONE: Final[Grades] = (0,)
ANSWERS_KEPT: Final = 4096
"""Combinations of signs whose answers are remembered."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`sign`, `sign >= 2`, `sign < 6` or `sign is a|b`; `text` is how it was written."""

    sign: str
    test: Literal["true", "at_least", "below", "one_of"]
    text: str
    number: float = 0.0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScaleRow:
    """One criterion: all conditions together make one of `grades`."""

    grades: Grades
    when: tuple[Condition, ...]
    text: str
    status: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A published scale, or a product label's variant of one.

    `fever`: `onset` (nothing counts without fever at onset), `any` (signs count at any
    temperature), `unsaid` (the wording leaves it open: without fever 0 stays possible).
    """

    name: str
    title: str
    citation: str
    status: str
    fever: Literal["onset", "any", "unsaid"]
    ages: Literal["all", "adult", "child"]
    products: tuple[str, ...]
    """Only for these products (a label's variant); empty: for all."""
    pressor_table: str
    rows: tuple[ScaleRow, ...]


@dataclass(frozen=True, eq=False)
class Scales:
    """All scales of a ruleset; known by identity, so that answers can be remembered."""

    rows: tuple[Scale, ...] = ()
    known: dict[tuple[object, ...], Answers] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What `answers` remembers."""

    def find(self, name: str) -> Scale | None:
        """The scale of this name."""
        return next((scale for scale in self.rows if scale.name == name), None)


Answers = tuple[tuple[str, Grades], ...]
"""Scale and grades, for every scale that applies to the patient."""


def worst(one: Grades, other: Grades) -> Grades:
    """The higher of two grades, where each may be one of several."""
    if other in (one, NONE):
        return one
    if one == NONE:
        return other
    return tuple(sorted({max(a, b) for a in one for b in other}))


def holds(condition: Condition, signs: Signs, table: str) -> bool | None:
    """Whether a condition is met; None where that cannot be known."""
    if condition.sign == "high_dose":
        return signs.high(table)
    value = getattr(signs, condition.sign)
    if value is None:
        return None
    if condition.test == "true":
        return bool(value)
    if condition.test == "one_of":
        return value in condition.words
    low, high = value if isinstance(value, tuple) else (value, value)
    if condition.test == "at_least":
        return True if low >= condition.number else (None if high >= condition.number else False)
    return True if high < condition.number else (None if low < condition.number else False)


def row_holds(row: ScaleRow, signs: Signs, table: str) -> bool | None:
    """Whether all of a row's conditions are met; one that is not met settles it."""
    known: bool | None = True
    for condition in row.when:
        verdict = holds(condition, signs, table)
        if verdict is False:
            return False
        if verdict is None:
            known = None
    return known


def applies(scale: Scale, product: str, *, adult: bool) -> bool:
    """Whether the scale is for this patient at all."""
    if scale.products and product not in scale.products:
        return False
    return scale.ages == "all" or (scale.ages == "adult") == adult


def answer(scale: Scale, signs: Signs) -> Grades:
    """The grades that the scale's wording gives for these signs, at this moment, without hold."""
    if not signs.crs and (scale.fever == "onset" or not signs.support):
        return NONE
    found = NONE
    for row in scale.rows:
        needs_fever = scale.fever == "onset" and row.grades[-1] > 1 and not signs.death
        if needs_fever and not signs.fever_rule:
            continue
        verdict = row_holds(row, signs, scale.pressor_table)
        if verdict is not False:
            found = worst(found, row.grades if verdict else (0, *row.grades))
    if not signs.crs and scale.fever == "unsaid":
        return found if found[0] == 0 else (0, *found)
    return found


def answers(scales: Scales, signs: Signs, product: str, adult: bool) -> Answers:
    """What every scale that applies gives for these signs, without hold; it is remembered."""
    known, key = scales.known, (signs.key(), product, adult)
    remembered = known.get(key)
    if remembered is not None:
        return remembered
    if len(known) >= ANSWERS_KEPT:
        known.clear()
    known[key] = found = tuple(
        (scale.name, answer(scale, signs))
        for scale in scales.rows
        if applies(scale, product, adult=adult)
    )
    return found


def step_scales(fold: Fold, time: Micros, found: Answers, held_from: Micros) -> None:
    """Note the answers from `time` on, and forget those that the hold sees no longer."""
    steps = fold.scale_steps
    if steps and steps[-1][1] == found:
        if len(steps) == 1:
            return
    else:
        if steps and steps[-1][0] == time:
            steps = steps[:-1]
        if not steps or steps[-1][1] != found:
            steps = (*steps, (time, found))
    first = 0
    while first + 1 < len(steps) and steps[first + 1][0] <= held_from:
        first += 1
    fold.scale_steps = steps[first:]


def held_answers(fold: Fold, time: Micros, down: Micros) -> Answers:
    """The answers at `time` under the hold of the emitted grade: the worst of each for `down`.

    While an episode is open no scale says less than its lowest grade (contract 11). A hold that
    ends at an instant ends once the instant is over, as that of the grade does.
    """
    if not fold.scale_steps:
        return ()
    open_instant = fold.time == time and not fold.settled
    held_from = (time - 1 if open_instant else time) - down
    steps = [
        answers
        for index, (_, answers) in enumerate(fold.scale_steps)
        if index + 1 == len(fold.scale_steps) or fold.scale_steps[index + 1][0] > held_from
    ]
    now = dict(steps[-1])
    for earlier in steps[:-1]:
        for name, grades in earlier:
            if name in now:
                now[name] = worst(now[name], grades)
    if fold.episode is not None:
        now = {name: worst(grades, (1,)) for name, grades in now.items()}
    return tuple(now.items())


def shown_scales(found: Answers) -> dict[str, int | list[int]]:
    """As the wire has it: one grade, or a list where the wording is ambiguous."""
    return {name: grades[0] if len(grades) == 1 else list(grades) for name, grades in found}
