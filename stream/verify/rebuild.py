"""The course of every patient of a partition, run again from the records of the input topics.

The same decoding, the same refusals and the same steps as in a worker's batch, one record after
the other; what comes out are the steps, not their sends. Memory grows with patients, as a worker's.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from schemas.deadletter import ReasonCode
from stream.engine import Tick, due, step
from stream.intake import decode
from stream.worker.partitions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream.engine import Alert, AnyEvent, PatientState, Ruleset
    from stream.engine.events import Micros
    from stream.worker.records import SourceRecord

CLOCKS_APART: Micros = 600_000_000
"""How far a worker's clock and the broker's may lie apart, reading late included."""


@dataclass(frozen=True, slots=True)
class RebuildPolicy:
    """What a worker's batch knows of its settings. `only`: the key of the one patient wanted."""

    rules: Ruleset
    partitions: int
    ticks_topic: str
    max_ahead: Micros
    max_record_bytes: int
    only: bytes | None = None


class Step(NamedTuple):
    """One event or tick applied to one patient; `before` None: the patient was not there."""

    key: bytes
    record: SourceRecord
    before: PatientState | None
    state: PatientState
    alerts: tuple[Alert, ...]


@dataclass(slots=True)
class Rebuild:
    """Feed records to `take` in the order in which a worker reads them."""

    policy: RebuildPolicy
    states: dict[bytes, PatientState] = field(default_factory=dict)
    near_the_clock: set[bytes] = field(default_factory=set)
    """Patients with an event of which the moment decides whether it lies too far ahead."""
    _due: dict[bytes, Micros] = field(default_factory=dict)

    def take(self, record: SourceRecord) -> Iterator[Step]:
        """Apply one record; what a worker would refuse leads to nothing."""
        policy = self.policy
        ticks = record.topic == policy.ticks_topic
        if not ticks and policy.only is not None and record.key != policy.only:
            return
        now = int(record.timestamp * 1_000_000)
        intake = decode(
            record.value,
            key=record.key,
            now=now,
            max_ahead=policy.max_ahead,
            max_bytes=policy.max_record_bytes,
            key_required=not ticks,
            accept_ticks=ticks,
        )
        for part in intake.each:
            event = part.event
            if event is None:
                for rejection in part.rejections:
                    if rejection.code == ReasonCode.TIME_IN_FUTURE:
                        self.near_the_clock.add(rejection.patient_id.encode())
            elif isinstance(event, Tick):
                yield from self._tick(record, event)
            elif not ticks:
                key = event.patient_id.encode()
                if partition_of(key, policy.partitions) != record.partition:
                    return
                if event.received_at is None and event.time > now + policy.max_ahead - CLOCKS_APART:
                    self.near_the_clock.add(key)
                yield from self._step(record, key, event)

    def _tick(self, record: SourceRecord, tick: Tick) -> Iterator[Step]:
        waiting = [key for key, when in self._due.items() if when <= tick.time]
        for key in sorted(waiting, key=lambda key: (self._due[key], key)):
            yield from self._step(record, key, tick)

    def _step(self, record: SourceRecord, key: bytes, event: AnyEvent) -> Iterator[Step]:
        before = self.states.get(key)
        try:
            state, outputs = step(before, event, self.policy.rules)
        except Exception:  # noqa: BLE001 - the worker made a dead letter of it and went on
            return
        self.states[key] = state
        when = due(state)
        if when is None:
            self._due.pop(key, None)
        else:
            self._due[key] = when
        yield Step(key, record, before, state, outputs.alerts)


def by_record_time(logs: Iterable[Iterable[SourceRecord]]) -> Iterator[SourceRecord]:
    """The records of several logs as a worker merges those of one fetch: oldest timestamp first.

    A record never overtakes one before it in its own log.
    """

    def keyed(log: Iterable[SourceRecord]) -> Iterator[tuple[float, str, int, SourceRecord]]:
        latest = -1.0
        for record in log:
            latest = max(latest, record.timestamp)
            yield latest, record.topic, record.offset, record

    merged = heapq.merge(*map(keyed, logs), key=lambda item: item[:3])
    return (item[3] for item in merged)
