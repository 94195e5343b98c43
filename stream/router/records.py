"""The records that the router writes: audit, dead letters, acknowledgements; as JSON bytes."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream.router.alerts import Alert, Place
    from stream.router.message import Answer, Message


def encode(document: Any) -> bytes:
    """As all our records are written."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def moment(at: datetime) -> str:
    """RFC 3339 with milliseconds, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Way:
    """A route and the receiver that it leads to, as the records name them."""

    route: str
    kind: str
    address: str

    def named(self) -> dict[str, Any]:
        """The fields that say where to."""
        return {"route": self.route, "receiver": self.kind, "to": self.address}


def attempt(
    way: Way,
    message: Message,
    body: bytes,
    number: int,
    answer: Answer,
    at: datetime,
    took_s: float,
) -> bytes:
    """One attempt: what was sent, to whom, when, and what was answered."""
    return encode(
        {
            "type": f"delivery.{answer.outcome}",
            **way.named(),
            "at": moment(at),
            "patient_id": message.patient_id,
            "alert_ids": [alert.alert_id for alert in message.alerts],
            "priority": message.priority,
            "message_id": message.message_id,
            "attempt": number,
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "answer": {"code": answer.code, "text": answer.text},
            "took_s": round(took_s, 4),
        }
    )


def inhibited(way: Way, alert: Alert, greater: Alert, at: datetime) -> bytes:
    """An alert that is not sent because a greater one was."""
    return encode(
        {
            "type": "delivery.inhibited",
            **way.named(),
            "at": moment(at),
            "patient_id": alert.patient_id,
            "alert_ids": [alert.alert_id],
            "priority": alert.priority,
            "by": greater.alert_id,
        }
    )


def passed_on(
    way: Way, message: Message, otherwise: str, why: str, attempts: int, at: datetime
) -> bytes:
    """Another route is told of a message that this one has not delivered."""
    return encode(
        {
            "type": "delivery.passed_on",
            **way.named(),
            "at": moment(at),
            "patient_id": message.patient_id,
            "alert_ids": [alert.alert_id for alert in message.alerts],
            "priority": message.priority,
            "message_id": message.message_id,
            "otherwise": otherwise,
            "why": why,
            "attempts": attempts,
        }
    )


def reported(way: Way, about: str, status: dict[str, Any], at: datetime) -> bytes:
    """What a receiver reported later of a message: a status, never an acknowledgement."""
    return encode(
        {
            "type": "delivery.reported",
            **way.named(),
            "at": moment(at),
            "message_id": about,
            "status": status,
        }
    )


def undelivered(
    way: Way,
    message: Message,
    reason: str,
    attempts: int,
    last_answer: str,
    at: datetime,
) -> bytes:
    """A dead letter of a route, with the original bytes of each alert."""
    return encode(
        {
            "type": "undelivered",
            **way.named(),
            "at": moment(at),
            "reason": reason,
            "patient_id": message.patient_id,
            "message_id": message.message_id,
            "attempts": attempts,
            "last_answer": last_answer,
            "alerts": [_original(alert.place, alert.raw) for alert in message.alerts],
        }
    )


def unreadable(way: Way, place: Place, raw: bytes | None, detail: str, at: datetime) -> bytes:
    """A dead letter for a record that is no alert, or none that can be put into words."""
    return encode(
        {
            "type": "undelivered",
            **way.named(),
            "at": moment(at),
            "reason": "unreadable",
            "last_answer": detail,
            "attempts": 0,
            "alerts": [_original(place, raw or b"")],
        }
    )


def _original(place: Place, raw: bytes) -> dict[str, Any]:
    return {
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "value_base64": base64.b64encode(raw).decode(),
    }
