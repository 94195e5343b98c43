"""Bytewax through the same decoder and engine; its states live in the process, no changelog."""

from __future__ import annotations

from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from stream.engine import step
from stream.intake import decode
from stream.rules import load_ruleset
from tests.benchmarks.yardsticks.confluent_loop import consumer_of
from tests.benchmarks.yardsticks.lap import Job, Lap, job


class Partition(StatefulSourcePartition):
    """One partition of the topic, from where the job begins."""

    def __init__(self, told: Job, number: int, lap: Lap) -> None:
        self._consumer, self._lap = consumer_of(told, [number]), lap

    def next_batch(self) -> list[Any]:
        messages = self._consumer.consume(500, 0.01)
        if messages:
            self._lap.begin()
        return [message.value() for message in messages]

    def snapshot(self) -> None:
        return None


class Source(FixedPartitionedSource):
    """The topic."""

    def __init__(self, told: Job, lap: Lap) -> None:
        self._told, self._lap = told, lap

    def list_parts(self) -> list[str]:
        return [str(number) for number in self._told.begin]

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> Partition:
        return Partition(self._told, int(for_part), self._lap)


class Counted(StatelessSinkPartition):
    """Counts what arrives."""

    def __init__(self, lap: Lap) -> None:
        self._lap = lap

    def write_batch(self, items: list[Any]) -> None:
        self._lap.add(len(items))


class Sink(DynamicSink):
    """The end of the flow."""

    def __init__(self, lap: Lap) -> None:
        self._lap = lap

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Counted:
        return Counted(self._lap)


def main() -> None:
    told, ruleset = job(), load_ruleset()
    lap, flow = Lap(told.count), Dataflow("bench")

    def graded(state: Any, event: Any) -> tuple[Any, list[bytes]]:
        after, outputs = step(state, event, ruleset)
        return after, [alert.to_bytes() for alert in outputs.alerts]

    raw = op.input("read", flow, Source(told, lap))
    events = op.map("decode", raw, lambda value: decode(value).event)
    keyed = op.key_on("patient", events, lambda event: event.patient_id)
    op.output("count", op.stateful_map("grade", keyed, graded), Sink(lap))
    run_main(flow)


if __name__ == "__main__":
    main()
