"""Scripted courses (`courses.toml`) as contract events: the same seed, the same events, always."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

Event = dict[str, Any]
COURSES_FILE = Path(__file__).with_name("courses.toml")

SIGNALS: tuple[tuple[str, str, int, float, dict[str, str]], ...] = (
    # name, unit, decimals, size of the drift around the curve, extra fields
    ("temperature", "Cel", 1, 0.08, {"site": "oral"}),
    ("heart_rate", "/min", 0, 2.5, {}),
    ("respiratory_rate", "/min", 0, 0.8, {}),
    ("spo2", "%", 0, 0.5, {}),
    ("systolic_bp", "mm[Hg]", 0, 2.0, {"method": "cuff"}),
    ("diastolic_bp", "mm[Hg]", 0, 1.5, {"method": "cuff"}),
)
MEMORY = 0.7  # how much of the drift stays from one set of readings to the next
OFFSETS = ("at", "late", "id", "silent")


@dataclass(frozen=True, slots=True)
class Script:
    """What all courses of the ward share."""

    begins: datetime
    span: timedelta
    seed: int
    heartbeat: timedelta
    recharting: timedelta
    patients: tuple[Event, ...]


def load_script() -> Script:
    """The packaged courses."""
    document = tomllib.loads(COURSES_FILE.read_text(encoding="utf-8"))
    return Script(
        begins=datetime.fromisoformat(document["begins"]),
        span=timedelta(hours=document["hours"]),
        seed=document["seed"],
        heartbeat=timedelta(minutes=document["heartbeat_min"]),
        recharting=timedelta(minutes=document["device_min"]),
        patients=tuple(document["patient"]),
    )


def clock(text: str) -> timedelta:
    """`-01:30` or `146:10` as a span of time."""
    hours, minutes = text.lstrip("-").split(":")
    span = timedelta(hours=int(hours), minutes=int(minutes))
    return -span if text.startswith("-") else span


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, in whole seconds."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def course_events(course: Event, script: Script) -> list[Event]:
    """Every event of one patient, each with `received_at`, in the order received."""
    return _Course(course, script).events()


@dataclass(slots=True)
class _Course:
    course: Event
    script: Script
    made: list[tuple[datetime, Event]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def events(self) -> list[Event]:
        self.admission()
        self.vitals()
        self.entries()
        self.made.sort(key=lambda item: item[0])
        last = self.script.begins + self.script.span
        return [event for received, event in self.made if received <= last]

    @property
    def random(self) -> random.Random:
        """Where chance comes from: of this patient and use only, so that courses stay apart."""
        use = sum(self.counts.values())
        return random.Random(f"{self.script.seed} {self.course['id']} {use}")  # noqa: S311

    def moment(self, text: str) -> datetime:
        return self.script.begins + clock(self.course["infused"]) + clock(text)

    def send(self, moment: datetime, kind: str, fields: Event, **more: Any) -> None:
        """Adds an event; `late` minutes and some `seconds` later it is received."""
        number = self.counts[kind] = self.counts.get(kind, 0) + 1
        patient_id = self.course["id"]
        seconds = more.get("seconds") or self.random.randint(3, 9)
        delay = timedelta(seconds=seconds, minutes=more.get("late", 0))
        received = max(moment, self.script.begins) + delay
        event = {
            "type": kind,
            "event_id": f"{patient_id}-{more.get('id') or f'{kind}-{number}'}",
            "patient_id": patient_id,
            "time": stamp(moment),
            "received_at": stamp(received),
            **fields,
        }
        self.made.append((received, event))

    def admission(self) -> None:
        first = self.moment(self.course["curve"][0][0])
        self.send(min(first, self.moment("00:00")), "patient", self.course["profile"], seconds=1)
        self.send(self.moment("00:00"), "therapy", self.course["therapy"], seconds=2)

    def vitals(self) -> None:
        curve = self.course["curve"]
        gaps = [
            (self.moment(gap["from"]), self.moment(gap["until"]))
            for gap in self.course.get("gaps", ())
        ]
        chance = random.Random(f"{self.script.seed} {self.course['id']} drift")  # noqa: S311
        drift = [0.0] * len(SIGNALS)
        spot = timedelta(minutes=self.course["spot"])
        warm = timedelta(minutes=self.course["temperature"])
        start, end = self.moment(curve[0][0]), self.moment(curve[-1][0])
        now, next_temperature = max(start, self.script.begins), start
        while now <= end:
            values = self.curve_at(now)
            drift = [MEMORY * old + (1 - MEMORY) * chance.gauss(0, 2) for old in drift]
            if not any(begin <= now < until for begin, until in gaps):
                readings = [
                    {
                        "signal": name,
                        "value": _rounded(values[n] + drift[n] * size, decimals),
                        "unit": unit,
                        **more,
                    }
                    for n, (name, unit, decimals, size, more) in enumerate(SIGNALS)
                    if name != "temperature" or now >= next_temperature
                ]
                self.send(now, "vitals", {"source": "monitor", "readings": readings})
            if now >= next_temperature:
                next_temperature = now + warm
            now += spot

    def curve_at(self, now: datetime) -> list[float]:
        """The values of the curve, straight between its rows."""
        rows = [(self.moment(row[0]), row[1:]) for row in self.course["curve"]]
        for (left, low), (right, high) in pairwise(rows):
            if left <= now <= right:
                share = (now - left) / (right - left)
                return [a + (b - a) * share for a, b in zip(low, high, strict=True)]
        return list(rows[-1][1])

    def entries(self) -> None:
        """What people and pumps chart, and the heartbeats of what keeps running."""
        pumps: dict[str, tuple[datetime, Event]] = {}
        device: tuple[datetime, Event] | None = None
        for entry in self.course.get("events", ()):
            kind, moment = entry["type"], self.moment(entry["at"])
            fields = {
                name: value for name, value in entry.items() if name not in (*OFFSETS, "type")
            }
            for name in ("from", "until"):
                if name in fields:
                    fields[name] = stamp(self.moment(fields[name]))
            for name in ("retracts", "replaces"):
                if name in fields:
                    fields[name] = f"{self.course['id']}-{fields[name]}"
            if kind == "infusion":
                if fields["agent"] in pumps:
                    self.heartbeats(*pumps.pop(fields["agent"]), moment)
                if fields["rate"] > 0 and not entry.get("silent"):
                    pumps[fields["agent"]] = moment, fields
            if kind == "oxygen":
                if device is not None:
                    self.recharts(*device, moment)
                device = (moment, fields) if fields["device"] != "room_air" else None
            self.send(moment, kind, fields, late=entry.get("late", 0), id=entry.get("id"))

    def heartbeats(self, since: datetime, fields: Event, until: datetime) -> None:
        now = since + self.script.heartbeat
        while now < until:
            self.send(now, "infusion", fields | {"action": "running", "source": "pump"})
            now += self.script.heartbeat

    def recharts(self, since: datetime, fields: Event, until: datetime) -> None:
        now = since + self.script.recharting
        while now < until:
            self.send(now, "oxygen", fields | {"source": "nurse"}, late=2)
            now += self.script.recharting


def _rounded(value: float, decimals: int) -> float:
    return round(value, decimals) if decimals else float(round(value))
