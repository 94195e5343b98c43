"""A patient's course run again from their events, up to an alert or an instant, to explain it.

The same decoding and the same steps as the stream. Timers fire one by one, so that the state in
hand when an alert is said is the one that said it (how finely the clock moves changes no byte).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stream.engine import Tick, due, step
from stream.intake import decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream.engine import Alert, AnyEvent, PatientState, Ruleset
    from stream.engine.events import Micros, PatientEvent

TIMERS_AHEAD = 10_000
"""How many timers are let run out after the last event in search of an alert."""


@dataclass(slots=True)
class Retrace:
    """Runs events of one patient (or of all, where `patient_id` is None) and stops at `alert_id`.

    `found` is the alert and `state` the state that said it; without an `alert_id`, `state` is the
    patient's at the end.
    """

    ruleset: Ruleset
    patient_id: str | None = None
    alert_id: str | None = None
    until: Micros | None = None
    states: dict[str, PatientState] = field(default_factory=dict)
    found: Alert | None = None
    alerts: int = 0
    unread: int = 0
    """Records that hold no event that can be read."""

    @property
    def state(self) -> PatientState | None:
        """The state of the patient of the alert, else of the one asked for."""
        whose = self.found.patient_id if self.found is not None else self.patient_id
        return None if whose is None else self.states.get(whose)

    def run(self, records: Iterable[bytes]) -> None:
        """Takes the records in the order in which they were received, then lets timers run out."""
        for raw in records:
            intake = decode(raw, accept_ticks=True)
            if intake.event is None:
                self.unread += 1
            elif self._wanted(intake.event) and self._take(intake.event):
                return
        if self.until is not None:
            for patient_id in list(self.states):
                if self._tick(patient_id, self.until):
                    return
        elif self.alert_id is not None:
            self._ahead()

    def _wanted(self, event: AnyEvent) -> bool:
        if self.until is not None:
            received = None if isinstance(event, Tick) else event.received_at
            if event.time > self.until or (received is not None and received > self.until):
                return False
        if isinstance(event, Tick) or self.patient_id is None:
            return True
        return event.patient_id == self.patient_id

    def _take(self, event: AnyEvent) -> bool:
        if isinstance(event, Tick):
            return any(self._tick(patient_id, event.time) for patient_id in list(self.states))
        state = self.states.get(event.patient_id)
        if state is not None and self._tick(event.patient_id, _received(event, state) - 1):
            return True
        state, outputs = step(self.states.get(event.patient_id), event, self.ruleset)
        self.states[event.patient_id] = state
        return self._seen(outputs.alerts)

    def _tick(self, patient_id: str, until: Micros) -> bool:
        """Fires the patient's timers that are due until then, each at its own time."""
        last = None
        while (when := due(self.states[patient_id])) is not None and when <= until:
            if when == last:
                break
            last = when
            state, outputs = step(self.states[patient_id], Tick(when), self.ruleset)
            self.states[patient_id] = state
            if self._seen(outputs.alerts):
                return True
        return False

    def _ahead(self) -> None:
        for _ in range(TIMERS_AHEAD):
            waiting = {
                patient_id: when
                for patient_id, state in self.states.items()
                if (when := due(state)) is not None
            }
            if not waiting:
                return
            patient_id = min(waiting, key=lambda item: waiting[item])
            if self._tick(patient_id, waiting[patient_id]):
                return

    def _seen(self, alerts: Iterable[Alert]) -> bool:
        for alert in alerts:
            self.alerts += 1
            if alert.alert_id == self.alert_id:
                self.found = alert
                return True
        return False


def _received(event: PatientEvent, state: PatientState) -> Micros:
    """Where the patient's clock stands once the event is received (contract 2)."""
    clock = state.record.clock
    received = event.received_at if event.received_at is not None else event.time
    return max(received, clock)
