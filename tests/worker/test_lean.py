"""The lean way from the fetcher to the agent, without a broker: what it keeps of Faust's way."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream.worker import lean
from stream.worker.chunks import CHUNK_BYTES, CHUNK_RECORDS, chunks
from stream.worker.faust_repairs import ByRecordTime, SettledConsumer
from stream.worker.lean import LeanConsumer
from stream.worker.ledger import Ledger
from stream.worker.reading import Reader
from stream.worker.sickness import Sickness
from stream.worker.triage import TriagePolicy, WaitingRoom
from stream.worker.unsettled import places_of

if TYPE_CHECKING:
    from collections.abc import Callable

VITALS, CARE, CHANGELOG = TP("vitals", 0), TP("care", 0), TP("app-patients-changelog", 0)

REPLACED: dict[str, tuple[Callable[..., Any], str]] = {
    "reads, and calls `_wait_next_records`": (Consumer.getmany, "4b168d84882a70d6"),
    "is overridden": (Consumer._wait_next_records, "6218e1969a636b3f"),
    "does for a message what `_offered` does for a chunk": (
        Consumer._drain_messages,
        "44a2500309e83c63",
    ),
    "waits for what `at_work` tracks": (Consumer.wait_empty, "e4662fe24f094819"),
    "tells `wait_empty` that something is done": (Consumer._wait_for_ack, "d9c9337d4af88e54"),
    "cleans what `at_work` tracks": (Consumer._clean_unacked_messages, "11be2587e71c9162"),
    "reads `stream_inbound_time`": (
        driver.AIOKafkaConsumerThread.verify_event_path,
        "b983e7735f647cb3",
    ),
}


@pytest.mark.parametrize("what", REPLACED)
def test_what_is_replaced_is_as_it_was_when_it_was_replaced(what: str) -> None:
    """Where this fails, read what Faust changed, change `LeanConsumer`, and note the new digest."""
    function, digest = REPLACED[what]
    found = hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]
    assert found == digest, f"{function.__qualname__} {what}"


def fetched(offset: int, timestamp: int = 0, value: bytes = b"{}") -> Any:
    return SimpleNamespace(offset=offset, timestamp=timestamp, key=b"p1", value=value)


def test_a_chunk_is_one_partition_in_the_order_of_its_timestamps() -> None:
    found = {
        VITALS: [fetched(n, 10 * n) for n in range(10)],
        CARE: [fetched(7, 25), fetched(8, 65)],
        TP("vitals", 1): [fetched(3, 1)],
    }
    first, second = chunks(found, ByRecordTime().iterate, 5)
    assert [record.timestamp for record in first.records] == sorted(
        record.timestamp for record in first.records
    )
    assert [record.offset for record in first.records if record.tp == CARE] == [7, 8]
    assert {record.partition for record in first.records} == {0}
    assert [(r.topic, r.partition, r.generation_id) for r in second.records] == [("vitals", 1, 5)]


@pytest.mark.parametrize(
    ("values", "sizes"),
    [
        ([b"{}"] * (2 * CHUNK_RECORDS + 1), [CHUNK_RECORDS, CHUNK_RECORDS, 1]),
        ([b" " * (CHUNK_BYTES // 2)] * 3, [1, 1, 1]),
        ([b"", b" " * (5 * CHUNK_BYTES), b""], [1, 1, 1]),
    ],
    ids=["many", "large", "one that is larger than a chunk"],
)
def test_a_chunk_has_bounds(values: list[bytes], sizes: list[int]) -> None:
    found = {VITALS: [fetched(n, value=value) for n, value in enumerate(values)]}
    cut = list(chunks(found, ByRecordTime().iterate, 1))
    assert [len(chunk.records) for chunk in cut] == sizes
    assert [record.offset for chunk in cut for record in chunk.records] == list(range(len(values)))


class Flow:
    active = True

    def is_active(self) -> bool:
        return self.active


def consumer_with(records: Any) -> Any:
    """A lean consumer whose next read gives these records; 10 may wait in its reader's room."""
    consumer: Any = LeanConsumer.__new__(LeanConsumer)
    consumer.app = SimpleNamespace(
        consumer_generation_id=1,
        flow_control=Flow(),
        topics=SimpleNamespace(acks_enabled_for=lambda topic: topic in {"vitals", "care"}),
        monitor=SimpleNamespace(stream_inbound_time={}),
    )
    consumer.scheduler = ByRecordTime()
    consumer.ledgers, consumer._read_offset = {}, dict.fromkeys(records)
    consumer.flow_active, consumer._commit_every, consumer._n_acked = True, None, 0
    consumer._stopped = SimpleNamespace(is_set=lambda: False)
    consumer._crashed = consumer._stopped
    consumer._active_partitions = set(records)
    consumer.reader = Reader(WaitingRoom(TriagePolicy("ticks", 5, 10), Sickness()), 0.05)
    consumer.records = records
    consumer.highwater = lambda _tp: -1
    consumer.fetcher = SimpleNamespace()
    consumer._thread = SimpleNamespace(_consumer=SimpleNamespace(_fetcher=consumer.fetcher))
    return consumer


@pytest.fixture(autouse=True)
def _reads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(self: Any, _timeout: float) -> Any:
        return self.records, self._active_partitions

    monkeypatch.setattr(SettledConsumer, "_wait_next_records", read)


async def read(consumer: Any) -> Any:
    return (await asyncio.wait_for(consumer._wait_next_records(1.0), 5))[0]


def offsets(consumer: Any) -> list[int]:
    return [call.message.offset for call in consumer.reader.room.next_round()]


def test_source_records_go_to_the_reader_and_others_faust_s_way() -> None:
    async def scene() -> None:
        standby = [fetched(4)]
        consumer = consumer_with({VITALS: [fetched(n) for n in range(3)], CHANGELOG: standby})
        assert await read(consumer) == {CHANGELOG: standby}
        assert offsets(consumer) == [0, 1, 2]
        assert consumer.ledgers.keys() == {VITALS}
        assert consumer.ledgers[VITALS].open == 3
        assert consumer._read_offset[VITALS] == 2
        assert consumer.app.monitor.stream_inbound_time.keys() == {VITALS}

    asyncio.run(scene())


def test_a_quiet_fetcher_is_asked_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch costs the client more than the one record that it brings."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def scene() -> None:
        consumer = consumer_with({VITALS: [fetched(1)]})
        monkeypatch.setattr(lean.time, "monotonic", lambda: 100.0)
        monkeypatch.setattr(lean.asyncio, "sleep", sleep)
        await consumer._wait_next_records(1.0)
        await consumer._wait_next_records(1.0)
        consumer.reader.within = 0.004
        await consumer._wait_next_records(1.0)
        consumer.reader = None  # before the agent runs
        await consumer._pause()

    asyncio.run(scene())
    assert slept == [0.0, pytest.approx(lean.PAUSE_S), pytest.approx(0.004)]


def test_the_reader_hears_how_much_is_left_to_be_read() -> None:
    async def scene() -> None:
        other = TP("vitals", 1)
        consumer = consumer_with({VITALS: [fetched(n) for n in range(3)], other: [fetched(7)]})
        consumer.highwater = {VITALS: 5003, other: 8}.get
        await read(consumer)
        assert consumer.reader.more == 5000
        consumer.records = {VITALS: [fetched(3)]}
        consumer.highwater = lambda _tp: 4
        await read(consumer)
        assert consumer.reader.more == 0

    asyncio.run(scene())


def test_while_records_come_fetches_wait_for_more_and_else_for_any() -> None:
    async def scene() -> None:
        consumer = consumer_with({VITALS: [fetched(0)]})
        waits = []
        for records in ({VITALS: [fetched(0)]}, {}, {VITALS: [fetched(1)]}):
            consumer.records = records
            await read(consumer)
            waits.append((consumer.fetcher._fetch_max_wait_ms, consumer.fetcher._fetch_min_bytes))
        assert waits == [(15, 65_536), (50, 1), (15, 65_536)]
        consumer._thread._consumer = None  # before the client is started
        consumer.records = {}
        assert await read(consumer) == {}

    asyncio.run(scene())


def test_what_lies_before_the_read_offset_or_is_paused_is_left_out() -> None:
    async def scene() -> None:
        consumer = consumer_with({VITALS: [fetched(n) for n in range(5)], CARE: [fetched(1)]})
        consumer._read_offset[VITALS] = 3
        consumer._active_partitions = {VITALS}
        assert await read(consumer) == {}
        assert offsets(consumer) == [3, 4]

    asyncio.run(scene())


@pytest.mark.parametrize("stops", ["flow", "generation"])
def test_a_chunk_that_waits_is_dropped_whole_in_a_rebalance(stops: str) -> None:
    """It is not noted as delivered either: it comes again, and only then has to be settled."""

    async def scene() -> None:
        consumer = consumer_with({VITALS: [fetched(n) for n in range(8)]})
        assert await read(consumer) == {}
        consumer.records = {VITALS: [fetched(n) for n in range(8, 16)]}
        reading = asyncio.create_task(read(consumer))
        await asyncio.sleep(0.1)
        assert not reading.done()  # the room is full
        if stops == "flow":
            consumer.flow_active = False
        else:
            consumer.app.consumer_generation_id = 2
        assert await reading is None
        assert consumer.ledgers[VITALS].open == 8
        assert consumer._read_offset[VITALS] == 7

    asyncio.run(scene())


def test_a_chunk_that_waits_goes_on_after_the_round() -> None:
    async def scene() -> None:
        consumer = consumer_with({VITALS: [fetched(n) for n in range(8)]})
        await read(consumer)
        consumer.records = {VITALS: [fetched(n) for n in range(8, 12)]}
        reading = asyncio.create_task(read(consumer))
        reader, seen = consumer.reader, []
        while len(seen) < 12:
            await asyncio.wait_for(reader.gather(), 5)
            calls = reader.room.next_round()
            seen += [call.message.offset for call in calls]
            consumer.settle(places_of(reader.room.done(calls)))
            reader.go_on()
        assert await reading == {}
        assert seen == list(range(12))
        assert consumer._new_offset(VITALS) == 12

    asyncio.run(scene())


def test_nothing_is_handed_on_before_the_tables_are_restored() -> None:
    async def scene() -> None:
        consumer = consumer_with({VITALS: [fetched(0)]})
        consumer.app.flow_control.active = False
        reading = asyncio.create_task(read(consumer))
        await asyncio.sleep(0.1)
        assert len(consumer.reader.room) == 0
        consumer.app.flow_control.active = True
        assert await reading == {}
        assert len(consumer.reader.room) == 1

    asyncio.run(scene())


def test_a_round_under_way_is_what_a_rebalance_waits_for() -> None:
    consumer = consumer_with({VITALS: []})
    consumer._unacked_messages, consumer._waiting_for_ack = set(), None
    consumer.ledgers[VITALS] = Ledger()
    with consumer.at_work():
        assert consumer.unacked
        consumer._clean_unacked_messages()
        assert consumer.unacked
    assert not consumer.unacked


def test_the_client_still_takes_how_long_a_fetch_waits_from_where_it_is_set() -> None:
    """`SettledThread` sets an attribute between the client's making and its start."""
    made = inspect.getsource(driver.AIOKafkaConsumerThread._create_worker_consumer)
    assert "fetch_max_wait_ms=1500," in made
    started = inspect.getsource(AIOKafkaConsumer.start)
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms," in started
    asked = inspect.getsource(Fetcher._get_actions_per_node)
    assert "self._fetch_max_wait_ms," in asked
    assert "self._fetch_min_bytes," in asked
