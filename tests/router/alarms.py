"""Alerts and routes for the router's tests."""

from __future__ import annotations

import json
import tomllib
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stream.router.alerts import Alert, Place, read_alert
from stream.router.config import parse_routes

if TYPE_CHECKING:
    from stream.router.config import Routes

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
RULESET = {"name": "astct-2019", "version": "P0.1", "hash": "ca83db1f388d416b"}


def raw_alert(
    number: int = 1, patient: str = "p-1", priority: str = "high", **fields: Any
) -> bytes:
    """The bytes of a grade.changed, or of another type with the fields given."""
    document: dict[str, Any] = {
        "type": "grade.changed",
        "alert_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{patient}/{number}")),
        "patient_id": patient,
        "episode": 1,
        "effective_time": "2026-03-02T09:59:00Z",
        "emitted_time": "2026-03-02T10:00:00Z",
        "late_by_s": 60,
        "priority": priority,
        "flags": ["VASOPRESSIN_ONLY"],
        "reasons": [
            {"code": "FEVER", "criterion": "ASTCT 2019", "text": "Fever.", "event_ids": ["e-1"]}
        ],
        "supersedes": None,
        "scale": "astct-2019",
        "from_grade": 2,
        "to_grade": 3,
        "raw_grade": 3,
        "episode_max": 3,
        "other_scales": {},
        "guidance": [],
        "ruleset": RULESET,
        "engine_version": "0.1.0",
        **fields,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def alert(
    number: int = 1, patient: str = "p-1", priority: str = "high", after_s: float = 0, **fields: Any
) -> Alert:
    """The alert as the router reads it, so long after `MONDAY`."""
    moment = int((MONDAY.timestamp() + after_s) * 1000)
    return read_alert(
        raw_alert(number, patient, priority, **fields), Place("alerts", 0, number, moment)
    )


def routes(text: str) -> Routes:
    """Routes with a receiver `journal` to which those may lead that name none."""
    document = tomllib.loads(text)
    for route in document["route"]:
        route.setdefault("receiver", "journal")
    if any(route["receiver"] == "journal" for route in document["route"]):
        document.setdefault("receiver", {}).setdefault(
            "journal", {"kind": "file", "path": "journal.jsonl"}
        )
    return parse_routes(document)
