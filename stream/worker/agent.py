"""The one agent: a batch of records in, everything acknowledged in a fixed order, or the end.

Order of awaits, which is the whole of the delivery guarantee:

1. dead letters, alerts and statuses are acknowledged by the broker;
2. then the changed windows in their changelog, then the changed records in theirs (the commit
   mark), then the windows that were forgotten;
3. then the tables take the change (and what others wrote into the changelogs meanwhile is written
   anew, see `stream.worker.changelogs`);
4. then the source records are settled, in order, and their offsets may be committed.

A crash between two of these repeats the batch from the old state: the same alerts with the same
ids and bytes, which readers recognise by the id. Where the records were written already, what is
read again is passed over (`stream.worker.codec.Applied`). Any exception crashes the app and
settles nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import structlog

from stream.worker.batch import Batch, SourceRecord
from stream.worker.faust_repairs import delivered
from stream.worker.floods import FloodGate
from stream.worker.reading import READ_AHEAD, Reader
from stream.worker.triage import TriagePolicy, WaitingRoom

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from stream.metrics import Metrics
    from stream.worker.batch import BatchPolicy, Plan
    from stream.worker.changelogs import Changelogs, Span
    from stream.worker.faust_repairs import Producer
    from stream.worker.grader import Grader
    from stream.worker.triage import Call
    from stream.worker.ward import Ward

log = structlog.get_logger(__name__)


class Rounds:
    """Works batches off, one at a time; see the module for the order."""

    def __init__(
        self,
        ward: Ward,
        grader: Grader,
        policy: BatchPolicy,
        changelogs: Changelogs,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ward, self.grader, self.policy, self.metrics = ward, grader, policy, metrics
        self.changelogs = changelogs
        self.seen: dict[tuple[str, int], float] = {}
        """Newest record timestamp worked off, by source topic and partition."""
        self._clock = clock
        self._turn = asyncio.Lock()
        self._said: dict[bytes, dict[str, Any]] = {}
        self._gate = FloodGate(policy.deadletters_per_minute)

    def refresh(self, assigned: set[int]) -> None:
        """After a rebalance: look at the tables anew. Raises StateFormatError."""
        self.ward.refresh(assigned)
        self._said.clear()
        self.seen.clear()
        self._show_grades()

    async def work(self, producer: Producer, records: Sequence[SourceRecord]) -> None:
        """Steps 1 to 3 for one batch; returns when the records may be settled."""
        async with self._turn:
            await self._work(producer, records)

    async def look(self, producer: Producer, ends: Callable[[], Awaitable[Any]]) -> None:
        """Between two batches: mend what others wrote into the changelogs; `ends` asks for them."""
        async with self._turn:
            spans = self.changelogs.positions.ends(await ends())
            await self._mend(producer, spans)

    async def _work(self, producer: Producer, records: Sequence[SourceRecord]) -> None:
        start = self._clock()
        now = int(start * 1_000_000)
        batch = Batch(self.ward, self.grader, self.policy, now, self._said, self._gate)
        for record in records:
            batch.take(record)
        plan = batch.plan()
        writes, changelogs = plan.writes, self.changelogs
        await delivered(producer, plan.outputs)
        gone: dict[bytes, bytes | None] = dict.fromkeys(writes.forgotten)
        foreign = [
            *await changelogs.write(producer, changelogs.windows, writes.windows.items()),
            *await changelogs.write(producer, changelogs.patients, writes.records.items()),
            *await changelogs.write(producer, changelogs.windows, gone.items()),
        ]
        self.ward.take_in(writes)
        self._said.update(plan.statuses)
        await self._mend(producer, foreign)
        for record in records:
            place = record.topic, record.partition
            self.seen[place] = max(self.seen.get(place, 0.0), record.timestamp)
        self._measure(plan, start)

    async def _mend(self, producer: Producer, spans: Sequence[Span]) -> None:
        if not spans:
            return
        count = sum(span.end - span.first for span in spans)
        self.metrics.foreign.inc(count)
        log.error("others wrote into our changelogs; writing our states anew", records=count)
        await self.changelogs.mend(producer, spans)

    def _measure(self, plan: Plan, start: float) -> None:
        now, metrics = self._clock(), self.metrics
        for topic, outcome in plan.outcomes:
            metrics.events.labels(topic, outcome).inc()
        for late in plan.late:
            metrics.late.observe(late / 1_000_000)
        for reason in plan.reasons:
            metrics.dead.labels(reason).inc()
        for withheld in plan.withheld.values():
            for reason, count in withheld.reasons.items():
                metrics.suppressed.labels(reason).inc(count)
        for alert, arrived in plan.alerts:
            metrics.alerts.labels(alert.type, alert.priority).inc()
            metrics.latency.observe(max(0.0, now - arrived))
            if alert.type in {"grade.changed", "grade.revised"}:
                grades = str(alert.body.get("from_grade")), str(alert.body.get("to_grade"))
                metrics.grade_changes.labels(*grades).inc()
            elif alert.type == "candidate.raised":
                metrics.raised.labels(str(alert.body.get("why"))).inc()
        metrics.writes.labels("windows").inc(len(plan.writes.windows) + len(plan.writes.forgotten))
        metrics.writes.labels("patients").inc(len(plan.writes.records))
        metrics.batch.observe(now - start)
        metrics.last_batch.set(now)
        if plan.writes.records:
            self._show_grades()

    def _show_grades(self) -> None:
        for grade, count in self.ward.grades().items():
            self.metrics.patients.labels(str(grade)).set(count)


def source_record(call: Call) -> SourceRecord:
    """What the batch needs of a Faust message: raw bytes, nothing decoded."""
    message = call.message
    return SourceRecord(
        message.topic,
        message.partition,
        message.offset,
        message.timestamp or 0.0,
        message.key,
        message.value,
        call.only,
        call.but,
    )


async def monitor(app: Any, rounds: Rounds, stream: Any, most: int, within: float) -> None:
    """The agent's body: rounds until the worker stops; on any error crash, settle nothing."""
    policy = TriagePolicy(rounds.policy.ticks_topic, most, max(READ_AHEAD, most))
    room = WaitingRoom(policy, rounds.ward.sickness)
    try:
        async with Reader(stream, room, within) as reader:
            while await reader.gather():
                await _round(app, rounds, room)
                reader.go_on()
    except Exception as error:
        log.exception("batch failed; nothing of it is acknowledged", waiting=len(room))
        await app.crash(error)
        await asyncio.Event().wait()  # or Faust restarts the agent, which would go on


async def _round(app: Any, rounds: Rounds, room: WaitingRoom) -> None:
    """Work off what is most urgent, and settle what is done."""
    # Records of before a rebalance are read again by whoever owns their partition now.
    generation, flowing = app.consumer_generation_id, app.flow_control.is_active()
    for message in room.drop(lambda read: flowing and read.generation_id == generation):
        app.consumer.ack(message)  # no longer waited for
    calls = room.next_round()
    if not calls:
        return
    if rounds.ward.stale:
        sources = app.consumer.assignment()
        rounds.refresh({tp.partition for tp in sources if tp.topic == rounds.policy.home_topic})
    await rounds.work(app.producer, [source_record(call) for call in calls])
    messages = room.done(calls)
    for message in messages:
        app.consumer.ack(message)
    if generation == app.consumer_generation_id:
        app.consumer.settle(messages)
