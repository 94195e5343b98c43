"""Events for tests of the worker: a small ward over some hours, as records and as lines."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


def event(kind: str, event_id: str, patient: str, at: datetime, **fields: Any) -> dict[str, Any]:
    time = at.isoformat()
    return {
        "type": kind, "event_id": event_id, "patient_id": patient, "time": time,
        "received_at": time, **fields,
    }  # fmt: skip


def course(patient: str, seed: int, minutes: int = 360, every: int = 5) -> list[dict[str, Any]]:
    """One patient: therapy, then readings with fever, low pressure and oxygen now and then."""
    dice = random.Random(seed)
    events = [
        event("therapy", f"{patient}-t", patient, START, product="axi-cel", therapy_class="car_t"),
        event("patient", f"{patient}-p", patient, START, age_years=55, weight_kg=70),
    ]
    fever_from, low_from = dice.randint(20, 90), dice.randint(100, 180)
    for minute in range(5, minutes, every):
        at = START + timedelta(minutes=minute)
        fever = fever_from < minute < minutes - 120
        low = low_from < minute < low_from + 60
        events.append(
            event(
                "vitals", f"{patient}-v{minute}", patient, at,
                readings=[
                    {"signal": "temperature", "value": 38.6 if fever else 36.9, "unit": "Cel",
                     "site": "oral"},
                    {"signal": "systolic_bp", "value": 82 if low else 118, "unit": "mm[Hg]"},
                    {"signal": "mean_bp", "value": 58 if low else 85, "unit": "mm[Hg]"},
                    {"signal": "heart_rate", "value": dice.randint(70, 120), "unit": "/min"},
                    {"signal": "spo2", "value": dice.randint(91, 99), "unit": "%"},
                ],
            )
        )  # fmt: skip
        if minute % 60 == 0:
            device = dice.choice(["room_air", "nasal_cannula"])
            flow = {} if device == "room_air" else {"flow_lpm": 2}
            events.append(
                event("oxygen", f"{patient}-o{minute}", patient, at, device=device, **flow)
            )
        if minute == low_from // 5 * 5 + 10:
            events.append(
                event("infusion", f"{patient}-i{minute}", patient, at, agent="norepinephrine",
                      rate=0.05, unit="ug/kg/min", action="start")
            )  # fmt: skip
        if minute == low_from // 5 * 5 + 50:
            events.append(
                event("infusion", f"{patient}-i{minute}", patient, at, agent="norepinephrine",
                      rate=0, unit="ug/kg/min", action="stop")
            )  # fmt: skip
    return events


def ward(patients: int = 6, **kwargs: Any) -> list[dict[str, Any]]:
    """All patients' events in the order received; some late, one twice, one retracted."""
    events = [e for n in range(patients) for e in course(f"p{n:02}", n, **kwargs)]
    events.sort(key=lambda e: (e["received_at"], e["patient_id"]))
    dice = random.Random(99)
    for index in dice.sample(range(10, len(events)), k=len(events) // 12):
        if events[index]["type"] == "vitals":
            taken = datetime.fromisoformat(events[index]["time"]) - timedelta(minutes=17)
            events[index]["time"] = taken.isoformat()
    twice = [events[i] for i in dice.sample(range(len(events)), k=4)]
    last = START + timedelta(hours=8)
    back = event("retraction", "r1", "p00", last, retracts="p00-v60")
    return [*events, *twice, back]


def lines(events: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(e).encode() for e in events]
