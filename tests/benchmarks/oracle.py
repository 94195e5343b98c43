"""What must be said of the events sent, by the engine alone: byte for byte, and by which event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from stream.offline import OfflineEngine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream.engine import Ruleset
    from tests.benchmarks.ward import Event


class Said(NamedTuple):
    """An alert as a record: its key and its value."""

    key: bytes
    value: bytes


@dataclass(slots=True)
class Oracle:
    """Feed it all that is sent, in order; ask it whether what was read is what had to be said."""

    ruleset: Ruleset
    due: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Alerts of each patient that were not compared yet, in order."""
    _engine: OfflineEngine = field(init=False)
    _said: set[int] = field(default_factory=set)
    """Hashes of all alerts compared so far."""

    def __post_init__(self) -> None:
        self._engine = OfflineEngine(self.ruleset)

    def take(self, events: Iterable[Event]) -> dict[Said, int]:
        """The alerts that the events lead to, each with the number of the event that causes it."""
        causes: dict[Said, int] = {}
        for number, event in enumerate(events):
            for alert in self._engine.take(event.value).alerts:
                said = Said(alert.patient_id.encode(), alert.to_bytes())
                causes[said] = number
                self.due.setdefault(said.key, []).append(said.value)
        return causes

    def compare(self, read: Iterable[Said]) -> str | None:
        """Why the alerts read are not those that are due, or None; what is due begins anew.

        A repetition of an alert, which a crash may lead to, is none too many.
        """
        due, self.due = self.due, {}
        found: dict[bytes, dict[bytes, None]] = {}
        for said in read:
            if hash(said) not in self._said:
                found.setdefault(said.key, {})[said.value] = None
        self._said.update(hash(Said(key, value)) for key, values in due.items() for value in values)
        wanted = {key: list(dict.fromkeys(values)) for key, values in due.items()}
        differing = [
            key for key in wanted.keys() | found.keys()
            if wanted.get(key, []) != list(found.get(key, ()))
        ]  # fmt: skip
        if not differing:
            return None
        missing = sum(len(set(v) - set(found.get(k, ()))) for k, v in wanted.items())
        more = sum(len(set(v) - set(wanted.get(k, ()))) for k, v in found.items())
        return (
            f"the alerts of {len(differing)} patients differ from the engine's:"
            f" {missing} missing, {more} that nothing leads to"
        )
