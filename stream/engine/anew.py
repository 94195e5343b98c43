"""What is asked about anew without a new alert.

That is what is in force after an end that was none, or is over, and scores after a high grade.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stream.engine.alarms import ENDED, LEFT, Alarm
from stream.engine.announce import Voice, candidate_priority
from stream.engine.escalation import ladder_of, outdoes, store
from stream.engine.events import Micros
from stream.engine.fold import Fold
from stream.engine.opening import made, open_alarm
from stream.engine.risks import band_at
from stream.engine.standing import grade_stands, standing_of


def open_again(voice: Voice, now: Fold, emitted: Micros) -> None:
    """The patient is there after all, or again: what is in force is asked about anew.

    Their alarms were closed when they died or left, which was wrong, or is over.
    """
    alarms = voice.published.alarms
    ended = {item.alert_id for item in alarms.closed if item.why == ENDED}
    kept = tuple(replace(i, why=LEFT) if i.why == ENDED else i for i in alarms.closed)
    store(voice, replace(alarms, closed=kept))
    for alarm in _in_force(voice, now, ended, emitted):
        others = voice.published.alarms.open
        if not any(outdoes(other, alarm) for other in others):
            open_alarm(voice, now, alarm, emitted)


def open_latched(voice: Voice, now: Fold, end: Micros, emitted: Micros) -> None:
    """An end of the stay at `end` never was: what had latched by then asks on.

    After a real one nobody is asked about what was over when the patient left.
    """
    for item in voice.published.alarms.closed:
        if item.why == ENDED or (item.why == LEFT and item.time >= end):
            alarm = _latched(voice, item.alert_id, emitted)
            others = voice.published.alarms.open
            if alarm is not None and not any(outdoes(other, alarm) for other in others):
                open_alarm(voice, now, alarm, emitted)


def _latched(voice: Voice, alert_id: str, told: Micros) -> Alarm | None:
    """The alarm of an alert's grade, of which the cause has gone; None where none of it latches."""
    published = voice.published
    for event, said in (("grade", published.changes), ("icans", published.icans)):
        for item in said:
            if item.alert_id == alert_id:
                alarm = made(voice, event, item.grade, alert_id, item.time, told)
                if alarm.latches and standing_of(voice, alarm) == "returned":
                    return replace(alarm, returned=told)
    return None


def ask_of_scores(voice: Voice, now: Fold, emitted: Micros, *, stood: bool) -> None:
    """Ask about the bands in force of which nobody was asked beside a high grade that has gone.

    So are those of a patient who had left: once what was measured is not too old, and says so.
    `stood`: an alarm of such a grade was there before this step.
    """
    if grade_stands(voice) or not (stood or scores_may_ask(voice)):
        return
    alarms = voice.published.alarms
    over = {item.alert_id: item.why for item in alarms.closed}
    for alarm in _scores_in_force(voice, emitted):
        why = over.get(alarm.alert_id)
        asks = stood or why == "superseded"
        if why == LEFT:
            asks = _is_measured(voice, now, alarm.subject, emitted)
        if asks and alarms.of(alarm.alert_id) is None:
            open_alarm(voice, now, alarm, emitted)


def scores_may_ask(voice: Voice) -> bool:
    """Whether what is measured may make a score ask for which nobody was asked before."""
    if grade_stands(voice):
        return False
    return any(item.why in ("superseded", LEFT) for item in voice.published.alarms.closed)


def silent_scores(voice: Voice, now: Fold, told: Micros) -> list[Alarm]:
    """The alarms that a high grade keeps silent: they end with the patient as the others do."""
    if not grade_stands(voice):
        return []
    return [item for item in _scores_in_force(voice, told) if ladder_of(voice, now, item, told)]


def _is_measured(voice: Voice, now: Fold, name: str, time: Micros) -> bool:
    """Whether measurements that are not too old have the band that was said, or a higher one."""
    rules = voice.context.rules
    bands = rules.scores[name].plan.bands
    here = band_at(now, time, rules.scores[name], rules)
    return here is not None and here in bands[bands.index(voice.published.risks[name].band) :]


def _in_force(voice: Voice, now: Fold, ended: set[str], told: Micros) -> Iterator[Alarm]:
    """The alarms that what was said last would raise now; of scores see `ask_of_scores`.

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
                yield made(voice, event, item.grade, alert_id, item.time, told)
    starts = {(item.start, item.grade): item for item in now.candidates}
    for one in published.candidates:
        candidate = starts.get((one.start, one.grade))
        if one.end is None and candidate is not None:
            priority = candidate_priority(candidate, rules)
            alarm = made(voice, "candidate", one.grade, one.alert_id, one.start, told)
            yield replace(alarm, subject=one.alert_id, priority=priority)
    screen = published.iec_hs
    if screen is not None and screen.positive:
        alarm = made(voice, "iec_hs", 0, screen.alert_id, screen.time, told)
        yield replace(alarm, priority=rules.iec_hs.priority)


def _scores_in_force(voice: Voice, told: Micros) -> Iterator[Alarm]:
    rules = voice.context.rules
    for name, risk in voice.published.risks.items():
        alarm = made(voice, "risk", 0, risk.alert_id, risk.time, told)
        priority = rules.scores[name].priority(risk.band) if name in rules.scores else "information"
        if priority != "information":
            yield replace(alarm, subject=name, priority=priority)
