"""Readings that cannot be: set aside alone, with a code, before anything is concluded from them.

Reference: section 4 of the clinical reference (hard limits, arterial artefacts), rule R22. What is
set aside stays on record as a `BadReading`, so that the patient carries the flag; the shell makes a
dead letter of each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

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
from stream.engine.laboratory import LabRule
from stream.engine.outputs import Rejection
from stream.engine.pressor_dose import beyond_limit, is_per_kg, wrong_kind
from stream.engine.ruleset import Ruleset

SATURATION_UNIT: Final = "%"
"""Of a blood gas; a fraction is refused and not converted, as every other unit."""


def screened(
    event: PatientEvent, rules: Ruleset, weight_kg: float | None = None
) -> tuple[PatientEvent, tuple[Rejection, ...]]:
    """The event with what can be used of it, and a rejection for each part that cannot.

    `weight_kg` is what is known so far: it bears on the rejections only, never on the event, which
    must not depend on what arrived before it.
    """
    if isinstance(event, Vitals):
        return _vitals(event, rules)
    if isinstance(event, Oxygen):
        return _oxygen(event, rules)
    if isinstance(event, Infusion):
        return _dose(event, rules, weight_kg)
    if isinstance(event, Lab):
        return _lab(event, rules)
    return event, ()


def _rejection(event: Event, code: str, detail: str) -> Rejection:
    return Rejection(event.event_id, event.patient_id, code, detail)


def _vitals(event: Vitals, rules: Ruleset) -> tuple[Vitals, tuple[Rejection, ...]]:
    bad: list[BadReading] = []
    aside: list[Reading] = []
    lines: list[Reading] = []
    cuffs: list[Reading] = []
    for reading in event.readings:
        low, high = rules.plausible[reading.signal]
        if reading.quality == "bad":
            aside.append(reading)
            bad.append(BadReading(reading.signal, "quality_bad", f"{reading.signal}: quality bad"))
            continue
        if not low <= reading.value <= high:
            detail = (
                f"{reading.signal} = {reading.value:g}: expected {low:g} to {high:g}; "
                "check the value and its unit, then send it again with a new event_id"
            )
            aside.append(reading)
            bad.append(BadReading(reading.signal, "implausible_value", detail))
            continue
        if reading.signal in ("systolic_bp", "diastolic_bp", "mean_bp"):
            if reading.method == "arterial_line":
                lines.append(reading)
            else:
                cuffs.append(reading)
    wrong_lines = _fault(lines, rules, line=True) if lines else ""
    wrong_cuffs = _fault(cuffs, rules, line=False) if len(cuffs) > 1 else ""
    if not (bad or wrong_lines or wrong_cuffs):
        return event, ()
    good = [reading for reading in event.readings if not _among(reading, aside)]
    if wrong_lines:
        _set_aside(lines, wrong_lines, good, bad)
    if wrong_cuffs:
        _set_aside(cuffs, wrong_cuffs, good, bad)
    # what the edge set aside was reported there; only what was found here is reported here
    rejections = tuple(_rejection(event, item.code, item.detail) for item in bad)
    return replace(event, readings=tuple(good), bad=(*event.bad, *bad)), rejections


_MEAN_ALONE: Final = "mean_bp "
"""What is wrong with the mean pressure begins so; the other pressures beside it count."""


def _fault(group: list[Reading], rules: Ruleset, *, line: bool) -> str:
    """What is wrong with the pressures of one event and one kind of source, judged together."""
    systolic: float | None = None
    diastolic: float | None = None
    mean: float | None = None
    for reading in group:
        if reading.signal == "systolic_bp":
            systolic = reading.value
        elif reading.signal == "diastolic_bp":
            diastolic = reading.value
        else:
            mean = reading.value
    if systolic is not None and diastolic is not None and diastolic >= systolic:
        return f"diastolic_bp {diastolic:g} is not below systolic_bp {systolic:g}"
    if line and systolic is not None and systolic > rules.arterial_flush_mmhg:
        return f"systolic_bp {systolic:g} on an arterial line reads as a flush"
    if (
        line
        and systolic is not None
        and diastolic is not None
        and systolic - diastolic < rules.arterial_pulse_pressure_mmhg
    ):
        return f"pulse pressure {systolic - diastolic:g} on an arterial line reads as an artefact"
    if mean is not None and (
        (systolic is not None and mean > systolic) or (diastolic is not None and mean < diastolic)
    ):
        return f"{_MEAN_ALONE}{mean:g} lies outside diastolic to systolic"
    return ""


def _set_aside(group: list[Reading], why: str, good: list[Reading], bad: list[BadReading]) -> None:
    alone = why.startswith(_MEAN_ALONE)
    for reading in group:
        if not alone or reading.signal == "mean_bp":
            good.remove(reading)
            detail = f"{why}; repeat the measurement"
            bad.append(BadReading(reading.signal, "implausible_value", detail))


def _among(reading: Reading, others: list[Reading]) -> bool:
    """Whether it is one of these, not only equal to one."""
    return any(reading is other for other in others)


def _oxygen(event: Oxygen, rules: Ruleset) -> tuple[Oxygen, tuple[Rejection, ...]]:
    flow = event.flow_lpm
    if flow is None or 0 <= flow <= rules.flow_max_lpm:
        return event, ()
    detail = (
        f"flow_lpm = {flow:g}: expected 0 to {rules.flow_max_lpm:g} L/min; the device counts, "
        "the flow does not: chart it again"
    )
    return replace(event, flow_lpm=None), (_rejection(event, "implausible_value", detail),)


def _dose(
    event: Infusion, rules: Ruleset, weight_kg: float | None
) -> tuple[Infusion, tuple[Rejection, ...]]:
    """A dose beyond the limit is reported; the agent still counts as running (section 3.2).

    What depends on the weight is marked in the fold (`stream.engine.pressor_dose.dose_of`).
    """
    if event.agent not in rules.dose_limits or event.action == "stop" or event.rate <= 0:
        return event, ()
    limit, unit = rules.dose_limits[event.agent]
    said = f"{event.agent} {event.rate:g} {event.unit}"
    runs = "the agent counts as running, the dose does not"
    if wrong_kind(event.agent, event.unit, rules):
        detail = (
            f"{said}: expected a unit that can become {unit}; {runs}: map the unit at the source, "
            "then send the dose again with a new event_id"
        )
        return replace(event, usable=False), (_rejection(event, "unit_mismatch", detail),)
    if not beyond_limit(event.agent, event, rules, weight_kg):
        return event, ()
    weighed = is_per_kg(event.unit) != is_per_kg(unit)
    by = ""
    if weighed:
        known = "no weight on record, judged by" if weight_kg is None else "at"
        by = f" ({known} {weight_kg or rules.ceiling_weight_kg:g} kg)"
    detail = (
        f"{said}: above {limit:g} {unit}{by}; {runs}: check the unit (base or salt, per kg or "
        "not, /h or /min)"
    )
    event = event if weighed else replace(event, usable=False)
    return event, (_rejection(event, "implausible_dose", detail),)


def _lab(event: Lab, rules: Ruleset) -> tuple[Lab, tuple[Rejection, ...]]:
    """A result in a unit that its analyte cannot have, or beyond what can be, is not used."""
    if event.analyte == "sao2":
        return _saturation(event, rules)
    rule = rules.labs.get(event.analyte)
    if rule is None:
        return event, ()
    value = rule.converted(event.value, event.unit)
    if value is None:
        return _not_used(event, "unit_mismatch", _expected(event, ", ".join(rule.factors)))
    if not rule.is_plausible(value):
        return _not_used(event, "implausible_value", _outside(event, rule.plausible, rule.unit))
    return _limits(event, rule)


def _not_used(event: Lab, code: str, detail: str) -> tuple[Lab, tuple[Rejection, ...]]:
    return replace(event, usable=False), (_rejection(event, code, detail),)


def _expected(event: Lab, units: str) -> str:
    return (
        f"{event.analyte} in {event.unit!r}: expected one of {units}; none is guessed: "
        "map the unit at the source, then send the result again with a new event_id"
    )


def _outside(event: Lab, plausible: tuple[float, float], unit: str) -> str:
    low, high = plausible
    return (
        f"{event.analyte} = {event.value:g} {event.unit}: expected {low:g} to {high:g} {unit}; "
        "check the value and its unit, then send it again with a new event_id"
    )


def _saturation(event: Lab, rules: Ruleset) -> tuple[Lab, tuple[Rejection, ...]]:
    """A blood gas goes with the oxygen signals: the unit and the limits are those of SpO2."""
    if event.unit != SATURATION_UNIT:
        return _not_used(event, "unit_mismatch", _expected(event, SATURATION_UNIT))
    low, high = rules.plausible["spo2"]
    if not low <= event.value <= high:
        detail = _outside(event, (low, high), SATURATION_UNIT)
        return _not_used(event, "implausible_value", detail)
    return event, ()


def _limits(event: Lab, rule: LabRule) -> tuple[Lab, tuple[Rejection, ...]]:
    """Limits of a reference range that cannot be count as not sent; the result itself counts."""
    upper, lower = event.upper_limit, event.lower_limit
    factor, most = rule.factors[event.unit], rule.plausible[1]
    wrong = set()
    # a lower limit of 0 is charted for much that is never below a detection limit
    if upper is not None and not (upper > 0 and rule.is_plausible(upper * factor)):
        wrong.add("upper_limit")
    if lower is not None and not 0 <= lower * factor <= most:
        wrong.add("lower_limit")
    if upper is not None and lower is not None and lower > upper:
        wrong = {"upper_limit", "lower_limit"}  # which of the two is wrong is not known
    if not wrong:
        return event, ()
    sent = " and ".join(f"{name} = {getattr(event, name):g}" for name in sorted(wrong))
    detail = (
        f"{event.analyte}: {sent} {event.unit} cannot be a limit of the reference range; the "
        "result counts, by the usual limits where there are any: check the range and its unit, "
        "then send a correction with a new event_id and `replaces`"
    )
    return (
        replace(
            event,
            upper_limit=None if "upper_limit" in wrong else upper,
            lower_limit=None if "lower_limit" in wrong else lower,
        ),
        (_rejection(event, "implausible_value", detail),),
    )
