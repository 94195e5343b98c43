"""Folding the kept facts, from the nearest checkpoint: late data costs as much as it is late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from stream.engine.chart import RANK, apply_instant
from stream.engine.context import Context
from stream.engine.course import advance, evaluate
from stream.engine.events import Micros
from stream.engine.facts import Fact, Window, minute_of, window_of
from stream.engine.fold import Fold

_NEWEST_KEPT = 4
_CHECKPOINTS = 12


def facts_from(windows: Mapping[Micros, Window], start: Micros) -> Iterator[Fact]:
    """All facts at or after `start`, in chart order."""
    first = window_of(start)
    for key in sorted(key for key in windows if key >= first):
        for fact in windows[key].facts:
            if fact.at >= start:
                yield fact


def refold(
    base: Fold,
    base_until: Micros,
    windows: Mapping[Micros, Window],
    checkpoints: Mapping[Micros, Fold],
    touched: Micros,
    context: Context,
    voided: frozenset[str],
) -> tuple[Fold, dict[Micros, Fold]]:
    """The head after facts at or after `touched` have changed, and the checkpoints that hold.

    `touched` before the folded past counts as its end: there the base is evaluated anew.
    """
    touched = max(touched, base_until)
    usable = {key: fold for key, fold in checkpoints.items() if key <= touched}
    start = max(usable, default=base_until)
    head = (usable[start] if usable else base).copy()
    if touched == base_until and head.time < base_until:
        advance(head, base_until, context, inclusive=False)
        evaluate(head, base_until, context, settle=False)
    lost = sorted(key for key in checkpoints if key > touched)
    for at, group in groupby(facts_from(windows, start), key=lambda fact: fact.at):
        while lost and lost[0] <= at:
            usable[lost.pop(0)] = head.copy()
        events = [
            fact.event
            for fact in group
            if fact.event.event_id not in voided and type(fact.event) in RANK
        ]
        if events:
            advance(head, at, context, inclusive=False)
            apply_instant(head, at, events, context)
    return head, usable


def remember(checkpoints: Mapping[Micros, Fold], before: Micros, head: Fold) -> dict[Micros, Fold]:
    """Keep `head` as the fold of all facts before the minute of `before`; thin the older ones.

    `head` must never be changed after this: whoever folds on copies it first.
    """
    kept = dict(checkpoints)
    kept[minute_of(before)] = head
    if len(kept) > _CHECKPOINTS:
        keys = sorted(kept)
        for key in keys[1 : len(keys) - _NEWEST_KEPT : 2]:
            del kept[key]
    return kept
