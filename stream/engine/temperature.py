"""Fever: which reading counts, and whether it qualifies (rules R1, R2; section 4, site)."""

from __future__ import annotations

from statistics import median

from stream.engine.context import Context
from stream.engine.events import Micros, Reading
from stream.engine.fold import Fold
from stream.engine.ruleset import Ruleset


def apply_temperatures(
    fold: Fold, time: Micros, readings: list[tuple[Reading, str]], context: Context
) -> None:
    """Take in the valid temperatures of one instant: `(reading, event_id)`, degrees Celsius."""
    rules = context.rules
    best: tuple[int, float, str, str] | None = None
    for reading, event_id in readings:
        value: float | None = reading.value
        if reading.method == "continuous":
            value = _patch_value(fold, time, reading.value, rules.patch_window)
        fold.temp_seen = time
        if value is None:
            continue
        if reading.quality == "suspect" and value < rules.fever_c:
            continue  # a suspect value may raise, never lower
        site = reading.site or "unknown"
        offer = (rules.site_rank.get(site, rules.site_rank["unknown"]), value, event_id, site)
        # one site: the higher value; two sites: the one nearer to the core
        if best is None or offer[:2] > best[:2]:
            best = offer
    if best is None:
        return
    rank, value, event_id, site = best
    if rank < fold.temp_rank and time - fold.temp_at <= rules.site_window:
        return
    fold.temp, fold.temp_at, fold.temp_rank, fold.temp_site = value, time, rank, site
    fold.temp_id = event_id
    fever = value >= rules.fever_c
    in_scope = fold.therapy is not None
    fold.temp_attributed = fever and context.attributed("fever", time) is not None
    fold.temp_qualifies = fever and in_scope and not fold.temp_attributed
    if fold.temp_qualifies:
        if time - fold.fever_at > rules.lookback:
            fold.fever_run, fold.fever_run_id = time, event_id
        fold.fever_at, fold.fever_id = time, event_id
        _note_return(fold, time, event_id, rules)
    elif not fever:
        fold.cooled = True


def _note_return(fold: Fold, time: Micros, event_id: str, rules: Ruleset) -> None:
    """Fever again soon after an antipyretic: it had gone, or the drug had time to work (K6)."""
    timer = rules.timers["K6"]
    since = time - fold.antipyretic_at
    again = fold.cooled or since >= timer.within
    if since < timer.after and again and fold.fever_again_at < fold.antipyretic_at:
        fold.fever_again_at, fold.fever_again_id = time, event_id
        fold.fever_again_location = fold.location


def _patch_value(fold: Fold, time: Micros, value: float, window: Micros) -> float | None:
    """The median of a continuous patch over the window; None until there is that much data."""
    if not fold.patch or time - fold.patch[-1][0] > window:
        fold.patch, fold.patch_since = (), time
    kept = tuple(item for item in fold.patch if item[0] > time - window)
    fold.patch = (*kept, (time, value))
    if time - fold.patch_since < window:
        return None
    return median(item[1] for item in fold.patch)


def near_fever(fold: Fold, context: Context) -> bool:
    """A site that misses fever reads just below it: ask for an oral or core repeat."""
    rules = context.rules
    return (
        fold.temp is not None
        and fold.temp_site in rules.near_fever_sites
        and rules.near_fever_c <= fold.temp < rules.fever_c
    )
