"""What the engine says: alerts for the `alerts` topic and rejections for the dead letters."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from stream.engine.events import Micros
from stream.engine.native import mypyc_attr

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC, and written without an offset
_SECOND: Final[Micros] = 1_000_000
_NAMESPACE: Final = uuid.UUID("5b7c1d3e-0f52-5a8e-9c57-6b1f2a4d9e10")
_WIRE: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False)
_CONTENT: Final = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, check_circular=False, default=str
)


def rfc3339(time: Micros) -> str:
    """`2026-03-01T10:00:00Z`; microseconds only where there are any."""
    seconds, micros = divmod(time, _SECOND)
    return (_EPOCH + timedelta(0, seconds, micros)).isoformat() + "Z"


class Outcome(StrEnum):
    """What became of one event: the label of `stormwatch_events_total`."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # the same id and content again: changes nothing
    REJECTED = "rejected"  # nothing of it could be used; see the rejections
    TOO_LATE = "too_late"  # older than the revision horizon; see the rejections
    TICK = "tick"


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Rejection:
    """A whole event, or one reading of it, that was set aside: the shell makes it a dead letter.

    `code` is one of `schemas.deadletter.ReasonCode`; `detail` says field, value and what to do.
    """

    event_id: str
    patient_id: str
    code: str
    detail: str


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Alert:
    """One record of the `alerts` topic; `body` holds the type's own fields, JSON-ready.

    The alerts of a patient are a chain: `previous_hash` is the `digest` of the one before.
    """

    type: str
    alert_id: str
    patient_id: str
    episode: int | None
    effective_time: Micros
    emitted_time: Micros
    priority: str
    flags: tuple[str, ...]
    reasons: tuple[dict[str, Any], ...]
    supersedes: str | None
    body: dict[str, Any]
    ruleset: dict[str, str]
    engine_version: str
    previous_hash: str | None = None
    """None for the patient's first alert."""
    _value: bytes | None = field(default=None, init=False, compare=False, repr=False)
    """What `to_bytes` has made: chained and sent, an alert is encoded once."""

    def __init__(
        self,
        type: str,  # noqa: A002
        alert_id: str,
        patient_id: str,
        episode: int | None,
        effective_time: Micros,
        emitted_time: Micros,
        priority: str,
        flags: tuple[str, ...],
        reasons: tuple[dict[str, Any], ...],
        supersedes: str | None,
        body: dict[str, Any],
        ruleset: dict[str, str],
        engine_version: str,
        previous_hash: str | None = None,
    ) -> None:
        self.type = type
        self.alert_id = alert_id
        self.patient_id = patient_id
        self.episode = episode
        self.effective_time = effective_time
        self.emitted_time = emitted_time
        self.priority = priority
        self.flags = flags
        self.reasons = reasons
        self.supersedes = supersedes
        self.body = body
        self.ruleset = ruleset
        self.engine_version = engine_version
        self.previous_hash = previous_hash
        self._value = None

    @property
    def digest(self) -> str:
        """SHA-256 of the record's value, in hex digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def late_by_s(self) -> float:
        """Seconds between the time it became true and the time it was said."""
        return max(0, self.emitted_time - self.effective_time) / 1_000_000

    def to_wire(self) -> dict[str, Any]:
        """The contract's JSON object."""
        late = self.late_by_s
        effective = rfc3339(self.effective_time)
        same = self.emitted_time == self.effective_time
        return {
            "type": self.type,
            "alert_id": self.alert_id,
            "patient_id": self.patient_id,
            "episode": self.episode,
            "effective_time": effective,
            "emitted_time": effective if same else rfc3339(self.emitted_time),
            "late_by_s": int(late) if late == int(late) else late,
            "priority": self.priority,
            "flags": list(self.flags),
            "reasons": list(self.reasons),
            "supersedes": self.supersedes,
            **self.body,
            "ruleset": self.ruleset,
            "engine_version": self.engine_version,
            "previous_hash": self.previous_hash,
        }

    def to_bytes(self) -> bytes:
        """The bytes of the record's value: the same in the stream and on the command line."""
        if self._value is None:
            self._value = _WIRE.encode(self.to_wire()).encode()
        return self._value


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Outputs:
    """All that one step says."""

    outcome: Final[Outcome]
    alerts: Final[tuple[Alert, ...]]
    rejections: Final[tuple[Rejection, ...]]
    late_by: Final[Micros]
    """How far the event's time lay behind the patient's processing clock; 0 when on time."""

    def __init__(
        self,
        outcome: Outcome,
        alerts: tuple[Alert, ...] = (),
        rejections: tuple[Rejection, ...] = (),
        late_by: Micros = 0,
    ) -> None:
        self.outcome = outcome
        self.alerts = alerts
        self.rejections = rejections
        self.late_by = late_by


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Reason:
    """Why: a code, the criterion it belongs to, one sentence, and the events it rests on."""

    code: str
    criterion: str
    text: str
    event_ids: tuple[str, ...] = ()

    def __init__(
        self,
        code: str,
        criterion: str,
        text: str,
        event_ids: tuple[str, ...] = (),
    ) -> None:
        self.code = code
        self.criterion = criterion
        self.text = text
        self.event_ids = event_ids

    def to_wire(self) -> dict[str, Any]:
        """The contract's JSON object."""
        return {
            "code": self.code,
            "criterion": self.criterion,
            "text": self.text,
            "event_ids": list(self.event_ids),
        }


def alert_id(*content: object) -> str:
    """UUIDv5 of what an alert says; never of when or where it was computed."""
    return str(uuid.uuid5(_NAMESPACE, _CONTENT.encode(content)))
