"""What laws do with a list of events: run it whole, and tell when each was received."""

from __future__ import annotations

from stream.engine import PatientState, Tick, step
from stream.engine.events import PatientEvent
from tests.charts import P0


def received(event: PatientEvent | Tick) -> int:
    """When the event came in, in microseconds; its own time where nobody says."""
    if isinstance(event, Tick):
        return event.time
    return event.time if event.received_at is None else event.received_at


def run(events: list[PatientEvent], until: int) -> PatientState:
    """The state after these events, in this order, and a tick at `until` (microseconds)."""
    state: PatientState | None = None
    for item in events:
        state, _ = step(state, item, P0)
    assert state is not None
    state, _ = step(state, Tick(until), P0)
    return state
