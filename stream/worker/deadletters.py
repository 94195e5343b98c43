"""What could not be taken, as records of the dead-letter topic (`schemas.deadletter`)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from schemas.deadletter import ReasonCode
from stream.engine.outputs import rfc3339
from stream.topics import LARGEST_RECORD

if TYPE_CHECKING:
    from stream.engine.events import Micros
    from stream.engine.outputs import Rejection
    from stream.worker.floods import Withheld
    from stream.worker.records import SourceRecord

VALUE_LIMIT = LARGEST_RECORD
"""Most original bytes kept: all that the input topics let in."""
KEY_LIMIT = 1_024
DETAIL_LIMIT = 2_000
_REASONS = {reason.value: reason for reason in ReasonCode}


def dead_letter(record: SourceRecord, rejection: Rejection, now: Micros, worker: str) -> bytes:
    """The value of the dead letter; the original is whole in it unless it is enormous."""
    value, key = record.value, record.key
    reason = _REASONS.get(rejection.code, ReasonCode.INTERNAL)
    return json.dumps(
        {
            "type": "deadletter",
            "reason": reason.value,
            "detail": rejection.detail[:DETAIL_LIMIT],
            "advice": reason.advice,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "key_base64": None if key is None else _base64(key[:KEY_LIMIT]),
            "value_base64": None if value is None else _base64(value[:VALUE_LIMIT]),
            "value_sha256": None if value is None else hashlib.sha256(value).hexdigest(),
            "value_size": len(value or b""),
            "event_id": rejection.event_id or None,
            "received_at": rfc3339(now),
            "worker": worker,
        },
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()


def flood_letter(
    place: tuple[str, int], withheld: Withheld, now: Micros, worker: str, per_minute: int
) -> bytes:
    """The value of the letter that stands for all that a batch withheld of a source partition."""
    topic, partition = place
    spans = withheld.spans()
    first, last = spans[0][0], spans[-1][1]
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(withheld.reasons.items()))
    detail = (
        f"set aside without letters of their own: {counts}; offsets {first} to {last}. More than "
        f"{per_minute} letters a minute, or a quarter of them for one key, are not sent one by one"
    )
    return json.dumps(
        {
            "type": "deadletter",
            "reason": ReasonCode.FLOOD.value,
            "detail": detail[:DETAIL_LIMIT],
            "advice": ReasonCode.FLOOD.advice,
            "topic": topic,
            "partition": partition,
            "offset": first,
            "key_base64": None,
            "value_base64": None,
            "value_sha256": None,
            "value_size": 0,
            "event_id": None,
            "received_at": rfc3339(now),
            "worker": worker,
            "suppressed": {
                "reasons": dict(sorted(withheld.reasons.items())),
                "first_offset": first,
                "last_offset": last,
                "offsets": spans,
            },
        },
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()


def dead_letter_key(key: bytes | None) -> bytes | None:
    """The original key, unless it is too large to be one."""
    return key if key is not None and len(key) <= KEY_LIMIT else None


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
