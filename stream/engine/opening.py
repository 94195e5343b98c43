"""How an alarm begins: on the first rung of its ladder, held back in a flood, or not at all."""

from __future__ import annotations

from dataclasses import replace

from stream.engine.alarms import HELD_KEPT, RAISED_KEPT, Alarm, Flood, Raised
from stream.engine.announce import Voice
from stream.engine.escalation import (
    begun,
    close,
    keep,
    ladder_of,
    say,
    store,
    summarise,
    supersede,
)
from stream.engine.events import Micros
from stream.engine.fold import Fold
from stream.engine.ruleset import SECOND
from stream.engine.standing import grade_stands


def made(
    voice: Voice, event: str, grade: int, alert_id: str, effective: Micros, told: Micros
) -> Alarm:  # fmt: skip
    """An alarm of an alert, with the priority of a grade that was reached."""
    rules = voice.context.rules
    priorities = rules.icans_priority if event == "icans" else rules.grade_priority
    return Alarm(
        alert_id=alert_id,
        event=event,
        subject="",
        grade=grade,
        priority=priorities.get(grade, "information"),
        effective=effective,
        told=told,
        ladder="",
        latches=grade >= rules.ladders.alarms.latched_from_grade,
    )


def open_alarm(voice: Voice, now: Fold, alarm: Alarm, emitted: Micros) -> None:
    """Begin the ladder of a new alarm, or hold it back in a flood; the lower ones are over.

    A score beside a high grade asks nobody; it is kept as superseded, and may be asked of later.
    """
    ladders = voice.context.rules.ladders
    row = ladder_of(voice, now, alarm, alarm.told)
    if row is None:
        return
    if alarm.event == "risk" and grade_stands(voice):
        close(voice, now, alarm, "superseded", emitted, emitted)
        return
    rule, alarms = ladders.alarms, voice.published.alarms
    kind = f"{alarm.event} {alarm.grade or alarm.subject}"
    longest = max(rule.chatter_within, rule.flood_within)
    recent = tuple(item for item in alarms.raised if alarm.told - item.time < longest)
    recent = (*recent, Raised(kind, alarm.told))[-RAISED_KEPT:]
    closed = tuple(item for item in alarms.closed if item.alert_id != alarm.alert_id)
    store(voice, replace(alarms, raised=recent, closed=closed))
    same = sum(i.kind == kind and alarm.told - i.time < rule.chatter_within for i in recent)
    near = sum(alarm.told - i.time < rule.flood_within for i in recent)
    hidden = not (alarm.latches or alarm.priority == "high" or alarm.event == "grade")
    if hidden and (alarms.flood is not None or near > rule.flood_alarms):
        _hold_back(voice, now, alarm, emitted)
        return
    chatter = None
    if same >= rule.chatter_alarms:
        chatter = {"alarms": same, "within_s": rule.chatter_within // SECOND}
    inform = None
    if row.inform_within is not None:
        inform = {
            "notify": list(ladders.reached(row.inform, alarm.told)),
            "within_s": row.inform_within // SECOND,
        }
    # one alert may be asked about twice at one instant: the patient left and was back
    before = sum(item == recent[-1] for item in recent[:-1])
    opened = begun(replace(alarm, said=before), row, ladders, alarm.told)
    opened = say(
        voice, now, opened, "opened", alarm.told, emitted,
        more={"inform": inform, "chatter": chatter},
    )  # fmt: skip
    keep(voice, opened)
    supersede(voice, now, opened, alarm.told, emitted)


def _hold_back(voice: Voice, now: Fold, alarm: Alarm, emitted: Micros) -> None:
    """In a flood: counted, and opened when the flood is over if it is still true by then."""
    flood = voice.published.alarms.flood
    begins = flood is None
    if flood is None:
        until = alarm.told + voice.context.rules.ladders.alarms.flood_within
        flood = Flood(alarm.told, until)
    held = (*flood.held, alarm.alert_id)[-HELD_KEPT:]
    flood = replace(flood, held=held, count=flood.count + 1)
    store(voice, replace(voice.published.alarms, flood=flood))
    keep(voice, replace(alarm, due=flood.until))
    if begins:
        summarise(voice, now, alarm.told, emitted, over=False)
