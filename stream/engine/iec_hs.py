"""A screen for IEC-HS on laboratory results (Hines 2023), on a channel of its own.

It never touches the CRS or the ICANS grade. It is a screen, not a diagnosis: other causes have to
be excluded by people. Criteria and bounds: `[iec_hs]` of the parameter set, reference section 2.2.
"""

from __future__ import annotations

from stream.engine.events import Micros
from stream.engine.fold import NEVER, Fold, LabValue, Screen
from stream.engine.organs import limit_of
from stream.engine.ruleset import LabCriterion, Ruleset


def screen(fold: Fold, time: Micros, rules: Ruleset) -> None:
    """Judge the newest results; only what lies within one span of `time` clusters."""
    rule = rules.iec_hs
    if fold.therapy is None or not any(
        c.analyte in fold.labs for c in (rule.ferritin, *rule.common, *rule.other)
    ):
        return
    met: list[tuple[str, str]] = []
    missing: list[str] = []
    ferritin = _fresh(fold, rule.ferritin.analyte, time, rules)
    required = False
    if ferritin is None:
        missing.append(rule.ferritin.analyte)
    elif met_by(rule.ferritin, ferritin, fold, rules) or _rising(fold, ferritin, rules):
        required = True
        met.append((rule.ferritin.name, ferritin.event_id))
    common: set[str] = set()
    for criterion in (*rule.common, *rule.other):
        value = _fresh(fold, criterion.analyte, time, rules)
        if value is None:
            if criterion.analyte not in missing:
                missing.append(criterion.analyte)
        elif met_by(criterion, value, fold, rules):
            met.append((criterion.name, value.event_id))
            if criterion in rule.common:
                common.add(criterion.name)
    positive: bool | None = required and len(common) >= rule.common_needed
    if not positive and (ferritin is None or (required and _open(fold, time, rules, common))):
        positive = None  # what is missing could still make it positive
    held = fold.iec_hs
    since = held.since if held is not None and held.positive == positive else time
    last = time if positive else (NEVER if held is None else held.last_positive)
    fold.iec_hs = Screen(positive, since, last, time, tuple(met), tuple(missing))


def _open(fold: Fold, time: Micros, rules: Ruleset, met: set[str]) -> bool:
    """Whether the criteria whose results are missing could still be enough."""
    rule = rules.iec_hs
    unknown = {c.name for c in rule.common if _fresh(fold, c.analyte, time, rules) is None}
    return len(met | unknown) >= rule.common_needed


def _fresh(fold: Fold, analyte: str, time: Micros, rules: Ruleset) -> LabValue | None:
    """A result since the therapy that is not older than the span in which features cluster."""
    value = fold.labs.get(analyte)
    if value is None or fold.labs_before_at is None or value.at < fold.labs_before_at:
        return None
    return value if time - value.at <= rules.iec_hs.cluster else None


def met_by(criterion: LabCriterion, value: LabValue, fold: Fold, rules: Ruleset) -> bool:
    """Whether one result meets a criterion, by value, by limit or by the patient's baseline."""
    if criterion.below:
        bounds = [criterion.value] if criterion.value is not None else []
        if criterion.multiple is not None and value.lower is not None:
            bounds.append(criterion.multiple * value.lower)
        # what was as low before the therapy is not new; it counts where it has fallen further
        old = fold.labs_before.get(criterion.analyte)
        return any(value.value < bound for bound in bounds) and (
            old is None or value.value < old.value
        )
    if criterion.value is not None and value.value > criterion.value:
        return True
    upper = limit_of(value, rules, criterion.analyte)
    before = fold.labs_before.get(criterion.analyte)
    abnormal = before is not None and upper is not None and before.value > upper
    instead = criterion.instead and abnormal
    if (
        criterion.multiple is not None
        and upper is not None
        and not instead
        and value.value > criterion.multiple * upper
    ):
        return True
    return (
        criterion.baseline_multiple is not None
        and before is not None
        and before.value > 0
        and (instead or not criterion.instead)
        and value.value > criterion.baseline_multiple * before.value
    )


def _rising(fold: Fold, value: LabValue, rules: Ruleset) -> bool:
    """Rapidly rising: so many times the result before it, within so long."""
    rule = rules.iec_hs
    earlier = fold.labs_earlier.get(rule.ferritin.analyte)
    return (
        earlier is not None
        and earlier.value > 0
        and value.at - earlier.at <= rule.rise_within
        and value.value >= rule.rise * earlier.value
    )
