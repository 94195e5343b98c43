"""Everything that mends faust-streaming 0.15.3, one fault a class; pinned to that release.

Each docstring says what goes wrong, where in Faust, and how it is mended here. The tests beside
this module (`tests/integration/test_faust_repairs.py`) show every fault on the stock classes
first, so that they also notice when a newer Faust no longer needs the repair.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiokafka.errors import IllegalStateError
from aiokafka.protocol.produce import ProduceRequest
from faust.sensors.monitor import Monitor
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from mode.utils.futures import notify

from stream.worker.lease import Lease
from stream.worker.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from faust.types import TP, Message

    from stream.worker.unsettled import Place


_logger = logging.getLogger("faust.repaired")
"""Where the services below log: with Faust, not with the project."""


class SettledConsumer(driver.Consumer):
    """Commits only what the agent settled, in the order in which it was delivered.

    Faults: `Consumer._new_offset` (faust/transport/consumer.py) jumps over exactly one
    unacknowledged record at the head, and over any number while nothing is committed yet, because
    it compares offsets (`min(acked) - committed > 1`) instead of remembering what it handed out.
    Streams acknowledge on their own: a batch whose processing raised (`Stream.take`), an event
    whose agent raised, and an event skipped during a rebalance (`Stream._py_aiter`, where there is
    no Cython extension) all count as done and are committed: the events are gone after a crash.

    Mended: every delivery is noted in a `Ledger`; only `settle`, which the agent calls after the
    broker acknowledged all that the event caused, closes an entry; the commit reads the ledger.
    What streams acknowledge is ignored.
    """

    logger = _logger

    def __init__(self, transport: Any, callback: Any, **kwargs: Any) -> None:
        self.ledgers: dict[TP, Ledger] = {}
        self.parked = asyncio.Event()
        self.reading_changelogs = asyncio.Lock()
        """Held by whoever reads one: the client has one place in each partition."""
        self.lease: Lease = transport.lease
        self._hand_on = callback
        super().__init__(transport, callback=self._deliver, **kwargs)

    def _new_consumer_thread(self) -> SettledThread:
        return SettledThread(self, loop=self.loop, beacon=self.beacon)

    async def _deliver(self, message: Message) -> None:
        if self.app.topics.acks_enabled_for(message.topic):
            self.ledgers.setdefault(message.tp, Ledger()).deliver(message.offset)
        await self._hand_on(message)

    def settle(self, places: Iterable[Place]) -> None:
        """Everything these records caused is acknowledged: their offsets may be committed."""
        ledgers = cast("Mapping[tuple[str, int], Ledger]", self.ledgers)
        for topic, partition, offset in places:
            ledger = ledgers.get((topic, partition))
            if ledger is not None:
                ledger.settle(offset)
            self._n_acked += 1

    def ack(self, message: Message) -> bool:
        """Take the record off those that a rebalance waits for; commits nothing (see `settle`)."""
        message.acked = True
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)
        return True

    def settled_offset(self, tp: TP) -> int | None:
        """The first offset not settled yet, else the committed one; None where neither is known."""
        ledger = self.ledgers.get(tp)
        settled = None if ledger is None else ledger.committable
        return self._committed_offset[tp] if settled is None else settled

    async def extents(self, tps: Sequence[TP]) -> tuple[Mapping[TP, int], Mapping[TP, int]]:
        """The first and the next offset of each log, asked of the brokers.

        Not through Faust's queue of calls to the consumer's thread, where a read that waits for
        data may stand in front for a second.
        """
        client: Any = self._thread._ensure_consumer()  # noqa: SLF001

        async def ask() -> tuple[Any, Any]:
            return await asyncio.gather(client.beginning_offsets(tps), client.end_offsets(tps))

        asked = asyncio.run_coroutine_threadsafe(ask(), self._thread.thread_loop)
        firsts, ends = await asyncio.wrap_future(asked)
        return firsts, ends

    async def read_on(self, tps: Iterable[TP], most: int, wait_s: float) -> Mapping[TP, list[Any]]:
        """Records of these partitions alone, from where the client stands in them.

        Only while Faust does not read them: they are assigned, and paused.
        """
        client: Any = self._thread._ensure_consumer()  # noqa: SLF001
        chosen = frozenset(tps)

        async def read() -> Any:
            with client._fetcher._subscriptions.fetch_context():  # noqa: SLF001
                return await client._fetcher.fetched_records(  # noqa: SLF001
                    chosen, timeout=wait_s, max_records=most
                )

        reading = asyncio.run_coroutine_threadsafe(read(), self._thread.thread_loop)
        found: Mapping[TP, list[Any]] = await asyncio.wrap_future(reading)
        return found

    def answered_at(self, tps: Iterable[TP]) -> dict[TP, int | None]:
        """When the brokers last answered a fetch of each partition (an opaque number)."""
        client: Any = self._thread._ensure_consumer()  # noqa: SLF001
        return {tp: client.last_poll_timestamp(tp) for tp in tps}

    def known_end(self, tp: TP) -> int:
        """The end of the log as the last answer to a fetch had it; -1 before any."""
        client: Any = self._thread._ensure_consumer()  # noqa: SLF001
        end: int | None = client.highwater(tp)
        return -1 if end is None else end

    async def read_span(self, tp: TP, first: int, end: int) -> list[Any] | None:
        """The records from `first` up to but without `end`; Faust must not read the partition.

        None where the partitions were assigned anew before, or meanwhile.
        """
        generation = self.app.consumer_generation_id
        async with self.reading_changelogs:
            client: Any = self._thread._ensure_consumer()  # noqa: SLF001

            async def go() -> None:
                client.seek(tp, first)

            records: list[Any] = []
            try:
                if generation != self.app.consumer_generation_id:
                    return None
                moved = asyncio.run_coroutine_threadsafe(go(), self._thread.thread_loop)
                await asyncio.wrap_future(moved)
                while (await self.positions([tp]))[tp] < end:
                    found = await self.read_on([tp], end - first, 1.0)
                    if generation != self.app.consumer_generation_id:
                        return None
                    records += [record for record in found.get(tp, ()) if record.offset < end]
            except IllegalStateError:  # it is not ours any more
                return None
            return records

    async def positions(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where the client stands, without the queue of its thread."""
        client: Any = self._thread._ensure_consumer()  # noqa: SLF001

        async def ask() -> dict[TP, int]:
            return {tp: await client.position(tp) for tp in tps}

        asked = asyncio.run_coroutine_threadsafe(ask(), self._thread.thread_loop)
        return await asyncio.wrap_future(asked)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (
            tp for tp in list(self.ledgers) if topics is None or tp in topics or tp.topic in topics
        )

    def _new_offset(self, tp: TP) -> int | None:
        ledger = self.ledgers.get(tp)
        return None if ledger is None else ledger.committable

    async def wait_empty(self) -> None:
        """Wait for what is under way, at a rebalance and at the end; then settle what waits."""
        await super().wait_empty()
        transport: Any = self.transport
        if transport.before_leaving is not None:
            await transport.before_leaving()
            await self.commit_and_end_transactions()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit what is under way (Faust does), then forget the partitions."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self.ledgers.pop(tp, None)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        """Say truthfully whether the fetcher rests; Faust's own flag is always set."""
        while not self.flow_active and not self.should_stop:
            self.parked.set()
            try:
                await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
            finally:
                self.parked.clear()
        return await super()._wait_next_records(timeout)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        """Read from the partitions that are active now.

        Fault: Faust hands its live set to the consumer's thread, and aiokafka's `fetched_records`
        takes an empty set for all partitions: when recovery pauses the last changelog during a
        read, the read goes on over the records of the source topics, which Faust then drops.

        Mended: the thread gets a copy, which nobody empties.
        """
        chosen = None if active_partitions is None else frozenset(active_partitions)
        if chosen is not None and not chosen:
            return {}
        return await super()._getmany(chosen, timeout)  # type: ignore[arg-type]

    def pace_fetches(self, *, busy: bool) -> None:
        """How the next fetches wait: for more than one record, or for any."""
        client: Any = self._thread._consumer  # noqa: SLF001
        if client is None:
            return  # not started yet, or stopped
        fetcher = client._fetcher  # noqa: SLF001
        fetcher._fetch_max_wait_ms = FETCH_WAIT_MS if busy else FETCH_WAIT_IDLE_MS  # noqa: SLF001
        fetcher._fetch_min_bytes = FETCH_LEAST_BYTES if busy else FETCH_LEAST_IDLE_BYTES  # noqa: SLF001

    async def perform_seek(self) -> None:
        """Go back to where the group stands, and to the start of the log where it stands nowhere.

        Fault: aiokafka's `seek_to_committed` leaves a partition of which nothing was committed (or
        offset 0) where it is. What was read of it and dropped, as during a recovery, is skipped
        until the next worker starts there.

        Mended: such a partition is put back to its first record.
        """
        await super().perform_seek()
        fresh = [
            tp
            for tp in self.assignment()
            if not self._committed_offset.get(tp) and not self._is_changelog_tp(tp)
        ]
        if fresh:
            await self.seek_wait(await self.earliest_offsets(*fresh))


FETCH_WAIT_MS, FETCH_WAIT_IDLE_MS = 15, 50
"""How long a fetch may wait at the broker for data. One that asks for partitions where nothing
comes in holds up all others of its broker: the client has one under way at a time."""
FETCH_LEAST_BYTES, FETCH_LEAST_IDLE_BYTES = 65_536, 1
"""The broker answers sooner for so much only: else each record would be a fetch, or nearly so.
Where nothing comes, the first one that does is waited for."""


class SettledThread(driver.AIOKafkaConsumerThread):
    """Lets the lease hear what the group coordinator is asked and answers; fetches wait less long.

    Fault: `_create_worker_consumer` fixes `fetch_max_wait_ms` at 1500. While records of all busy
    partitions wait to be read, the fetch that is under way asks for the idle ones alone, and the
    busy ones stand still until it returns.
    """

    logger = _logger

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_IDLE_MS  # noqa: SLF001 - no setting leads there
        return consumer

    async def on_start(self) -> None:
        """Start the client; nothing is subscribed yet, so no join can have been missed."""
        await super().on_start()
        consumer: Any = self.consumer
        consumer.lease.watch(self._ensure_consumer()._coordinator)  # noqa: SLF001


class LeasedProducer(driver.Producer):
    """Writes as long as the lease is valid (`stream.worker.lease`)."""

    logger = _logger

    def _new_producer(self, transactional_id: str | None = None) -> Any:
        producer, transport = super()._new_producer(transactional_id), self.transport
        client, lease = producer.client, cast("SettledTransport", transport).lease
        hand_over, patience = client.send, self.request_timeout

        async def send(node_id: Any, request: Any, **kwargs: Any) -> Any:
            if isinstance(request, ProduceRequest):
                await client.ready(node_id)  # from here to the socket nothing is awaited any more
                await lease.wait(patience)
            return await hand_over(node_id, request, **kwargs)

        client.send = send
        return producer


class SettledTransport(driver.Transport):
    """The aiokafka transport with the consumer and the producer above, and the lease they share."""

    Consumer = SettledConsumer
    Producer = LeasedProducer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        conf = self.app.conf
        self.lease = Lease(conf.broker_session_timeout, rebalance_s=conf.broker_rebalance_timeout)
        self.before_leaving: Callable[[], Awaitable[None]] | None = None
        """Asked to finish what is not settled, while the partitions are still ours."""


def _nothing(*_: Any, **__: Any) -> None:
    """Stands for every measurement that is not taken."""


class QuietMonitor(Monitor):
    """Keeps `stream_inbound_time`, which Faust's stall detector reads, and nothing else.

    Fault: the stock monitor costs about a third of the throughput. Our own metrics are counted
    per batch (`stream.metrics`).
    """

    logger = _logger

    def on_stream_event_in(self, tp: TP, *_: Any) -> None:
        """Note when the partition last moved."""
        self.stream_inbound_time[tp] = time.monotonic()

    on_message_in = on_message_out = on_stream_event_out = staticmethod(_nothing)
    on_send_initiated = on_send_completed = staticmethod(_nothing)
    track_tp_end_offset = on_tp_commit = staticmethod(_nothing)


class ByRecordTime(DefaultSchedulingStrategy):
    """Merges the records of one fetch by their timestamps, across topics.

    Fault: the stock scheduler takes one record of each topic in turn, so that in a backlog the
    sparse topic runs far ahead of the dense one. Within a partition the order is the log's.
    """

    def iterate(self, records: Mapping[TP, Sequence[Any]]) -> Iterator[tuple[TP, Any]]:
        """Oldest timestamp first; a record never overtakes one before it in its own partition."""

        def keyed(tp: TP, messages: Sequence[Any]) -> Iterator[tuple[int, str, int, int, Any]]:
            latest = -1
            for message in messages:
                latest = max(latest, message.timestamp or 0)
                yield latest, tp.topic, tp.partition, message.offset, (tp, message)

        merged = heapq.merge(
            *(keyed(tp, messages) for tp, messages in records.items()), key=lambda item: item[:4]
        )
        return (item[4] for item in merged)


class Producer(Protocol):
    """What `delivered` needs of Faust's producer."""

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
    ) -> Any:
        """Hand a record to the client; what is returned awaits the broker's word."""


async def delivered(producer: Producer, sends: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Send `(topic, key, value, partition, headers)` in order; return once all are acknowledged.

    What is returned is the broker's word for each (aiokafka's `RecordMetadata`).

    Fault: `Topic.send` and `Table.send_changelog` return before the broker answers; a send that
    fails later is one warning (`Topic._on_published`, which prints the payload), `flush()` tells
    nothing, and `Consumer._commit_offsets` commits the source offset all the same.

    Mended: the broker's answer to every send is awaited; any error is raised here, before
    anything is settled, and nothing is logged.
    """
    waiting = [
        await producer.send(topic, key, value, partition, None, headers)
        for topic, key, value, partition, headers in sends
    ]
    return list(await asyncio.gather(*waiting))
