"""An alert as the router needs it: the fields that routes ask for, and the bytes as they came."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

RANK = {"high": 0, "medium": 1, "low": 2, "information": 3}
"""Priorities in the order in which they leave."""


class Unreadable(ValueError):  # noqa: N818 - it names the fact
    """A record of the alerts topic that is no alert."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies; `timestamp` is the broker's, in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int

    @property
    def at(self) -> datetime:
        """When the broker got it."""
        return datetime.fromtimestamp(self.timestamp / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `priority` is one of `RANK`; `raw` are the record's bytes."""

    alert_id: str
    type: str
    priority: str
    patient_id: str
    notify: tuple[str, ...]
    location: str | None
    """Where the patient is, where the alert itself says so."""
    raw: bytes = field(repr=False)
    document: dict[str, Any] = field(hash=False, repr=False)
    place: Place

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return RANK[self.priority]

    @property
    def alarm(self) -> str:
        """The id of the alert that is escalated; its own where it is no escalation."""
        escalated = self.document.get("alert")
        if self.type.startswith("escalation.") and isinstance(escalated, str) and escalated:
            return escalated
        return self.alert_id

    @property
    def closes(self) -> bool:
        """Whether it ends an alarm."""
        return self.type == "escalation.closed"


def read_alert(raw: bytes | None, place: Place) -> Alert:
    """The alert in a record. Raises Unreadable.

    A priority that is not known is taken for high: a newer engine may have something urgent to say.
    """
    try:
        document = json.loads(raw or b"")
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(document, dict):
        raise Unreadable("it is not a JSON object")
    for name in ("alert_id", "type", "patient_id"):
        value = document.get(name)
        if not isinstance(value, str) or not value or not value.isprintable():
            raise Unreadable(f"{name} is no text")
    notify = document.get("notify")
    roles = notify if isinstance(notify, list) else []
    priority, location = document.get("priority"), document.get("location")
    return Alert(
        alert_id=document["alert_id"],
        type=document["type"],
        priority=priority if priority in RANK else "high",
        patient_id=document["patient_id"],
        notify=tuple(role for role in roles if isinstance(role, str)),
        location=location if isinstance(location, str) and location else None,
        raw=raw or b"",
        document=document,
        place=place,
    )
