"""A feed in real time: readings stamped as they are sent, for runs in which the workers' ticks run.

What is judged is the same, since nothing falls due by the clock alone within minutes of real
readings: whatever a worker's ticks make it say is wrong, such as signals called lost by a clock
that stands an hour ahead.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stream.soak.feed import Item, item

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENTS = 16
RATE = 40.0
"""Events a second, of all patients."""
PHASE = 20
"""Sets of readings between fever and none."""


def live(seed: int, events: int, rate: float = RATE) -> Iterator[Item]:
    """`events` records, each when its time has come."""
    dice = random.Random(f"live {seed}")  # noqa: S311 - reproducible, not secret
    started = time.monotonic()
    for number in range(events):
        time.sleep(max(0.0, started + number / rate - time.monotonic()))
        bed, turn = number % PATIENTS, number // PATIENTS
        yield item(_event(dice, f"soak-{seed}-l{bed}", bed, turn))


def _event(dice: random.Random, patient_id: str, bed: int, turn: int) -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    event = {
        "event_id": f"{patient_id}-{turn}", "patient_id": patient_id, "time": now,
        "received_at": now,
    }  # fmt: skip
    if turn == 0:
        return {"type": "therapy", **event, "product": "axi-cel", "therapy_class": "car_t"}
    fever = (turn + bed) // PHASE % 2 == 1
    pressure = dice.randint(74, 88) if fever and turn % 3 == 0 else dice.randint(104, 135)
    value = dice.uniform(38.1, 40.2) if fever else dice.uniform(36.2, 37.6)
    readings = [
        {"signal": "temperature", "value": round(value, 1), "unit": "Cel", "site": "oral"},
        {"signal": "systolic_bp", "value": pressure, "unit": "mm[Hg]"},
        {"signal": "spo2", "value": dice.randint(88 if fever else 94, 99), "unit": "%"},
    ]
    return {"type": "vitals", **event, "readings": readings}
