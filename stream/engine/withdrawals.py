"""Reminders that rest on what was entered in error: they are untrue, and may be said anew.

A grade that a correction takes away is told as `grade.revised`, and its alarm goes with it. A
reminder happened once, so that nothing is told of it later but this.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from stream.engine.announce import Voice
from stream.engine.escalation import close
from stream.engine.events import Micros
from stream.engine.fold import Fold
from stream.engine.timers import Reminder, is_about, reminders


def withdraw_reminders(
    voice: Voice, before: Fold, now: Fold, voided: AbstractSet[str], clock: Micros
) -> None:
    """After a retraction or a replacement: `before` is the patient as known without it.

    A reminder is untrue that nothing calls for any more and that either was called for until then,
    or names an event that does not count.
    """
    if not any(alarm.event == "reminder" for alarm in voice.published.alarms.open):
        return
    rules = voice.context.rules
    then = [item for item in reminders(before, rules) if item.due <= clock]
    left = [item for item in reminders(now, rules) if item.due <= clock]
    for alarm in voice.published.alarms.open:
        if alarm.event != "reminder":
            continue
        wrong = not voided.isdisjoint(alarm.basis)
        if _called_for(voice, alarm.subject, alarm.effective, left):
            continue
        if wrong or _called_for(voice, alarm.subject, alarm.effective, then):
            _forget(voice, alarm.subject, alarm.effective)
            close(voice, now, alarm, "cancelled", clock, clock)
    voice.heard = len(voice.alerts)


def _called_for(voice: Voice, code: str, due: Micros, items: list[Reminder]) -> bool:
    return any(
        is_about(said, item)
        for said in voice.published.reminders
        if (said.code, said.due) == (code, due)
        for item in items
    )


def _forget(voice: Voice, code: str, due: Micros) -> None:
    said = tuple(
        replace(item, withdrawn=True) if (item.code, item.due) == (code, due) else item
        for item in voice.published.reminders
    )
    voice.published = replace(voice.published, reminders=said)
