"""Every repair twice: the stock class shows the fault, ours does not.

Where a `stock` case fails, a newer Faust no longer has the fault, and the repair may go.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import faust
import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.events import Event
from faust.tables.recovery import Recovery
from faust.tables.table import Table
from faust.transport.consumer import Fetcher
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from faust_apps import Taking
from mode.utils.queues import ThrowableQueue

from stream.worker.agent import monitor
from stream.worker.faust_recovery import OwnChangelogTable, SafeRecovery
from stream.worker.faust_repairs import (
    ByRecordTime,
    SettledConsumer,
    delivered,
)
from stream.worker.outstanding import WatchedTransport
from stream.worker.sickness import Sickness
from stream.worker.unsettled import places_of

# Half-built Faust services leave coroutines behind; the faults are what is looked at here.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
both = pytest.mark.parametrize("repaired", [False, True], ids=["stock", "repaired"])
HOME = TP("vitals", 0)


LOOPS: list[asyncio.AbstractEventLoop] = []


@pytest.fixture(autouse=True)
def _close_loops() -> Any:
    """Faust makes a loop for the thread of each consumer; these threads never start."""
    yield
    while LOOPS:
        LOOPS.pop().close()


def faust_app(tmp_path: Any) -> Any:
    app = faust.App(
        "repairs", broker="kafka://127.0.0.1:1", store="memory://", datadir=str(tmp_path),
        autodiscover=False, web_enabled=False,
    )  # fmt: skip
    app.topics._acking_topics.add("vitals")
    return app


def consumer_of(app: Any, *, repaired: bool, callback: Any = None) -> Any:
    """A consumer of either kind, installed in the app, with no broker behind it."""

    async def nowhere(_message: Any) -> None: ...

    transport = (WatchedTransport if repaired else driver.Transport)(app.conf.broker_consumer, app)
    app.transport = app.producer_transport = transport
    consumer = transport.create_consumer(
        callback=callback or nowhere,
        on_partitions_revoked=AsyncMock(),
        on_partitions_assigned=AsyncMock(),
    )
    LOOPS.append(consumer._thread.thread_loop)
    app._consumer = consumer
    app._producer = Mock()
    assert isinstance(consumer, SettledConsumer) is repaired
    return consumer


def message(
    offset: int, *, tp: TP = HOME, key: bytes = b"p1", generation: int = 0, time_s: float = 0.0
) -> Any:
    return ConsumerMessage(
        tp.topic, tp.partition, offset, time_s, 0, [], key, b"%d" % offset, None, tp=tp,
        generation_id=generation,
    )  # fmt: skip


@both
@pytest.mark.parametrize(
    ("committed", "open_head", "jumps_to"),
    [(3, [3], 8), (None, [0, 1, 2, 3], 8)],
    ids=["one open record at the head", "nothing committed yet"],
)
def test_commit_does_not_jump_over_an_open_head(
    tmp_path: Any, repaired: bool, committed: int | None, open_head: list[int], jumps_to: int
) -> None:
    async def scene() -> None:
        consumer = consumer_of(faust_app(tmp_path), repaired=repaired)
        consumer._committed_offset[HOME] = committed
        messages = {offset: message(offset) for offset in [*open_head, 4, 5, 6, 7]}
        for one in messages.values():
            await consumer.callback(one)
        done = [messages[offset] for offset in (4, 5, 6, 7)]
        if not repaired:
            for one in done:
                consumer.ack(one)
            assert consumer._filter_committable_offsets([HOME]) == {HOME: jumps_to}
            return
        consumer.settle(places_of(done))
        assert consumer._filter_committable_offsets([HOME]) == {}
        consumer.settle(places_of(messages[offset] for offset in open_head))
        tps = consumer._filter_tps_with_pending_acks()
        assert consumer._filter_committable_offsets(tps) == {HOME: 8}

    asyncio.run(scene())


@both
def test_two_open_records_stall_the_commit_only_until_they_are_done(
    tmp_path: Any, repaired: bool
) -> None:
    """Holes that the log itself has (compaction) are no reason to wait."""

    async def scene() -> None:
        consumer = consumer_of(faust_app(tmp_path), repaired=repaired)
        consumer._committed_offset[HOME] = 3
        messages = [message(offset) for offset in (3, 9, 10, 40)]
        for one in messages:
            await consumer.callback(one)
        if repaired:
            consumer.settle(places_of(messages))
            assert consumer._new_offset(HOME) == 41
        else:
            for one in messages:
                consumer.ack(one)
            assert consumer._new_offset(HOME) == 4

    asyncio.run(scene())


async def put_all(app: Any, channel: Any, count: int, generation: int = 0) -> list[Any]:
    messages = [message(offset, generation=generation) for offset in range(count)]
    for one in messages:
        one.incref()
        await app.consumer.callback(one)
        await channel.put(Event(app, one.key, one.value, {}, one))
    return messages


@both
def test_a_batch_whose_processing_raised_is_not_acknowledged(tmp_path: Any, repaired: bool) -> None:
    class BrokenRounds:
        ward = SimpleNamespace(stale=False, sickness=Sickness())
        policy = SimpleNamespace(ticks_topic="ticks", home_topic="vitals")

        async def work(self, _producer: Any, _records: Any) -> None:
            raise RuntimeError("broken")

    async def scene() -> None:
        app = faust_app(tmp_path)
        consumer = consumer_of(app, repaired=repaired)
        app.flow_control.resume()
        app.crash = AsyncMock()
        channel = app.channel(key_type=bytes, value_type=bytes)
        stream = app.stream(channel)

        async def stock() -> None:
            async for _batch in stream.take(8, within=0.2):
                raise RuntimeError("broken")

        if repaired:
            task = asyncio.create_task(monitor(app, BrokenRounds(), 8, 0.2))
        else:
            task = asyncio.create_task(stock())
        await asyncio.sleep(0.05)
        if repaired:
            assert await consumer._hand_over({HOME: [message(offset) for offset in range(8)]})
        else:
            await put_all(app, stream.channel, 8)
        await asyncio.wait([task], timeout=1.0)
        if repaired:
            app.crash.assert_awaited_once()
            assert consumer._new_offset(HOME) is None
            assert consumer.ledgers[HOME].open == 8
        else:
            assert consumer._new_offset(HOME) == 8  # all of it would be committed, and is lost
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            await task
        await stream.stop()

    asyncio.run(scene())


@both
def test_a_record_skipped_in_a_rebalance_is_not_acknowledged(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, repaired: bool
) -> None:
    """Without the Cython extension, which does not acknowledge what it skips."""
    monkeypatch.setattr("faust.streams._CStreamIterator", None)

    async def scene() -> None:
        app = faust_app(tmp_path)
        consumer = consumer_of(app, repaired=repaired)
        app.flow_control.resume()
        app.consumer_generation_id = 2
        stream = app.stream(app.channel(key_type=bytes, value_type=bytes))
        seen: list[Any] = []

        async def read() -> None:
            async for batch in stream.noack_take(8, within=0.05):
                seen.extend(batch)

        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        await put_all(app, stream.channel, 8, generation=1)
        await asyncio.sleep(0.3)
        assert not seen
        assert consumer._new_offset(HOME) == (None if repaired else 8)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await stream.stop()

    asyncio.run(scene())


class Log:
    """One partition with a backlog, read as aiokafka's fetcher reads."""

    def __init__(self, size: int, chunk: int) -> None:
        self.size, self.chunk, self.position = size, chunk, 0

    async def getmany(self, active_partitions: Any, **_: Any) -> Any:
        await asyncio.sleep(0.002)
        if HOME not in active_partitions:
            await asyncio.sleep(0.05)
            return {}
        first, self.position = self.position, min(self.size, self.position + self.chunk)
        return {
            HOME: [
                SimpleNamespace(
                    topic=HOME.topic, partition=0, offset=offset, timestamp=0, timestamp_type=0,
                    headers=[], key=b"p1", value=b"", checksum=None, serialized_key_size=0,
                    serialized_value_size=0,
                )
                for offset in range(first, self.position)
            ]
        }  # fmt: skip

    async def seek_to_committed(self) -> Any:
        await asyncio.sleep(0.05)  # a round trip to the coordinator
        self.position = 0
        return {HOME: 0}

    async def earliest_offsets(self, *tps: TP) -> Any:
        return dict.fromkeys(tps, 0)

    async def seek_wait(self, positions: Any) -> None:
        self.position = positions[HOME]


@both
def test_recovery_neither_loses_nor_doubles_the_backlog(tmp_path: Any, repaired: bool) -> None:
    async def scene() -> list[int]:
        app = faust_app(tmp_path)
        queue: Any = ThrowableQueue(flow_control=app.flow_control, clear_on_resume=True)

        async def hand_on(one: Any) -> None:
            await app.flow_control.acquire()
            await queue.put(one.offset)

        consumer = consumer_of(app, repaired=repaired, callback=hand_on)
        if repaired:
            consumer.reader = taking = Taking()
        log = Log(size=400, chunk=40)
        consumer._getmany, consumer.seek_to_committed = log.getmany, log.seek_to_committed
        consumer.earliest_offsets, consumer.seek_wait = log.earliest_offsets, log.seek_wait
        consumer.assignment = lambda: {HOME}
        consumer.highwater = lambda _tp: log.size
        consumer.pause_partitions({HOME})
        app.flow_control.resume()  # as `_restart_recovery` does to read the changelogs
        consumer.resume_flow()
        fetcher = Fetcher(app)
        app.__dict__["_fetcher"] = fetcher
        await fetcher.maybe_start()
        await asyncio.sleep(0.1)
        recovery = (SafeRecovery if repaired else Recovery)(app, app.tables)
        await recovery.on_recovery_completed(app.consumer_generation_id)
        seen: list[int] = []
        with contextlib.suppress(TimeoutError):
            while True:
                if repaired:
                    seen.append((await asyncio.wait_for(taking.records.get(), 0.5)).offset)
                else:
                    seen.append(await asyncio.wait_for(queue.get(), 0.5))
        await fetcher.stop()
        return seen

    seen = asyncio.run(scene())
    assert (seen == list(range(400))) is repaired, seen[:100]


@both
def test_a_table_takes_in_no_record_of_another_changelog(tmp_path: Any, repaired: bool) -> None:
    async def scene() -> None:
        app = faust_app(tmp_path)
        kind = OwnChangelogTable if repaired else Table
        table = kind(app, name="patients", key_type=bytes, value_type=bytes)
        own, other = (TP(f"repairs-{name}-changelog", 0) for name in ("patients", "windows"))
        events = [
            SimpleNamespace(message=one, key=one.key, value=one.value)
            for one in (message(1, tp=own, key=b"p1"), message(2, tp=other, key=b"p1\0w"))
        ]
        table.apply_changelog_batch(events)
        if repaired:
            assert table.promote(other) is None
            assert table.promote(own) == 2
        kept = {b"p1"} if repaired else {b"p1", b"p1\0w"}
        assert set(table.data.data) == kept

    asyncio.run(scene())


@both
def test_a_send_that_fails_after_it_was_handed_over_is_noticed(
    tmp_path: Any, repaired: bool
) -> None:
    """Stock: the agent goes on, the flush says nothing, and the offset is committed."""

    class Producer(driver.Producer):
        async def send(self, *_: Any, **__: Any) -> Any:
            answer = asyncio.get_running_loop().create_future()
            answer.get_loop().call_later(0.01, answer.set_exception, KafkaTimeoutError())
            return answer

        async def flush(self) -> None:
            await asyncio.sleep(0.05)

    async def scene() -> None:
        app = faust_app(tmp_path)
        consumer = consumer_of(app, repaired=repaired)
        app._producer = producer = Producer(app.transport)
        app.maybe_start_producer = AsyncMock(return_value=producer)
        consumer.assignment = lambda: {HOME}
        consumer._commit = AsyncMock(return_value=True)
        one = message(0)
        await consumer.callback(one)
        if repaired:
            with pytest.raises(KafkaTimeoutError):
                await delivered(producer, [("alerts", b"p1", b"alert", None, None)])
        else:
            one.incref()
            answer = await app.topic("alerts").send(key=b"p1", value=b"alert")  # as documented
            consumer.ack(one)
        await consumer.commit()
        assert consumer._commit.await_count == (0 if repaired else 1)
        if not repaired:
            assert isinstance(answer.exception(), KafkaTimeoutError)

    asyncio.run(scene())


@both
def test_records_of_one_fetch_come_in_the_order_of_their_timestamps(repaired: bool) -> None:
    def records(topic: str, times: range) -> Any:
        return [SimpleNamespace(topic=topic, offset=i, timestamp=t) for i, t in enumerate(times)]

    fetched = {
        TP("care", 0): records("care", range(0, 100, 10)),
        TP("vitals", 0): records("vitals", range(0, 100, 1)),
    }
    scheduler = (ByRecordTime if repaired else DefaultSchedulingStrategy)()
    times = [record.timestamp for _, record in scheduler.iterate(fetched)]
    assert (times == sorted(times)) is repaired
    assert len(times) == 110


def test_a_record_never_overtakes_another_of_its_own_partition() -> None:
    late = [SimpleNamespace(offset=i, timestamp=t) for i, t in enumerate([5, 1, 3, 9])]
    other = [SimpleNamespace(offset=i, timestamp=t) for i, t in enumerate([2, 4])]
    order = list(ByRecordTime().iterate({TP("a", 0): late, TP("b", 0): other}))
    assert [record.offset for tp, record in order if tp.topic == "a"] == [0, 1, 2, 3]
