"""ICANS (ASTCT 2019): the worst domain, on a channel of its own.

Source: Lee 2019, ICANS table; clinical reference section 2.1. It never touches the CRS grade (R20).
A domain that was not assessed keeps its last finding: absence of data never lowers a grade. A
bedside score that could be taken says that the patient was awake and not convulsing.
"""

from __future__ import annotations

from stream.engine.context import Context
from stream.engine.events import Neuro
from stream.engine.fold import Fold, NeuroChange, Why
from stream.engine.ruleset import Ruleset

SCORE, CONSCIOUSNESS, SEIZURE, MOTOR, OEDEMA = (
    "score",
    "consciousness",
    "seizure",
    "motor",
    "cerebral_oedema",
)


def findings(
    event: Neuro, rules: Ruleset, age_years: float | None = None, baseline_ice: int | None = None
) -> dict[str, int]:
    """The grade of each domain that was assessed; empty where nothing could be (never 0).

    ICE is for 12 years and more, CAPD for children below; where the age is not known, whoever
    charted a score knew it. An ICE no lower than the patient's own baseline is no finding. Aphasia
    counts where no score tells more.
    """
    found: dict[str, int] = {}
    if event.assessable is not False:
        scores = [_by_floor(event.capd, rules.capd_floor)] if _capd(event, rules, age_years) else []
        if _ice(event, rules, age_years):
            assert event.ice is not None
            impaired = baseline_ice is not None and event.ice >= baseline_ice
            scores.append(0 if impaired else _by_floor(event.ice, rules.ice_floor))
        if scores:
            found[SCORE] = max(scores)
            found[CONSCIOUSNESS] = found[SEIZURE] = 0
        elif event.aphasia:
            found[SCORE] = rules.aphasia_grade
        if event.consciousness is not None:
            found[CONSCIOUSNESS] = rules.icans_domains[CONSCIOUSNESS][event.consciousness]
    # these signs are seen whether or not a score can be taken
    if event.seizure is not None:
        found[SEIZURE] = rules.icans_domains[SEIZURE][event.seizure]
    if event.cerebral_oedema is not None:
        found[OEDEMA] = rules.icans_domains[OEDEMA][event.cerebral_oedema]
    if event.motor_weakness is not None:
        found[MOTOR] = rules.motor_weakness_grade if event.motor_weakness else 0
    return found


def _ice(event: Neuro, rules: Ruleset, age_years: float | None) -> bool:
    child = age_years is not None and age_years < rules.capd_below_years
    return event.ice is not None and not child


def _capd(event: Neuro, rules: Ruleset, age_years: float | None) -> bool:
    child = age_years is None or age_years < rules.capd_below_years
    return event.capd is not None and child


def _by_floor(score: int | None, floors: tuple[tuple[int, int], ...]) -> int:
    assert score is not None
    return next(grade for floor, grade in floors if score >= floor)


def apply_neuro(fold: Fold, event: Neuro, context: Context) -> None:
    """Take in an assessment; what could not be assessed keeps the last grade and sets a flag."""
    rules = context.rules
    found = findings(event, rules, fold.age_years, fold.baseline_ice)
    seen = {SCORE, CONSCIOUSNESS} & set(found)
    if not seen and not any(found.values()):
        # that a sign is absent proves nothing by itself; it ends that very sign
        told = event.assessable is not False
        found = {name: 0 for name in found if told and fold.icans_domains.get(name, (0, ""))[0]}
    ignored = (event.ice is not None or event.capd is not None) and SCORE not in found
    fold.not_assessable = not found or ignored
    if not found:
        return
    fold.ice_impaired = (
        event.ice is not None
        and fold.baseline_ice is not None
        and event.ice >= fold.baseline_ice
        and _by_floor(event.ice, rules.ice_floor) > 0
    )
    attributed = context.attributed("neuro", event.time) is not None
    held = {name: (0 if attributed else grade, event.event_id) for name, grade in found.items()}
    fold.icans_domains = {**fold.icans_domains, **held}
    if SCORE in found or CONSCIOUSNESS in found:
        # awake and not newly confused, as early warning scores ask
        domains = [
            fold.icans_domains[d][0] for d in (SCORE, CONSCIOUSNESS) if d in fold.icans_domains
        ]
        fold.alert, fold.alert_at, fold.alert_id = not any(domains), event.time, event.event_id
    grade, event_id = max(fold.icans_domains.values(), key=lambda domain: domain[0])
    if fold.therapy is not None and grade != (fold.icans or 0):
        ids = tuple(dict.fromkeys((event_id, event.event_id))) if grade else (event.event_id,)
        change = NeuroChange(event.time, grade, (Why("ICANS", ids),))
        fold.icans_history = (*fold.icans_history, change)
    fold.icans, fold.icans_at, fold.icans_id = grade, event.time, event.event_id
