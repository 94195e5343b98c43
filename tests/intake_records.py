"""Records to be decoded, good ones and how to spoil them."""

from __future__ import annotations

import json
from typing import Any

from stream.intake import Intake

GOOD = {"signal": "spo2", "value": 97, "unit": "%"}
VITALS = {
    "type": "vitals",
    "event_id": "e-1",
    "patient_id": "p-1",
    "time": "2026-03-10T12:00:00Z",
    "readings": [{"signal": "temperature", "value": 38.4, "unit": "Cel", "site": "oral"}, GOOD],
}
OXYGEN = {
    "type": "oxygen",
    "event_id": "e-2",
    "patient_id": "p-1",
    "time": "2026-03-10T12:00:00Z",
    "device": "nasal_cannula",
}


def record(base: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**base, **changes}).encode()


def reading(**changes: Any) -> bytes:
    return record(VITALS, readings=[{**GOOD, **changes}, GOOD])


def codes(intake: Intake) -> list[str]:
    return [rejection.code for rejection in intake.rejections]


def without_device() -> dict[str, Any]:
    return {name: value for name, value in OXYGEN.items() if name != "device"}
