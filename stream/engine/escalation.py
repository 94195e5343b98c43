"""Escalation: what is told of each alarm, and the timers of its ladder.

The alarms are data in what was published (`stream.engine.alarms`), the ladders data of the ruleset.
Times count on the patient's processing clock, from when the alert was said: nobody answers before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from stream.engine.alarms import (
    CLOSED_KEPT,
    TRAIL_KEPT,
    Alarm,
    Alarms,
    Answer,
    ClosedAlarm,
    Mark,
)
from stream.engine.announce import Voice
from stream.engine.events import Micros
from stream.engine.fold import Fold, Why
from stream.engine.ladders import Ladder, Ladders
from stream.engine.outputs import rfc3339
from stream.engine.ruleset import SECOND
from stream.engine.signs import outpatient
from stream.engine.standing import silences_scores

_LOUD: Final = frozenset({"opened", "advanced", "repeated", "exhausted", "unshelved", "reopened"})
"""Transitions that ask somebody for something: as loud as the alarm; the others inform."""
_ANSWERED: Final = frozenset({"answered", "returned"})
"""Why an alarm was closed that an answer had ended, before its cause had gone or after."""
_WHYS: Final = {
    "opened": "ALARM_RAISED",
    "advanced": "NOT_ANSWERED",
    "repeated": "NOT_ANSWERED",
    "exhausted": "NOT_ANSWERED",
    "acknowledged": "ANSWERED",
    "shelved": "SHELVED",
    "unshelved": "UNSHELVED",
    "reopened": "ANSWER_WITHDRAWN",
    "returned": "CAUSE_GONE",
    "closed": "ALARM_CLOSED",
    "informed": "INFORMED",
}


def say(
    voice: Voice,
    now: Fold,
    alarm: Alarm,
    what: str,
    effective: Micros,
    emitted: Micros,
    *,
    answer: Answer | None = None,
    more: dict[str, Any] | None = None,
) -> Alarm:
    """Tell one transition of an alarm; returns the alarm with it in its trail."""
    ladders = voice.context.rules.ladders
    row = ladders.named(alarm.ladder)
    asks = what in _LOUD and row is not None and alarm.rung > 0
    notify: tuple[str, ...] = ()
    if what == "informed" and row is not None:
        notify = ladders.reached(row.inform, effective)
    elif asks and row is not None and what != "exhausted":
        notify = ladders.reached(row.rungs[min(alarm.rung, len(row.rungs)) - 1].notify, effective)
    waits = asks and bool(notify) and alarm.due is not None and _answers(row, alarm)
    body: dict[str, Any] = {
        "alert": alarm.alert_id,
        "step": alarm.step,
        "notify": list(notify),
        "respond_by": rfc3339(alarm.due) if waits and alarm.due is not None else None,
        "state": "closed" if what == "closed" else alarm.state,
        "event": alarm.event,
        "subject": alarm.subject or None,
        "grade": alarm.grade or None,
        "ladder": alarm.ladder,
        "round": alarm.round,
        "location": now.location,
    }
    ids: tuple[str, ...] = ()
    if answer is not None:
        ids = (answer.event_id,)
        body |= {"by": answer.by, "reason": answer.reason}
    if alarm.answer is not None and what == "acknowledged":
        body["after_s"] = max(0, effective - alarm.told) // SECOND
    voice.say(
        f"escalation.{what}",
        effective=effective,
        emitted=max(emitted, effective),
        priority=alarm.priority if what in _LOUD else "information",
        episode=now.episode,
        whys=(Why(_WHYS[what], ids, alarm.ladder),),
        body={**body, **(more or {})},
        chain=alarm.said,
    )
    told = alarm.copy()
    told.said = alarm.said + 1
    if what != "repeated":  # they are counted
        mark = Mark(what, effective, alarm.step, None if answer is None else answer.by)
        told.trail = (*alarm.trail, mark)[-TRAIL_KEPT:]
    return told


def _answers(row: Ladder | None, alarm: Alarm) -> bool:
    """Whether the rung that the alarm is on waits for an answer."""
    return row is not None and row.rungs[min(alarm.rung, len(row.rungs)) - 1].respond is not None


def ladder_of(voice: Voice, now: Fold, alarm: Alarm, time: Micros) -> Ladder | None:
    """The alarm's row; where this ruleset has it no more, the one that an alarm of now gets."""
    rules = voice.context.rules
    row = rules.ladders.named(alarm.ladder)
    if row is not None:
        return row
    return rules.ladders.ladder(
        alarm.event, alarm.grade, alarm.priority, now.location,
        outpatient=outpatient(now.location, rules), time=time,
    )  # fmt: skip


def begun(alarm: Alarm, row: Ladder, ladders: Ladders, time: Micros) -> Alarm:
    """The alarm on the first rung of a ladder, asking from `time` on."""
    inform = alarm.inform
    if alarm.rung == 0 and row.inform_within is not None:
        inform = time + row.inform_within
    first = alarm.copy()
    first.ladder, first.round, first.began = row.name, alarm.round + 1, time
    first.answer, first.shelf, first.inform = None, None, inform
    return _on(first, 1, row, ladders, time)


def _on(alarm: Alarm, rung: int, row: Ladder, ladders: Ladders, time: Micros) -> Alarm:
    """The alarm on a rung from `time` on; whom that tells needs not be informed besides."""
    told = set(row.inform) <= set(row.rungs[rung - 1].notify)
    alarm = alarm.copy()
    alarm.rung, alarm.repeats = rung, 0
    if told:
        alarm.inform = None
    alarm.due = _next(alarm, row, ladders, time)
    return alarm


def _next(alarm: Alarm, row: Ladder, ladders: Ladders, time: Micros) -> Micros | None:
    """When the rung that the alarm is on since `time` has waited long enough."""
    rung = row.rungs[alarm.rung - 1]
    if rung.respond is not None:
        return time + rung.respond
    if rung.each_shift and alarm.repeats < rung.repeats:
        return ladders.next_shift(time)
    return time + ladders.alarms.returned if alarm.momentary else None


def run_ladders(voice: Voice, now: Fold, until: Micros, clock: Micros) -> None:
    """Let the timers of alarms run out that are due before `until`; they change nothing else."""
    while (due := voice.published.alarms.due) is not None and due < until:
        _run_out(voice, now, due, max(due, clock))


def _run_out(voice: Voice, now: Fold, due: Micros, emitted: Micros) -> None:
    """The timer of an alarm ran out at `due`: the next rung, a repeat, or an end."""
    alarms = voice.published.alarms
    if not voice.context.rules.ladders.escalate:
        store(voice, Alarms())
        return
    if alarms.flood is not None and alarms.flood.until == due:
        _flood_over(voice, now, due, emitted)
        return
    for place, alarm in enumerate(alarms.open):
        if alarm.due == due:
            higher = _held_after(alarm, alarms.open[place + 1 :])
            if higher is not None:
                close(voice, now, alarm, "superseded", due, emitted, higher.alert_id)
                return
            changed = _moved_on(voice, now, alarm, due, emitted)
            if changed is None:
                close(voice, now, alarm, "unanswered", due, emitted)
            else:
                keep(voice, changed)
            return
    for alarm in alarms.open:
        if alarm.inform == due:
            keep(voice, _inform(voice, now, replace(alarm, inform=None), due, emitted))
            return


def _held_after(alarm: Alarm, later: tuple[Alarm, ...]) -> Alarm | None:
    """Of alarms of one matter that were held back in a flood the highest and last is opened."""
    if alarm.rung > 0 or alarm.shelf is not None:
        return None
    return next((item for item in later if item.rung == 0 and outdoes(item, alarm)), None)


def outdoes(alarm: Alarm, other: Alarm) -> bool:
    """Whether an alarm is about the same matter as another one, and no lower."""
    same = alarm.event == "candidate" or alarm.subject == other.subject
    return alarm.event == other.event and same and other.grade <= alarm.grade


def _inform(voice: Voice, now: Fold, alarm: Alarm, due: Micros, emitted: Micros) -> Alarm:
    """Tell those of an alarm who are informed of it, whether or not somebody has answered."""
    row = ladder_of(voice, now, alarm, due)
    if row is None or not row.inform:
        return alarm
    return say(voice, now, replace(alarm, ladder=row.name), "informed", due, emitted)


def _moved_on(voice: Voice, now: Fold, alarm: Alarm, due: Micros, emitted: Micros) -> Alarm | None:
    """The alarm after its timer; None: it is closed without an answer."""
    ladders = voice.context.rules.ladders
    row = ladder_of(voice, now, alarm, due)
    if alarm.returned is not None and not alarm.latches:
        return None
    if row is None:
        return replace(alarm, due=None)
    if alarm.shelf is not None:
        again = begun(replace(alarm, round=0), row, ladders, due)
        return say(voice, now, again, "unshelved", due, emitted)
    if alarm.rung == 0:
        opened = say(voice, now, begun(alarm, row, ladders, due), "opened", due, emitted)
        supersede(voice, now, opened, due, emitted)
        return opened
    alarm = replace(alarm, ladder=row.name, rung=min(alarm.rung, len(row.rungs)))
    rung = row.rungs[alarm.rung - 1]
    if alarm.rung < len(row.rungs):
        alarm = _on(alarm, alarm.rung + 1, row, ladders, due)
        return say(voice, now, alarm, "advanced", due, emitted)
    if alarm.repeats < rung.repeats:
        alarm = replace(alarm, repeats=alarm.repeats + 1)
        alarm = replace(alarm, due=_next(alarm, row, ladders, due))
        return say(voice, now, alarm, "repeated", due, emitted)
    if row.again is not None and alarm.round < row.rounds:
        if due < alarm.began + row.again:
            return replace(alarm, due=alarm.began + row.again)
        return say(voice, now, begun(alarm, row, ladders, due), "repeated", due, emitted)
    if rung.respond is None:
        return None if alarm.momentary else replace(alarm, due=None)
    ended = replace(alarm, due=due + ladders.alarms.returned if alarm.momentary else None)
    return say(voice, now, ended, "exhausted", due, emitted)


def keep(voice: Voice, alarm: Alarm) -> None:
    """Put an alarm in the place of what it was before, or among the open ones."""
    alarms = voice.published.alarms
    known = alarms.of(alarm.alert_id) is not None
    each = tuple(alarm if item.alert_id == alarm.alert_id else item for item in alarms.open)
    store(voice, replace(alarms, open=each if known else (*alarms.open, alarm)))


def store(voice: Voice, alarms: Alarms) -> None:
    """What is kept of the alarms from now on."""
    voice.published = voice.published.copy()
    voice.published.alarms = alarms


def close(
    voice: Voice,
    now: Fold,
    alarm: Alarm,
    why: str,
    effective: Micros,
    emitted: Micros,
    by_alert: str | None = None,
) -> None:
    """Tell that an alarm is over, with all that happened to it, and forget it but for its id.

    One that was held back was told to nobody: it goes as it came.
    """
    if alarm.said:
        ended = replace(alarm, due=None)
        more = {
            "why": why,
            "by_alert": by_alert,
            "trail": [
                {"what": mark.what, "time": rfc3339(mark.time), "step": mark.step, "by": mark.by}
                for mark in alarm.trail
            ],
        }
        say(voice, now, ended, "closed", effective, emitted, more=more)
    alarms = voice.published.alarms
    before = (item for item in alarms.closed if item.alert_id != alarm.alert_id)
    asks = alarm.latches or alarm.momentary  # until somebody answers
    answered = alarm if asks and alarm.answer is not None and why in _ANSWERED else None
    closed = ClosedAlarm(alarm.alert_id, why, effective, answered)
    store(
        voice,
        replace(
            alarms,
            open=tuple(item for item in alarms.open if item.alert_id != alarm.alert_id),
            closed=(*before, closed)[-CLOSED_KEPT:],
        ),
    )


def supersede(voice: Voice, now: Fold, opened: Alarm, effective: Micros, emitted: Micros) -> None:
    """Close what an alarm that was opened just now makes needless.

    That is what is no higher in the same matter, and scores beside a high grade.
    """
    silent = silences_scores(opened, voice.context.rules.ladders.alarms)
    for other in voice.published.alarms.open:
        if other.alert_id == opened.alert_id:
            continue
        if outdoes(opened, other) or (silent and other.event == "risk"):
            close(voice, now, other, "superseded", effective, emitted, opened.alert_id)


def _flood_over(voice: Voice, now: Fold, due: Micros, emitted: Micros) -> None:
    """Say how much was held back; what is still true of it is opened by its own timer."""
    flood = voice.published.alarms.flood
    assert flood is not None
    summarise(voice, now, due, emitted, over=True)
    store(voice, replace(voice.published.alarms, flood=None))


def summarise(voice: Voice, now: Fold, effective: Micros, emitted: Micros, *, over: bool) -> None:
    """Tell a flood of alarms in one record: when it begins, and what was held back when it ends."""
    flood = voice.published.alarms.flood
    assert flood is not None
    voice.say(
        "escalation.summarised",
        effective=effective,
        emitted=max(emitted, effective),
        priority="information" if over else "medium",
        episode=now.episode,
        whys=(Why("ALARM_FLOOD"),),
        body={
            "since": rfc3339(flood.since),
            "until": rfc3339(flood.until),
            "over": over,
            "count": flood.count,
            "alerts": list(flood.held),
            "location": now.location,
        },
    )
