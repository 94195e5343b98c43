"""What the stream said against what the engine says of the same events, alone, without Kafka."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from stream.offline import OfflineEngine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stream.engine import Ruleset

Letters = Counter[tuple[str, str]]  # reason and event id
SHOWN = 40


@dataclass(slots=True)
class Expected:
    """What must be on the topics."""

    alerts: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    letters: Letters = field(default_factory=Counter)
    accepted: int = 0
    types: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Alerts of all patients."""
        return sum(map(len, self.alerts.values()))


def expected(events: Iterable[bytes], ruleset: Ruleset) -> Expected:
    """Grades the events without Kafka."""
    engine, result = OfflineEngine(ruleset), Expected()
    for raw in events:
        answer = engine.take(raw)
        result.accepted += answer.events
        for alert in answer.alerts:
            result.alerts[alert.patient_id].append(alert.to_bytes())
            result.types[alert.type] += 1
        for rejection in answer.rejections:
            result.letters[rejection.code, rejection.event_id] += 1
    return result


def differences(
    wanted: Expected, alerts: Mapping[str, list[bytes]], letters: Iterable[bytes]
) -> list[str]:
    """One line per difference, patient by patient in order; empty when all is the same."""
    lines: list[str] = []
    for patient_id in sorted({*wanted.alerts, *alerts}):
        pairs = zip_longest(wanted.alerts.get(patient_id, ()), alerts.get(patient_id, ()))
        for number, (engine, stream) in enumerate(pairs, start=1):
            if engine != stream:
                lines.append(f"{patient_id}, alert {number}:")
                lines.append(f"  - engine {_brief(engine)}")
                lines.append(f"  + stream {_brief(stream)}")
    found = Counter(_letter(raw) for raw in letters)
    for (reason, event_id), count in sorted((wanted.letters - found).items()):
        lines.append(f"dead letter missing on the topic, {count} x {reason} {event_id}")
    for (reason, event_id), count in sorted((found - wanted.letters).items()):
        lines.append(f"dead letter that the engine does not know, {count} x {reason} {event_id}")
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"… and {len(lines) - SHOWN} more lines"]
    return lines


def _letter(raw: bytes) -> tuple[str, str]:
    letter = json.loads(raw)
    return str(letter.get("reason")), letter.get("event_id") or ""


def _brief(raw: bytes | None) -> str:
    from stream.sentences import what  # noqa: PLC0415 - only where something went wrong

    if raw is None:
        return "(nothing)"
    try:
        alert: dict[str, Any] = json.loads(raw)
    except ValueError:
        return repr(raw[:80])
    return f"{alert.get('alert_id')} {alert.get('effective_time')} {what(alert)}"
