"""Stays of patients made up from a seed: dense readings, fever, low pressure, oxygen, pumps.

Not medicine: events of every kind that change a grade, revise one, or cannot be taken, at the rate
of bedside monitors. Courses that mean something are those of the demo's ward.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]

BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)
"""Long past for whoever runs it: no event lies in the future, whatever a clock says."""
LATE_SHARE = 0.04
UNRECEIVED_SHARE = 0.05
ODD_SHARE = 0.02


def stay(patient_id: str, seed: int | str, count: int, every_s: float) -> list[Event]:
    """`count` events of one patient in the order received; readings come each `every_s` seconds.

    Fever comes and goes every 60 sets, low pressure with a pump and oxygen within it; some
    readings are late, some events are corrected, retracted, or cannot be taken.
    """
    return _Stay(patient_id, random.Random(f"stay {seed} {patient_id}"), every_s).events(count)  # noqa: S311


class _Stay:
    def __init__(self, patient_id: str, dice: random.Random, every_s: float) -> None:
        self.patient_id, self.dice, self.every = patient_id, dice, timedelta(seconds=every_s)
        self.begin = BEGIN + timedelta(seconds=dice.randrange(86_400))
        self.made: list[Event] = []
        self.fever_from, self.low_from = dice.randint(3, 20), dice.randint(8, 30)
        self.device, self.pump = "room_air", False

    def events(self, count: int) -> list[Event]:
        self.add(
            self.begin,
            "patient",
            age_years=self.dice.randint(18, 85),
            weight_kg=70,
            location="soak",
        )
        self.add(self.begin, "therapy", product="axi-cel", therapy_class="car_t")
        number = 0
        while len(self.made) < count:
            number += 1
            self.round(number, self.begin + number * self.every)
        return self.made[:count]

    def add(self, at: datetime, kind: str, *, late: timedelta | None = None, **fields: Any) -> None:
        event = {
            "type": kind,
            "event_id": f"{self.patient_id}-{len(self.made)}",
            "patient_id": self.patient_id,
            "time": (at - late if late else at).isoformat(),
        }
        if self.dice.random() >= UNRECEIVED_SHARE:
            event["received_at"] = at.isoformat()
        self.made.append(event | fields)

    def round(self, number: int, at: datetime) -> None:
        """A set of readings, and now and then what else happens at a bed."""
        dice, phase = self.dice, number % 60
        fever = self.fever_from < phase < self.fever_from + 30
        low = fever and self.low_from < phase < self.low_from + 15
        late = self.every * dice.randint(2, 60) if dice.random() < LATE_SHARE else None
        self.add(at, "vitals", late=late, readings=self.readings(number, fever=fever, low=low))
        if low != self.pump and dice.random() < 0.3:
            self.pump = low
            self.add(
                at, "infusion", agent="norepinephrine", rate=0.08 if low else 0,
                unit="ug/kg/min", action="start" if low else "stop",
            )  # fmt: skip
        if phase % 15 == 0:
            self.oxygen(at, fever=fever)
        if phase == 45:
            self.add(at, "lab", analyte="crp", value=dice.randint(5, 300), unit="mg/L")
        if dice.random() < ODD_SHARE:
            self.odd(at)

    def readings(self, number: int, *, fever: bool, low: bool) -> list[Event]:
        dice = self.dice
        readings: list[Event] = [
            {"signal": "heart_rate", "value": dice.randint(60, 130), "unit": "/min"},
            {"signal": "spo2", "value": dice.randint(88 if fever else 94, 99), "unit": "%"},
        ]
        if number % 3 == 0:
            pressure = dice.randint(74, 88) if low else dice.randint(104, 135)
            readings.append({"signal": "systolic_bp", "value": pressure, "unit": "mm[Hg]"})
        if number % 5 == 0:
            value = dice.uniform(38.1, 40.2) if fever else dice.uniform(36.2, 37.6)
            readings.append(
                {"signal": "temperature", "value": round(value, 1), "unit": "Cel", "site": "oral"}
            )
        return readings

    def oxygen(self, at: datetime, *, fever: bool) -> None:
        self.device = self.dice.choice(
            ("room_air", "nasal_cannula", "high_flow_nasal_cannula") if fever else ("room_air",)
        )
        flow = {"nasal_cannula": 3, "high_flow_nasal_cannula": 30}.get(self.device)
        fields: dict[str, Any] = {} if flow is None else {"flow_lpm": flow}
        self.add(at, "oxygen", device=self.device, **fields)

    def odd(self, at: datetime) -> None:
        """A correction, a retraction, or something that becomes a dead letter."""
        vitals = [event for event in self.made[-40:] if event["type"] == "vitals"]
        earlier = self.dice.choice(vitals)
        match self.dice.randrange(4):
            case 0:
                self.add(at, "retraction", retracts=earlier["event_id"])
            case 1:
                moved = datetime.fromisoformat(earlier["time"])
                readings = self.readings(15, fever=self.dice.random() < 0.5, low=False)
                replaces = earlier["event_id"]
                self.add(at, "vitals", late=at - moved, readings=readings, replaces=replaces)
            case 2:
                reading = {"signal": "temperature", "value": 300, "unit": "Cel"}
                self.add(at, "vitals", readings=[reading])
            case _:
                self.add(at, "vitals", readings=[], note="no such field")
