"""The agent of a first afternoon with Faust: a Record, and one table write for each event."""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import faust

from tests.benchmarks.yardsticks.lap import Lap, job


class Event(faust.Record, serializer="json"):
    """Any event of the ward."""

    type: str
    event_id: str
    patient_id: str
    time: str
    received_at: str
    readings: list[Any] = []  # noqa: RUF012 - Faust's way to say so
    ice: int | None = None


def main() -> None:
    told = job()
    lap = Lap(told.count)
    app = faust.App(
        f"{told.prefix}naive", broker=f"kafka://{told.bootstrap}", datadir=tempfile.mkdtemp(),
        topic_partitions=len(told.begin), web_enabled=False, autodiscover=False,
    )  # fmt: skip
    topic = app.topic(told.topic, value_type=Event)
    patients = app.Table("patients", default=dict)

    @app.agent(topic)
    async def monitor(events: Any) -> None:
        async for event in events:
            state = patients[event.patient_id]
            state["count"] = state.get("count", 0) + 1
            state["time"] = event.time
            for reading in event.readings:
                state[reading["signal"]] = reading["value"]
            patients[event.patient_id] = state
            lap.add()

    worker = faust.Worker(app, loglevel="info", logfile=sys.stderr, redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
