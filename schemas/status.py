"""The newest state of a patient: the compacted topic `status`, and what `assess` prints.

For boards and late joiners. Readers tolerate fields they do not know; only the patient and the
two times are always there.
"""

from typing import Annotated

from pydantic import Field, JsonValue

from schemas.alarms import AlarmState
from schemas.alert import Grade, IcansGrade, Reason
from schemas.vocabulary import Priority
from schemas.wire import LenientModel, Time


class Axis(LenientModel):
    """One axis of the scale: fever, hypotension or hypoxia."""

    value: JsonValue = None
    """What it counts for now."""
    since: Time | None = None
    """Event time since when."""
    evidence: Annotated[list[str], Field(default_factory=list)]
    """The `event_id`s it rests on."""


class Therapy(LenientModel):
    """The last immune therapy."""

    product: str
    """Non-proprietary name of the product."""
    therapy_class: str
    """Class of the product."""
    dose_number: int | None = None
    """Which dose of a series it was."""
    time: Time
    """When it was given."""


class StandingAlarm(LenientModel):
    """An alarm that is not closed."""

    alert: str
    """The `alert_id` of the alert that raised it: what an acknowledgement names."""
    event: str
    """What raised it, such as `grade` or `signal`."""
    subject: str | None = None
    """Which signal, timer or candidate."""
    grade: Grade | None = None
    """Its grade; null where it has none."""
    priority: Priority
    """Its priority, which never changes."""
    state: AlarmState
    """Where it is in its life."""
    step: Annotated[int, Field(ge=0)]
    """Step of the ladder: 0 is the first."""
    since: Time
    """When it was raised."""
    by: str | None = None
    """Who acknowledged or shelved it."""
    due: Time | None = None
    """When its next timer runs out."""


class Status(LenientModel):
    """The newest state of one patient."""

    patient_id: str
    """The patient; also the key of the Kafka record."""
    at: Time
    """Event time it speaks of."""
    updated: Time
    """Processing clock when it was computed."""
    raw_grade: Grade | None = None
    """The grade of this moment without holds; null where the scale does not apply."""
    grade: Grade | None = None
    """The grade as emitted, with its holds."""
    candidate_grade: Grade | None = None
    """The open candidate's grade."""
    episode: Annotated[int, Field(ge=1)] | None = None
    """Number of the open episode."""
    flags: Annotated[list[str], Field(default_factory=list)]
    """Codes of the flags on the patient, sorted."""
    axes: Annotated[dict[str, Axis], Field(default_factory=dict)]
    """The axes `fever`, `hypotension` and `hypoxia`."""
    scales: Annotated[dict[str, Grade | list[Grade] | None], Field(default_factory=dict)]
    """Grade by scale; a list where the wording of a scale is ambiguous."""
    icans: IcansGrade | None = None
    """Grade of neurotoxicity; null where it was not assessed."""
    scores: Annotated[dict[str, JsonValue], Field(default_factory=dict)]
    """The bands of scores in force, by name: value, band, since."""
    iec_hs: bool | None = None
    """Whether the screen for IEC-HS is positive; null where it cannot be judged."""
    alarms: Annotated[list[StandingAlarm], Field(default_factory=list)]
    """Alarms that are not closed."""
    reasons: Annotated[list[Reason], Field(default_factory=list)]
    """Why the grade is what it is."""
    since: Time | None = None
    """Event time since when `grade` holds."""
    therapy: Therapy | None = None
    """The last immune therapy."""
    location: str | None = None
    """Ward and bed."""
    outcome: str | None = None
    """How the stay ended."""
    last_alert: str | None = None
    """The `alert_id` of the newest change of grade."""
