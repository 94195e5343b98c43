"""Looking at a patient without touching anything: the `assess` object and the `status` record."""

from __future__ import annotations

from typing import Any

from stream.engine import axes as axis
from stream.engine import picture
from stream.engine.axes import Axes
from stream.engine.context import Context
from stream.engine.course import advance, all_flags
from stream.engine.events import Micros
from stream.engine.fold import NEVER, Fold, Why
from stream.engine.intray import Intray
from stream.engine.outputs import rfc3339
from stream.engine.reasons import reason
from stream.engine.ruleset import Ruleset
from stream.engine.state import PatientState
from stream.engine.timers import reminders, was_said
from stream.engine.worsening import prompts


def assess(state: PatientState, ruleset: Ruleset, at: Micros | None = None) -> dict[str, Any]:
    """The contract's `assess` object, JSON-ready, at the patient's clock or at `at` if later.

    With `at` the timers due at that instant have run; without, they wait for the clock to move on.
    """
    now, time, context = looked_at(state, ruleset, at)
    seen = _graded(state, now, time, context)
    seen["scores"] = picture.scores(now, time, ruleset) if now.therapy is not None else {}
    seen["trends"] = picture.trends(now, ruleset)
    seen["iec_hs"] = picture.iec_hs(now, ruleset)
    seen["risk_window"] = picture.risk_window(now, time, ruleset)
    seen["prompts"] = prompts(now, time, ruleset)
    seen["timers"] = [
        {"timer": item.code, "due": rfc3339(item.due), "event_ids": list(item.event_ids)}
        for item in sorted(reminders(now, ruleset), key=lambda item: item.due)
        if not was_said(item, state.record.published)
    ]
    return seen


def looked_at(
    state: PatientState, ruleset: Ruleset, at: Micros | None = None
) -> tuple[Fold, Micros, Context]:
    """The fold at the patient's clock, or at `at` if later with its timers run; read only."""
    tray = Intray(state, ruleset)
    time = max(state.record.clock, at if at is not None else NEVER)
    now = tray.now
    if at is not None and time >= now.time:
        now = now.copy()
        advance(now, time, tray.context, inclusive=True)
    return now, time, tray.context


def _graded(state: PatientState, now: Fold, time: Micros, context: Context) -> dict[str, Any]:
    """What the grade and its axes are, as the contract lists it."""
    ruleset = context.rules
    measured = axis.measure(now, time, context)
    scoped = now.therapy is not None
    raw = now.raw if scoped else None
    if not scoped:
        whys: tuple[Why, ...] = ()
    else:
        whys = axis.whys(now, time, context, measured)
    candidate = now.candidate
    lost = {ruleset.stale[item.signal].flag for item in state.record.published.lost}
    return {
        "patient_id": state.record.patient_id,
        "at": rfc3339(time),
        "raw_grade": raw,
        "grade": now.grade if scoped else None,
        "candidate_grade": candidate.level if candidate is not None else None,
        "episode": now.episode,
        "flags": sorted(all_flags(now, time, context, measured) | lost | _horizon(state, ruleset)),
        "axes": _axes(now, measured),
        "scales": picture.scales(now, time, ruleset),
        "icans": now.icans if scoped else None,
        "scores": {},
        "reasons": [reason(why).to_wire() for why in whys],
    }


def status(state: PatientState, ruleset: Ruleset) -> dict[str, Any]:
    """The `status` record: the newest state of a patient, for boards and late joiners."""
    now, time, context = looked_at(state, ruleset)
    seen = _graded(state, now, time, context)
    seen["scores"] = picture.held_scores(now)
    seen["iec_hs"] = None if now.iec_hs is None else now.iec_hs.positive
    seen["updated"] = rfc3339(state.record.clock)
    seen["since"] = None if not now.history else rfc3339(now.history[-1].time)
    seen["therapy"] = None
    if now.therapy is not None:
        seen["therapy"] = {
            "product": now.product,
            "therapy_class": now.therapy_class,
            "dose_number": now.dose_number,
            "time": rfc3339(now.therapy),
        }
    seen["location"] = now.location
    seen["outcome"] = now.outcome
    seen["last_alert"] = state.record.published.last_alert
    seen["alarms"] = alarms(state)
    return seen


def alarms(state: PatientState) -> list[dict[str, Any]]:
    """The alarms that are not closed, in the order in which they were raised."""
    found = []
    for alarm in state.record.published.alarms.open:
        answer = alarm.shelf or alarm.answer
        found.append(
            {
                "alert": alarm.alert_id,
                "event": alarm.event,
                "subject": alarm.subject or None,
                "grade": alarm.grade or None,
                "priority": alarm.priority,
                "state": alarm.state,
                "step": alarm.step,
                "since": rfc3339(alarm.told),
                "by": None if answer is None else answer.by,
                "due": _time(alarm.due),
            }
        )
    return found


def _horizon(state: PatientState, ruleset: Ruleset) -> set[str]:
    refused = state.record.beyond_horizon
    if refused is not None and state.record.clock - refused < 2 * ruleset.horizon:
        return {"BEYOND_HORIZON"}
    return set()


def _axes(now: Fold, measured: Axes) -> dict[str, Any]:
    fever_since = now.temp_at if measured.fever else None
    pressure = max(measured.pressors, measured.hypotension)
    pressed: list[Micros] = []
    evidence: list[str] = []
    if measured.hypotension and now.low_confirmed is not None:
        pressed.append(now.low_confirmed)
        evidence += now.low_ids
    if measured.pressors:
        pressed += [run.since for run in now.running.values()]
        evidence += [run.start_id for run in now.running.values()]
    hypoxia_since = now.desat_confirmed if measured.provisional else now.device_since
    return {
        "fever": {
            "value": None if now.temp is None else round(now.temp, 2),
            "present": measured.fever,
            "since": _time(fever_since),
            "evidence": [now.temp_id] if now.temp_id else [],
        },
        "hypotension": {
            "value": pressure,
            "systolic": now.bp_systolic,
            "mean": None if now.bp_mean is None else round(now.bp_mean, 1),
            "vasopressors": sorted(now.running),
            "since": _time(min(pressed, default=None)),
            "evidence": [i for i in dict.fromkeys(evidence) if i],
        },
        "hypoxia": {
            "value": measured.hypoxia,
            "device": now.device,
            "flow_lpm": now.flow_lpm,
            "spo2": now.spo2,
            "since": _time(hypoxia_since if measured.hypoxia else None),
            "evidence": _hypoxia_evidence(now, measured),
        },
    }


def _hypoxia_evidence(now: Fold, measured: Axes) -> list[str]:
    if measured.provisional:
        return list(now.desat_ids)
    return [now.device_id] if measured.hypoxia and now.device_id else []


def _time(time: Micros | None) -> str | None:
    return None if time is None or time == NEVER else rfc3339(time)
