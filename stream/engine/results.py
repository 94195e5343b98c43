"""Laboratory results taken into the fold: one unit each, a baseline, and what may be compared."""

from __future__ import annotations

from stream.engine.events import Lab, Micros
from stream.engine.fold import NEVER, Fold, LabValue
from stream.engine.iec_hs import screen
from stream.engine.ruleset import Ruleset


def apply_result(fold: Fold, time: Micros, event: Lab, rules: Ruleset) -> None:
    """Keep the newest result of a known analyte, and the one before it where both compare."""
    rule = rules.labs.get(event.analyte)
    if rule is None or not event.usable:
        return
    value = rule.converted(event.value, event.unit)
    if value is None:
        return
    factor = rule.factors[event.unit]
    found = LabValue(
        value=value,
        at=time,
        event_id=event.event_id,
        upper=None if event.upper_limit is None else event.upper_limit * factor,
        lower=None if event.lower_limit is None else event.lower_limit * factor,
    )
    earlier = fold.labs.get(event.analyte)
    kept = {name: held for name, held in fold.labs_earlier.items() if name != event.analyte}
    if earlier is not None and not _crossed(fold, rule.restarts_after, earlier.at):
        kept[event.analyte] = earlier
    fold.labs, fold.labs_earlier = {**fold.labs, event.analyte: found}, kept
    fold.risks_at = NEVER  # scores are looked at anew
    screen(fold, time, rules)


def _crossed(fold: Fold, agents: tuple[str, ...], since: Micros) -> bool:
    """A dose lies between the earlier result and now: the two are not to be compared."""
    return any(fold.given[agent].times[-1] >= since for agent in agents if agent in fold.given)


def keep_baseline(fold: Fold, rules: Ruleset) -> None:
    """At the first dose of a course: what was there before is the patient's own baseline."""
    fold.labs_before, fold.labs_before_at = dict(fold.labs), fold.therapy
    # what was found before the therapy is not of it
    fold.icans, fold.icans_at, fold.icans_id, fold.not_assessable = None, NEVER, "", False
    fold.icans_domains = {}
    screen(fold, fold.therapy if fold.therapy is not None else fold.time, rules)
