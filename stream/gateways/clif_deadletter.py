"""A row that could not become an event, as a record of the topic `deadletter`."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schemas.deadletter import DeadLetter, ReasonCode
from stream.gateways.jsonl import encode

if TYPE_CHECKING:
    from stream.gateways.clif_ledger import Refusal

LONGEST_DETAIL = 2000


def dead_letter(refusal: Refusal, now: datetime | None = None) -> bytes:
    """A row, or a value of one, that could not become an event, as a record of `deadletter`.

    The value is the row as JSON. `now`: the wall clock unless given.
    """
    value = encode({"table": refusal.table, **refusal.row})
    key = None if refusal.patient_id is None else refusal.patient_id.encode()
    reason = ReasonCode[refusal.reason.upper()]
    record = DeadLetter(
        type="deadletter",
        reason=reason,
        detail=f"clif {refusal.table}: {refusal.detail}"[:LONGEST_DETAIL],
        advice=reason.advice,
        topic=None,
        partition=None,
        offset=None,
        key_base64=None if key is None else base64.b64encode(key).decode(),
        value_base64=base64.b64encode(value).decode(),
        value_sha256=hashlib.sha256(value).hexdigest(),
        value_size=len(value),
        event_id=None,
        received_at=datetime.now(UTC) if now is None else now,
        worker=None,
    )
    return record.model_dump_json().encode()
