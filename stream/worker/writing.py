"""Writes changed states into their changelogs, beside the batches, one write at a time.

What a batch said is acknowledged before its states come here, and so is the status of each before
it is written; a record is settled only when the states that it changed are written. So it does not
matter to anybody else when that is: a state is written once for many events, and the next batch
does not wait for it.
"""

from __future__ import annotations

import asyncio
import time
from itertools import islice, takewhile
from typing import TYPE_CHECKING

import structlog

from stream.worker.faust_repairs import delivered
from stream.worker.unsettled import Unsettled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

    from faust.types import TP

    from stream.metrics import Metrics
    from stream.worker.changelogs import Changelogs, Span
    from stream.worker.faust_repairs import Producer
    from stream.worker.records import SourceRecord
    from stream.worker.statuses import Statuses
    from stream.worker.unsettled import Place
    from stream.worker.ward import Ward, Writes

log = structlog.get_logger(__name__)

MOST_UNSETTLED = 100_000
"""Records that should wait for a write of states, at most: after a crash, some seconds of work."""
WRITE_AT_ONCE, WRITE_CROWDED, WRITE_LAST = 25, 100, 500
"""States of one write, where too many wait, and before the partitions go to others. Alerts wait
while it is worked out."""
PAUSE_S = 0.1
"""Between the beginnings of two writes that have place for more: each is some requests to the
brokers, for one state as for many, and of patients who were alerted about more come meanwhile."""


class StateWriter:
    """See the module. `after`: seconds that a changed state may wait, by `clock`."""

    def __init__(
        self,
        ward: Ward,
        changelogs: Changelogs,
        statuses: Statuses,
        metrics: Metrics,
        clock: Callable[[], float],
        after: float,
    ) -> None:
        self.ward, self.changelogs, self.metrics = ward, changelogs, metrics
        self.statuses = statuses
        self.statuses_in_turn = asyncio.Lock()
        """Held while statuses are worked out and sent: the newest has to be the last in the log."""
        self.unsettled = Unsettled()
        self.settle: Callable[[Iterable[Place]], None] = lambda _places: None
        """Told of the records whose offsets may be committed."""
        self._clock, self._after = clock, after
        self._pause = min(PAUSE_S, after)
        self._not_before = 0.0
        self._urgent: dict[bytes, None] = {}
        self._unmended: list[Span] = []
        self._pen = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None

    def clear(self) -> None:
        """After a rebalance: whatever is not settled is read again."""
        self.unsettled.clear()
        self._urgent.clear()
        self._writing = None  # one that was cut off while leaving ends nobody's next batch

    def touched(
        self, records: Sequence[SourceRecord], patients: Sequence[Collection[bytes]]
    ) -> None:
        """A batch is said: each of its records was applied to these patients."""
        self.unsettled.touched(records, patients, self.ward.waiting)

    def worked_off(self, places: Iterable[Place]) -> None:
        """All parts of these records were worked: settle those that wait for no write."""
        self.settle(self.unsettled.worked_off(places))

    async def begin(self, producer: Producer, alerted: Iterable[bytes] = ()) -> None:
        """Write what has waited long enough, and those alerted about; raises what a write raised.

        Returns at once, unless too many records wait already.
        """
        self._urgent.update(dict.fromkeys(alerted))
        if len(self.unsettled) > 2 * MOST_UNSETTLED:
            await self.finish()
        if self._writing is not None:
            if not self._writing.done():
                return
            self._writing.result()
        if self._urgent or self._overdue():
            self._writing = asyncio.create_task(self._write_on(producer), name="write states")

    async def finish(self) -> None:
        """Wait for the write that is under way; raises what it raised."""
        if self._writing is not None:
            await self._writing

    async def write_all(self, producer: Producer) -> None:
        """Before the partitions go to others: write every state that waits."""
        await self.finish()
        while not self.ward.stale and (patients := [*islice(self.ward.waiting, WRITE_LAST)]):
            await self._write(producer, patients)

    async def look(
        self, producer: Producer, ends: Callable[[], Awaitable[Mapping[TP, int]]]
    ) -> None:
        """Now and then: begin what is due, and mend what others wrote.

        `ends` asks for the ends of the changelogs.
        """
        if not self.ward.stale:
            await self.begin(producer)
        async with self._pen:
            await self._mend(producer, self.changelogs.positions.ends(await ends()))

    def _overdue(self) -> list[bytes]:
        """Those who have waited the longest, some at a time, and long enough.

        Not so long, where many records wait with them: they are read again after a crash.
        """
        now = self._clock()
        end = now - self._after
        crowded = len(self.unsettled) > MOST_UNSETTLED
        late = next(iter(self.ward.waiting.values()), now) < end - self._after
        most = WRITE_CROWDED if crowded or late else WRITE_AT_ONCE
        longest = islice(self.ward.waiting.items(), most)
        return [key for key, _ in takewhile(lambda one: crowded or one[1] <= end, longest)]

    async def _write_on(self, producer: Producer) -> None:
        mine = asyncio.current_task()
        while self._urgent or self._overdue():
            await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
            if self.ward.stale or self._writing is not mine:
                return  # given away meanwhile, and maybe come back: another task's then
            urgent = [*islice(self._urgent, WRITE_AT_ONCE)]
            for key in urgent:
                del self._urgent[key]
            patients = dict.fromkeys([*urgent, *self._overdue()])
            pause = self._pause if len(patients) < WRITE_AT_ONCE else 0.0
            self._not_before = time.monotonic() + pause
            await self._write(producer, patients)

    async def _write(self, producer: Producer, patients: Iterable[bytes]) -> None:
        async with self._pen:
            if self.ward.stale:
                return  # given away while this waited for its turn
            async with self.statuses_in_turn:
                writes, changelogs = self.ward.writes(patients, self._clock()), self.changelogs
                if not writes.states:
                    return
                held = self.unsettled.taken(writes.states.keys())
                news = self.statuses.news(writes.states)
                await delivered(producer, news.sends)
                self.statuses.acknowledged(news)
            gone: dict[bytes, bytes | None] = dict.fromkeys(writes.forgotten)
            foreign = [
                *await changelogs.write(producer, changelogs.windows, writes.windows.items()),
                *await changelogs.write(producer, changelogs.patients, writes.records.items()),
                *await changelogs.write(producer, changelogs.windows, gone.items()),
            ]
            if not self.ward.written(writes):
                return  # the partitions were given away meanwhile
            self._count(writes)
            await self._mend(producer, foreign)
            self.settle(self.unsettled.written(held))

    async def _mend(self, producer: Producer, spans: Sequence[Span]) -> None:
        if spans:
            count = sum(span.end - span.first for span in spans)
            self.metrics.foreign.inc(count)
            log.error("others wrote into our changelogs; writing our states anew", records=count)
        if self.ward.stale or not (spans or self._unmended):
            self._unmended += spans
            return
        spans, self._unmended = [*self._unmended, *spans], []
        self._unmended += await self.changelogs.mend(producer, spans)

    def _count(self, writes: Writes) -> None:
        self.metrics.writes.labels("windows").inc(len(writes.windows) + len(writes.forgotten))
        self.metrics.writes.labels("patients").inc(len(writes.records))
