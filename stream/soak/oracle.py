"""What must have come of a partition: the engine alone, over the same records in the log's order.

It is what `stormwatch grade` says of them; the edge is told the worker's limits.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from stream.intake import decode
from stream.offline import OfflineEngine

if TYPE_CHECKING:
    from stream.engine import Alert, PatientState, Ruleset
    from stream.engine.outputs import Rejection


class Said(NamedTuple):
    """An alert: its id, and a digest of its bytes, since a long run says a lot."""

    alert_id: str
    digest: bytes


class Letter(NamedTuple):
    """A dead letter: where its record lies, and why it could not be taken."""

    offset: int
    reason: str
    event_id: str


@dataclass(slots=True)
class Truth:
    """What a partition's log comes to. Alerts by patient, in the engine's order."""

    alerts: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    letters: Counter[Letter] = field(default_factory=Counter)
    states: dict[str, PatientState] = field(default_factory=dict)
    records: int = 0
    accepted: int = 0
    """Events, of which a bundle has several."""


class Oracle:
    """Give it every record of a partition in order, then look at `truth`."""

    def __init__(self, ruleset: Ruleset, max_record_bytes: int) -> None:
        self._engine = OfflineEngine(ruleset)
        self._max = max_record_bytes
        self.truth = Truth(states=self._engine.states)

    def take(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Apply the record that lies at `offset`."""
        truth = self.truth
        truth.records += 1
        for part in decode(value, key=key, max_bytes=self._max, key_required=True).each:
            self._refused(offset, part.rejections)
            if part.event is None:
                continue
            truth.accepted += 1
            for alerts, rejections in self._engine.apply(part.event):
                for alert in alerts:
                    truth.alerts[alert.patient_id].append(said(alert))
                self._refused(offset, rejections)

    def _refused(self, offset: int, rejections: tuple[Rejection, ...]) -> None:
        for rejection in rejections:
            self.truth.letters[Letter(offset, str(rejection.code), rejection.event_id)] += 1


def said(alert: Alert) -> Said:
    """An alert of the engine, as it is compared."""
    return Said(alert.alert_id, digest(alert.to_bytes()))


def digest(raw: bytes) -> bytes:
    """Stands for the bytes of an alert."""
    return hashlib.blake2b(raw, digest_size=16).digest()
