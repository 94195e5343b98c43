"""What a patient's state forgets, and when (see `stream.engine.state`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from stream.engine.context import FOREVER
from stream.engine.events import Attribution, Micros
from stream.engine.facts import WINDOW, Window
from stream.engine.fold import NEVER, Fold
from stream.engine.intray import Intray
from stream.engine.ruleset import Ruleset
from stream.engine.state import Derived, PatientRecord, PatientState, Published
from stream.engine.timeline import refold

_VOIDS_KEPT = 256


class _Timed(Protocol):
    @property
    def time(self) -> Micros: ...


_T = TypeVar("_T", bound=_Timed)


def forget(record: PatientRecord, tray: Intray, now: Fold, rules: Ruleset) -> PatientState:
    """The new state, with the oldest windows folded into the base where there are too many."""
    base_until = _new_floor(record, tray, rules)
    head, checkpoints, windows = tray.head, tray.checkpoints, tray.windows
    if base_until > record.base_until:
        kept = {start: window for start, window in windows.items() if start >= base_until}
        old = {start: window for start, window in windows.items() if start < base_until}
        base, _ = refold(
            record.base,
            record.base_until,
            old,
            {key: fold for key, fold in checkpoints.items() if key <= base_until},
            max(old, default=NEVER) + WINDOW,
            tray.context,
            tray.voided,
        )
        base = trimmed(base, base_until)
        head, now = trimmed(head, base_until), trimmed(now, base_until)
        checkpoints = {
            key: trimmed(fold, base_until) for key, fold in checkpoints.items() if key >= base_until
        }
        windows = kept
        record = replace(
            record,
            base=base,
            base_until=base_until,
            published=_trim_published(record.published, base_until),
            attributions=_live(record.attributions, base_until),
            voids=tuple(v for v in record.voids if v.time >= base_until)[-_VOIDS_KEPT:],
        )
    count = tray.count if windows is tray.windows else facts_held(windows)
    derived = Derived(tray.context, tray.voided, head, now, checkpoints, count)
    return PatientState(record, windows, derived)


def _new_floor(record: PatientRecord, tray: Intray, rules: Ruleset) -> Micros:
    """The end of the folded past: whole windows, oldest first, the newest never.

    Folding is done in strides (`fold_slack`, `fold_stride`), not anew at every event.
    """
    floor, count = record.base_until, tray.count
    if count <= rules.keep_facts + rules.fold_slack:
        return floor
    starts = sorted(tray.windows)
    horizon = record.clock - rules.horizon
    crowded = count > rules.max_facts + rules.fold_slack
    if not crowded and starts[0] + WINDOW > horizon - rules.fold_stride:
        return floor
    for start in starts[:-1]:
        aged = start + WINDOW <= horizon and count > rules.keep_facts
        if not aged and not (crowded and count > rules.max_facts):
            break
        count -= len(tray.windows[start].facts)
        floor = start + WINDOW
    return floor


def _since(items: tuple[_T, ...], floor: Micros) -> tuple[_T, ...]:
    """Those from the floor on, and the last one before it."""
    if len(items) < 2 or items[1].time >= floor:
        return items
    first = sum(1 for item in items if item.time < floor)
    return items[max(0, first - 1) :]


def trimmed(fold: Fold, floor: Micros) -> Fold:
    """A fold whose histories begin at the floor."""
    new = fold.copy()
    new.history = _since(fold.history, floor)
    new.icans_history = _since(fold.icans_history, floor)
    new.candidates = tuple(c for c in fold.candidates if c.end is None or c.end >= floor)
    return new


def _trim_published(published: Published, floor: Micros) -> Published:
    return replace(
        published,
        changes=_since(published.changes, floor),
        icans=_since(published.icans, floor),
        candidates=tuple(c for c in published.candidates if c.end is None or c.end >= floor),
    )


def _live(attributions: tuple[Attribution, ...], floor: Micros) -> tuple[Attribution, ...]:
    return tuple(a for a in attributions if (FOREVER if a.until is None else a.until) > floor)


def facts_held(windows: Mapping[Micros, Window]) -> int:
    """How many events a state still holds one by one."""
    return sum(len(window.facts) for window in windows.values())
