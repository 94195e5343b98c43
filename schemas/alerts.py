"""Output events of the topic `alerts`: what Stormwatch says about a patient.

Readers tolerate fields they do not know. Every alert says on what it rests (`reasons`) and which
thresholds were in force (`ruleset`); `alert_id` is a UUIDv5 of what it says. The alerts of a
patient are a chain: each holds the hash of the one before.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.alarms import (
    EscalationAcknowledged,
    EscalationAdvanced,
    EscalationClosed,
    EscalationExhausted,
    EscalationInformed,
    EscalationOpened,
    EscalationReopened,
    EscalationRepeated,
    EscalationReturned,
    EscalationShelved,
    EscalationSummarised,
    EscalationUnshelved,
)
from schemas.alert import Alert, Grade, IcansGrade
from schemas.vocabulary import CandidateEnd, CandidateWhy, WatchedSignal
from schemas.wire import LenientModel, Time


class Guidance(LenientModel):
    """One piece of published guidance that bears on the grade; never an order."""

    text: str
    """What it says, in our words."""
    citation: str
    """Where it is published."""
    id: str | None = None
    """Its row, see `stormwatch guidance`."""
    topic: str | None = None
    """What it is about: `supportive`, `anticytokine`, `steroid`, `hold` and so on."""
    version: str | None = None
    """Version of the publication."""
    date: str | None = None
    """Date of the publication."""
    status: str | None = None
    """`checked`, `mem` (from memory, unverified), `DESIGN` (our choice) or `site`."""
    verified: bool | None = None
    """False: it is from memory, and nobody has compared it with the publication yet."""
    evidence: str | None = None
    """Level of evidence, for what is emerging."""
    given: str | None = None
    """What is on record of the medicines that it speaks of."""
    limits: list[str] | None = None
    """Published limits that are reached, or intervals that are not over."""


class Span(LenientModel):
    """A span of the corrected history."""

    grade: Grade | None
    """The grade that holds in it; null where the scale does not apply."""
    start: Annotated[Time, Field(alias="from")]
    """Event time at which it begins."""
    until: Time | None
    """Event time at which it ends; null: it still lasts."""


class _GradeAlert(Alert):
    scale: str
    """The scale, such as `astct-2019`."""
    from_grade: Grade
    """The grade said last."""
    to_grade: Grade
    """The grade now."""
    raw_grade: Grade | None
    """The grade of this moment without holds; null where the scale does not apply."""
    episode_max: Grade | None
    """The highest grade of the episode."""
    other_scales: dict[str, Grade | list[Grade] | None]
    """Grades by other scales; a list where the wording of a scale is ambiguous."""
    guidance: list[Guidance]
    """Published guidance for this grade."""


class GradeChanged(_GradeAlert):
    """The grade is another from `effective_time` on."""

    type: Literal["grade.changed"]
    """Which alert this is."""


class GradeRevised(_GradeAlert):
    """Late, corrected or retracted data changed what had already been said."""

    type: Literal["grade.revised"]
    """Which alert this is."""
    history: list[Span]
    """The spans that differ from what was said."""


class CandidateRaised(Alert):
    """A grade that the scale does not give by itself: a person should look at the patient."""

    type: Literal["candidate.raised"]
    """Which alert this is."""
    candidate_grade: Grade
    """The grade it would be."""
    why: CandidateWhy
    """Why it is only a candidate."""


class CandidateClosed(Alert):
    """A candidate is no more."""

    type: Literal["candidate.closed"]
    """Which alert this is."""
    candidate_grade: Grade
    """The grade it would have been."""
    why: CandidateEnd
    """Whether it was confirmed or its grounds ended."""


class IcansChanged(Alert):
    """The grade of neurotoxicity is another."""

    type: Literal["icans.changed"]
    """Which alert this is."""
    from_grade: IcansGrade | None
    """The grade said last; null where it was not assessed."""
    to_grade: IcansGrade | None
    """The grade now; null where it cannot be assessed."""


class Reminder(Alert):
    """A timer of published guidance ran out."""

    type: Literal["reminder"]
    """Which alert this is."""
    timer: str
    """Code of the timer, such as `K1`."""
    text: str
    """What it reminds of."""
    citation: str
    """Where it is published."""
    status: str | None = None
    """`checked`, `mem` (from memory, unverified), `DESIGN` or `site`."""


class SignalLost(Alert):
    """A signal that grading needs is too old; the grade is held."""

    type: Literal["signal.lost"]
    """Which alert this is."""
    signal: WatchedSignal
    """The signal."""
    last_seen: Time | None
    """Event time of its last value."""


class SignalRestored(Alert):
    """A lost signal is back."""

    type: Literal["signal.restored"]
    """Which alert this is."""
    signal: WatchedSignal
    """The signal."""
    last_seen: Time | None
    """Event time of its last value."""


class ScoreInput(LenientModel):
    """One value that a score rests on."""

    name: str
    """The input."""
    value: float | bool | str
    """Its value, in the score's unit for it."""
    at: Time
    """Event time at which it was true."""
    age_s: float
    """Its age in seconds when the band was judged."""
    event_id: str
    """The input event that it comes from; empty where there is none."""


class RiskChanged(Alert):
    """A score went into another band and stayed there."""

    type: Literal["risk.changed"]
    """Which alert this is."""
    score: str
    """The score, such as `news2`, `shock_index` or `m_easix`."""
    from_value: float | None
    """Its value when it was said last."""
    to_value: float | None
    """Its value now; the lowest that it can be where inputs are missing."""
    band: str | None
    """The band it is in; null below the first."""
    from_band: str | None = None
    """The band said last."""
    inputs: list[ScoreInput] | None = None
    """What it rests on."""
    missing: list[str] | None = None
    """Inputs that are missing or too old; none of them counts as normal."""
    caution: str | None = None
    """What to bear in mind about the score."""


class IecHsChanged(Alert):
    """The screen for IEC-HS became positive, or is so no longer: a screen, not a diagnosis."""

    type: Literal["iec_hs.changed"]
    """Which alert this is."""
    positive: bool
    """Whether the screen is positive now."""
    criteria: list[str]
    """The criteria that are met."""
    missing: list[str]
    """Analytes without a result that is fresh enough."""
    citation: str
    """Where the criteria are published."""


OutputEvent = Annotated[
    GradeChanged
    | GradeRevised
    | CandidateRaised
    | CandidateClosed
    | IcansChanged
    | Reminder
    | EscalationOpened
    | EscalationAdvanced
    | EscalationRepeated
    | EscalationAcknowledged
    | EscalationClosed
    | EscalationExhausted
    | EscalationInformed
    | EscalationReturned
    | EscalationShelved
    | EscalationUnshelved
    | EscalationReopened
    | EscalationSummarised
    | SignalLost
    | SignalRestored
    | RiskChanged
    | IecHsChanged,
    Field(discriminator="type"),
]

OUTPUT_ADAPTER: TypeAdapter[OutputEvent] = TypeAdapter(OutputEvent)
"""Reads any output event of the topic `alerts`: `OUTPUT_ADAPTER.validate_json(raw)`."""

OUTPUT_MODELS: dict[str, type[Alert]] = {
    "grade.changed": GradeChanged,
    "grade.revised": GradeRevised,
    "candidate.raised": CandidateRaised,
    "candidate.closed": CandidateClosed,
    "icans.changed": IcansChanged,
    "reminder": Reminder,
    "escalation.opened": EscalationOpened,
    "escalation.advanced": EscalationAdvanced,
    "escalation.repeated": EscalationRepeated,
    "escalation.acknowledged": EscalationAcknowledged,
    "escalation.closed": EscalationClosed,
    "escalation.exhausted": EscalationExhausted,
    "escalation.informed": EscalationInformed,
    "escalation.returned": EscalationReturned,
    "escalation.shelved": EscalationShelved,
    "escalation.unshelved": EscalationUnshelved,
    "escalation.reopened": EscalationReopened,
    "escalation.summarised": EscalationSummarised,
    "signal.lost": SignalLost,
    "signal.restored": SignalRestored,
    "risk.changed": RiskChanged,
    "iec_hs.changed": IecHsChanged,
}
