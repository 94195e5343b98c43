"""Hypotension: limits by age, confirmation, source of the pressure (rules R6, R7, R8; 3.1, 4)."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Final

from stream.engine.events import Micros, Reading
from stream.engine.fold import Fold
from stream.engine.native import mypyc_attr
from stream.engine.ruleset import MINUTE, Ruleset

_BOLUSES_KEPT: Final = 8
_SAMPLE: Final[Micros] = 15 * MINUTE
"""Spacing of the systolic readings kept for the baseline."""


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Frame:
    """The pressures of one instant from one kind of source, mmHg."""

    line: bool
    systolic: float | None
    diastolic: float | None
    mean: float | None
    event_id: str
    suspect: bool

    def __init__(
        self,
        line: bool,
        systolic: float | None = None,
        diastolic: float | None = None,
        mean: float | None = None,
        event_id: str = "",
        suspect: bool = False,
    ) -> None:
        self.line = line
        self.systolic = systolic
        self.diastolic = diastolic
        self.mean = mean
        self.event_id = event_id
        self.suspect = suspect

    def take(self, reading: Reading, event_id: str) -> None:
        """Add a value; of two of a kind at one instant the lower one counts."""
        value = reading.value
        if reading.signal == "systolic_bp":
            if self.systolic is None or value < self.systolic:
                self.systolic = value
        elif reading.signal == "diastolic_bp":
            if self.diastolic is None or value < self.diastolic:
                self.diastolic = value
        elif self.mean is None or value < self.mean:
            self.mean = value
        self.event_id = self.event_id or event_id
        self.suspect = self.suspect or reading.quality == "suspect"

    def mean_or_computed(self) -> float | None:
        """The mean that was sent, else the computed one, mmHg."""
        if self.mean is not None:
            return self.mean
        if self.systolic is not None and self.diastolic is not None:
            return self.diastolic + (self.systolic - self.diastolic) / 3
        return None


def apply_pressures(
    fold: Fold, time: Micros, line: Frame | None, cuff: Frame | None, rules: Ruleset
) -> None:
    """Take in the valid pressures of one instant."""
    frame = _chosen(fold, time, line, cuff, rules)
    if frame is None:
        return
    low = is_low(frame, fold.age_years, rules)
    if low is None:
        return
    if frame.suspect and not low:
        return  # a suspect value may raise, never lower
    fold.bp_seen = time
    fold.bp_systolic, fold.bp_diastolic = frame.systolic, frame.diastolic
    fold.bp_mean, fold.bp_id = frame.mean_or_computed(), frame.event_id
    _track_low(fold, time, frame, rules, low=low)
    _track_relative(fold, time, frame, rules, low=low)
    if fold.first_therapy is None and frame.systolic is not None:
        _sample(fold, time, frame.systolic, rules)


def _chosen(
    fold: Fold, time: Micros, line: Frame | None, cuff: Frame | None, rules: Ruleset
) -> Frame | None:
    """A valid arterial line wins over the cuff; where they disagree for long, the lower one."""
    for frame in (line, cuff):
        if (
            frame is not None
            and frame.systolic is not None
            and frame.diastolic is not None
            and frame.diastolic >= frame.systolic
        ):
            fold.bp_bad = time  # two events of one instant contradict each other
            return None
    if line is not None and line.systolic is not None:
        fold.line_at, fold.line_systolic = time, line.systolic
    if cuff is not None and cuff.systolic is not None:
        fold.cuff_at, fold.cuff_systolic = time, cuff.systolic
    line_fresh = time - fold.line_at < rules.arterial_preferred
    cuff_fresh = time - fold.cuff_at < rules.arterial_preferred
    if not (line_fresh and cuff_fresh) or fold.line_systolic is None or fold.cuff_systolic is None:
        fold.conflict_since = None
        return line or (cuff if not line_fresh else None)
    if abs(fold.line_systolic - fold.cuff_systolic) <= rules.source_conflict_mmhg:
        fold.conflict_since = None
    elif fold.conflict_since is None:
        fold.conflict_since = time
    if not in_conflict(fold, time, rules):
        return line
    return line if fold.line_systolic <= fold.cuff_systolic else cuff


def in_conflict(fold: Fold, time: Micros, rules: Ruleset) -> bool:
    """Cuff and line have disagreed for so long that the lower one is graded."""
    return fold.conflict_since is not None and time - fold.conflict_since > rules.source_conflict


def is_low(frame: Frame, age_years: float | None, rules: Ruleset) -> bool | None:
    """Whether the pressure is low for the age; None where the frame cannot tell.

    Mean pressure is judged in adults only (PALS limits are systolic).
    """
    verdict: bool | None = None
    if frame.systolic is not None:
        if frame.systolic < rules.systolic_limit(age_years):
            return True
        verdict = False
    if rules.is_adult(age_years):
        mean = frame.mean_or_computed()
        if mean is not None:
            return mean < rules.adult_mean_mmhg
    return verdict


def _track_low(fold: Fold, time: Micros, frame: Frame, rules: Ruleset, *, low: bool) -> None:
    if not low:
        fold.low_since = fold.low_confirmed = None
        fold.low_ids = ()
        return
    fresh_run = fold.low_since is None or time - fold.low_last > rules.bp_pair
    if fold.low_confirmed is None:
        if fresh_run:
            fold.low_since, fold.low_ids = time, (frame.event_id,)
        else:
            fold.low_ids = (fold.low_ids[0], frame.event_id)
        gap = rules.arterial_min if frame.line else rules.pair_min_gap
        assert fold.low_since is not None
        if time - fold.low_since >= gap:
            fold.low_confirmed = time
        elif time - fold.bolus_at <= rules.bp_bolus:
            fold.low_confirmed = time
            fold.low_ids = (*fold.low_ids, fold.bolus_id)
    fold.low_last = time


def apply_bolus(fold: Fold, time: Micros, event_id: str, rules: Ruleset) -> None:
    """A charted bolus confirms a low reading of the half hour before it (and after it)."""
    fold.bolus_at, fold.bolus_id = time, event_id
    fold.boluses = (*fold.boluses[-(_BOLUSES_KEPT - 1) :], time)
    waiting = fold.low_since is not None and fold.low_confirmed is None
    if waiting and time - fold.low_last <= rules.bp_bolus:
        fold.low_confirmed = time
        fold.low_ids = (*fold.low_ids, event_id)


def _track_relative(fold: Fold, time: Micros, frame: Frame, rules: Ruleset, *, low: bool) -> None:
    """A fall from the patient's own baseline that is not low otherwise; adults only (R8)."""
    baseline = fold.baseline_systolic
    if baseline is None or frame.systolic is None or not rules.is_adult(fold.age_years):
        return
    drop = baseline - frame.systolic
    fallen = drop >= rules.relative_drop_mmhg or drop >= rules.relative_drop_fraction * baseline
    if low or not fallen:
        fold.relative_since, fold.relative_confirmed, fold.relative_ids = None, False, ()
        return
    if fold.relative_since is None or time - fold.relative_last > rules.bp_pair:
        if not fold.relative_confirmed:
            fold.relative_since, fold.relative_ids = time, (frame.event_id,)
    elif not fold.relative_confirmed:
        fold.relative_ids = (fold.relative_ids[0], frame.event_id)
        gap = rules.arterial_min if frame.line else rules.pair_min_gap
        fold.relative_confirmed = time - fold.relative_since >= gap
    fold.relative_last = time


def _sample(fold: Fold, time: Micros, systolic: float, rules: Ruleset) -> None:
    kept = fold.before_therapy
    if kept and time - kept[-1][0] < _SAMPLE:
        return
    oldest = time - rules.baseline_from
    fold.before_therapy = (*(item for item in kept if item[0] >= oldest), (time, systolic))


def freeze_baseline(fold: Fold, time: Micros, rules: Ruleset) -> None:
    """At the first infusion: the median of the readings of the window before it (3.1)."""
    window = [
        value
        for at, value in fold.before_therapy
        if time - rules.baseline_from <= at <= time - rules.baseline_to
    ]
    if len(window) >= rules.baseline_min_readings:
        fold.baseline_measured = median(window)
    fold.before_therapy = ()
