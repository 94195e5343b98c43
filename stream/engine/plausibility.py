"""Readings that cannot be: set aside alone, with a code, before anything is concluded from them.

Reference: section 4 of the clinical reference (hard limits, arterial artefacts), rule R22. What is
set aside stays on record as a `BadReading`, so that the patient carries the flag; the shell makes a
dead letter of each.
"""

from __future__ import annotations

from dataclasses import replace

from stream.engine.events import (
    BadReading,
    Event,
    Infusion,
    Lab,
    Oxygen,
    PatientEvent,
    Reading,
    Vitals,
)
from stream.engine.outputs import Rejection
from stream.engine.ruleset import Ruleset

_TO_PER_KG_MIN = {"ug/kg/min": 1.0, "ng/kg/min": 1e-3, "mg/kg/h": 1000 / 60}
_TO_UNITS_MIN = {"U/min": 1.0, "U/h": 1 / 60}
_SCALES = {"ug/kg/min": _TO_PER_KG_MIN, "U/min": _TO_UNITS_MIN}


def screened(event: PatientEvent, rules: Ruleset) -> tuple[PatientEvent, tuple[Rejection, ...]]:
    """The event with what can be used of it, and a rejection for each part that cannot."""
    if isinstance(event, Vitals):
        return _vitals(event, rules)
    if isinstance(event, Oxygen):
        return _oxygen(event, rules)
    if isinstance(event, Infusion):
        return _dose(event, rules)
    if isinstance(event, Lab):
        return _lab(event, rules)
    return event, ()


def _rejection(event: Event, code: str, detail: str) -> Rejection:
    return Rejection(event.event_id, event.patient_id, code, detail)


def _vitals(event: Vitals, rules: Ruleset) -> tuple[Vitals, tuple[Rejection, ...]]:
    bad: list[BadReading] = []
    good: list[Reading] = []
    lines: list[Reading] = []
    cuffs: list[Reading] = []
    for reading in event.readings:
        low, high = rules.plausible[reading.signal]
        if reading.quality == "bad":
            bad.append(BadReading(reading.signal, "quality_bad", f"{reading.signal}: quality bad"))
            continue
        if not low <= reading.value <= high:
            detail = (
                f"{reading.signal} = {reading.value:g}: expected {low:g} to {high:g}; "
                "check the value and its unit, then send it again with a new event_id"
            )
            bad.append(BadReading(reading.signal, "implausible_value", detail))
            continue
        good.append(reading)
        if reading.signal in _PRESSURES:
            (lines if reading.method == "arterial_line" else cuffs).append(reading)
    for group in (lines, cuffs):
        if len(group) > 1 or group is lines:
            _screen_pressures(group, good, bad, rules)
    if not bad:
        return event, ()
    # what the edge set aside was reported there; only what was found here is reported here
    rejections = tuple(_rejection(event, item.code, item.detail) for item in bad)
    return replace(event, readings=tuple(good), bad=(*event.bad, *bad)), rejections


_PRESSURES = frozenset({"systolic_bp", "diastolic_bp", "mean_bp"})


def _screen_pressures(
    group: list[Reading], good: list[Reading], bad: list[BadReading], rules: Ruleset
) -> None:
    """Pressures of one event and one kind of source (line or cuff) are judged together."""
    value = {reading.signal: reading.value for reading in group}
    line = bool(group) and group[0].method == "arterial_line"
    systolic, diastolic = value.get("systolic_bp"), value.get("diastolic_bp")
    mean = value.get("mean_bp")
    why, drop = "", group
    if systolic is not None and diastolic is not None and diastolic >= systolic:
        why = f"diastolic_bp {diastolic:g} is not below systolic_bp {systolic:g}"
    elif line and systolic is not None and systolic > rules.arterial_flush_mmhg:
        why = f"systolic_bp {systolic:g} on an arterial line reads as a flush"
    elif (
        line
        and systolic is not None
        and diastolic is not None
        and systolic - diastolic < rules.arterial_pulse_pressure_mmhg
    ):
        why = f"pulse pressure {systolic - diastolic:g} on an arterial line reads as an artefact"
    elif mean is not None and (
        (systolic is not None and mean > systolic) or (diastolic is not None and mean < diastolic)
    ):
        why = f"mean_bp {mean:g} lies outside diastolic to systolic"
        drop = [reading for reading in group if reading.signal == "mean_bp"]
    if why:
        for reading in drop:
            good.remove(reading)
            detail = f"{why}; repeat the measurement"
            bad.append(BadReading(reading.signal, "implausible_value", detail))


def _oxygen(event: Oxygen, rules: Ruleset) -> tuple[Oxygen, tuple[Rejection, ...]]:
    flow = event.flow_lpm
    if flow is None or 0 <= flow <= rules.flow_max_lpm:
        return event, ()
    detail = (
        f"flow_lpm = {flow:g}: expected 0 to {rules.flow_max_lpm:g} L/min; the device counts, "
        "the flow does not: chart it again"
    )
    return replace(event, flow_lpm=None), (_rejection(event, "implausible_value", detail),)


def _dose(event: Infusion, rules: Ruleset) -> tuple[Infusion, tuple[Rejection, ...]]:
    """A dose beyond the limit is reported; the agent still counts as running (section 3.2)."""
    if event.agent not in rules.dose_limits:
        return event, ()
    limit, unit = rules.dose_limits[event.agent]
    scale = _SCALES.get(unit, {}).get(event.unit)
    share = rules.base_of_salt.get(event.agent, 1.0) if event.expressed_as == "salt" else 1.0
    if scale is None or event.rate * scale * share <= limit:
        return event, ()
    detail = (
        f"{event.agent} {event.rate:g} {event.unit}: above {limit:g} {unit}; the agent counts as "
        "running, the dose does not: check the unit (base or salt, per kg or not, /h or /min)"
    )
    return replace(event, usable=False), (_rejection(event, "implausible_dose", detail),)


def _lab(event: Lab, rules: Ruleset) -> tuple[Lab, tuple[Rejection, ...]]:
    """A result in a unit that its analyte cannot have, or beyond what can be, is not used."""
    rule = rules.labs.get(event.analyte)
    if rule is None:
        return event, ()
    value = rule.converted(event.value, event.unit)
    if value is None:
        known = ", ".join(rule.factors)
        detail = (
            f"{event.analyte} in {event.unit!r}: expected one of {known}; none is guessed: "
            "map the unit at the source, then send the result again with a new event_id"
        )
        return replace(event, usable=False), (_rejection(event, "unit_mismatch", detail),)
    low, high = rule.plausible
    if low <= value <= high:
        return event, ()
    detail = (
        f"{event.analyte} = {event.value:g} {event.unit}: expected {low:g} to {high:g} "
        f"{rule.unit}; check the value and its unit, then send it again with a new event_id"
    )
    return replace(event, usable=False), (_rejection(event, "implausible_value", detail),)
