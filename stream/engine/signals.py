"""Silence as a finding: signals that stay away, and that come back.

Staleness concerns what the monitor has, so it follows the processing clock; it sets flags and
technical alerts and never touches a grade (contract 8, 12; clinical reference section 4).
"""

from __future__ import annotations

from dataclasses import replace

from stream.engine.announce import Voice
from stream.engine.events import Micros
from stream.engine.fold import NEVER, Fold, Why
from stream.engine.outputs import rfc3339
from stream.engine.ruleset import Ruleset
from stream.engine.state import LostSignal, Published


def last_seen(now: Fold, signal: str, rules: Ruleset) -> Micros:
    """When the last valid value of a signal was true; NEVER where there is none to miss."""
    if signal == "temperature":
        return now.temp_seen
    if signal == "blood_pressure":
        return now.bp_seen
    if signal == "spo2":
        return now.spo2_seen
    if not now.running:
        return NEVER
    pressors = [
        run.seen
        for agent, run in now.running.items()
        if rules.agent_class.get(agent) in ("vasopressor", "vasopressin")
    ]
    return min(pressors, default=NEVER)


def next_signal(now: Fold, published: Published, rules: Ruleset) -> tuple[Micros, str] | None:
    """The signal that is lost next, and when: patients under a therapy who are still here."""
    if now.therapy is None or now.outcome is not None:
        return None
    tight = now.grade >= rules.tight_from_grade
    gone = {lost.signal for lost in published.lost} if published.lost else ()
    first, name = None, ""
    for signal, limit in rules.stale.items():
        if signal in gone:
            continue
        seen = last_seen(now, signal, rules)
        if seen == NEVER:
            continue
        due = seen + limit.usual
        if tight and limit.tight < limit.usual:
            due = min(due, max(seen + limit.tight, _tight_since(now, rules)))
        if first is None or due < first:
            first, name = due, signal
    return None if first is None else (max(first, now.therapy), name)


def _tight_since(now: Fold, rules: Ruleset) -> Micros:
    """Since when the emitted grade has been such that the tight limits apply."""
    since = now.time
    for change in reversed(now.history):
        if change.grade < rules.tight_from_grade:
            break
        since = change.time
    return since


def lose(voice: Voice, now: Fold, signal: str, due: Micros, emitted: Micros) -> None:
    """Say that a signal is lost: low priority, medium from grade 2 on."""
    rules = voice.context.rules
    seen = last_seen(now, signal, rules)
    voice.published = replace(
        voice.published, lost=(*voice.published.lost, LostSignal(signal, seen, due))
    )
    voice.say(
        "signal.lost",
        effective=due,
        emitted=max(emitted, due),
        priority="medium" if now.grade >= rules.tight_from_grade else "low",
        episode=now.episode,
        whys=(Why("SIGNAL_LOST", (), signal),),
        flags=tuple(sorted(voice.stale_flags())),
        body={"signal": signal, "last_seen": rfc3339(seen)},
        chain=voice.published.signals_told,
    )
    voice.published = replace(voice.published, signals_told=voice.published.signals_told + 1)


def restore(voice: Voice, now: Fold, emitted: Micros) -> None:
    """Say which lost signals are back; forget those that nobody waits for any more."""
    rules = voice.context.rules
    for lost in voice.published.lost:
        seen = last_seen(now, lost.signal, rules)
        if seen != NEVER and seen <= lost.last_seen and not now.ended:
            continue
        kept = tuple(item for item in voice.published.lost if item != lost)
        voice.published = replace(voice.published, lost=kept)
        if seen == NEVER or now.ended:
            continue
        voice.say(
            "signal.restored",
            effective=max(seen, lost.since),
            emitted=max(emitted, seen, lost.since),
            priority="information",
            episode=now.episode,
            whys=(Why("SIGNAL_RESTORED", (), lost.signal),),
            flags=tuple(sorted(voice.stale_flags())),
            body={"signal": lost.signal, "last_seen": rfc3339(seen)},
            chain=voice.published.signals_told,
        )
