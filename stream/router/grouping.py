"""Alerts of one patient within a window become one message; pure.

A window counts in the broker's time of the records, so that whoever reads them again makes the same
groups. It is closed by a record beyond it, by an urgent one, or by the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stream.router.alerts import RANK

if TYPE_CHECKING:
    from stream.router.alerts import Alert
    from stream.router.config import Group
    from stream.router.ledger import Entry

Held = tuple["Alert", "Entry"]
SLACK_S = 0.5
"""How much longer than the window the clock waits for records that are still on their way."""


@dataclass(slots=True)
class _Open:
    until_ms: int
    deadline: float
    held: list[Held] = field(default_factory=list)


class Groups:
    """The open windows of one route, by patient."""

    def __init__(self, rule: Group) -> None:
        self._rule = rule
        self._open: dict[str, _Open] = {}

    def __len__(self) -> int:
        return sum(len(group.held) for group in self._open.values())

    def add(self, alert: Alert, entry: Entry, now: float, wall_ms: int) -> list[list[Held]]:
        """Groups that are complete with this alert; `now` in seconds, `wall_ms` since 1970."""
        complete = []
        group = self._open.get(alert.patient_id)
        if group is not None and alert.place.timestamp > group.until_ms:
            complete.append(self._open.pop(alert.patient_id).held)
            group = None
        if group is None:
            until = alert.place.timestamp + int(self._rule.window_s * 1000)
            left = max(0.0, (until - wall_ms) / 1000)
            group = _Open(until, now + min(left, self._rule.window_s) + SLACK_S)
            self._open[alert.patient_id] = group
        group.held.append((alert, entry))
        if alert.rank <= RANK[self._rule.at_once] or len(group.held) >= self._rule.most:
            complete.append(self._open.pop(alert.patient_id).held)
        return complete

    def over(self, now: float) -> list[list[Held]]:
        """Groups whose window is over by the clock."""
        patients = [patient for patient, group in self._open.items() if group.deadline <= now]
        return [self._open.pop(patient).held for patient in patients]

    def due(self) -> float | None:
        """When the next window is over."""
        return min((group.deadline for group in self._open.values()), default=None)

    def drop(self, numbers: set[int]) -> None:
        """Forget what came from these partitions."""
        for patient, group in list(self._open.items()):
            if any(entry.number in numbers for _, entry in group.held):
                del self._open[patient]
