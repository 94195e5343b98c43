"""Folding the kept facts, from the nearest checkpoint: late data costs as much as it is late."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import groupby

from stream.engine.chart import RANK, apply_instant
from stream.engine.checkpoints import Checkpoints, Folds, Kept, last_of
from stream.engine.context import Context
from stream.engine.course import advance, evaluate
from stream.engine.events import Micros
from stream.engine.facts import WINDOW, Fact, Window, has_many, thinned_now, window_of
from stream.engine.fold import Fold


def facts_from(windows: Mapping[Micros, Window], start: Micros) -> Iterator[Fact]:
    """All facts at or after `start`, in chart order."""
    first = window_of(start)
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
) -> tuple[Fold, Checkpoints]:
    """The head after facts at or after `touched` have changed, and the checkpoints that hold.

    `touched` before the folded past counts as its end: there the base is evaluated anew. Where only
    facts before `as_before` have changed, and the head comes to be as it was at a checkpoint from
    there on, the rest is as it was too, and the head is the one `before`.
    """
    touched = max(touched, base_until)
    kept = checkpoints.until(touched)
    start, head = kept.nearest(touched) or (base_until, base.copy())
    if touched == base_until and head.time < base_until:
        advance(head, base_until, context, inclusive=False)
        evaluate(head, base_until, context, settle=False)
    lost = sorted(key for key in {*checkpoints.minutes, *checkpoints.ends} if key > touched)
    minutes, ends = dict(kept.minutes), dict(kept.ends)
    thinned = thinned_now(windows)
    for at, group in groupby(facts_from(windows, start), key=lambda fact: fact.at):
        while lost and lost[0] <= at:
            key = lost.pop(0)
            was = (checkpoints.minutes.get(key) or checkpoints.ends[key]).fold()
            settled = as_before is not None and as_before <= key
            if before is not None and settled and head.same_as(was):
                return before, Checkpoints(
                    {**minutes, **_since(checkpoints.minutes, key)},
                    {**ends, **_since(checkpoints.ends, key)},
                )
            if key in checkpoints.minutes:
                minutes[key] = Kept.of(head, last_of(minutes))
        end = window_of(head.time) + WINDOW
        if end <= at and has_many(windows.get(end - WINDOW)):
            ends[end] = Kept.of(head, last_of(ends))
        if thinned is not None and at >= thinned:
            minutes[at] = Kept.of(head, last_of(minutes))
        events = [
            fact.event
            for fact in group
            if fact.event.event_id not in voided and type(fact.event) in RANK
        ]
        if events:
            advance(head, at, context, inclusive=False)
            apply_instant(head, at, events, context)
    return head, Checkpoints(minutes, ends)


def _since(folds: Folds, key: Micros) -> Folds:
    return {at: fold for at, fold in folds.items() if at >= key}
