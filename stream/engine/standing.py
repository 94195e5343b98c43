"""Whether what an alarm says still holds, by what was published since."""

from __future__ import annotations

from stream.engine.alarms import Alarm
from stream.engine.announce import Voice
from stream.engine.events import Micros
from stream.engine.history import grade_at
from stream.engine.ladders import AlarmRule
from stream.engine.state import Published, Said


def standing_of(voice: Voice, alarm: Alarm) -> str:
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
    if alarm.event == "risk":
        band = published.risks.get(alarm.subject)
        return "true" if band is not None and band.alert_id == alarm.alert_id else "returned"
    return "true"


def silences_scores(alarm: Alarm, rule: AlarmRule) -> bool:
    """Whether a score asks nobody beside an alarm: its grade says more, and lasts."""
    high = alarm.event == "grade" and alarm.grade >= rule.scores_silent_from_grade
    return high and alarm.returned is None


def grade_stands(voice: Voice) -> bool:
    """Whether an alarm is open beside which scores ask nobody."""
    rule = voice.context.rules.ladders.alarms
    return any(silences_scores(alarm, rule) for alarm in voice.published.alarms.open)


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
