"""Which alerts raise an alarm, and what what was said since makes of the alarms that are open."""

from __future__ import annotations

from dataclasses import replace

from stream.engine.alarms import HELD_KEPT, RAISED_KEPT, Alarm, Alarms, Flood, Raised
from stream.engine.announce import Voice
from stream.engine.answers import hear_early
from stream.engine.escalation import begun, close, keep, ladder_of, say, store, summarise
from stream.engine.events import Micros
from stream.engine.fold import Fold
from stream.engine.history import grade_at
from stream.engine.outputs import Alert
from stream.engine.ruleset import SECOND
from stream.engine.state import Published, Said


def escalate(voice: Voice, now: Fold, emitted: Micros) -> None:
    """Follow up what was said since the last call: alarms are raised, superseded, returned, closed.

    A higher grade opens a new alarm before it closes the lower one.
    """
    fresh = voice.alerts[voice.heard :]
    if not voice.context.rules.ladders.escalate:
        store(voice, Alarms())  # a ruleset without ladders: what an earlier one began is over
    elif now.ended:
        for alarm in voice.published.alarms.open:
            close(voice, now, alarm, "ended", emitted, emitted)
    else:
        for alarm in _raised(voice, fresh):
            _open(voice, now, alarm, emitted)
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
    return [alarm for alarm in found.values() if alarm.latches or _standing(voice, alarm) == "true"]


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
    if not event:
        return None
    return _made(voice, alert, event, subject, grade, alert.priority)


def _made(
    voice: Voice, alert: Alert, event: str, subject: str, grade: int, priority: str
) -> Alarm:  # fmt: skip
    return Alarm(
        alert_id=alert.alert_id,
        event=event,
        subject=subject,
        grade=grade,
        priority=priority,
        effective=alert.effective_time,
        told=alert.emitted_time,
        ladder="",
        latches=grade >= voice.context.rules.ladders.alarms.latched_from_grade,
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
    opened = begun(alarm, row, ladders, alarm.told)
    opened = say(
        voice, now, opened, "opened", alarm.told, emitted,
        more={"inform": inform, "chatter": chatter},
    )  # fmt: skip
    keep(voice, opened)
    for other in voice.published.alarms.open:
        same_matter = other.event == alarm.event and (
            alarm.event == "candidate" or other.subject == alarm.subject
        )
        if other.alert_id != alarm.alert_id and same_matter and other.grade <= alarm.grade:
            close(voice, now, other, "superseded", alarm.told, emitted, alarm.alert_id)


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
    standing = _standing(voice, alarm)
    if standing == "untrue":
        revised = _by(alarm, fresh)
        close(
            voice, now, alarm, "cancelled", emitted, emitted,
            None if revised is None else revised.alert_id,
        )  # fmt: skip
        if alarm.event == "grade" and alarm.answer is None and revised is not None:
            _replace_by_lower(voice, now, revised, emitted)
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


def _replace_by_lower(voice: Voice, now: Fold, revised: Alert, emitted: Micros) -> None:
    """Who was told of a grade that never was, and has not come, is told of the one that is."""
    grade = voice.published.grade
    stands = any(alarm.event == "grade" for alarm in voice.published.alarms.open)
    if grade and not stands and revised.type == "grade.revised":
        priority = voice.context.rules.grade_priority[grade]
        _open(voice, now, _made(voice, revised, "grade", "", grade, priority), emitted)


def _by(alarm: Alarm, fresh: list[Alert]) -> Alert | None:
    """The alert that made an alarm untrue: the one that says so, else the newest of its channel."""
    channel = {"icans": "icans.changed", "iec_hs": "iec_hs.changed"}.get(alarm.event)
    channel = "candidate.closed" if alarm.event == "candidate" else channel or "grade.revised"
    for alert in reversed(fresh):
        if alert.supersedes == alarm.alert_id:
            return alert
    return next((alert for alert in reversed(fresh) if alert.type == channel), None)


def _standing(voice: Voice, alarm: Alarm) -> str:
    """Whether what an alarm says is `true` now, has `returned` to normal, or is `untrue`."""
    published = voice.published
    if alarm.event == "grade":
        return _graded(published.changes, alarm, voice.floor)
    if alarm.event == "icans":
        return _graded(published.icans, alarm, voice.floor)
    if alarm.event == "candidate":
        return _candidate(published, alarm, voice.floor)
    if alarm.event == "signal":
        lost = any(item.signal == alarm.subject for item in published.lost)
        return "true" if lost else "returned"
    if alarm.event == "iec_hs":
        said = published.iec_hs
        return "true" if said is not None and said.positive else "returned"
    return "true"


def _graded(said: tuple[Said, ...], alarm: Alarm, floor: Micros) -> str:
    if said and said[-1].grade >= alarm.grade:
        return "true"
    if alarm.effective < floor:
        return "returned"  # folded: it can no longer become untrue
    peak = grade_at(said, alarm.effective, 0)
    peak = max(peak, *(item.grade for item in said if item.time > alarm.effective), 0)
    return "returned" if peak >= alarm.grade else "untrue"


def _candidate(published: Published, alarm: Alarm, floor: Micros) -> str:
    said = next((item for item in published.candidates if item.alert_id == alarm.subject), None)
    if said is not None:
        return "true" if said.end is None else "returned"
    return "returned" if alarm.effective < floor else "untrue"
