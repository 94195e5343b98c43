"""The picture beside the grade, JSON-ready: scales, scores, trends, IEC-HS screen, risk window."""

from __future__ import annotations

from typing import Any

from stream.engine.events import Micros
from stream.engine.fold import NEVER, Fold, LabValue
from stream.engine.next_dose import dose_called, product_of
from stream.engine.outputs import rfc3339
from stream.engine.pressor_dose import dose_of
from stream.engine.risks import applies, charted, inputs_of
from stream.engine.ruleset import SECOND, Ruleset
from stream.engine.scales import held_answers, shown_scales
from stream.engine.scores import evaluate, partial


def scales(now: Fold, time: Micros, rules: Ruleset) -> dict[str, int | list[int] | None]:
    """Every scale's grade, as emitted; null where it does not apply to the patient."""
    if now.therapy is None:
        names = [scale.name for scale in rules.scales.rows if not scale.products]
        return {rules.scale: None, **dict.fromkeys(names)}
    found = shown_scales(held_answers(now, time, rules.down))
    others = {
        scale.name: found.get(scale.name)
        for scale in rules.scales.rows
        if scale.name in found or not scale.products
    }
    return {rules.scale: now.grade, **others}


def scores(now: Fold, time: Micros, rules: Ruleset) -> dict[str, Any]:
    """Each score that suits the patient: value or limits, band, inputs with ages, what is missing.

    An input that is too old counts as missing and is shown with its age all the same.
    """
    shown: dict[str, Any] = {}
    chart = charted(now, rules)
    for definition in rules.scores.values():
        if not applies(now, definition, rules):
            continue
        units = {item.name: item.unit for item in definition.inputs}
        values, inputs, old = {}, [], []
        for name, each, fresh in inputs_of(now, time, definition, chart):
            inputs.append(
                {
                    "name": name,
                    "value": each.value,
                    "unit": units[name],
                    "at": rfc3339(each.at),
                    "age_s": max(0, time - each.at) // SECOND,
                    "event_id": each.event_id,
                }
            )
            if fresh:
                values[name] = each.value
            else:
                old.append(name)
        result = partial(definition, values)
        shown[definition.name] = {
            "value": result.value,
            "at_least": result.lowest,
            "at_most": result.highest,
            "band": result.band or None,
            "unit": definition.unit,
            "inputs": inputs,
            "missing": list(result.missing),
            "too_old": old,
            "caution": definition.caution,
        }
    if (equivalent := vasopressor_equivalent(now, time, rules)) is not None:
        shown["nee"] = equivalent
    return shown


def vasopressor_equivalent(now: Fold, time: Micros, rules: Ruleset) -> dict[str, Any] | None:
    """The norepinephrine equivalent of what runs (Goradia 2021), for trends; null where none runs.

    Not the equivalents of the Lee and Penn scales. An agent without a known dose is missing.
    """
    definition = rules.scores.get("nee")
    running = {
        agent: run
        for agent, run in now.running.items()
        if rules.agent_class.get(agent) in ("vasopressor", "vasopressin")
    }
    if definition is None or not running:
        return None
    values: dict[str, Any] = {}
    missing = []
    for agent, run in sorted(running.items()):
        item = definition.input(agent)
        dose = None if item is None else dose_of(agent, run, item.unit, rules, now.weight_kg)
        if dose is None:
            missing.append(agent)
        else:
            values[agent] = dose
    units = {item.name: item.unit for item in definition.inputs}
    total = evaluate(definition, values)
    return {
        "value": None if missing else total,
        "at_least": total,
        "at_most": None if missing else total,
        "band": None,
        "unit": definition.unit,
        "inputs": [
            {
                "name": agent,
                "value": float(f"{dose:.6g}"),
                "unit": units[agent],
                "at": rfc3339(running[agent].seen),
                "age_s": max(0, time - running[agent].seen) // SECOND,
                "event_id": running[agent].seen_id,
            }
            for agent, dose in values.items()
        ],
        "missing": missing,
        "too_old": [],
        "caution": definition.caution,
    }


def held_scores(now: Fold) -> dict[str, Any]:
    """The bands in force, as said: a status record must not change at every reading."""
    return {
        name: {"value": risk.value, "band": risk.held or None, "since": rfc3339(risk.held_at)}
        for name, risk in sorted(now.risks.items())
        if risk.held is not None
    }


def trends(now: Fold, rules: Ruleset) -> dict[str, Any]:
    """Results with the ones before them, where the two may be compared.

    Across a dose of a medicine that moves an analyte by itself nothing is compared.
    """
    shown: dict[str, Any] = {}
    for analyte, value in sorted(now.labs.items()):
        rule = rules.labs.get(analyte)
        if rule is None:
            continue
        earlier = now.labs_earlier.get(analyte)
        shown[analyte] = {
            "unit": rule.unit,
            "last": _result(value),
            "before": None if earlier is None else _result(earlier),
            "ratio": _ratio(earlier, value),
            "not_compared_across": list(rule.restarts_after),
        }
    return shown


def _result(value: LabValue) -> dict[str, Any]:
    return {"value": value.value, "at": rfc3339(value.at), "event_id": value.event_id}


def _ratio(earlier: LabValue | None, value: LabValue) -> float | None:
    if earlier is None or earlier.value <= 0:
        return None
    return round(value.value / earlier.value, 3)


def iec_hs(now: Fold, rules: Ruleset) -> dict[str, Any] | None:
    """The screen for IEC-HS; null before any result that it reads."""
    screen = now.iec_hs
    if screen is None:
        return None
    return {
        "positive": screen.positive,
        "since": rfc3339(screen.since),
        "judged": rfc3339(screen.judged),
        "criteria": [{"name": name, "event_id": event_id} for name, event_id in screen.criteria],
        "missing": list(screen.missing),
        "citation": rules.iec_hs.source,
    }


def risk_window(now: Fold, time: Micros, rules: Ruleset) -> dict[str, Any] | None:
    """Where the patient is in the product's risk window after the newest dose, with a countdown."""
    product = product_of(now, rules)
    window = None if product is None else product.window(dose_called(now))
    if product is None or window is None or now.therapy is None:
        return None
    since = time - now.therapy
    phase = "ended"
    if since < window.peak_from:
        phase = "before_peak"
    elif since < window.peak_to:
        phase = "peak"
    elif since < window.end:
        phase = "after_peak"
    checked = max(now.temp_seen, now.bp_seen)
    return {
        "product": product.name,
        "dose_number": now.dose_number,
        "start": rfc3339(now.therapy),
        "peak_from": rfc3339(now.therapy + window.peak_from),
        "peak_to": rfc3339(now.therapy + window.peak_to),
        "end": rfc3339(now.therapy + window.end),
        "min_check_interval_s": None
        if window.min_check_interval is None
        else window.min_check_interval // SECOND,
        "phase": phase,
        "remaining_s": max(0, window.end - since) // SECOND,
        "last_check": None if checked == NEVER else rfc3339(checked),
        "text": window.text,
        "citation": window.source,
        "status": window.status,
    }
