"""The three axes at one instant: fever, hypotension with vasopressors, hypoxia.

`measure` is what grading needs at every instant; `explain` adds flags and reasons and is called
only where something is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stream.engine.context import Context, Span
from stream.engine.drugs import of_class
from stream.engine.events import Micros
from stream.engine.fold import NEVER, Fold, Why
from stream.engine.native import mypyc_attr
from stream.engine.oxygenation import EXCLUDED, device_grade, flow_conflict, on_air
from stream.engine.pressure import in_conflict
from stream.engine.temperature import near_fever


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Axes:
    """Grades each axis alone would give (0, 2, 3, 4) and what was taken out of it."""

    fever: Final[bool]
    pressors: Final[int]
    hypotension: Final[int]
    hypoxia: Final[int]
    provisional: Final[bool]
    """Hypoxia rests on saturation alone, no device."""

    def __init__(
        self,
        fever: bool,
        pressors: int,
        hypotension: int,
        hypoxia: int,
        provisional: bool,
    ) -> None:
        self.fever = fever
        self.pressors = pressors
        self.hypotension = hypotension
        self.hypoxia = hypoxia
        self.provisional = provisional

    @property
    def support(self) -> int:
        """The worse of hypotension and hypoxia (Lee 2019; rules A3, R17)."""
        worst = max(self.pressors, self.hypotension)  # compiled, three at once are slow
        return max(worst, self.hypoxia)


def measure(fold: Fold, time: Micros, context: Context, ran: Micros | None = None) -> Axes:
    """The axes at `time`; staleness lowers nothing (contract, 8).

    `ran`: the instant up to which running times count, `time` unless given.
    """
    ran = time if ran is None else ran
    rules = context.rules
    pressors = 0
    if fold.running and context.attributed("vasopressor", time) is None:
        counted = of_class(fold, rules, "vasopressor")
        together = sum(1 for _, run in counted if ran - run.since >= rules.overlap)
        if together >= 2:
            pressors = rules.grades["multiple_vasopressors"]
        elif counted or of_class(fold, rules, "vasopressin"):
            pressors = rules.grades["one_vasopressor"]
    low = fold.low_confirmed is not None and context.attributed("hypotension", time) is None
    hypoxia, provisional = 0, False
    if context.attributed("hypoxia", time) is None:
        if fold.device_reason not in EXCLUDED or on_air(fold, rules):
            hypoxia = device_grade(fold, rules)
        on_air_grade = rules.grades["hypoxia_on_air"]
        if fold.desat_confirmed is not None and hypoxia < on_air_grade:
            hypoxia, provisional = on_air_grade, True
    fever = fold.temp_qualifies and context.attributed("fever", time) is None
    hypotension = rules.grades["hypotension"] if low else 0
    return Axes(fever, pressors, hypotension, hypoxia, provisional)


def masked(fold: Fold, context: Context) -> bool:
    """A drug that can hide fever was given around this therapy and no fever was seen since."""
    if fold.therapy is None:
        return False
    since = max(fold.therapy - context.rules.premedication, fold.last_closed)
    return fold.masked_at >= since


def push_dose_active(fold: Fold, time: Micros, context: Context) -> bool:
    """A push-dose vasopressor was given so recently that it makes a candidate (R12)."""
    return fold.push_at != NEVER and time - fold.push_at < context.rules.push_dose


def relative_active(fold: Fold, time: Micros, context: Context) -> bool:
    """The pressure has fallen far from the baseline, confirmed and not attributed (R8)."""
    return fold.relative_confirmed and context.attributed("hypotension", time) is None


def flags(fold: Fold, time: Micros, context: Context, axes: Axes) -> set[str]:
    """The codes on the patient at `time` (contract, "Flags"), candidates' codes excepted."""
    rules, found = context.rules, set()
    if fold.therapy is None:
        found.add("OUT_OF_SCOPE")
    _attribution_flags(fold, time, context, found)
    vasopressors = of_class(fold, rules, "vasopressor")
    if context.attributed("vasopressor", time) is None:
        if len(vasopressors) >= 2 and axes.pressors < rules.grades["multiple_vasopressors"]:
            found.add("AGENT_SWITCH")
        if not vasopressors and of_class(fold, rules, "vasopressin"):
            found.add("VASOPRESSIN_ONLY")
    if of_class(fold, rules, "inotrope"):
        found.add("INOTROPE")
    if of_class(fold, rules, "adjunct") or time - fold.adjunct_at < rules.oral_pressor:
        found.add("ADJUNCT")
    if any(rules.agent_class.get(a) in ("vasopressor", "vasopressin") for a in fold.zero_rate):
        found.add("ZERO_RATE")
    if fold.orphan_stop:
        found.add("ORPHAN_STOP")
    if time - fold.oral_pressor_at < rules.oral_pressor:
        found.add("ORAL_PRESSOR")
    if push_dose_active(fold, time, context):
        found.add("PUSH_DOSE")
    if relative_active(fold, time, context):
        found.add("REL_HYPOTENSION")
    if fold.low_since is not None and fold.low_confirmed is None:
        found.add("REPEAT_BP")
    if in_conflict(fold, time, rules):
        found.add("BP_SOURCE_CONFLICT")
    _oxygen_flags(fold, time, context, axes, found)
    if near_fever(fold, context):
        found.add("NEAR_FEVER_SITE")
    _bad_flags(fold, found)
    if fold.not_assessable:
        found.add("NOT_ASSESSABLE")
    if fold.ice_impaired:
        found.add("ICE_BASELINE")
    if fold.death_other:
        found.add("DEATH_OTHER")
    if fold.episode is not None:
        if fold.episode > 1:
            found.add("RECURRENT")
        if fold.late_onset:
            found.add("LATE_ONSET")
    return found


def _attribution_flags(fold: Fold, time: Micros, context: Context, found: set[str]) -> None:
    rules = context.rules
    feverish = fold.temp is not None and fold.temp >= rules.fever_c
    if feverish and (fold.temp_attributed or context.attributed("fever", time)):
        found.add("ATTR_FEVER")
    if fold.low_since is not None and context.attributed("hypotension", time):
        found.add("ATTR_HYPOTENSION")
    pressors = [
        a for a in fold.running if rules.agent_class.get(a) in ("vasopressor", "vasopressin")
    ]
    if pressors and context.attributed("vasopressor", time):
        found.add("ATTR_HYPOTENSION")
    hypoxic = device_grade(fold, rules) > 0 or fold.desat_confirmed is not None
    if hypoxic and context.attributed("hypoxia", time):
        found.add("ATTR_HYPOXIA")


def _oxygen_flags(fold: Fold, time: Micros, context: Context, axes: Axes, found: set[str]) -> None:
    rules = context.rules
    if fold.device is not None and not on_air(fold, rules):
        if fold.device_reason in EXCLUDED:
            found.add(EXCLUDED[fold.device_reason])
        else:
            if rules.devices[fold.device].mapped:
                found.add("DEVICE_MAPPED")
            if flow_conflict(fold, rules):
                found.add("FLOW_DEVICE_CONFLICT")
            if fold.o2_need_unverified:
                found.add("O2_NEED_UNVERIFIED")
        if time - fold.device_at >= rules.device_stale:
            found.add("STALE_DEVICE")
    if axes.provisional:
        found.add("HYPOXIA_NO_DEVICE")


def _bad_flags(fold: Fold, found: set[str]) -> None:
    """A rejected reading is flagged until a valid one of its signal follows."""
    for seen, bad, unit, flag in (
        (fold.temp_seen, fold.temp_bad, fold.temp_bad_unit, "IMPLAUSIBLE_TEMP"),
        (fold.bp_seen, fold.bp_bad, fold.bp_bad_unit, "IMPLAUSIBLE_BP"),
        (fold.spo2_seen, fold.spo2_bad, fold.spo2_bad_unit, "IMPLAUSIBLE_SPO2"),
    ):
        if bad >= seen and bad > 0:
            found.add(flag)
        if unit >= seen and unit > 0:
            found.add("UNIT_AMBIGUOUS")
    if fold.heart_rate_bad >= fold.heart_rate_seen and fold.heart_rate_bad > 0:
        found.add("IMPLAUSIBLE_HR")
    if fold.respiratory_rate_bad >= fold.respiratory_rate_seen and fold.respiratory_rate_bad > 0:
        found.add("IMPLAUSIBLE_RR")


def whys(fold: Fold, time: Micros, context: Context, axes: Axes) -> tuple[Why, ...]:
    """Why the axes are what they are, the worst axis first."""
    signs = [*_pressure_whys(fold, context, axes), *_hypoxia_whys(fold, context, axes)]
    signs.sort(key=lambda item: -item[0])
    found = [why for _, why in signs]
    if fold.death_crs:
        found.insert(0, Why("DEATH_CRS", (fold.outcome_id,)))
    if relative_active(fold, time, context):
        found.append(Why("RELATIVE_HYPOTENSION", fold.relative_ids, _pressure(fold)))
    if push_dose_active(fold, time, context):
        found.append(Why("PUSH_DOSE", (fold.push_id,)))
    if axes.fever:
        found.append(Why("FEVER", (fold.temp_id,), f"{fold.temp:g} Cel"))
    elif fold.episode is not None and fold.waived_at is not None:
        found.append(Why("FEVER_WAIVED", (fold.onset_id, fold.waived_id)))
    elif fold.episode is not None and fold.fever_at >= fold.onset:
        found.append(Why("FEVER_EARLIER", (fold.fever_id,)))
    for finding in ("fever", "hypotension", "vasopressor", "hypoxia"):
        span: Span | None = context.attributed(finding, time)
        if span is not None:
            found.append(Why("ATTRIBUTED", (span.event_id,), finding))
    return tuple(found)


def _pressure_whys(fold: Fold, context: Context, axes: Axes) -> list[tuple[int, Why]]:
    counted = of_class(fold, context.rules, "vasopressor")
    agents = [*counted, *of_class(fold, context.rules, "vasopressin")]
    names = ", ".join(sorted(agent for agent, _ in agents))
    ids = tuple(dict.fromkeys(i for _, run in agents for i in (run.start_id, run.seen_id)))
    found: list[tuple[int, Why]] = []
    if axes.pressors:
        code = "ONE_VASOPRESSOR" if counted else "VASOPRESSIN_ONLY"
        if axes.pressors == context.rules.grades["multiple_vasopressors"]:
            code = "MULTIPLE_VASOPRESSORS"
        found.append((axes.pressors, Why(code, ids, names)))
    if axes.hypotension:
        found.append((axes.hypotension, Why("HYPOTENSION", fold.low_ids, _pressure(fold))))
    return found


def _hypoxia_whys(fold: Fold, context: Context, axes: Axes) -> list[tuple[int, Why]]:
    if axes.hypoxia and axes.provisional:
        return [(axes.hypoxia, Why("HYPOXIA_ON_AIR", fold.desat_ids, f"{fold.spo2:g} %"))]
    if not axes.hypoxia:
        return []
    rules = context.rules
    code = "POSITIVE_PRESSURE"
    if axes.hypoxia <= rules.flow_high_grade:
        low = axes.hypoxia <= rules.flow_low_grade
        code = "LOW_FLOW_OXYGEN" if low else "HIGH_FLOW_OXYGEN"
    flow = "" if fold.flow_lpm is None else f" {fold.flow_lpm:g} L/min"
    return [(axes.hypoxia, Why(code, (fold.device_id,), f"{fold.device}{flow}"))]


def _pressure(fold: Fold) -> str:
    parts = []
    if fold.bp_systolic is not None:
        dia = "" if fold.bp_diastolic is None else f"/{fold.bp_diastolic:g}"
        parts.append(f"{fold.bp_systolic:g}{dia} mm[Hg]")
    if fold.bp_mean is not None:
        parts.append(f"mean {fold.bp_mean:.0f}")
    return ", ".join(parts)
