"""Infusions and single doses: what runs, what hides fever (rules R4, R9-R12, R23; section 3.2)."""

from __future__ import annotations

from typing import Final

from stream.engine.events import Infusion, Medication
from stream.engine.fold import Dose, Fold, Given, Running
from stream.engine.next_dose import ask_before_dose, dose_called, next_dose_follows
from stream.engine.pressor_dose import track_doses
from stream.engine.pressure import apply_bolus
from stream.engine.ruleset import Ruleset

_DOSES_KEPT: Final = 8
_TIMES_KEPT: Final = 32
"""Of each medicine: more than anyone is given in a day."""


def apply_infusion(fold: Fold, event: Infusion, rules: Ruleset) -> None:
    """Active means: last charted rate above 0 and no stop. The dose is irrelevant to ASTCT."""
    _run(fold, event)
    if rules.agent_class.get(event.agent) in ("vasopressor", "vasopressin"):
        track_doses(fold, event.time, rules)


def _run(fold: Fold, event: Infusion) -> None:
    agent = event.agent
    held = fold.running.get(agent)
    if event.action != "stop" and event.rate > 0:
        fold.running = {
            **fold.running,
            agent: Running(
                since=held.since if held else event.time,
                seen=event.time,
                rate=event.rate,
                unit=event.unit,
                start_id=held.start_id if held else event.event_id,
                seen_id=event.event_id,
                usable=event.usable,
                expressed_as=event.expressed_as,
            ),
        }
        fold.zero_rate = _without(fold.zero_rate, agent)
        fold.orphan_stop = _without(fold.orphan_stop, agent)
        return
    if held is not None:
        fold.running = {name: run for name, run in fold.running.items() if name != agent}
    elif event.action == "stop" and agent not in fold.zero_rate:
        fold.orphan_stop = (*_without(fold.orphan_stop, agent), agent)
    fold.zero_rate = _without(fold.zero_rate, agent)
    if event.action != "stop":
        fold.zero_rate = (*fold.zero_rate, agent)


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(item for item in names if item != name)


def apply_medication(fold: Fold, event: Medication, rules: Ruleset) -> None:
    """A single dose: fluid bolus, masking drug, push dose, oral pressor, tocilizumab."""
    if event.agent in rules.bolus_agents:
        apply_bolus(fold, event.time, event.event_id, rules)
    if event.agent in rules.masking_agents:
        fold.masked_at, fold.masked_id = event.time, event.event_id
        if fold.episode is not None and fold.waived_at is None:
            fold.waived_at, fold.waived_id = event.time, event.event_id
    if event.agent in rules.push_dose_agents:
        fold.push_at, fold.push_id = event.time, event.event_id
    if event.agent in rules.oral_pressor_agents:
        fold.oral_pressor_at = event.time
    if rules.agent_class.get(event.agent) == "adjunct":
        fold.adjunct_at = event.time
    if event.agent in rules.anti_il6_agents:
        dose = Dose(event.time, event.event_id, fold.grade, event.agent)
        if fold.episode is not None and event.agent not in fold.first_doses:
            fold.first_doses = {**fold.first_doses, event.agent: dose}
        fold.doses = (*fold.doses[-(_DOSES_KEPT - 1) :], dose)
    if event.agent in rules.antipyretic_agents:
        fold.antipyretic_at = event.time
        fold.cooled = False
    if event.agent in rules.followed_agents:
        _count(fold, event)
    if event.intent == "premedication" and next_dose_follows(fold, rules):
        assert fold.therapy is not None
        called = dose_called(fold) + 1
        ask_before_dose(fold, event.time, event.event_id, fold.therapy, called, rules)
    _note_treatment(fold, event, rules)


def _count(fold: Fold, event: Medication) -> None:
    before = fold.given.get(event.agent)
    fold.given = {
        **fold.given,
        event.agent: Given(
            count=1 + (before.count if before else 0),
            times=(*(before.times if before else ())[-(_TIMES_KEPT - 1) :], event.time),
            last_id=event.event_id,
            dose=event.dose,
            unit=event.unit,
        ),
    }


def _note_treatment(fold: Fold, event: Medication, rules: Ruleset) -> None:
    """What Penn counts: intravenous treatment or nutrition, and clotting products."""
    if event.intent != "treatment":
        return
    if event.agent in rules.clotting_agents:
        fold.clotting_at = event.time
    intravenous = (event.route or "").casefold() in rules.intravenous_routes
    if event.agent in rules.nutrition_agents or (
        intravenous and event.agent not in rules.bolus_agents
    ):
        fold.iv_therapy_at = event.time


def of_class(fold: Fold, rules: Ruleset, name: str) -> list[tuple[str, Running]]:
    """The running agents of a class (`vasopressor`, `vasopressin`, `inotrope`, `adjunct`)."""
    return [(a, run) for a, run in fold.running.items() if rules.agent_class.get(a) == name]
