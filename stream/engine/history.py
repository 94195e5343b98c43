"""Histories of grades compared: spans that differ, and the statement that they make untrue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from stream.engine.events import Micros
from stream.engine.native import mypyc_attr
from stream.engine.state import Said


class Step(Protocol):
    """A grade from an instant on."""

    @property
    def time(self) -> Micros:
        """From when on."""

    @property
    def grade(self) -> int:
        """How high."""


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class GradeSpan:
    """`grade` in [start, until); `until` None: still."""

    grade: int
    start: Micros
    until: Micros | None


_S = TypeVar("_S", bound=Step)


def since(steps: tuple[_S, ...], floor: Micros) -> tuple[_S, ...]:
    """The steps from `floor` on."""
    if not steps or steps[0].time >= floor:
        return steps
    return tuple(step for step in steps if step.time >= floor)


def in_common(said: Sequence[Step], told: Sequence[Step]) -> int:
    """How many steps from the beginning are the same."""
    count = 0
    for a, b in zip(said, told, strict=False):
        if a.time != b.time or a.grade != b.grade:
            break
        count += 1
    return count


def matches(said: Sequence[Step], told: Sequence[Step]) -> bool:
    """Whether what was said is the beginning of what is told now."""
    return in_common(said, told) == len(said)


def grade_at(steps: Sequence[Step], time: Micros, before: int) -> int:
    """The grade in force at `time`; `before` where no step has come yet."""
    grade = before
    for step in steps:
        if step.time > time:
            break
        grade = step.grade
    return grade


def changed_spans(said: Sequence[Step], told: Sequence[Step], before: int) -> list[GradeSpan]:
    """The spans of `told` that differ from `said`; neighbours of one grade are joined."""
    edges = sorted({step.time for step in (*said, *told)})
    spans: list[GradeSpan] = []
    for index, start in enumerate(edges):
        until = edges[index + 1] if index + 1 < len(edges) else None
        grade = grade_at(told, start, before)
        if grade == grade_at(said, start, before):
            continue
        if spans and spans[-1].until == start and spans[-1].grade == grade:
            spans[-1] = GradeSpan(grade, spans[-1].start, until)
        else:
            spans.append(GradeSpan(grade, start, until))
    return spans


def untrue(said: Sequence[Said], told: Sequence[Step]) -> str | None:
    """The newest alert whose span no longer has the grade that it said, all the way through."""
    for index in range(len(said) - 1, -1, -1):
        start = said[index].time
        until = said[index + 1].time if index + 1 < len(said) else None
        if grade_at(told, start, 0) != said[index].grade or any(
            step.grade != said[index].grade
            for step in told
            if step.time > start and (until is None or step.time < until)
        ):
            return said[index].alert_id
    return None
