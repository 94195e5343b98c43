"""Ticks and lag: what the worker does on the clock instead of on a record.

A tick lets the timers of a partition's patients run out. It is sent as a record to the partition
it is for, so that it is applied in the order of the stream, by whoever owns the partition then.

While a partition's records of a while ago are still unread, no tick is sent for it: the wall clock
would run ahead of what is known, and call signals lost that lie in the backlog.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import structlog

from stream.engine.outputs import rfc3339
from stream.worker.clock import SteadyClock
from stream.worker.faust_repairs import delivered
from stream.worker.records import Send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faust.types import TP

    from stream.metrics import Metrics
    from stream.worker.agent import Rounds

log = structlog.get_logger(__name__)

STEP_S = 5.0
"""A clock that was set by less than this is not worth a line in the log."""
GRACE_S = 5.0
"""A partition with unread records counts as live while the newest one read is younger than this."""


def tick_value(now: float) -> bytes:
    """The tick's record: `now` in seconds since 1970, cut to milliseconds."""
    return json.dumps({"type": "tick", "time": rfc3339(int(now * 1000) * 1000)}).encode()


def is_live(lags: Mapping[str, int], seen: Mapping[str, float], now: float, grace: float) -> bool:
    """Whether the wall clock may speak for a partition: nothing old of any topic is unread."""
    return all(lag <= 0 or now - seen.get(topic, 0.0) <= grace for topic, lag in lags.items())


class Ticker:
    """Measures the lag each interval, and sends a tick for each assigned partition that is live."""

    def __init__(
        self,
        rounds: Rounds,
        metrics: Metrics,
        topics: tuple[str, ...],
        interval: float,
        *,
        ticks: bool,
        clock: SteadyClock | None = None,
    ) -> None:
        self.rounds, self.metrics, self.topics = rounds, metrics, topics
        self.interval, self.ticks = interval, ticks
        self._clock = clock or SteadyClock()
        self._stepped = False
        self._shown: set[tuple[str, int]] = set()
        self.rounds_made = 0
        """Grows while the ticker lives, also in a rebalance, when no tick is sent."""

    async def run(self, app: Any) -> None:
        """Until the app stops; an error of the broker is raised and ends the worker."""
        due = time.monotonic()
        while not app.should_stop:
            due = max(due + self.interval, time.monotonic())
            await app.sleep(due - time.monotonic())
            if not app.should_stop and not app.rebalancing:
                await self.round(app)
            self.rounds_made += 1

    async def round(self, app: Any) -> None:
        """One look at the ends of the logs, one tick for each live partition.

        Raises LeaseLostError where the group gave our partitions away.
        """
        self._look_at_the_clock()
        app.consumer.lease.check()
        self.metrics.lease.set(app.consumer.lease.left_s)
        consumer, ticks_topic = app.consumer, self.rounds.policy.ticks_topic
        assigned = {tp for tp in consumer.assignment() if tp.topic in self.topics}
        if not assigned:
            return
        generation = app.consumer_generation_id
        lags = await self._lags(consumer, assigned)
        if app.rebalancing or app.consumer_generation_id != generation:
            return
        self._show(lags)
        await self._look_at_the_changelogs(app)
        if not self.ticks:
            return
        now = self._clock()
        grace = max(GRACE_S, 2 * self.interval)
        due = []
        for partition in sorted({tp.partition for tp in assigned}):
            mine = {
                topic: lag
                for (topic, p), lag in lags.items()
                if p == partition and topic != ticks_topic
            }
            seen = {topic: self.rounds.seen.get((topic, partition), 0.0) for topic in mine}
            if is_live(mine, seen, now, grace):
                due.append(Send(ticks_topic, None, tick_value(now), partition))
        await delivered(app.producer, due)

    def _look_at_the_clock(self) -> None:
        step = self._clock.step_s
        self.metrics.clock_step.set(step)
        if abs(step) > STEP_S and not self._stepped:
            log.error("the system's clock was set; the worker goes on by its own", by_s=round(step))
        self._stepped = abs(step) > STEP_S

    async def _look_at_the_changelogs(self, app: Any) -> None:
        consumer, generation = app.consumer, app.consumer_generation_id
        mine = sorted(self.rounds.changelogs.positions.next)

        async def ends() -> Mapping[TP, int]:
            if app.rebalancing or app.consumer_generation_id != generation or not mine:
                return {}
            found: Mapping[TP, int] = (await consumer.extents(mine))[1]
            return found

        await self.rounds.writer.look(app.producer, ends)

    async def _lags(self, consumer: Any, assigned: set[Any]) -> dict[tuple[str, int], int]:
        """Records between what is settled (or committed, or kept at all) and the end.

        Without those that were worked off, and wait for the next write of a state only.
        """
        tps = sorted(assigned)
        firsts, ends = await consumer.extents(tps)
        lags = {}
        for tp in tps:
            settled = consumer.settled_offset(tp)
            start = firsts[tp] if settled is None else max(settled, firsts[tp])
            held = self.rounds.writer.unsettled.held(tp.topic, tp.partition)
            lags[tp.topic, tp.partition] = max(0, ends[tp] - start - held)
        return lags

    def _show(self, lags: Mapping[tuple[str, int], int]) -> None:
        for topic, partition in self._shown - lags.keys():
            self.metrics.lag.remove(topic, str(partition))
        for (topic, partition), lag in lags.items():
            self.metrics.lag.labels(topic, str(partition)).set(lag)
        self._shown = set(lags)


async def forever(ticker: Ticker, app: Any) -> None:
    """Run the ticker; what it raises crashes the app: timers that stand still are a danger."""
    try:
        await ticker.run(app)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        if app.should_stop:  # a round met clients that were closed already
            log.warning("the last round of ticks was cut off", reason=type(error).__name__)
            return
        log.exception("ticks failed")
        await app.crash(error)
