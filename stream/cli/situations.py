"""The situations of `stream/rules/situations.toml`, each answered by the engine on every scale."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING, Any

from stream.engine import assess
from stream.engine.ruleset import SECOND
from stream.offline import OfflineEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.engine import Ruleset
    from stream.engine.scales import Grades

FILE = "situations.toml"
BASE = "fever"
"""What a situation begins with unless it names another base."""

_START = datetime(2026, 3, 1, tzinfo=UTC)
_UNITS = {"temperature": "Cel", "systolic_bp": "mm[Hg]", "diastolic_bp": "mm[Hg]", "spo2": "%"}


@dataclass(frozen=True, slots=True)
class Answered:
    """One situation and what each scale says of it; None where the scale does not apply."""

    id: str
    text: str
    grades: dict[str, Grades | None]

    def spelled(self, scale: str) -> str:
        """`2`, `3/4` where the wording leaves both, `-` where the scale does not apply."""
        return "/".join(map(str, self.grades[scale] or ())) or "-"


def answered(ruleset: Ruleset) -> Iterator[Answered]:
    """Every situation in the order of the file; ASTCT first, then the scales of the ruleset."""
    document = tomllib.loads(resources.files("stream.rules").joinpath(FILE).read_text("utf-8"))
    names = (ruleset.scale, *(scale.name for scale in ruleset.scales.rows))
    for row in document["situation"]:
        events = [*document["base"][row.get("base", BASE)], *row["events"]]
        seen = _seen(events, row["at"], ruleset)
        grades = {name: _several(seen.get(name)) for name in names}
        yield Answered(row["id"], row["text"], grades)


def _seen(events: list[dict[str, Any]], at: str, ruleset: Ruleset) -> dict[str, Any]:
    """What `assess` says of the scales once these events have been taken in."""
    engine = OfflineEngine(ruleset)
    for number, event in enumerate(sorted(events, key=lambda event: _moment(event["time"]))):
        answer = engine.take(json.dumps(_wired(event, number)).encode())
        if answer.event is None or answer.rejections:
            raise ValueError(f"{FILE}: {event} is refused: {answer.rejections}")
    (state,) = engine.states.values()
    scales: dict[str, Any] = assess(state, ruleset, _micros(at))["scales"]
    return scales


def _wired(event: dict[str, Any], number: int) -> dict[str, Any]:
    """A row of the file as an event of the contract."""
    head = {
        **event,
        "event_id": f"e{number}",
        "patient_id": "p",
        "time": _moment(event["time"]).isoformat(),
    }
    if event["type"] != "vitals":
        return head
    readings = [
        {"signal": signal, "value": head.pop(signal), "unit": unit}
        for signal, unit in _UNITS.items()
        if signal in head
    ]
    return {**head, "readings": readings}


def _moment(text: str) -> datetime:
    hours, minutes = text.split(":")
    return _START + timedelta(hours=int(hours), minutes=int(minutes))


def _micros(text: str) -> int:
    return int(_moment(text).timestamp()) * SECOND


def _several(grades: int | list[int] | None) -> Grades | None:
    if grades is None:
        return None
    return (grades,) if isinstance(grades, int) else tuple(grades)
