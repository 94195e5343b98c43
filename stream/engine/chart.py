"""One instant of the chart: every fact of that instant applied, then one conclusion.

Facts of one instant are taken in a fixed order (profile, therapy, drugs, oxygen, blood gas,
vitals, neuro, outcome), so the order in which they arrived does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from stream.engine.context import Context
from stream.engine.course import evaluate
from stream.engine.drugs import apply_infusion, apply_medication
from stream.engine.events import (
    Infusion,
    Lab,
    Medication,
    Micros,
    Neuro,
    Outcome,
    Oxygen,
    Patient,
    PatientEvent,
    Reading,
    Therapy,
    Vitals,
)
from stream.engine.fold import Fold
from stream.engine.icans import apply_neuro
from stream.engine.next_dose import ask_before_dose
from stream.engine.oxygenation import apply_blood_gas, apply_oxygen, apply_saturations
from stream.engine.pressor_dose import track_doses
from stream.engine.pressure import Frame, apply_pressures, freeze_baseline
from stream.engine.results import apply_result, keep_baseline
from stream.engine.risks import unlatched
from stream.engine.ruleset import Ruleset
from stream.engine.temperature import apply_temperatures

RANK: Final[dict[type, int]] = {
    Patient: 0,
    Therapy: 1,
    Medication: 2,
    Infusion: 3,
    Oxygen: 4,
    Lab: 5,
    Vitals: 6,
    Neuro: 7,
    Outcome: 8,
}
"""Order within an instant; what has no rank (an acknowledgement) concludes nothing."""

_LEFT: Final = ("discharged", "transferred")
_BEDSIDE: Final = (Vitals, Oxygen, Infusion, Medication, Neuro)
_YEAR_DAYS: Final = 365.2425


def apply_instant(
    fold: Fold, time: Micros, events: Sequence[PatientEvent], context: Context
) -> None:
    """Apply the events of one instant, already in order, and evaluate once."""
    if fold.outcome in _LEFT and any(isinstance(event, _BEDSIDE) for event in events):
        fold.outcome = None  # discharged or transferred, and monitored again
    vitals: list[Vitals] = []
    for event in events:
        if isinstance(event, Vitals):
            vitals.append(event)
        else:
            _apply(fold, time, event, context)
    if vitals:
        _apply_vitals(fold, time, vitals, context)
    for event in events:
        if isinstance(event, Neuro):
            apply_neuro(fold, event, context)
        elif isinstance(event, Outcome):
            _apply_outcome(fold, event)
    evaluate(fold, time, context, settle=False)


def _apply(fold: Fold, time: Micros, event: PatientEvent, context: Context) -> None:
    rules = context.rules
    if isinstance(event, Patient):
        _apply_patient(fold, time, event, rules)
    elif isinstance(event, Therapy):
        if fold.first_therapy is None:
            fold.first_therapy = event.time
            freeze_baseline(fold, event.time, rules)
        if fold.therapy is None or event.time >= fold.therapy:
            row = rules.products.named(event.product)
            name = event.product if row is None else row.name
            fold.product_doses = fold.product_doses + 1 if name == fold.product_name else 1
            fold.product_name = name
            fold.product_class = event.therapy_class if row is None else row.therapy_class
            fold.therapy_before = fold.therapy
            fold.risks = unlatched(fold, rules)
            if fold.therapy is not None:
                called = event.dose_number or fold.product_doses
                ask_before_dose(fold, event.time, event.event_id, fold.therapy, called, rules)
            # a course of another product has a baseline of its own, unless one is still going on
            new_course = fold.therapy is None or (fold.product_doses == 1 and fold.episode is None)
            fold.therapy, fold.therapy_id = event.time, event.event_id
            fold.product, fold.therapy_class = event.product, event.therapy_class
            fold.dose_number = event.dose_number
            if new_course:
                keep_baseline(fold, rules)
        fold.outcome = None if fold.outcome != "death" else fold.outcome
    elif isinstance(event, Medication):
        apply_medication(fold, event, rules)
    elif isinstance(event, Infusion):
        apply_infusion(fold, event, rules)
    elif isinstance(event, Oxygen):
        apply_oxygen(fold, event, rules)
    elif isinstance(event, Lab):
        _apply_lab(fold, time, event, context)


def _apply_patient(fold: Fold, time: Micros, event: Patient, rules: Ruleset) -> None:
    if event.birth_date is not None:
        fold.birth_date = event.birth_date
    if event.age_years is not None:
        fold.age_years = event.age_years
    elif event.birth_date is not None:
        born = date.fromisoformat(event.birth_date)
        today = datetime.fromtimestamp(time / 1e6, tz=UTC).date()
        fold.age_years = max(0.0, (today - born).days / _YEAR_DAYS)
    if event.weight_kg is not None:
        fold.weight_kg = event.weight_kg
        if fold.running:
            track_doses(fold, time, rules)
    if event.baseline_ice is not None:
        fold.baseline_ice = event.baseline_ice
    if event.hospitalised_for_crs is not None:
        fold.hospitalised_for_crs = event.hospitalised_for_crs
    if event.spo2_scale is not None:
        fold.spo2_scale, fold.spo2_scale_at = event.spo2_scale, time
        fold.spo2_scale_id = event.event_id
    if event.baseline_systolic is not None:
        fold.baseline_charted = event.baseline_systolic
    if event.location is not None:
        fold.location = event.location


def _apply_lab(fold: Fold, time: Micros, event: Lab, context: Context) -> None:
    """Of the labs only a blood gas bears on the ASTCT grade (R20)."""
    rules = context.rules
    apply_result(fold, time, event, rules)
    low, high = rules.plausible["spo2"]
    usable = event.usable and event.unit == "%" and low <= event.value <= high
    if event.analyte == "sao2" and usable:
        apply_blood_gas(fold, time, event.value, event.event_id, rules)


def _apply_vitals(fold: Fold, time: Micros, events: list[Vitals], context: Context) -> None:
    temperatures: list[tuple[Reading, str]] = []
    saturations: list[tuple[Reading, str]] = []
    line: Frame | None = None
    cuff: Frame | None = None
    for event in events:
        for reading in event.readings:
            signal = reading.signal
            if signal == "temperature":
                temperatures.append((reading, event.event_id))
            elif signal == "spo2":
                saturations.append((reading, event.event_id))
            elif signal == "heart_rate":
                fold.heart_rate, fold.heart_rate_seen = reading.value, time
                fold.heart_rate_id = event.event_id
            elif signal == "respiratory_rate":
                fold.respiratory_rate, fold.respiratory_rate_seen = reading.value, time
                fold.respiratory_rate_id = event.event_id
            elif reading.method == "arterial_line":
                line = line or Frame(line=True)
                line.take(reading, event.event_id)
            else:
                cuff = cuff or Frame(line=False)
                cuff.take(reading, event.event_id)
        for bad in event.bad:
            _mark_bad(fold, time, bad.signal, bad.code)
    if temperatures:
        apply_temperatures(fold, time, temperatures, context)
    if line is not None or cuff is not None:
        apply_pressures(fold, time, line, cuff, context.rules)
    if saturations:
        apply_saturations(fold, time, saturations, context.rules)


_BAD_FIELD: Final = {
    "temperature": "temp_bad",
    "systolic_bp": "bp_bad",
    "diastolic_bp": "bp_bad",
    "mean_bp": "bp_bad",
    "spo2": "spo2_bad",
    "heart_rate": "heart_rate_bad",
    "respiratory_rate": "respiratory_rate_bad",
}
_UNIT_CODES: Final = ("unit_missing", "unknown_unit", "unit_mismatch")


def _mark_bad(fold: Fold, time: Micros, signal: str | None, code: str) -> None:
    if signal is None:
        return
    name = _BAD_FIELD[signal]
    if code == "implausible_value":
        setattr(fold, name, time)
    elif code in _UNIT_CODES and hasattr(fold, f"{name}_unit"):
        setattr(fold, f"{name}_unit", time)


def _apply_outcome(fold: Fold, event: Outcome) -> None:
    fold.outcome, fold.outcome_id = event.outcome, event.event_id
    if event.outcome == "death":
        fold.death_crs = event.cause == "crs"
        fold.death_other = event.cause == "other"
