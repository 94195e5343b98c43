"""Which alerts raise an alarm, and what what was said since makes of the alarms that are open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stream.engine.alarms import ENDED, HELD_KEPT, RAISED_KEPT, Alarm, Alarms, Flood, Raised
from stream.engine.announce import Voice, candidate_priority
from stream.engine.answers import hear_early
from stream.engine.escalation import (
    begun,
    close,
    keep,
    ladder_of,
    outdoes,
    say,
    store,
    summarise,
    supersede,
)
from stream.engine.events import Micros
from stream.engine.fold import Fold
from stream.engine.outputs import Alert
from stream.engine.ruleset import SECOND
from stream.engine.standing import standing_of

_CHANNELS = {
    "candidate": "candidate.closed",
    "icans": "icans.changed",
    "iec_hs": "iec_hs.changed",
    "risk": "risk.changed",
}
"""What says that an alarm of an event is untrue; of the others a `grade.revised` does."""


def escalate(voice: Voice, now: Fold, emitted: Micros) -> None:
    """Follow up what was said since the last call: alarms are raised, superseded, returned, closed.

    A higher grade opens a new alarm before it closes the lower one.
    """
    fresh = voice.alerts[voice.heard :]
    if not voice.context.rules.ladders.escalate:
        store(voice, Alarms())  # a ruleset without ladders: what an earlier one began is over
    elif now.ended:
        # what late data raises now asks nobody, and is known should the patient be back
        raised = [item for item in _raised(voice, fresh) if ladder_of(voice, now, item, item.told)]
        for alarm in (*voice.published.alarms.open, *raised):
            close(voice, now, alarm, ENDED, emitted, emitted)
    else:
        for alarm in _raised(voice, fresh):
            _open(voice, now, alarm, emitted)
        if voice.published.alarms.ended:
            _open_again(voice, now, emitted)
        for alarm in voice.published.alarms.open:
            _settle(voice, now, alarm, fresh, emitted)
    voice.heard = len(voice.alerts)
    if voice.published.alarms.early:
        hear_early(voice, now, emitted)


# -- raising ---------------------------------------------------------------------------------------


def _raised(voice: Voice, fresh: list[Alert]) -> list[Alarm]:
    """The alarms that these alerts raise: of several rises of one grade the highest alone."""
    found: dict[tuple[str, str], Alarm] = {}
    for alert in fresh:
        alarm = _alarm(voice, alert)
        if alarm is None:
            continue
        key = (alarm.event, alarm.subject)
        if key not in found or found[key].grade <= alarm.grade:
            found[key] = alarm
    for key, alarm in tuple(found.items()):
        if not (alarm.latches or standing_of(voice, alarm) == "true"):
            del found[key]
            if (lower := _left(voice, alarm, fresh)) is not None:
                found[key] = lower
    return list(found.values())


def _left(voice: Voice, alarm: Alarm, fresh: list[Alert]) -> Alarm | None:
    """What is left of a rise that was over when it was said: the grade that is new all the same.

    Late data may say in one breath that a grade was reached and that it fell to a lower one.
    """
    kind = {"grade": "grade.changed", "icans": "icans.changed"}.get(alarm.event)
    told = [alert for alert in fresh if alert.type == kind]
    if not told or told[-1].body["to_grade"] <= told[0].body["from_grade"]:
        return None
    last, grade = told[-1], told[-1].body["to_grade"]
    return _made(voice, alarm.event, grade, last.alert_id, last.effective_time, alarm.told)


def _open_again(voice: Voice, now: Fold, emitted: Micros) -> None:
    """The patient is there after all, or again: what is in force is asked about anew.

    Their alarms were closed when they died or left, which was wrong, or is over.
    """
    alarms = voice.published.alarms
    ended = {item.alert_id for item in alarms.closed if item.why == ENDED}
    kept = tuple(item for item in alarms.closed if item.why != ENDED)
    store(voice, replace(alarms, closed=kept))
    for alarm in _in_force(voice, now, ended, emitted):
        others = voice.published.alarms.open
        if not any(outdoes(other, alarm) for other in others):
            _open(voice, now, alarm, emitted)


def _in_force(voice: Voice, now: Fold, ended: set[str], told: Micros) -> Iterator[Alarm]:
    """The alarms that what was said last would raise now.

    Signals are said to be lost again; of reminders, which happened once, nobody is asked anew.
    `ended`: the alerts whose alarms ended with the patient.
    """
    published, rules = voice.published, voice.context.rules
    for event, said in (("grade", published.changes[-1:]), ("icans", published.icans[-1:])):
        for item in said:
            alert_id = item.alert_id
            if event == "grade" and alert_id not in ended:
                # a correction has come back to a grade whose alarm was over: the last word counts
                alert_id = published.last_alert or alert_id
            if item.grade and alert_id:
                yield _made(voice, event, item.grade, alert_id, item.time, told)
    starts = {(item.start, item.grade): item for item in now.candidates}
    for one in published.candidates:
        candidate = starts.get((one.start, one.grade))
        if one.end is None and candidate is not None:
            priority = candidate_priority(candidate, rules)
            made = _made(voice, "candidate", one.grade, one.alert_id, one.start, told)
            yield replace(made, subject=one.alert_id, priority=priority)
    for name, risk in published.risks.items():
        made = _made(voice, "risk", 0, risk.alert_id, risk.time, told)
        priority = rules.scores[name].priority(risk.band) if name in rules.scores else "information"
        if priority != "information":
            yield replace(made, subject=name, priority=priority)
    screen = published.iec_hs
    if screen is not None and screen.positive:
        made = _made(voice, "iec_hs", 0, screen.alert_id, screen.time, told)
        yield replace(made, priority=rules.iec_hs.priority)


def _alarm(voice: Voice, alert: Alert) -> Alarm | None:
    """The alarm that an alert raises; None: nobody has to answer it."""
    body, event, subject, grade = alert.body, "", "", 0
    if alert.type == "grade.changed" and body["to_grade"] > body["from_grade"]:
        event, grade = "grade", body["to_grade"]
    elif alert.type == "grade.revised":
        if body["to_grade"] > body["from_grade"]:
            event, grade = "grade", body["to_grade"]
        elif alert.priority != "information":
            event = "revision"
    elif alert.type == "candidate.raised":
        event, subject, grade = "candidate", alert.alert_id, body["candidate_grade"]
    elif alert.type == "icans.changed" and body["to_grade"] > body["from_grade"]:
        event, grade = "icans", body["to_grade"]
    elif alert.type == "signal.lost":
        event, subject = "signal", body["signal"]
    elif alert.type == "reminder":
        event, subject = "reminder", body["timer"]
    elif alert.type == "iec_hs.changed" and body["positive"]:
        event = "iec_hs"
    elif alert.type == "risk.changed" and alert.priority != "information":
        event, subject = "risk", body["score"]
    if not event:
        return None
    made = _made(voice, event, grade, alert.alert_id, alert.effective_time, alert.emitted_time)
    return replace(made, subject=subject, priority=alert.priority)


def _made(
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


def _open(voice: Voice, now: Fold, alarm: Alarm, emitted: Micros) -> None:
    """Begin the ladder of a new alarm, or hold it back in a flood; the lower ones are over."""
    ladders = voice.context.rules.ladders
    row = ladder_of(voice, now, alarm, alarm.told)
    if row is None:
        return
    rule, alarms = ladders.alarms, voice.published.alarms
    kind = f"{alarm.event} {alarm.grade or alarm.subject}"
    longest = max(rule.chatter_within, rule.flood_within)
    recent = tuple(item for item in alarms.raised if alarm.told - item.time < longest)
    recent = (*recent, Raised(kind, alarm.told))[-RAISED_KEPT:]
    store(voice, replace(alarms, raised=recent))
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


# -- what became of them ---------------------------------------------------------------------------


def _settle(voice: Voice, now: Fold, alarm: Alarm, fresh: list[Alert], emitted: Micros) -> None:
    standing, revised = standing_of(voice, alarm), _by(alarm, fresh) if fresh else None
    beside = alarm.event in ("iec_hs", "risk")
    if beside and revised is not None and revised.supersedes == alarm.alert_id:
        standing = "untrue"  # it rested on what was withdrawn
    if standing == "untrue":
        close(
            voice, now, alarm, "cancelled", emitted, emitted,
            None if revised is None else revised.alert_id,
        )  # fmt: skip
        if alarm.event in ("grade", "icans") and alarm.answer is None and revised is not None:
            _replace_by_lower(voice, now, alarm.event, revised, emitted)
        return
    if standing == "true" or alarm.returned is not None:
        return
    confirmed = alarm.event == "candidate" and any(
        other.event == "grade" and other.grade >= alarm.grade
        for other in voice.published.alarms.open
    )
    if confirmed:
        close(voice, now, alarm, "confirmed", emitted, emitted)
    elif alarm.answer is not None or alarm.shelf is not None or alarm.rung == 0:
        close(voice, now, alarm, "returned", emitted, emitted)
    else:
        rule = voice.context.rules.ladders.alarms
        returned = replace(alarm, returned=emitted)
        if not alarm.latches:
            returned = replace(returned, due=emitted + rule.returned)
        keep(voice, say(voice, now, returned, "returned", emitted, emitted))


def _replace_by_lower(
    voice: Voice, now: Fold, event: str, revised: Alert, emitted: Micros
) -> None:  # fmt: skip
    """Who was told of a grade that never was, and has not come, is told of the one that is."""
    grade = revised.body["to_grade"]
    stands = any(alarm.event == event for alarm in voice.published.alarms.open)
    if grade and not stands:
        told = revised.emitted_time
        made = _made(voice, event, grade, revised.alert_id, revised.effective_time, told)
        _open(voice, now, made, emitted)


def _by(alarm: Alarm, fresh: list[Alert]) -> Alert | None:
    """The alert that made an alarm untrue: the one that says so, else the newest of its channel."""
    channel = _CHANNELS.get(alarm.event, "grade.revised")
    for alert in reversed(fresh):
        if alert.supersedes == alarm.alert_id:
            return alert
    return next((alert for alert in reversed(fresh) if alert.type == channel), None)
