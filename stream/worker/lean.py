"""The consumer that hands a fetch on in one piece, instead of record by record through Faust.

Faust's way of a record (faust-streaming 0.15.3) is a callback that is awaited beside an event,
which takes four tasks of the event loop (`Consumer._drain_messages`, faust/transport/consumer.py),
a lock and a decoder in the conductor, a queue, two generators of the stream, and a weak set of what
is not acknowledged yet: most of what a record costs the worker outside of the engine.

Here the fetcher's records of the source topics go to the agent's reader as chunks
(`stream.worker.chunks`). What Faust's way does besides, it does as well, once for a chunk: nothing
is handed on while the flow is stopped, or of a generation of the group that is over (it is read
again then); the fetcher waits where the reader has no place; records before the read offset are
left out; the stall detector hears of each partition; commits come every `broker_commit_every`
records. What a rebalance waits for is the round under way. All other topics (changelogs that stand
by) go Faust's way.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mode.utils.futures import notify

from stream.worker.chunks import chunks, offsets_of
from stream.worker.committing import MarkingConsumer
from stream.worker.ledger import Ledger
from stream.worker.reading import LOOK_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from faust.types import TP

    from stream.worker.chunks import Chunk
    from stream.worker.reading import Reader

PAUSE_S = 0.01
"""Shortest time between two asks for records; a rebalance waits for no more than that."""


class Round:
    """A round under way, as Faust looks at a message that is not acknowledged."""

    refcount = 1
    acked = False


class LeanConsumer(MarkingConsumer):
    """See the module."""

    reader: Reader | None = None
    """The agent's, while it runs."""
    _asked = 0.0

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        """Hand on what is the agent's; return the rest, or None where the flow stopped."""
        await self._pause()
        records, active = await super()._wait_next_records(timeout)
        self.pace_fetches(busy=bool(records))
        if not records or self.should_stop or not self.flow_active:
            return records, active
        mine, rest = {}, {}
        for tp, found in records.items():
            if not self.app.topics.acks_enabled_for(tp.topic):
                rest[tp] = found
            elif tp in active and (unread := self._unread(tp, found)):
                mine[tp] = unread
        if self.reader is not None:
            self.reader.more = self._left(mine)
        whole = await self._hand_over(mine)
        return (rest if whole else None), active

    def _left(self, fetched: Mapping[TP, Sequence[Any]]) -> int:
        """How many records the brokers hold beyond these, in their partitions."""
        return sum(
            max(0, (self.highwater(tp) or 0) - found[-1].offset - 1)
            for tp, found in fetched.items()
        )

    async def _pause(self) -> None:
        """Ask for records once in a round at most: where few come, a fetch costs more than they."""
        if self.reader is not None:
            again = self._asked + min(self.reader.within, PAUSE_S)
            await asyncio.sleep(max(0.0, again - time.monotonic()))
        self._asked = time.monotonic()

    def _unread(self, tp: TP, found: Sequence[Any]) -> Sequence[Any]:
        """Without the records before the offset that is to be read next."""
        start = self._read_offset[tp]
        if start is None or not found or found[0].offset >= start:
            return found
        return [record for record in found if record.offset >= start]

    async def _hand_over(self, fetched: Mapping[TP, Sequence[Any]]) -> bool:
        """Give the reader all of it, as it has place; False where the flow stopped before."""
        generation = self.app.consumer_generation_id
        for chunk in chunks(fetched, self.scheduler.iterate, generation):
            if self._commit_every is not None and self._n_acked >= self._commit_every:
                self._n_acked = 0
                await self.commit()
            while self._flows(generation) and not self._offered(chunk):
                await (asyncio.sleep(LOOK_S) if self.reader is None else self.reader.place())
            if not self._flows(generation):
                return False
        return True

    def _flows(self, generation: int) -> bool:
        current: int = self.app.consumer_generation_id
        return self.flow_active and not self.should_stop and current == generation

    def _offered(self, chunk: Chunk) -> bool:
        """Whether the reader took it; it is delivered then."""
        if self.reader is None or not self.app.flow_control.is_active():
            return False
        if not self.reader.offer(chunk):
            return False
        for tp, offsets in offsets_of(chunk.records).items():
            self.ledgers.setdefault(tp, Ledger()).deliver_all(offsets)
            self._read_offset[tp] = offsets[-1]
            self.app.monitor.stream_inbound_time[tp] = time.monotonic()
        return True

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A rebalance, or a stop, waits until this is over (`Consumer.wait_empty`)."""
        under_way: Any = Round()
        self._unacked_messages.add(under_way)
        try:
            yield
        finally:
            self._unacked_messages.discard(under_way)
            notify(self._waiting_for_ack)
