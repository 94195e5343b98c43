"""Output events of an alarm's life: who is asked to answer, who did, and how it ended.

States after IEC 62682 and IEC 60601-1-8; see `stream.engine.alarms`.
"""

from typing import Annotated, Literal

from pydantic import Field

from schemas.alert import Alert, Grade
from schemas.wire import LenientModel, Time

AlarmState = Literal[
    "held", "unacknowledged", "acknowledged", "returned", "latched", "shelved", "closed"
]
ClosedWhy = Literal[
    "returned", "answered", "superseded", "confirmed", "cancelled", "unanswered", "ended"
]


class Inform(LenientModel):
    """Who will be informed besides (`escalation.informed`), whether or not somebody answers."""

    notify: list[str]
    """Roles to inform."""
    within_s: float
    """Within so many seconds of the alert."""


class Chatter(LenientModel):
    """An alarm that comes and goes: a remark beside it, never a reason to hide it."""

    alarms: Annotated[int, Field(ge=2)]
    """How many of its kind there were, this one included."""
    within_s: float
    """Within so many seconds."""


class Transition(LenientModel):
    """What happened to an alarm."""

    what: str
    """Last word of the alert's type: `opened`, `advanced`, `acknowledged` and so on."""
    time: Time
    """When it was true."""
    step: int
    """Step of the ladder at the time."""
    by: str | None
    """Who did it; null where a timer did."""


class _Escalation(Alert):
    alert: str
    """The `alert_id` of the alert that is escalated."""
    step: Annotated[int, Field(ge=0)]
    """Step of the ladder: 0 is the first."""
    notify: list[str]
    """Roles to notify."""
    respond_by: Time | None
    """When the next step is taken unless somebody answers; null where none follows."""
    state: AlarmState | None = None
    """State of the alarm after this."""
    event: str | None = None
    """What raised it: `grade`, `candidate`, `icans`, `signal`, `reminder`, `iec_hs`, `risk`,
    `revision`."""
    subject: str | None = None
    """Which signal, timer, candidate or score."""
    grade: Grade | None = None
    """Grade of the alarm, which never changes; null where it has none."""
    ladder: str | None = None
    """The row of the ladders that it follows."""
    round: Annotated[int, Field(ge=0)] | None = None
    """How often the ladder has begun; counted anew after a shelf or a withdrawn answer."""
    location: str | None = None
    """Ward and bed of the patient."""


class _Answered(_Escalation):
    by: str | None = None
    """Who it was."""
    reason: str | None = None
    """Why, in that person's words."""


class EscalationOpened(_Escalation):
    """An alert awaits an answer."""

    type: Literal["escalation.opened"]
    """Which alert this is."""
    inform: Inform | None = None
    """Who will be informed besides, unless a step tells them before."""
    chatter: Chatter | None = None
    """That it keeps coming back."""


class EscalationAdvanced(_Escalation):
    """Nobody answered in time: the next step of the ladder."""

    type: Literal["escalation.advanced"]
    """Which alert this is."""


class EscalationRepeated(_Escalation):
    """Nobody answered on the last step: it is said again."""

    type: Literal["escalation.repeated"]
    """Which alert this is."""


class EscalationInformed(_Escalation):
    """Others are to know of the alarm, answered or not, whom no step has told so far."""

    type: Literal["escalation.informed"]
    """Which alert this is."""


class EscalationAcknowledged(_Answered):
    """Somebody answered."""

    type: Literal["escalation.acknowledged"]
    """Which alert this is."""
    after_s: Annotated[float, Field(ge=0)] | None = None
    """Seconds between the alert and the answer."""


class EscalationExhausted(_Escalation):
    """Nobody has answered on any step: the ladder is over, the alarm is not."""

    type: Literal["escalation.exhausted"]
    """Which alert this is."""


class EscalationReturned(_Escalation):
    """The cause has gone, and nobody has answered: latched from a grade on, still asked for."""

    type: Literal["escalation.returned"]
    """Which alert this is."""


class EscalationShelved(_Answered):
    """Somebody put the alarm aside for a time."""

    type: Literal["escalation.shelved"]
    """Which alert this is."""
    until: Time
    """When it comes back."""


class EscalationUnshelved(_Answered):
    """The alarm is back: its time is over (`by` is missing), or somebody took it off the shelf."""

    type: Literal["escalation.unshelved"]
    """Which alert this is."""


class EscalationReopened(_Escalation):
    """The answer was entered in error: the ladder begins anew."""

    type: Literal["escalation.reopened"]
    """Which alert this is."""


class EscalationSummarised(Alert):
    """A flood: too many alarms of one patient at once; the lesser ones are counted and wait."""

    type: Literal["escalation.summarised"]
    """Which alert this is."""
    since: Time
    """When it began."""
    until: Time
    """When it is over; what is still true then is opened."""
    over: bool
    """Whether it is over."""
    count: Annotated[int, Field(ge=0)]
    """How many alarms were held back so far."""
    alerts: list[str]
    """The alerts that raised them, the newest last."""
    location: str | None = None
    """Ward and bed of the patient."""


class EscalationClosed(_Escalation):
    """The alert needs no answer any more."""

    type: Literal["escalation.closed"]
    """Which alert this is."""
    why: ClosedWhy | None = None
    """Why nobody needs to answer."""
    by_alert: str | None = None
    """The alert that superseded or cancelled it."""
    trail: list[Transition] | None = None
    """All that happened to the alarm, repeats left out."""
