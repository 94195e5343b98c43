"""Which alerts raise an alarm, and what what was said since makes of the alarms that are open."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stream.engine.alarms import ENDED, Alarm, Alarms
from stream.engine.anew import (
    ask_of_scores,
    open_again,
    open_latched,
    scores_may_ask,
    silent_scores,
)
from stream.engine.announce import Voice
from stream.engine.answers import hear_early
from stream.engine.escalation import close, keep, ladder_of, say, store
from stream.engine.events import Micros
from stream.engine.fold import Fold
from stream.engine.opening import made, open_alarm
from stream.engine.outputs import Alert
from stream.engine.standing import grade_stands, standing_of

_CHANNELS: Final = {
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
        silent = silent_scores(voice, now, emitted)
        for alarm in (*voice.published.alarms.open, *raised, *silent):
            close(voice, now, alarm, ENDED, emitted, emitted)
    else:
        left, stood = voice.published.alarms.ended, grade_stands(voice)
        for alarm in _raised(voice, fresh):
            open_alarm(voice, now, alarm, emitted)
        if voice.end_withdrawn is not None:
            open_latched(voice, now, voice.end_withdrawn, emitted)
        if left:
            open_again(voice, now, emitted)
        for alarm in voice.published.alarms.open:
            _settle(voice, now, alarm, fresh, emitted)
        ask_of_scores(voice, now, emitted, stood=stood)
    voice.heard = len(voice.alerts)
    if voice.published.alarms.early:
        hear_early(voice, now, emitted)


def follow_up(voice: Voice, now: Fold, emitted: Micros) -> None:
    """`escalate`, where anything was said, or what is measured now can bear on an alarm.

    Most often nothing does: what was published has been followed up before, and nothing came of it.
    """
    published = voice.published
    alarms = published.alarms
    if not (voice.alerts or alarms.open or alarms.ended or alarms.left):
        return
    present = not now.ended and voice.end_withdrawn is None
    if not voice.alerts and present and published is voice.settled:
        return
    escalate(voice, now, emitted)
    asks = alarms.early or scores_may_ask(voice)
    idle = present and not asks and voice.published is published and not voice.alerts
    voice.settled = published if idle else None


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
    return made(voice, alarm.event, grade, last.alert_id, last.effective_time, alarm.told)


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
    alarm = made(voice, event, grade, alert.alert_id, alert.effective_time, alert.emitted_time)
    basis: tuple[str, ...] = ()
    if event == "reminder":
        basis = tuple(event_id for why in alert.reasons for event_id in why["event_ids"])
    return replace(alarm, subject=subject, priority=alert.priority, basis=basis)


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
        lower = made(voice, event, grade, revised.alert_id, revised.effective_time, told)
        open_alarm(voice, now, lower, emitted)


def _by(alarm: Alarm, fresh: list[Alert]) -> Alert | None:
    """The alert that made an alarm untrue: the one that says so, else the newest of its channel."""
    channel = _CHANNELS.get(alarm.event, "grade.revised")
    for alert in reversed(fresh):
        if alert.supersedes == alarm.alert_id:
            return alert
    return next((alert for alert in reversed(fresh) if alert.type == channel), None)
