"""A person's answer over HTTP becomes an event on the topic `care`; here, whether it makes sense.

The engine is the judge of acknowledgements. What the router knows from the alerts topic lets it
answer at once where an answer is about nothing, about another patient, or comes late.
"""

from __future__ import annotations

import json
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import ValidationError

from schemas.acknowledgements import AcknowledgementRequest
from schemas.events import AcknowledgementEvent
from stream.router.directory import KnownAlert
from stream.router.records import encode, moment

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BODY: Final = 8 * 1024
MOST_KEPT: Final = 10_000
AHEAD_S: Final = 60.0
_NAMESPACE: Final = uuid.UUID("b2b4c3a8-4f5d-5d0c-8d0e-0b8d2a7d9f10")

Verdict = Literal[
    "accepted", "repeated", "late", "unknown", "contradictory", "refused", "unwritten"
]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What to answer; `event`: the bytes to write for `patient_id`, None where there is nothing."""

    verdict: Verdict
    status: HTTPStatus
    text: str
    alert_id: str | None = None
    event_id: str | None = None
    patient_id: str | None = None
    event: bytes | None = None

    def unwritten(self) -> Ruling:
        """What to answer instead where no broker takes the event."""
        return Ruling(
            "unwritten", HTTPStatus.SERVICE_UNAVAILABLE, "no broker: send it again",
            self.alert_id, self.event_id,
        )  # fmt: skip

    def body(self) -> bytes:
        """The answer as JSON."""
        said = {"answer": self.verdict, "text": self.text, "alert_id": self.alert_id}
        return encode(said | {"event_id": self.event_id}) + b"\n"


class Acknowledgements:
    """Rules on requests; remembers the last that it accepted."""

    def __init__(self, known: Callable[[str], KnownAlert | None]) -> None:
        self._known = known
        self._accepted: OrderedDict[str, tuple[str, Ruling]] = OrderedDict()

    def rule(self, raw: bytes, now: datetime) -> Ruling:
        """What a body means. A repetition has the event of the first time, to be written again."""
        try:
            request = AcknowledgementRequest.model_validate_json(raw)
        except ValidationError as error:
            return _refused("; ".join(map(_sentence, error.errors())))
        time = request.time or now
        if problem := _nonsense(request, time, now):
            return _refused(problem)
        alert = self._known(request.alert_id)
        if alert is None:
            return Ruling(
                "unknown",
                HTTPStatus.NOT_FOUND,
                "no alert of this id was said in the last two days; `stormwatch ack` takes"
                " acknowledgements of older ones",
                request.alert_id,
            )
        if request.patient_id not in {None, alert.patient_id}:
            return _contradictory("the alert is another patient's", alert.alert_id)
        if alert.escalates is not None:
            alert = self._known(alert.escalates) or _unseen(alert)
        content = _content(request, alert)
        key = request.event_id or f"{content} {alert.anew}"
        if key in self._accepted:
            said, first = self._accepted[key]
            if said != content:
                return _contradictory(
                    "this event_id was used before for another answer", alert.alert_id
                )
            return Ruling(
                "repeated",
                HTTPStatus.OK,
                "this was taken before",
                *(first.alert_id, first.event_id, first.patient_id, first.event),
            )
        ruling = _accepted(request, alert, content, time, now)
        self._accepted[key] = content, ruling
        if len(self._accepted) > MOST_KEPT:
            self._accepted.popitem(last=False)
        return ruling


def _accepted(
    request: AcknowledgementRequest,
    alert: KnownAlert,
    content: str,
    time: datetime,
    now: datetime,
) -> Ruling:
    event_id = request.event_id or str(uuid.uuid5(_NAMESPACE, content + moment(time)))
    event = {
        "type": "acknowledgement",
        "event_id": event_id,
        "patient_id": alert.patient_id,
        "time": moment(time),
        "received_at": moment(now),
        "source": "router",
        "alert_id": alert.alert_id,
        "by": request.by,
        "action": request.action,
    }
    if request.until is not None:
        event["until"] = moment(request.until)
    if request.reason is not None:
        event["reason"] = request.reason
    raw = encode(event)
    AcknowledgementEvent.model_validate_json(raw)
    verdict: Verdict = "accepted"
    text = "taken; it counts once the engine has read it"
    if alert.superseded_by is not None:
        verdict, text = "late", f"taken, but the alert was superseded by {alert.superseded_by}"
    elif alert.closed:
        verdict, text = "late", "taken, but the escalation of this alert was closed before"
    elif alert.acknowledged:
        text = "taken; the alert was acknowledged before"
    return Ruling(
        verdict, HTTPStatus.ACCEPTED, text, alert.alert_id, event_id, alert.patient_id, raw
    )


def _content(request: AcknowledgementRequest, alert: KnownAlert) -> str:
    until = None if request.until is None else moment(request.until)
    time = None if request.time is None else moment(request.time)
    return json.dumps(
        [alert.alert_id, request.by, request.action, until, request.reason, time],
        ensure_ascii=False,
    )


def _unseen(escalation: KnownAlert) -> KnownAlert:
    """The alert that an escalation is about, known from the escalation alone."""
    return KnownAlert(str(escalation.escalates), escalation.patient_id, "")


def _nonsense(request: AcknowledgementRequest, time: datetime, now: datetime) -> str | None:
    if (time - now).total_seconds() > AHEAD_S:
        return f"time {moment(time)} lies in the future; correct the clock of the sender"
    if request.action == "shelve" and request.until is None:
        return "until: shelving needs its end"
    if request.action != "shelve" and request.until is not None:
        return f"until: {request.action} has no end"
    if request.until is not None and moment(request.until) <= moment(time):
        return "until: the end of the shelving is not after its beginning"
    return None


def _refused(text: str) -> Ruling:
    return Ruling("refused", HTTPStatus.UNPROCESSABLE_ENTITY, text)


def _contradictory(text: str, alert_id: str) -> Ruling:
    return Ruling("contradictory", HTTPStatus.CONFLICT, text, alert_id)


def _sentence(item: Any) -> str:
    place = ".".join(map(str, item["loc"]))
    return f"{place}: {item['msg']}" if place else str(item["msg"])


def utc_now() -> datetime:
    """The clock of the endpoint."""
    return datetime.now(UTC)
