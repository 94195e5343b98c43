"""How much a stretch of alerts asks of people: the figures of ANSI/ISA-18.2, from the alerts alone.

An alarm is an alert that was escalated (`escalation.opened`); what was held back in a flood and
never opened is counted by the flood. A patient's time runs from the first to the last alert of the
patient in the stretch, at least an hour: silence beyond is not seen here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from statistics import quantiles
from typing import Any

Json = dict[str, Any]
DAY_S = 86_400.0
LEAST_S = 3_600.0
LONG_S = 86_400.0
"""An alarm that stands for longer is one that nobody minds any more."""


@dataclass(slots=True)
class _Life:
    """One alarm, as far as the stretch shows it."""

    opened: datetime
    priority: str
    event: str
    grade: int | None
    asked: bool
    """Somebody was to answer: it is more than a line on a worklist."""
    steps: int = 0
    answered: bool = False
    """Somebody's answer, or a shelf, holds."""
    answered_s: float | None = None
    exhausted: bool = False
    closed: str | None = None


@dataclass(slots=True)
class _Stay:
    first: datetime
    last: datetime
    alarms: int = 0


@dataclass(slots=True)
class Burden:
    """Takes alerts one by one, in any order of patients; `report` sums up what was taken."""

    alerts: int = 0
    floods: int = 0
    held: int = 0
    chattering: int = 0
    shelved: int = 0
    _stays: dict[str, _Stay] = field(default_factory=dict)
    _lives: dict[str, _Life] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def take(self, alert: Json) -> None:
        """One output event as JSON; the same one again counts once. Raises KeyError, ValueError."""
        if alert["alert_id"] in self._seen:
            return
        time = datetime.fromisoformat(alert["emitted_time"])
        patient, kind = str(alert["patient_id"]), str(alert["type"])
        self._seen.add(alert["alert_id"])
        self.alerts += 1
        stay = self._stays.setdefault(patient, _Stay(time, time))
        stay.first, stay.last = min(stay.first, time), max(stay.last, time)
        if not kind.startswith("escalation."):
            return
        what = kind.partition(".")[2]
        if what == "summarised":
            self.floods += bool(alert.get("over"))
            self.held += int(alert["count"]) if alert.get("over") else 0
        elif what == "opened":
            stay.alarms += alert["alert"] not in self._lives
            self.chattering += alert.get("chatter") is not None
            self._lives[alert["alert"]] = _Life(
                time,
                alert["priority"],
                str(alert.get("event")),
                alert.get("grade"),
                alert["respond_by"] is not None,
            )
        elif alert["alert"] in self._lives:
            self._follow(self._lives[alert["alert"]], what, alert)

    def _follow(self, life: _Life, what: str, alert: Json) -> None:
        if what in ("advanced", "repeated"):
            life.steps += 1
        elif what == "exhausted":
            life.exhausted = True
        elif what == "shelved":
            self.shelved += 1
        elif what == "closed":
            life.closed = str(alert.get("why"))
        if what in ("acknowledged", "shelved"):
            life.answered = True
            if life.answered_s is None:
                answered = datetime.fromisoformat(alert["effective_time"])
                life.answered_s = max(0.0, (answered - life.opened).total_seconds())
        elif what in ("reopened", "unshelved"):
            life.answered = False
            if what == "reopened":  # it never was an answer
                life.answered_s = None

    def report(self) -> Json:
        """The figures, JSON-ready; null where there is nothing to reckon with."""
        stays = list(self._stays.values())
        days = sum(max(LEAST_S, (s.last - s.first).total_seconds()) for s in stays) / DAY_S
        lives = list(self._lives.values())
        end = max((stay.last for stay in stays), default=None)
        standing = [life for life in lives if life.closed is None]
        return {
            "from": min((stay.first for stay in stays), default=None),
            "until": end,
            "patients": len(stays),
            "patient_days": round(days, 3),
            "alerts": self.alerts,
            "alarms": len(lives),
            "alarms_per_patient_day": _ratio(len(lives), days),
            "alarms_of_busiest_tenth": _busiest([stay.alarms for stay in stays]),
            "by_priority": dict(sorted(Counter(life.priority for life in lives).items())),
            "by_event": dict(sorted(Counter(map(_about, lives)).items())),
            "steps_per_alarm": _ratio(sum(life.steps for life in lives), len(lives)),
            "time_to_answer_s": {
                name: _times([x for x in lives if name in ("all", x.priority)])
                for name in ("all", "high", "medium", "low")
            },
            "answered": sum(life.answered for life in lives),
            "unanswered": sum(map(_unanswered, lives)),
            "share_unanswered": _ratio(
                sum(map(_unanswered, lives)), sum(life.asked for life in lives)
            ),
            "ladders_exhausted": sum(life.exhausted for life in lives),
            "closed": dict(sorted(Counter(x.closed for x in lives if x.closed).items())),
            "standing": len(standing),
            "standing_over_a_day": sum(
                end is not None and (end - life.opened).total_seconds() > LONG_S
                for life in standing
            ),
            "chattering": self.chattering,
            "floods": self.floods,
            "held_back": self.held,
            "shelved": self.shelved,
        }


def _unanswered(life: _Life) -> bool:
    """Nobody answered, although the whole ladder was over or the alarm was closed for it."""
    return life.asked and not life.answered and (life.exhausted or life.closed == "unanswered")


def _about(life: _Life) -> str:
    return life.event if life.grade is None else f"{life.event} {life.grade}"


def _ratio(count: float, of: float) -> float | None:
    return round(count / of, 3) if of else None


def _busiest(counts: list[int]) -> float | None:
    """The share of all alarms that the tenth of patients with the most of them has."""
    most = sorted(counts, reverse=True)[: max(1, len(counts) // 10)]
    return _ratio(sum(most), sum(counts))


def _times(lives: list[_Life]) -> Json | None:
    times = sorted(life.answered_s for life in lives if life.answered_s is not None)
    if not times:
        return None
    cuts = quantiles(times, n=10, method="inclusive") if len(times) > 1 else times * 9
    return {"count": len(times), "median": cuts[4], "p90": cuts[8], "longest": times[-1]}
