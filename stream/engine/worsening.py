"""Signs at grade 2 that ask for an early look by intensive care: a prompt, never a grade.

Which signs: `[prompts.intensive_care]` of the parameter set, clinical reference section 6.4.
"""

from __future__ import annotations

from typing import Any

from stream.engine.events import Micros
from stream.engine.fold import Fold
from stream.engine.oxygenation import EXCLUDED, on_air
from stream.engine.risks import applies, charted, inputs_of
from stream.engine.ruleset import Ruleset
from stream.engine.scores import partial


def signs(now: Fold, time: Micros, rules: Ruleset) -> list[tuple[str, str]]:
    """(what, event id) of each sign that is there; empty where there is none."""
    rule = rules.worsening
    found: list[tuple[str, str]] = []
    counted = now.device is not None and not on_air(now, rules)
    counted = counted and now.device_reason not in EXCLUDED
    if counted and now.flow_lpm is not None and now.flow_lpm >= rule.oxygen_lpm:
        found.append((f"oxygen {now.flow_lpm:g} L/min", now.device_id))
    chart = charted(now, rules)
    for name, band in rule.bands:
        definition = rules.scores[name]
        if not applies(now, definition, rules):
            continue
        inputs = {k: value for k, value, fresh in inputs_of(now, time, definition, chart) if fresh}
        if partial(definition, {k: value.value for k, value in inputs.items()}).band == band:
            newest = max(inputs.values(), key=lambda value: value.at, default=None)
            found.append((f"{name} {band}", "" if newest is None else newest.event_id))
    for analyte in rule.rising:
        last, before = now.labs.get(analyte), now.labs_earlier.get(analyte)
        if last is None or before is None or time - before.at > rule.rising_within:
            continue
        if last.value > before.value:
            found.append((f"rising {analyte}", last.event_id))
    return found


def prompts(now: Fold, time: Micros, rules: Ruleset) -> list[dict[str, Any]]:
    """The prompt, JSON-ready, where the grade is the rule's and a sign is there."""
    rule = rules.worsening
    found = signs(now, time, rules) if now.grade == rule.grade else []
    if not found:
        return []
    return [
        {
            "topic": "intensive_care",
            "text": f"{rule.text} Now: {', '.join(what for what, _ in found)}.",
            "citation": rule.source,
            "status": rule.status,
            "event_ids": [event_id for _, event_id in found if event_id],
        }
    ]
