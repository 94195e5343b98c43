"""A patient's course run again from their events, up to an alert or an instant, to explain it.

The same decoding and the same steps as the stream. Timers fire one by one, so that the state in
hand when an alert is said is the one that said it (how finely the clock moves changes no byte).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from stream.engine import Tick, due, step
from stream.intake import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stream.engine import Alert, AnyEvent, PatientState, Rejection, Ruleset
    from stream.engine.events import Micros, PatientEvent
    from stream.intake import Intake

Ticks = Literal["none", "unreceived", "all"]
"""Before which events the clock of the records' timestamps lets timers run: before those without
`received_at`, or before all, as a worker's ticks do."""
TIMERS_AHEAD = 10_000
"""How many timers are let run out after the last event in search of an alert."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What could not be taken of one record; `whole`: there is no event in it at all."""

    record: int
    rejection: Rejection
    whole: bool


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
    ticks: Ticks = "none"
    states: dict[str, PatientState] = field(default_factory=dict)
    found: Alert | None = None
    alerts: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    later: Micros | None = None
    """When the first of the patient's events counts that `until` keeps out."""

    @property
    def state(self) -> PatientState | None:
        """The state of the patient of the alert, else of the one asked for."""
        whose = self.found.patient_id if self.found is not None else self.patient_id
        return None if whose is None else self.states.get(whose)

    def run(self, records: Iterable[bytes], stamps: Sequence[Micros] = ()) -> None:
        """Takes the records in the order in which they were received, then lets timers run out.

        `stamps` are the records' timestamps, for `ticks`.
        """
        for number, raw in enumerate(records):
            stamp = stamps[number] if stamps else None
            for part in decode(raw, accept_ticks=True).each:
                event = part.event
                if event is None:
                    self._refuse(number, part.rejections, whole=True)
                elif self._wanted(event):
                    self._refuse(number, part.rejections)
                    if self._ticked(event, stamp) or self._take(number, event, part):
                        return
                    stamp = None  # no tick comes between the events of one record
        if self.until is not None:
            for patient_id in list(self.states):
                if self._tick(patient_id, self.until):
                    return
        elif self.alert_id is not None:
            self._ahead()

    def told(self) -> list[Refusal]:
        """Records without an event, and what was refused of the patient that is looked at."""
        whose = self.found.patient_id if self.found is not None else self.patient_id
        return [
            refusal
            for refusal in self.refusals
            if refusal.whole or whose in (None, refusal.rejection.patient_id)
        ]

    def _refuse(self, number: int, rejections: Iterable[Rejection], *, whole: bool = False) -> None:
        self.refusals += [Refusal(number, rejection, whole) for rejection in rejections]

    def _wanted(self, event: AnyEvent) -> bool:
        if isinstance(event, Tick):
            return self.until is None or event.time <= self.until
        if self.patient_id not in (None, event.patient_id):
            return False
        counts = max(event.time, event.received_at or event.time)
        if self.until is None or counts <= self.until:
            return True
        self.later = counts if self.later is None else min(self.later, counts)
        return False

    def _ticked(self, event: AnyEvent, stamp: Micros | None) -> bool:
        """Lets the patient's timers run to the record's timestamp, where `ticks` says so."""
        if stamp is None or isinstance(event, Tick) or event.patient_id not in self.states:
            return False
        runs = self.ticks == "all" or (self.ticks == "unreceived" and event.received_at is None)
        return runs and self._tick(event.patient_id, stamp)

    def _take(self, number: int, event: AnyEvent, part: Intake) -> bool:
        if isinstance(event, Tick):
            return any(self._tick(patient_id, event.time) for patient_id in list(self.states))
        state = self.states.get(event.patient_id)
        if state is not None and self._tick(event.patient_id, _received(event, state) - 1):
            return True
        state, outputs = step(self.states.get(event.patient_id), event, self.ruleset)
        self.states[event.patient_id] = state
        self._refuse(number, part.placed(outputs.rejections))
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
