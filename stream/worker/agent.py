"""The one agent: a batch of records in, everything acknowledged in a fixed order, or the end.

Order of awaits, which is the whole of the delivery guarantee:

1. dead letters, alerts and the statuses of those alerted about are acknowledged by the broker; the
   states in memory go on;
2. of patients whose state waits to be written, for `write_after` seconds or because they were
   alerted about: the status, if it is news (`stream.worker.statuses`), is acknowledged, then the
   changed windows are in their changelog, then the records in theirs (the commit mark), then the
   windows that were forgotten (`stream.worker.writing`; the next batch goes on meanwhile);
3. then the tables take what was written (and what others wrote into the changelogs meanwhile is
   written anew, see `stream.worker.changelogs`);
4. then the source records all of whose patients are written are settled, and their offsets may be
   committed, in order.

A crash between two of these repeats what is not committed from the state that was written: the same
alerts with the same ids and bytes, which readers recognise by the id. What the written states hold
already is passed over (`stream.worker.codec.Applied`). Any exception crashes the app and settles
nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import structlog

from stream.metric_labels import ALARM_STATES
from stream.worker.alarm_metrics import count_alarm
from stream.worker.batch import Batch
from stream.worker.faust_repairs import delivered
from stream.worker.floods import FloodGate
from stream.worker.reading import READ_AHEAD, Reader
from stream.worker.records import source_records
from stream.worker.statuses import Statuses
from stream.worker.triage import TriagePolicy, WaitingRoom
from stream.worker.unsettled import places_of
from stream.worker.writing import StateWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream.metrics import Metrics
    from stream.worker.batch import BatchPolicy, Plan
    from stream.worker.changelogs import Changelogs
    from stream.worker.faust_repairs import Producer
    from stream.worker.grader import Grader
    from stream.worker.records import SourceRecord
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
        write_after: float = 0.0,
    ) -> None:
        self.ward, self.grader, self.policy, self.metrics = ward, grader, policy, metrics
        self.changelogs = changelogs
        self.statuses = Statuses(grader, policy.status_topic)
        self.writer = StateWriter(ward, changelogs, self.statuses, metrics, clock, write_after)
        self.seen: dict[tuple[str, int], float] = {}
        """Newest record timestamp worked off, by source topic and partition."""
        self.in_backlog = 0
        """Records worked off while more than a round of others waited."""
        self._clock = clock
        self._gate = FloodGate(policy.deadletters_per_minute)

    def refresh(self, assigned: set[int]) -> None:
        """After a rebalance: look at the tables anew. Raises StateFormatError."""
        self.ward.refresh(assigned)
        self.changelogs.positions.keep(assigned)
        self.statuses.clear()
        self.seen.clear()
        self.writer.clear()
        self._show_grades()

    async def work(self, producer: Producer, records: Sequence[SourceRecord]) -> None:
        """Step 1 for one batch, and the beginning of step 2; one batch at a time.

        Tell `writer.worked_off` which records it was the last of.
        """
        start = self._clock()
        now = int(start * 1_000_000)
        async with self.writer.statuses_in_turn:
            batch = Batch(self.ward, self.grader, self.policy, now, self.statuses, self._gate)
            for record in records:
                batch.take(record)
            plan = batch.plan()
            await delivered(producer, plan.outputs)
            self.ward.take_in(plan.graded, start)
            if plan.news is not None:
                self.statuses.acknowledged(plan.news)
        for record in records:
            where = record.topic, record.partition
            self.seen[where] = max(self.seen.get(where, 0.0), record.timestamp)
        self.writer.touched(records, plan.touched)
        await self.writer.begin(producer, [alert.patient_id.encode() for alert, _ in plan.alerts])
        self._measure(plan, start)

    def _measure(self, plan: Plan, start: float) -> None:
        now, metrics = self._clock(), self.metrics
        for (topic, outcome), count in plan.outcomes.items():
            metrics.events.labels(topic, outcome).inc(count)
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
            elif alert.type.startswith("escalation."):
                count_alarm(metrics, alert)
        metrics.batch.observe(now - start)
        metrics.last_batch.set(now)
        if plan.graded:
            self._show_grades()

    def _show_grades(self) -> None:
        for grade, count in self.ward.grades().items():
            self.metrics.patients.labels(str(grade)).set(count)
        standing = self.ward.standing()
        for state in ALARM_STATES:
            self.metrics.standing.labels(state).set(standing[state])


async def monitor(app: Any, rounds: Rounds, most: int, within: float) -> None:
    """The agent's body: rounds until the worker stops; on any error crash, settle nothing."""
    policy = TriagePolicy(rounds.policy.ticks_topic, most, max(READ_AHEAD, most))
    room = WaitingRoom(policy, rounds.ward.sickness)
    reader = app.consumer.reader = Reader(room, within)
    try:
        while True:
            await reader.gather()
            await _round(app, rounds, room)
            reader.go_on()
    except Exception as error:
        log.exception("batch failed; nothing of it is acknowledged", waiting=len(room))
        await app.crash(error)
        await asyncio.Event().wait()  # or Faust restarts the agent, which would go on
    finally:
        app.consumer.reader = None


async def _round(app: Any, rounds: Rounds, room: WaitingRoom) -> None:
    """Work off what is most urgent, and settle what is done."""
    # Records of before a rebalance are read again by whoever owns their partition now.
    generation, flowing = app.consumer_generation_id, app.flow_control.is_active()
    room.keep(generation if flowing else None)
    calls = room.next_round()
    if not calls:
        return
    with app.consumer.at_work():
        if rounds.ward.stale:
            sources = app.consumer.assignment()
            rounds.refresh({tp.partition for tp in sources if tp.topic == rounds.policy.home_topic})
        await rounds.work(app.producer, source_records(calls))
        records = room.done(calls)
        if len(room) >= room.policy.most:
            rounds.in_backlog += len(records)
        if generation == app.consumer_generation_id:
            rounds.writer.worked_off(places_of(records))
