"""Infusions and single doses: what runs, what hides fever (rules R4, R9-R12, R23; section 3.2)."""

from __future__ import annotations

from stream.engine.events import Infusion, Medication
from stream.engine.fold import Dose, Fold, Running
from stream.engine.pressure import apply_bolus
from stream.engine.ruleset import Ruleset

_DOSES_KEPT = 8


def apply_infusion(fold: Fold, event: Infusion) -> None:
    """Active means: last charted rate above 0 and no stop. The dose is irrelevant to ASTCT."""
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
    if event.agent == "tocilizumab":
        dose = Dose(event.time, event.event_id, fold.grade)
        fold.doses = (*fold.doses[-(_DOSES_KEPT - 1) :], dose)


def of_class(fold: Fold, rules: Ruleset, name: str) -> list[tuple[str, Running]]:
    """The running agents of a class (`vasopressor`, `vasopressin`, `inotrope`, `adjunct`)."""
    return [(a, run) for a, run in fold.running.items() if rules.agent_class.get(a) == name]
