"""ICANS (ASTCT 2019): the worst domain of one assessment, on a channel of its own.

Source: Lee 2019, ICANS table; clinical reference section 2.1. It never touches the CRS grade (R20).
"""

from __future__ import annotations

from stream.engine.context import Context
from stream.engine.events import Neuro
from stream.engine.fold import Fold, NeuroChange, Why
from stream.engine.ruleset import Ruleset


def grade_of(
    event: Neuro, rules: Ruleset, age_years: float | None = None, baseline_ice: int | None = None
) -> int | None:
    """0 to 4, or None where nothing could be assessed (which is never 0).

    ICE is for 12 years and more, CAPD for children below; where the age is not known, whoever
    charted a score knew it. An ICE no lower than the patient's own baseline is no finding.
    """
    grades: list[int] = []
    child = age_years is not None and age_years < rules.capd_below_years
    if event.assessable is not False:
        if event.ice is not None and not child:
            impaired = baseline_ice is not None and event.ice >= baseline_ice
            grades.append(0 if impaired else _by_floor(event.ice, rules.ice_floor))
        if event.capd is not None and (child or age_years is None):
            grades.append(_by_floor(event.capd, rules.capd_floor))
        if event.consciousness is not None:
            grades.append(rules.icans_domains["consciousness"][event.consciousness])
    # these signs are seen whether or not a score can be taken; their absence alone proves nothing
    for domain, word in (("seizure", event.seizure), ("cerebral_oedema", event.cerebral_oedema)):
        if word is not None and (grades or rules.icans_domains[domain][word] > 0):
            grades.append(rules.icans_domains[domain][word])
    if event.motor_weakness:
        grades.append(rules.motor_weakness_grade)
    return max(grades) if grades else None


def _by_floor(score: int, floors: tuple[tuple[int, int], ...]) -> int:
    return next(grade for floor, grade in floors if score >= floor)


def apply_neuro(fold: Fold, event: Neuro, context: Context) -> None:
    """Take in an assessment; not assessable keeps the last grade and sets a flag."""
    grade = grade_of(event, context.rules, fold.age_years, fold.baseline_ice)
    if event.consciousness is not None and event.assessable is not False:
        awake = context.rules.icans_domains["consciousness"][event.consciousness] == 0
        fold.alert, fold.alert_at, fold.alert_id = awake, event.time, event.event_id
    fold.not_assessable = grade is None
    if grade is None:
        return
    fold.ice_impaired = (
        event.ice is not None
        and fold.baseline_ice is not None
        and event.ice >= fold.baseline_ice
        and _by_floor(event.ice, context.rules.ice_floor) > 0
    )
    if context.attributed("neuro", event.time) is not None:
        grade = 0
    if fold.therapy is not None and grade != (fold.icans or 0):
        change = NeuroChange(event.time, grade, (Why("ICANS", (event.event_id,)),))
        fold.icans_history = (*fold.icans_history, change)
    fold.icans, fold.icans_at, fold.icans_id = grade, event.time, event.event_id
