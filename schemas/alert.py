"""What every output event has: the base of `schemas.alerts` and `schemas.alarms`."""

from typing import Annotated

from pydantic import Field

from schemas.vocabulary import Priority
from schemas.wire import LenientModel, Time

Grade = Annotated[int, Field(ge=0, le=5)]
IcansGrade = Annotated[int, Field(ge=0, le=4)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Reason(LenientModel):
    """Why: a code, the criterion it belongs to, one sentence, and the events it rests on."""

    code: str
    """Code of the reason."""
    criterion: str
    """The criterion of the scale that it belongs to."""
    text: str
    """One sentence for a person."""
    event_ids: list[str]
    """The input events it rests on."""


class Ruleset(LenientModel):
    """A parameter set, named so that everything can be computed again."""

    name: str
    """Name of the parameter set."""
    version: str
    """Its version."""
    hash: str
    """Hash of every threshold in it."""


class Alert(LenientModel):
    """What every output event has."""

    alert_id: str
    """UUIDv5 of what the alert says, never of when or where it was computed."""
    patient_id: str
    """The patient; also the key of the Kafka record."""
    episode: Annotated[int, Field(ge=1)] | None
    """Number of the episode, from 1; null outside one."""
    effective_time: Time
    """Event time at which it is true."""
    emitted_time: Time
    """The patient's processing clock when it was said."""
    late_by_s: Annotated[float, Field(ge=0)]
    """Seconds between `effective_time` and `emitted_time`."""
    priority: Priority
    """Alarm priority."""
    flags: list[str]
    """Codes of the flags on the patient, sorted."""
    reasons: list[Reason]
    """Why, with the events it rests on."""
    supersedes: str | None
    """The newest alert that this one makes untrue."""
    ruleset: Ruleset
    """The thresholds that were in force."""
    engine_version: str
    """Version of the engine that computed it."""
    previous_hash: Sha256 | None = None
    """SHA-256 of the record value of the patient's alert before; null for the first of the chain.
    Alerts of engines before 0.3.0 have none."""
