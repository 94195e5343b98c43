"""Folding the kept facts, from the nearest checkpoint: late data costs as much as it is late."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from stream.engine.chart import RANK, apply_instant
from stream.engine.checkpoints import Checkpoints, Folds, Kept, last_of
from stream.engine.context import Context
from stream.engine.course import advance, evaluate
from stream.engine.events import Micros
from stream.engine.facts import WINDOW, Fact, Window, has_many, shift_of, thinned_now, window_of
from stream.engine.fold import Fold
from stream.engine.native import mypyc_attr

_KEEP_ONE_IN: Final = 3
"""Facts of a thinned minute: folding two of them again costs less than the kilobyte of a fold."""


def facts_from(windows: Mapping[Micros, Window], start: Micros) -> Iterator[Fact]:
    """All facts at or after `start`, in chart order."""
    first = window_of(start, shift_of(windows, 0))
    for key in sorted([key for key in windows if key >= first]):
        facts = windows[key].facts
        if key == first:
            facts = facts[bisect_left(facts, start, key=lambda fact: fact.at) :]
        yield from facts


def refold(
    base: Fold,
    base_until: Micros,
    windows: Mapping[Micros, Window],
    checkpoints: Checkpoints,
    touched: Micros,
    context: Context,
    voided: frozenset[str],
    *,
    before: Fold | None = None,
    as_before: Micros | None = None,
    fresh: Micros | None = None,
) -> tuple[Fold, Checkpoints]:
    """The head after facts at or after `touched` have changed, and the checkpoints that hold.

    `touched` before the folded past counts as its end: there the base is evaluated anew. Where only
    facts before `as_before` have changed, and the head comes to be as it was at a checkpoint from
    there on, the rest is as it was too, and the head is the one `before`, but for the facts from
    `fresh` on, which are later than all that it holds.
    """
    touched = max(touched, base_until)
    kept = checkpoints.until(touched)
    start, head = kept.nearest(touched, shift_of(windows, 0)) or (base_until, base.copy())
    if touched == base_until and head.time < base_until:
        advance(head, base_until, context, inclusive=False)
        evaluate(head, base_until, context, settle=False)
    lost = sorted(key for key in {*checkpoints.minutes, *checkpoints.ends} if key > touched)
    course = _Course(head, windows, context, voided, dict(kept.minutes), dict(kept.ends))
    for at, facts in _instants(windows, start):
        while lost and lost[0] <= at:
            key = lost.pop(0)
            was = checkpoints.minutes.get(key) or checkpoints.ends[key]
            settled = as_before is not None and as_before <= key
            if before is not None and settled and was.is_of(course.head):
                course.minutes |= _since(checkpoints.minutes, key)
                course.ends |= _since(checkpoints.ends, key)
                if fresh is None:
                    return before, Checkpoints(course.minutes, course.ends)
                course.head = before.copy()
                for later, new in _instants(windows, fresh):
                    course.take(later, new)
                return course.head, Checkpoints(course.minutes, course.ends)
            if key in checkpoints.minutes:
                course.minutes[key] = Kept.of(course.head, last_of(course.minutes))
        course.take(at, facts)
    return course.head, Checkpoints(course.minutes, course.ends)


@mypyc_attr(acyclic=True)
class _Course:
    """A fold on its way through the facts, and the checkpoints that it leaves."""

    def __init__(
        self,
        head: Fold,
        windows: Mapping[Micros, Window],
        context: Context,
        voided: frozenset[str],
        minutes: Folds,
        ends: Folds,
    ) -> None:
        self.head, self.minutes, self.ends = head, minutes, ends
        self._windows, self._context, self._voided = windows, context, voided
        self._thinned = thinned_now(windows)
        self._shift = shift_of(windows, 0)
        self._passed = 0

    def take(self, at: Micros, facts: Iterable[Fact]) -> None:
        """The facts of an instant; a fold before them is kept where that is worth it."""
        head = self.head
        end = window_of(head.time, self._shift) + WINDOW
        if end <= at and has_many(self._windows.get(end - WINDOW)):
            self.ends[end] = Kept.of(head, last_of(self.ends))
        if self._thinned is not None and at >= self._thinned:
            if self._passed % _KEEP_ONE_IN == 0:
                self.minutes[at] = Kept.of(head, last_of(self.minutes))
            self._passed += 1
        events = [
            fact.event
            for fact in facts
            if fact.event.event_id not in self._voided and type(fact.event) in RANK
        ]
        if events:
            advance(head, at, self._context, inclusive=False)
            apply_instant(head, at, events, self._context)


def _instants(
    windows: Mapping[Micros, Window], start: Micros
) -> Iterator[tuple[Micros, Iterable[Fact]]]:
    return groupby(facts_from(windows, start), key=lambda fact: fact.at)


def _since(folds: Folds, key: Micros) -> Folds:
    return {at: fold for at, fold in folds.items() if at >= key}
