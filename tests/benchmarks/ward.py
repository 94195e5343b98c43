"""The events of a benchmark: a seeded ward on monitors, the same for the same seed.

Every patient has a therapy, some hours or days of sparse snapshots behind them (`before`), and from
then on one snapshot of seven signals a second (`monitored`). One event in a hundred is a nurse's
neuro check instead, whose ICE score alternates: it leads to an alert, so that there is always
something to be waited for. Some patients are febrile or hypotensive for a while.

The ward stands in a year far ahead. The worker's ticks of the wall clock, which stay on, then let
no timer run out that the events do not let run out themselves: what is said is a function of the
events, and can be compared with the engine alone.
"""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2100, 1, 1, tzinfo=UTC)
NEURO_SHARE = 0.01
HOUR_S = 3600
LAST_HOUR_EVERY_S = 300
SIGNALS = 7
LINE = {"method": "arterial_line"}


class Event(NamedTuple):
    """A record: its key, its value, and how many readings it holds."""

    key: bytes
    value: bytes
    readings: int


class Ward:
    """Events in the order in which they are received; every call goes on where the last ended."""

    def __init__(self, patients: int, seed: int) -> None:
        self._names = [f"bench-{number:05}" for number in range(patients)]
        self._random = random.Random(seed)
        draw = self._random.randrange
        self._courses = [(draw(5400), draw(6300), draw(20), draw(1, 5)) for _ in self._names]
        self._ice = [10] * patients
        self._second = 0
        self._next = 0

    def before(self, stay_s: int, every_s: int = 86_400) -> Iterator[Event]:
        """A therapy, then sparse snapshots until `stay_s`; the last hour alike for every stay."""
        at = _moment(0)
        for name in self._names:
            therapy = {"product": "axi-cel", "therapy_class": "car_t"}
            yield _event("therapy", name, f"{name}-therapy", at, therapy, 0)
        last_hour = max(0, stay_s - HOUR_S)
        times = [*range(every_s, last_hour, every_s), *range(last_hour, stay_s, LAST_HOUR_EVERY_S)]
        for second in times[0 if last_hour else 1 :]:
            at = _moment(second)
            for number in range(len(self._names)):
                yield self._snapshot(number, second, at)
        self._second = stay_s

    def monitored(self, count: int) -> Iterator[Event]:
        """The next `count` events of one a second and patient."""
        at = _moment(self._second)
        for _ in range(count):
            number = self._next
            if self._random.random() < NEURO_SHARE:
                yield self._check(number, at)
            else:
                yield self._snapshot(number, self._second, at)
            self._next += 1
            if self._next == len(self._names):
                self._next, self._second = 0, self._second + 1
                at = _moment(self._second)

    def checks(self, most: int) -> Iterator[Event]:
        """A neuro check, and so an alert, for each of at most so many patients, in a new second."""
        self._next, self._second = 0, self._second + 1
        for number in range(min(most, len(self._names))):
            yield self._check(number, _moment(self._second))
        self._second += 1

    def _snapshot(self, number: int, second: int, at: str) -> Event:
        fever, low, heart, wave = self._courses[number]
        noise = self._random.random()
        febrile = (second + fever) // 1800 % 3 == 0
        hypotensive = (second + low) // 900 % 7 == 0
        temperature = (38.7 if febrile else 36.9) + 0.1 * math.sin(second / 600 / wave)
        systolic = round((84 if hypotensive else 118) + 6 * noise)
        diastolic = round((50 if hypotensive else 70) + 4 * noise)
        values = (
            ("temperature", round(temperature, 2), "Cel", {"site": "core"}),
            ("heart_rate", round(72 + heart + 6 * noise), "/min", {}),
            ("respiratory_rate", round(14 + 4 * noise), "/min", {}),
            ("spo2", round(95 + 3 * noise), "%", {}),
            ("systolic_bp", systolic, "mm[Hg]", LINE),
            ("diastolic_bp", diastolic, "mm[Hg]", LINE),
            ("mean_bp", round((systolic + 2 * diastolic) / 3), "mm[Hg]", LINE),
        )
        readings = [{"signal": s, "value": v, "unit": u, **more} for s, v, u, more in values]
        name = self._names[number]
        return _event("vitals", name, f"{name}-{second}", at, {"readings": readings}, SIGNALS)

    def _check(self, number: int, at: str) -> Event:
        self._ice[number] = ice = 17 - self._ice[number]
        name = self._names[number]
        return _event("neuro", name, f"{name}-{self._second}", at, {"ice": ice}, 0)


def _moment(second: int) -> str:
    return (START + timedelta(seconds=second)).isoformat()


def _event(
    kind: str, name: str, event_id: str, at: str, fields: dict[str, Any], readings: int
) -> Event:
    event = {
        "type": kind, "event_id": event_id, "patient_id": name, "time": at, "received_at": at,
        **fields,
    }  # fmt: skip
    return Event(name.encode(), json.dumps(event, separators=(",", ":")).encode(), readings)
