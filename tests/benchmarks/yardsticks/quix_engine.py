"""Quix Streams through the same decoder and engine, with its store and its changelog.

`store`: the patient's state is read from its store, stepped, and written back at every event.
`memory`: states live in the process and the store gets a count: less than our worker does.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from typing import Any

from quixstreams import Application

from stream.engine import PatientState, step
from stream.intake import decode
from stream.rules import load_ruleset
from stream.worker.codec import decode_record, decode_window, encode_record, encode_window
from tests.benchmarks.yardsticks.lap import Lap, job


def packed(state: PatientState) -> bytes:
    """Record and windows, as our worker stores them."""
    windows = [(start, encode_window(window)) for start, window in state.windows.items()]
    return pickle.dumps((encode_record(state.record), windows), 5)


def unpacked(raw: bytes) -> PatientState:
    record, windows = pickle.loads(raw)
    return PatientState.assemble(
        decode_record(record), {start: decode_window(window) for start, window in windows}
    )


def main() -> None:
    told, how = job(), sys.argv[2]
    lap, ruleset = Lap(told.count), load_ruleset()
    app = Application(
        broker_address=told.bootstrap, consumer_group=f"{told.prefix}quix-{how}",
        auto_offset_reset="earliest", state_dir=tempfile.mkdtemp(), loglevel="WARNING",
    )  # fmt: skip
    source = app.topic(told.topic, value_deserializer="bytes")
    alerts = app.topic(told.alerts, value_serializer="bytes", key_serializer="bytes")
    states: dict[str, Any] = {}

    def in_store(raw: bytes, state: Any) -> list[bytes]:
        event = decode(raw).event
        stored = state.get_bytes("state")
        before = None if stored is None else unpacked(stored)
        after, outputs = step(before, event, ruleset)
        state.set_bytes("state", packed(after))
        return [alert.to_bytes() for alert in outputs.alerts]

    def in_memory(raw: bytes, state: Any) -> list[bytes]:
        event = decode(raw).event
        states[event.patient_id], outputs = step(states.get(event.patient_id), event, ruleset)
        state.set("count", state.get("count", 0) + 1)
        return [alert.to_bytes() for alert in outputs.alerts]

    table = app.dataframe(source)
    graded = table.apply(in_store if how == "store" else in_memory, stateful=True)
    graded.update(lambda _: lap.add())
    graded.apply(lambda said: said, expand=True).to_topic(alerts)
    app.run()


if __name__ == "__main__":
    main()
