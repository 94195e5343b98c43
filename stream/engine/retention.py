"""What a patient's state forgets, and when (see `stream.engine.state`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol, TypeVar

from stream.engine.checkpoints import Checkpoints, Folds, Kept
from stream.engine.context import FOREVER
from stream.engine.events import Attribution, Micros
from stream.engine.facts import WINDOW, facts_held
from stream.engine.fold import NEVER, Candidate, Fold
from stream.engine.intray import Intray
from stream.engine.places import Places
from stream.engine.state import Derived, PatientRecord, PatientState, Published, Told
from stream.engine.timeline import refold

_VOIDS_KEPT: Final = 256
_PLACES_SPARE: Final = 64
"""Names of events that are not there any more, beside as many as there are."""


class _Timed(Protocol):
    @property
    def time(self) -> Micros: ...


_T = TypeVar("_T", bound=_Timed)


def forget(
    record: PatientRecord, tray: Intray, now: Fold, told: Told | None, settled: Published | None
) -> PatientState:
    """The new state, with the oldest windows folded into the base where there are too many.

    `told` is what was announced last, `settled` what was published then (see `Derived`).
    """
    base_until = _new_floor(record, tray)
    if base_until > record.base_until:
        return _folded(record, tray, now, base_until)
    before = tray.derived
    same = now is before.now and told is before.told and settled is before.settled
    if same and not tray.filed:
        return PatientState(record, tray.windows, before)
    places, count = tray.places, tray.count
    if len(places) > 2 * count + _PLACES_SPARE:
        places = Places(tray.windows)
    derived = Derived(
        tray.context,
        tray.voided,
        tray.head,
        now,
        tray.checkpoints,
        count,
        tray.head_due,
        tray.oldest,
        places,
        tray.mark,
        told,
        settled,
    )
    return PatientState(record, tray.windows, derived)


def _folded(record: PatientRecord, tray: Intray, now: Fold, base_until: Micros) -> PatientState:
    windows = {start: window for start, window in tray.windows.items() if start >= base_until}
    old = {start: window for start, window in tray.windows.items() if start < base_until}
    base, _ = refold(
        record.base,
        record.base_until,
        old,
        tray.checkpoints.until(base_until),
        max(old, default=NEVER) + WINDOW,
        tray.context,
        tray.voided,
    )
    head, places = trimmed(tray.head, base_until), tray.places
    count = tray.count - facts_held(old)  # what is kept is not looked at
    if len(places) > count + count // 2 + _PLACES_SPARE:
        places = places.since(base_until)
    derived = Derived(
        tray.context,
        tray.voided,
        head,
        head if now is tray.head else trimmed(now, base_until),
        Checkpoints(
            _kept_since(tray.checkpoints.minutes, base_until),
            _kept_since(tray.checkpoints.ends, base_until),
        ),
        count,
        tray.head_due,
        min(windows, default=None),
        places,
        tray.mark,
    )
    record = replace(
        record,
        base=trimmed(base, base_until),
        base_until=base_until,
        published=_trim_published(record.published, base_until),
        attributions=_live(record.attributions, base_until),
        voids=tuple(v for v in record.voids if v.time >= base_until)[-_VOIDS_KEPT:],
    )
    return PatientState(record, windows, derived)


def _kept_since(folds: Folds, floor: Micros) -> Folds:
    kept: Folds = {}
    last: Kept | None = None
    for key, each in folds.items():
        if key >= floor:
            fold = each.fold()
            new = trimmed(fold, floor)
            kept[key] = last = each if new is fold else Kept.of(new, last)
    return kept


def _new_floor(record: PatientRecord, tray: Intray) -> Micros:
    """The end of the folded past: whole windows, oldest first, the newest never.

    Folding is done in strides (`fold_slack`, `fold_stride`), not anew at every event.
    """
    floor, count, rules = record.base_until, tray.count, tray.rules
    if count <= rules.keep_facts + rules.fold_slack:
        return floor
    horizon = record.clock - rules.horizon
    crowded = count > rules.max_facts + rules.fold_slack
    assert tray.oldest is not None
    if not crowded and tray.oldest + WINDOW > horizon - rules.fold_stride:
        return floor
    for start in sorted(tray.windows)[:-1]:
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
    first = next((i for i, item in enumerate(items) if item.time >= floor), len(items))
    return items[max(0, first - 1) :]


def trimmed(fold: Fold, floor: Micros) -> Fold:
    """A fold whose histories begin at the floor; the same one where they do."""
    history, icans = _since(fold.history, floor), _since(fold.icans_history, floor)
    ended = 0  # they end in the order in which they began
    while ended < len(fold.candidates) and _is_over(fold.candidates[ended], floor):
        ended += 1
    candidates = fold.candidates[ended:]
    if history is fold.history and icans is fold.icans_history and not ended:
        return fold
    new = fold.copy()
    new.history, new.icans_history, new.candidates = history, icans, candidates
    return new


def _is_over(candidate: Candidate, floor: Micros) -> bool:
    return candidate.end is not None and candidate.end < floor


def _trim_published(published: Published, floor: Micros) -> Published:
    return replace(
        published,
        changes=_since(published.changes, floor),
        icans=_since(published.icans, floor),
        candidates=tuple(c for c in published.candidates if c.end is None or c.end >= floor),
    )


def _live(attributions: tuple[Attribution, ...], floor: Micros) -> tuple[Attribution, ...]:
    return tuple(a for a in attributions if (FOREVER if a.until is None else a.until) > floor)
