"""What is said beside the grade: bands of scores, and the IEC-HS screen. Channels of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stream.engine.events import Micros
from stream.engine.fold import Fold, Risk, Screen, Why
from stream.engine.outputs import rfc3339
from stream.engine.risks import calm_band
from stream.engine.ruleset import SECOND
from stream.engine.score_definitions import ScoreDefinition
from stream.engine.state import SaidRisk, SaidScreen

if TYPE_CHECKING:
    from stream.engine.announce import Voice


def say_risks(voice: Voice, now: Fold, emitted: Micros) -> None:
    """`risk.changed` for each score whose band in force is another than the one said last."""
    if now.ended:
        return
    rules = voice.context.rules
    for definition in rules.announced:
        risk = now.risks.get(definition.name)
        said = voice.published.risks.get(definition.name)
        if risk is None or risk.held is None:
            over = definition.latched and said is not None and (now.therapy or 0) > said.time
            if said is not None and said.band != calm_band(definition) and not over:
                _take_back(voice, now, definition, said, emitted)
            continue
        latest = said is None or (definition.latched and (now.therapy or 0) > said.time)
        before = calm_band(definition) if said is None or latest else said.band
        if risk.held == before or (said is not None and _unsettled(now, risk, said, definition)):
            continue
        rises = _rank(definition.plan.bands, risk.held) > _rank(definition.plan.bands, before)
        ids = tuple(item.event_id for item in risk.inputs if item.event_id)
        undone = said if said is not None and risk.held_at <= said.time else None
        effective = risk.held_at if undone is None else undone.time
        ident = voice.say(
            "risk.changed",
            effective=effective,
            emitted=max(emitted, effective),
            priority=definition.priority(risk.held) if rises else "information",
            episode=now.episode,
            whys=(Why("RISK_BAND", ids, definition.title),),
            flags=tuple(sorted(voice.stale_flags())),
            body={
                "score": definition.name,
                "from_value": None if said is None else said.value,
                "to_value": risk.value,
                "band": risk.held or None,
                # what was taken back left no band behind
                "from_band": None if said is not None and said.value is None else before or None,
                "inputs": _inputs(risk),
                "missing": list(risk.missing),
                "caution": definition.caution,
            },
            supersedes=None if undone is None else undone.alert_id,
            chain=None if said is None else said.alert_id,
        )
        told = SaidRisk(risk.held, risk.value, ident, effective)
        voice.published = replace(
            voice.published, risks={**voice.published.risks, definition.name: told}
        )


def _take_back(
    voice: Voice, now: Fold, definition: ScoreDefinition, said: SaidRisk, emitted: Micros
) -> None:
    """What was said rests on events that do not count any more, and nothing else is known."""
    ident = voice.say(
        "risk.changed",
        effective=said.time,
        emitted=max(emitted, said.time),
        priority="information",
        episode=now.episode,
        whys=(Why("REVISED", (), definition.title),),
        flags=tuple(sorted(voice.stale_flags())),
        body={
            "score": definition.name,
            "from_value": said.value,
            "to_value": None,
            "band": None,
            "from_band": said.band or None,
            "inputs": [],
            "missing": [item.name for item in definition.inputs if item.chart],
            "caution": definition.caution,
        },
        supersedes=said.alert_id,
        chain=said.alert_id,
    )
    told = SaidRisk(calm_band(definition), None, ident, said.time)
    voice.published = replace(
        voice.published, risks={**voice.published.risks, definition.name: told}
    )


def _unsettled(now: Fold, risk: Risk, said: SaidRisk, definition: ScoreDefinition) -> bool:
    """Late data undid what was said, but has not been borne out for as long as a band must last.

    Charted values come minutes after they were true: without this a band near its edge would be
    said and taken back with every one of them.
    """
    if risk.held_at > said.time:
        return False
    return risk.waiting is not None or now.risks_at - said.time < definition.hold


def _rank(bands: tuple[str, ...], name: str) -> int:
    return bands.index(name) if name in bands else 0


def _inputs(risk: Risk) -> list[dict[str, Any]]:
    return [
        {
            "name": item.name,
            "value": item.value,
            "at": rfc3339(item.at),
            "age_s": max(0, risk.held_at - item.at) // SECOND,
            "event_id": item.event_id,
        }
        for item in risk.inputs
    ]


def say_screen(voice: Voice, now: Fold, emitted: Micros) -> None:
    """`iec_hs.changed` when the screen becomes positive, or a positive one negative.

    A screen that cannot be judged any more (results too old) leaves the last word standing, but one
    that was never positive, as it turns out, is taken back.
    """
    if now.ended:
        return
    said = voice.published.iec_hs
    if now.iec_hs is None and (said is None or not said.positive):
        return
    screen = now.iec_hs if now.iec_hs is not None else Screen(None, now.time)
    positive = screen.positive
    if positive is None and said is not None and said.positive:
        positive = False if screen.last_positive < said.time else None
    if positive is None or positive == (said is not None and said.positive):
        return
    untrue = said is not None and screen.last_positive < said.time
    rule = voice.context.rules.iec_hs
    ident = voice.say(
        "iec_hs.changed",
        effective=said.time if said is not None and untrue and not positive else screen.since,
        emitted=max(emitted, screen.since),
        priority=rule.priority if positive else "information",
        episode=now.episode,
        whys=(Why("IEC_HS", tuple(event_id for _, event_id in screen.criteria)),),
        flags=tuple(sorted(voice.stale_flags())),
        body={
            "positive": positive,
            "criteria": [name for name, _ in screen.criteria],
            "missing": list(screen.missing),
            "citation": rule.source,
        },
        supersedes=said.alert_id if said is not None and untrue else None,
        chain=None if said is None else said.alert_id,
    )
    voice.published = replace(voice.published, iec_hs=SaidScreen(positive, screen.since, ident))
