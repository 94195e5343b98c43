"""The engine over events at hand: files, standard input, what the demo has sent.

The same decoding, the same steps and the same bytes as in the stream; only Kafka is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stream.engine import Tick, due, step
from stream.intake import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream.engine import Alert, AnyEvent, PatientState, Rejection, Ruleset


@dataclass(frozen=True, slots=True)
class Answer:
    """What one record led to."""

    event: AnyEvent | None  # None: nothing of the record could be used
    alerts: tuple[Alert, ...] = ()
    rejections: tuple[Rejection, ...] = ()


@dataclass(slots=True)
class OfflineEngine:
    """Every patient's state, in order of first appearance; memory grows with patients only."""

    ruleset: Ruleset
    states: dict[str, PatientState] = field(default_factory=dict)

    def take(self, raw: bytes, wanted: Callable[[AnyEvent], bool] | None = None) -> Answer:
        """Decodes one record and applies it, unless `wanted` declines it."""
        intake = decode(raw, accept_ticks=True)
        if intake.event is None:
            return Answer(None, (), tuple(intake.rejections))
        if wanted is not None and not wanted(intake.event):
            return Answer(intake.event)
        alerts: list[Alert] = []
        rejections = list(intake.rejections)
        for said, refused in self.apply(intake.event):
            alerts += said
            rejections += refused
        return Answer(intake.event, tuple(alerts), tuple(rejections))

    def apply(self, event: AnyEvent) -> Iterator[tuple[tuple[Alert, ...], tuple[Rejection, ...]]]:
        """Applies one event; a tick goes to all patients seen so far, in their order."""
        if not isinstance(event, Tick):
            state = self.states.get(event.patient_id)
            self.states[event.patient_id], outputs = step(state, event, self.ruleset)
            yield outputs.alerts, outputs.rejections
            return
        for patient_id, state in self.states.items():
            when = due(state)
            if when is not None and when <= event.time:
                # Assigning to a key that is there already keeps the order and the iteration valid.
                self.states[patient_id], outputs = step(state, event, self.ruleset)
                yield outputs.alerts, outputs.rejections
