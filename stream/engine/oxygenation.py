"""Hypoxia: the device that is needed, and saturation on air (rules R13-R16, R18; section 3.4)."""

from __future__ import annotations

from typing import Final

from stream.engine.events import Micros, Oxygen, Reading
from stream.engine.fold import NEVER, Fold
from stream.engine.ruleset import Ruleset

EXCLUDED: Final = {
    "airway_protection": "AIRWAY_ONLY",
    "procedure": "PROCEDURE_ONLY",
    "home": "HOME_DEVICE",
}
"""Charted reasons that keep a device out of the grade (Lee 2019; rule R16), and their flags."""


def apply_oxygen(fold: Fold, event: Oxygen, rules: Ruleset) -> None:
    """A charted device is the requirement from then on."""
    same = (event.device, event.flow_lpm, event.reason) == (
        fold.device,
        fold.flow_lpm,
        fold.device_reason,
    )
    was_on_air = on_air(fold, rules)
    if not same:
        fold.device_since = event.time
    fold.device, fold.flow_lpm, fold.fio2 = event.device, event.flow_lpm, event.fio2
    fold.device_reason, fold.device_at, fold.device_id = event.reason, event.time, event.event_id
    if on_air(fold, rules):
        fold.o2_need_unverified = False
    else:
        fold.desat_since = fold.desat_confirmed = None
        fold.desat_ids = ()
        if was_on_air:
            fold.o2_need_unverified = event.time - fold.air_good_at <= rules.o2_need_window


def on_air(fold: Fold, rules: Ruleset) -> bool:
    """No device charted, room air, or a nasal device with the flow at 0."""
    if fold.device is None:
        return True
    kind = rules.devices[fold.device].kind
    return kind == "air" or (kind in ("low_flow", "high_flow") and fold.flow_lpm == 0)


def device_grade(fold: Fold, rules: Ruleset) -> int:
    """The grade of the charted device, whatever its reason: 0, 2, 3 or 4 (Lee 2019, table)."""
    if fold.device is None or on_air(fold, rules):
        return 0
    rule = rules.devices[fold.device]
    if rule.kind == "fixed" or fold.flow_lpm is None:
        return rule.grade
    above = fold.flow_lpm > rules.flow_boundary_lpm or (
        rules.flow_boundary_inclusive and fold.flow_lpm == rules.flow_boundary_lpm
    )
    return rules.flow_high_grade if above else rules.flow_low_grade


def flow_conflict(fold: Fold, rules: Ruleset) -> bool:
    """A high-flow device at a low flow: the flow decides, and that is flagged (section 1.2)."""
    return (
        fold.device is not None
        and rules.devices[fold.device].kind == "high_flow"
        and fold.flow_lpm is not None
        and device_grade(fold, rules) == rules.flow_low_grade
    )


def apply_saturations(
    fold: Fold, time: Micros, readings: list[tuple[Reading, str]], rules: Ruleset
) -> None:
    """Take in the valid SpO2 values of one instant, percent; the lowest one counts."""
    lowest: Reading | None = None
    event_id = ""
    for reading, of_event in readings:
        usable = reading.quality != "suspect" or reading.value < rules.spo2_low
        if usable and (lowest is None or reading.value < lowest.value):
            lowest, event_id = reading, of_event
    if lowest is None:
        return
    fold.spo2_seen = time
    if fold.sao2_at != NEVER and time - fold.sao2_at <= rules.sao2_override:
        return
    gap = rules.spo2_continuous_min if lowest.method == "continuous" else rules.pair_min_gap
    _track(fold, time, lowest.value, event_id, gap, rules)


def apply_blood_gas(fold: Fold, time: Micros, sao2: float, event_id: str, rules: Ruleset) -> None:
    """SaO2 of a blood gas, percent: overrides SpO2 around it (PMC9178439)."""
    fold.sao2_at = time
    _track(fold, time, sao2, event_id, rules.pair_min_gap, rules)


def _track(
    fold: Fold, time: Micros, value: float, event_id: str, gap: Micros, rules: Ruleset
) -> None:
    fold.spo2, fold.spo2_id = value, event_id
    if not on_air(fold, rules):
        return
    if value >= rules.o2_need_spo2:
        fold.air_good_at = time
    if value >= rules.spo2_low:
        fold.desat_since = fold.desat_confirmed = None
        fold.desat_ids = ()
        return
    if fold.desat_confirmed is None:
        if fold.desat_since is None or time - fold.desat_last > rules.spo2_pair:
            fold.desat_since, fold.desat_ids = time, (event_id,)
        else:
            fold.desat_ids = (fold.desat_ids[0], event_id)
            if time - fold.desat_since >= gap:
                fold.desat_confirmed = time
    fold.desat_last = time
