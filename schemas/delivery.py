"""What the router writes: deliveries to the topic `audit`, and the dead letters of its routes."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from schemas.vocabulary import Priority
from schemas.wire import LenientModel, Time


class Answer(LenientModel):
    """What a receiver said, or why it said nothing."""

    code: str
    """Its own code: a status of HTTP or SMTP, AA or AE of HL7; or `timeout`, `unreachable`, …"""
    text: str
    """The beginning of what it said."""


class Delivery(LenientModel):
    """One thing that the router did with alerts; sent is not acknowledged."""

    type: Literal[
        "delivery.delivered",
        "delivery.failed",
        "delivery.refused",
        "delivery.inhibited",
        "delivery.passed_on",
        "delivery.reported",
    ]
    """One attempt and its outcome; kept back for a greater alert; told to another route because
    this one has not delivered it; or a later report."""
    route: str
    """The route."""
    receiver: str
    """Kind of the receiver."""
    to: str
    """Its address."""
    at: Time
    """When, by the router's clock."""
    message_id: str | None = None
    """The message: the same whenever it is sent again."""
    patient_id: str | None = None
    """Whose alerts; also the key of the record."""
    alert_ids: list[str] | None = None
    """The alerts in the message."""
    priority: Priority | None = None
    """That of the most urgent of them."""
    attempt: Annotated[int, Field(ge=1)] | None = None
    """Which attempt of this process it was."""
    bytes: Annotated[int, Field(ge=0)] | None = None
    """Size of what was sent."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """Hash of what was sent."""
    answer: Answer | None = None
    """What was answered to an attempt."""
    took_s: Annotated[float, Field(ge=0)] | None = None
    """How long the attempt took."""
    by: str | None = None
    """Of `delivery.inhibited`: the `alert_id` of the greater alert."""
    otherwise: str | None = None
    """Of `delivery.passed_on`: the route that is told as well."""
    why: Literal["late", "gave_up", "refused"] | None = None
    """Of `delivery.passed_on`: not in time, and still tried; or a dead letter of this route."""
    attempts: Annotated[int, Field(ge=0)] | None = None
    """Of `delivery.passed_on`: how often this process has tried."""
    status: dict[str, JsonValue] | None = None
    """Of `delivery.reported`: what the receiver reported later."""


class UndeliveredAlert(LenientModel):
    """One alert of a message, as it lay in its topic."""

    topic: str
    """The topic."""
    partition: Annotated[int, Field(ge=0)]
    """The partition."""
    offset: Annotated[int, Field(ge=0)]
    """The offset."""
    value_base64: str
    """The original bytes, in base64."""


class Undelivered(LenientModel):
    """A dead letter of a route: a message that its receiver did not take."""

    type: Literal["undelivered"]
    """Which record this is."""
    route: str
    """The route."""
    receiver: str
    """Kind of the receiver."""
    to: str
    """Its address."""
    at: Time
    """When it was given up."""
    reason: Literal["gave_up", "refused", "unreadable"]
    """Tried for too long; turned away for what it is; no alert, or none to be put into words."""
    attempts: Annotated[int, Field(ge=0)]
    """How often this process tried."""
    last_answer: str
    """What was answered last."""
    patient_id: str | None = None
    """Whose alerts."""
    message_id: str | None = None
    """The message."""
    alerts: list[UndeliveredAlert]
    """What was in it."""
