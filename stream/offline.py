"""The engine over events at hand: files, standard input, what the demo has sent.

The same decoding, the same steps and the same bytes as in the stream; only Kafka is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from stream.engine import Alert, AnyEvent, PatientState, Rejection, Ruleset, Tick, due, step
from stream.intake import decode


@dataclass(slots=True, init=False)
class Answer:
    """What one record led to."""

    event: Final[AnyEvent | None]
    """The last that could be used; None: nothing of the record could."""
    alerts: Final[tuple[Alert, ...]]
    rejections: Final[tuple[Rejection, ...]]
    events: Final[int]
    """How many could be used: more than one only of a bundle."""

    def __init__(
        self,
        event: AnyEvent | None,
        alerts: tuple[Alert, ...] = (),
        rejections: tuple[Rejection, ...] = (),
        events: int = 0,
    ) -> None:
        self.event = event
        self.alerts = alerts
        self.rejections = rejections
        self.events = events


@dataclass(slots=True)
class OfflineEngine:
    """Every patient's state, in order of first appearance; memory grows with patients only."""

    ruleset: Ruleset
    states: dict[str, PatientState] = field(default_factory=dict)

    def take(self, raw: bytes, wanted: Callable[[AnyEvent], bool] | None = None) -> Answer:
        """Decodes one record and applies its events, but for those that `wanted` declines."""
        last: AnyEvent | None = None
        alerts: list[Alert] = []
        rejections: list[Rejection] = []
        usable = 0
        for part in decode(raw, accept_ticks=True).each:
            event = part.event
            if event is not None:
                last, usable = event, usable + 1
                if wanted is not None and not wanted(event):
                    continue
            rejections += part.rejections
            if event is not None:
                for said, refused in self.apply(event):
                    alerts += said
                    rejections += part.placed(refused)
        return Answer(last, tuple(alerts), tuple(rejections), usable)

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
