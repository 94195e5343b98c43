"""A person's answer to an alert over HTTP, as the router takes it, and what it says to it."""

from typing import Literal

from schemas.vocabulary import AcknowledgementAction
from schemas.wire import Id, LenientModel, Name, StrictModel, Text, Time


class AcknowledgementRequest(StrictModel):
    """The body of POST /acknowledgements."""

    alert_id: Id
    """The alert that is answered; of an escalation, the alert that it escalates is meant."""
    by: Name
    """Who answers: a pseudonymous user or a role."""
    action: AcknowledgementAction = AcknowledgementAction.ACKNOWLEDGE
    """What the person did."""
    until: Time | None = None
    """End of the shelving: needed for `shelve`, after `time`; not allowed otherwise."""
    reason: Text | None = None
    """Why, in words."""
    patient_id: Id | None = None
    """Checked against the alert's where it is given."""
    event_id: Id | None = None
    """The same again is a repetition."""
    time: Time | None = None
    """When it was answered, not in the future; else now."""


class AcknowledgementAnswer(LenientModel):
    """What the router says to it; the engine is the judge, once it has read the event."""

    answer: Literal[
        "accepted", "repeated", "late", "unknown", "contradictory", "refused", "unwritten"
    ]
    """What became of it; `unwritten`: no broker took it, send it again."""
    text: str
    """The same in a sentence."""
    alert_id: Id | None
    """The alert for which it counts."""
    event_id: Id | None
    """The event on the topic `care` that it became."""
