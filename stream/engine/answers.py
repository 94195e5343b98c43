"""Answers to alarms: acknowledged, shelved, taken off the shelf; and answers that are withdrawn.

An answer ends the ladder, not the alarm; it goes with the alarm when a higher grade opens another.
What cannot be taken is told with a code, and why.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from stream.engine.alarms import EARLY_KEPT, Alarm, Answer, ClosedAlarm
from stream.engine.announce import Voice
from stream.engine.escalation import begun, close, keep, ladder_of, outdoes, say, store
from stream.engine.events import Acknowledgement, Micros, PatientEvent
from stream.engine.fold import Fold
from stream.engine.outputs import Rejection, rfc3339
from stream.engine.ruleset import SECOND

Refusal = tuple[str, str]
"""Code and what to do."""


def hear(
    voice: Voice, now: Fold, event: PatientEvent, voided: AbstractSet[str], clock: Micros
) -> tuple[Rejection, ...]:
    """Take an answer in, or what takes one back; what cannot be taken is said."""
    if not voice.context.rules.ladders.escalate:
        return ()
    _withdraw(voice, now, voided, clock)
    voice.heard = len(voice.alerts)
    if not isinstance(event, Acknowledgement) or event.event_id in voided:
        return ()
    answer = Answer(
        event.alert_id, event.event_id, event.by, event.action, event.time, event.until,
        event.reason,
    )  # fmt: skip
    refused = _taken(voice, now, answer, clock)
    voice.heard = len(voice.alerts)
    if refused is None:
        return ()
    return (Rejection(event.event_id, event.patient_id, *refused),)


def hear_early(voice: Voice, now: Fold, clock: Micros) -> None:
    """Answers that came before their alert: they count once it has opened an alarm."""
    alarms = voice.published.alarms
    for answer in alarms.early:
        if alarms.of(answer.alert_id) is not None:
            rest = tuple(item for item in voice.published.alarms.early if item != answer)
            store(voice, replace(voice.published.alarms, early=rest))
            _taken(voice, now, answer, clock)
    voice.heard = len(voice.alerts)


def _taken(voice: Voice, now: Fold, answer: Answer, clock: Micros) -> Refusal | None:
    alarm = voice.published.alarms.of(answer.alert_id)
    if alarm is None:
        return _nobody(voice, answer)
    if answer.action == "acknowledge":
        _acknowledge(voice, now, alarm, answer, clock)
        return None
    if answer.action == "shelve":
        return _shelve(voice, now, alarm, answer, clock)
    return _unshelve(voice, now, alarm, answer, clock)


def _nobody(voice: Voice, answer: Answer) -> Refusal:
    """There is no such alarm: because it is over, or because nothing is known of it (yet)."""
    alarms = voice.published.alarms
    for closed in reversed(alarms.closed):
        if closed.alert_id == answer.alert_id:
            detail = (
                f"the alarm of alert {answer.alert_id!r} was closed at {rfc3339(closed.time)} "
                f"({closed.why}): nobody waits for an answer any more; look at the patient's "
                "newest alerts"
            )
            return "alarm_closed", detail
    store(voice, replace(alarms, early=(*alarms.early, answer)[-EARLY_KEPT:]))
    detail = (
        f"no alarm of alert {answer.alert_id!r} is open for this patient: check the id and the "
        "patient; it counts if the alert is still to come"
    )
    return "unknown_alert", detail


def _acknowledge(voice: Voice, now: Fold, alarm: Alarm, answer: Answer, clock: Micros) -> None:
    if alarm.answer is not None:
        return  # somebody has answered
    effective = min(max(answer.time, alarm.told), clock)
    answered = replace(alarm, answer=answer, shelf=None, due=None)  # it is on no shelf any more
    over = alarm.returned is not None or alarm.momentary
    answered = say(voice, now, answered, "acknowledged", effective, clock, answer=answer)
    keep(voice, answered)
    if over:
        close(voice, now, answered, "answered", clock, clock)


def _shelve(
    voice: Voice, now: Fold, alarm: Alarm, answer: Answer, clock: Micros
) -> Refusal | None:  # fmt: skip
    rule = voice.context.rules.ladders.alarms
    if alarm.grade > rule.shelved_to_grade:
        highest = f"the highest that can is {rule.shelved_to_grade}"
        detail = f"an alarm of grade {alarm.grade} cannot be shelved ({highest}): acknowledge it"
        return "not_shelvable", detail
    if alarm.returned is not None:
        return "not_shelvable", "the cause of this alarm has gone: acknowledge it"
    if answer.until is None or not clock < answer.until <= clock + rule.shelved_longest:
        given = "nothing" if answer.until is None else rfc3339(answer.until)
        longest = f"at most {rule.shelved_longest // SECOND} s later"
        return "shelf_invalid", f"until = {given}: expected after {rfc3339(clock)}, {longest}"
    if not (answer.reason or "").strip():
        return "shelf_invalid", "reason is missing: an alarm is shelved only with a reason"
    shelved = replace(alarm, shelf=answer, due=answer.until)
    keep(
        voice,
        say(
            voice, now, shelved, "shelved", clock, clock, answer=answer,
            more={"until": rfc3339(answer.until)},
        ),
    )  # fmt: skip
    return None


def _unshelve(
    voice: Voice, now: Fold, alarm: Alarm, answer: Answer, clock: Micros
) -> Refusal | None:  # fmt: skip
    if alarm.shelf is None:
        return "not_shelved", f"the alarm of alert {alarm.alert_id!r} is not shelved"
    _again(voice, now, alarm, "unshelved", clock, answer)
    return None


def _again(
    voice: Voice, now: Fold, alarm: Alarm, what: str, clock: Micros, answer: Answer | None
) -> None:
    """The ladder begins anew with all its rounds, as if nobody had answered."""
    row = ladder_of(voice, now, alarm, clock)
    if row is None:
        keep(voice, replace(alarm, answer=None, shelf=None, due=None))
        return
    again = begun(replace(alarm, round=0), row, voice.context.rules.ladders, clock)
    keep(voice, say(voice, now, again, what, clock, clock, answer=answer))


def _withdraw(voice: Voice, now: Fold, voided: AbstractSet[str], clock: Micros) -> None:
    """An answer that was entered in error is none: the ladder begins anew."""
    for alarm in voice.published.alarms.open:
        for answer in (alarm.answer, alarm.shelf):
            if answer is not None and answer.event_id in voided:
                _again(voice, now, alarm, "reopened", clock, None)
                break
    for item in voice.published.alarms.closed:
        was = item.answered
        if was is not None and was.answer is not None and was.answer.event_id in voided:
            _reopen(voice, now, item, was, clock)
    alarms = voice.published.alarms
    early = tuple(answer for answer in alarms.early if answer.event_id not in voided)
    if len(early) < len(alarms.early):
        store(voice, replace(alarms, early=early))


def _reopen(voice: Voice, now: Fold, item: ClosedAlarm, was: Alarm, clock: Micros) -> None:
    """Ask again about what only an answer ends: a latched alarm, or what happened once."""
    others = voice.published.alarms.open
    if now.ended or any(outdoes(other, was) for other in others if not was.momentary):
        return
    alarms = voice.published.alarms
    store(voice, replace(alarms, closed=tuple(one for one in alarms.closed if one != item)))
    returned = was.returned
    if item.why == "returned" and returned is None:
        returned = item.time
    _again(voice, now, replace(was, returned=returned), "reopened", clock, None)
