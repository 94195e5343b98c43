"""The demo's ward: scripted courses and real ICU stays on one clock, in the order received."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stream.demo.answers import with_answers
from stream.demo.courses import course_events, load_script, stamp
from stream.gateways.jsonl import encode

if TYPE_CHECKING:
    from stream.demo.courses import Script
    from stream.engine import Ruleset

Event = dict[str, Any]
ICU_FILE = Path(__file__).with_name("data") / "icu_patients.jsonl"
ICU_STORY = "A real ICU stay, de-identified; that a cell therapy was given is assumed"
ADMISSIONS = timedelta(hours=1), timedelta(hours=8)
"""When the first ICU patient comes, and how long after each the next one does."""
TIMES = ("time", "received_at", "from", "until")


@dataclass(frozen=True, slots=True)
class Ward:
    """All that will be sent. `events` are the records' values, ordered by `received_at`."""

    events: tuple[bytes, ...]
    stories: dict[str, str]
    begins: datetime
    ends: datetime

    @property
    def span_s(self) -> float:
        """Seconds of the ward's clock from the first event to the last."""
        return (self.ends - self.begins).total_seconds()


def load_ward(ruleset: Ruleset | None) -> Ward:
    """The packaged ward; the same bytes each time.

    With answers to the alarms of a ruleset; None: nobody answers.
    """
    script = load_script()
    events = [event for course in script.patients for event in course_events(course, script)]
    stories = {course["id"]: course["story"] for course in script.patients}
    for patient_id, stay in _icu_stays(script).items():
        events += stay
        stories[patient_id] = ICU_STORY
    # A stable sort: what a patient's events say at the same moment keeps its order.
    events.sort(key=lambda event: datetime.fromisoformat(event["received_at"]))
    if ruleset is not None:
        events = list(with_answers(events, ruleset, script.seed))
    return Ward(
        events=tuple(encode(event) for event in events),
        stories=stories,
        begins=datetime.fromisoformat(events[0]["received_at"]),
        ends=datetime.fromisoformat(events[-1]["received_at"]),
    )


def _icu_stays(script: Script) -> dict[str, list[Event]]:
    """The ICU stays moved to the ward's clock, cut off where that ends; by patient."""
    if not ICU_FILE.is_file():
        return {}
    stays: dict[str, list[Event]] = {}
    with ICU_FILE.open(encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            stays.setdefault(event["patient_id"], []).append(event)
    end = script.begins + script.span
    moved: dict[str, list[Event]] = {}
    for number, (patient_id, events) in enumerate(stays.items()):
        admitted = script.begins + ADMISSIONS[0] + number * ADMISSIONS[1]
        shift = admitted - datetime.fromisoformat(events[0]["received_at"])
        moved[patient_id] = [
            event
            for event in (_moved(event, shift) for event in events)
            if datetime.fromisoformat(event["received_at"]) <= end
        ]
    return moved


def _moved(event: Event, shift: timedelta) -> Event:
    return event | {
        name: stamp(datetime.fromisoformat(event[name]) + shift)
        for name in TIMES
        if event.get(name) is not None
    }
