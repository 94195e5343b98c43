"""The alarms of one patient as stored: life cycle after IEC 62682 and IEC 60601-1-8.

An alarm is one occurrence of an alert that somebody has to answer; its severity never changes.

    unacknowledged ── answer ──► acknowledged ── cause gone ──► closed
          │  ▲ shelf over, answer withdrawn
          │  └───────────── shelved (by whom, why, until when)
          └── cause gone ──► returned, or from grade 3 on latched ── answer ──► closed

The timers of each are the fields `due` and `inform`: a restart finds them as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stream.engine.events import Micros
from stream.engine.native import mypyc_attr

ENDED: Final = "ended"
"""Why an alarm was closed whose patient died or left."""
LEFT: Final = "ended, not asked about anew"
"""Why one of them stays closed though the patient is there after all, or again."""
CLOSED_KEPT: Final = 16
EARLY_KEPT: Final = 16
"""Alarms that are over, and answers to alarms that are not there yet."""
RAISED_KEPT: Final = 64
TRAIL_KEPT: Final = 32
HELD_KEPT: Final = 64


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Mark:
    """One transition of an alarm: what happened, when, on which rung, by whom."""

    what: str
    time: Micros
    step: int
    by: str | None = None

    def __init__(
        self,
        what: str,
        time: Micros,
        step: int,
        by: str | None = None,
    ) -> None:
        self.what = what
        self.time = time
        self.step = step
        self.by = by


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Answer:
    """A person's word on an alert; `until` and `reason` are those of the event."""

    alert_id: str
    event_id: str
    by: str
    action: str
    time: Micros
    until: Micros | None = None
    reason: str | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Alarm:
    """One alarm that is not closed.

    `alert_id` is the alert's that raised it; `told` is when that was said, and what the ladder
    counts from. `subject`: which signal, timer, candidate or score; empty where there is only one.
    """

    alert_id: str
    event: str
    subject: str
    grade: int
    priority: str
    effective: Micros
    told: Micros
    ladder: str
    latches: bool
    rung: int = 0
    """Number of the rung that was told last; 0 while it is held back in a flood."""
    round: int = 0
    repeats: int = 0
    began: Micros = 0
    """When this round of the ladder began."""
    due: Micros | None = None
    inform: Micros | None = None
    """When the roles are informed that no rung has told by then."""
    returned: Micros | None = None
    answer: Answer | None = None
    shelf: Answer | None = None
    trail: tuple[Mark, ...] = ()
    said: int = 0
    """How many transitions were told: each is another statement."""
    basis: tuple[str, ...] = ()
    """Of a reminder, the events that it rests on."""

    def __init__(
        self,
        alert_id: str,
        event: str,
        subject: str,
        grade: int,
        priority: str,
        effective: Micros,
        told: Micros,
        ladder: str,
        latches: bool,
        rung: int = 0,
        round: int = 0,  # noqa: A002
        repeats: int = 0,
        began: Micros = 0,
        due: Micros | None = None,
        inform: Micros | None = None,
        returned: Micros | None = None,
        answer: Answer | None = None,
        shelf: Answer | None = None,
        trail: tuple[Mark, ...] = (),
        said: int = 0,
        basis: tuple[str, ...] = (),
    ) -> None:
        self.alert_id = alert_id
        self.event = event
        self.subject = subject
        self.grade = grade
        self.priority = priority
        self.effective = effective
        self.told = told
        self.ladder = ladder
        self.latches = latches
        self.rung = rung
        self.round = round
        self.repeats = repeats
        self.began = began
        self.due = due
        self.inform = inform
        self.returned = returned
        self.answer = answer
        self.shelf = shelf
        self.trail = trail
        self.said = said
        self.basis = basis

    def copy(self) -> Alarm:
        """One of the caller's own, to be changed before anybody else has it."""
        return Alarm(
            self.alert_id,
            self.event,
            self.subject,
            self.grade,
            self.priority,
            self.effective,
            self.told,
            self.ladder,
            self.latches,
            self.rung,
            self.round,
            self.repeats,
            self.began,
            self.due,
            self.inform,
            self.returned,
            self.answer,
            self.shelf,
            self.trail,
            self.said,
            self.basis,
        )

    @property
    def state(self) -> str:
        """One of the states of the module's picture; `held` in a flood."""
        if self.shelf is not None:
            return "shelved"
        if self.answer is not None:
            return "acknowledged"
        if self.returned is not None:
            return "latched" if self.latches else "returned"
        return "held" if self.rung == 0 else "unacknowledged"

    @property
    def step(self) -> int:
        """The rung as the contract counts it: 0 is the first."""
        return max(0, self.rung - 1)

    @property
    def momentary(self) -> bool:
        """Raised by something that happened and does not last: only an answer ends it."""
        return self.event in ("reminder", "revision")


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class ClosedAlarm:
    """An alarm that is over, so that a late answer can be told why."""

    alert_id: str
    why: str
    time: Micros
    answered: Alarm | None = None
    """As it was, where an answer alone has ended it: that may be withdrawn."""


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Raised:
    """That an alarm of a kind was raised: what chatter and floods are counted from."""

    kind: str
    time: Micros


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Flood:
    """Too many alarms at once: which ones were held back, until when."""

    since: Micros
    until: Micros
    held: tuple[str, ...] = ()
    count: int = 0


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Alarms:
    """All that is kept of a patient's alarms; every list has an end."""

    open: tuple[Alarm, ...] = ()
    closed: tuple[ClosedAlarm, ...] = ()
    early: tuple[Answer, ...] = ()
    """Answers that came before their alert: topics are not in step with each other."""
    raised: tuple[Raised, ...] = ()
    flood: Flood | None = None

    def __init__(
        self,
        open: tuple[Alarm, ...] = (),  # noqa: A002
        closed: tuple[ClosedAlarm, ...] = (),
        early: tuple[Answer, ...] = (),
        raised: tuple[Raised, ...] = (),
        flood: Flood | None = None,
    ) -> None:
        self.open = open
        self.closed = closed
        self.early = early
        self.raised = raised
        self.flood = flood

    @property
    def due(self) -> Micros | None:
        """When the first timer of any alarm runs out."""
        if not self.open and self.flood is None:
            return None
        dues = [due for alarm in self.open for due in (alarm.due, alarm.inform) if due is not None]
        if self.flood is not None:
            dues.append(self.flood.until)
        return min(dues, default=None)

    @property
    def ended(self) -> bool:
        """Whether alarms were closed because the patient died or left, and is not back."""
        return bool(self.closed) and self.closed[-1].why == ENDED

    @property
    def left(self) -> bool:
        """Whether some of them stay closed though the patient is back."""
        return any(item.why == LEFT for item in self.closed)

    def of(self, alert_id: str) -> Alarm | None:
        """The open alarm that this alert raised."""
        return next((alarm for alarm in self.open if alarm.alert_id == alert_id), None)
