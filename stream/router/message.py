"""What leaves on a route: one alert, or several of one patient, and what a receiver answered."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from stream.router.alerts import Alert

_NAMESPACE = uuid.UUID("6f0c4c1e-5c35-5d5b-9d3e-0a4f5f1d7c11")


@dataclass(frozen=True, slots=True)
class Message:
    """Alerts of one patient in the order of their topic; at least one."""

    route: str
    alerts: tuple[Alert, ...]
    location: str | None

    @property
    def patient_id(self) -> str:
        """Whose they are."""
        return self.alerts[0].patient_id

    @property
    def rank(self) -> int:
        """That of the most urgent of them."""
        return min(alert.rank for alert in self.alerts)

    @property
    def priority(self) -> str:
        """That of the most urgent of them."""
        return min(self.alerts, key=lambda alert: alert.rank).priority

    @property
    def message_id(self) -> str:
        """A UUID of the route and the alerts: the same again when it is sent again."""
        ids = "\n".join((self.route, *(alert.alert_id for alert in self.alerts)))
        return str(uuid.uuid5(_NAMESPACE, ids))


class Outcome(StrEnum):
    """What became of one attempt. `failed` is tried again, `refused` is not."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said, or why it said nothing. `code` is its own: 503, AE, timeout …"""

    outcome: Outcome
    code: str
    text: str = ""
    retry_after_s: float = 0.0


MOST_TEXT = 300


def delivered(code: object, text: str = "") -> Answer:
    """It took the message: sent, which is not acknowledged."""
    return Answer(Outcome.DELIVERED, str(code), text[:MOST_TEXT])


def failed(code: object, text: str = "", retry_after_s: float = 0.0) -> Answer:
    """It may take the message later."""
    return Answer(Outcome.FAILED, str(code), text[:MOST_TEXT], retry_after_s)


def refused(code: object, text: str = "") -> Answer:
    """It will never take these bytes."""
    return Answer(Outcome.REFUSED, str(code), text[:MOST_TEXT])


class Receiver(Protocol):
    """One receiver. What it renders depends on the message alone, so that repeats are the same."""

    @property
    def address(self) -> str:
        """Where it is, without any secret."""

    def render(self, message: Message) -> bytes:
        """The bytes to send."""

    async def send(self, message: Message, body: bytes) -> Answer:
        """Send them once; failures of the network are an answer, not an exception."""

    async def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Reporting(Protocol):
    """A receiver that may say more of a message later."""

    on_report: Callable[[str, dict[str, Any]], Awaitable[None]] | None
    """Called with the message's id and the status."""
