"""Who is next: the sickest first, nobody starved, and each patient in the order of the log."""

from __future__ import annotations

import asyncio
import gc
import json
from itertools import chain, islice, repeat
from typing import Any, NamedTuple

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.worker.chunks import Chunk, Record
from stream.worker.held import Held
from stream.worker.reading import Allowance, Reader
from stream.worker.records import source_records
from stream.worker.sickness import Sickness
from stream.worker.triage import ROUND_BYTES, TriagePolicy, WaitingRoom
from tests.worker.harness import NOW, PARTITIONS, Worker, offline, record
from tests.worker.ward_events import lines, ward

POLICY = TriagePolicy("ticks", most=20, room=100, each=4)


class Message(NamedTuple):
    partition: int
    key: bytes | None
    offset: int
    topic: str = "vitals"
    value: bytes = b"{}"
    timestamp: float = NOW
    generation_id: int = 1


def room(sickness: dict[bytes, int], policy: TriagePolicy = POLICY) -> WaitingRoom:
    return WaitingRoom(policy, Sickness(sickness))


def bed(number: int) -> bytes:
    return f"bed-{number:02}".encode()


def tick(partition: int, offset: int) -> Message:
    return Message(partition, None, offset, topic="ticks")


def test_the_sickest_go_first_and_half_of_a_round_is_for_those_who_waited_longest() -> None:
    full = room({bed(40): 2, bed(41): 4})
    for offset in range(50):
        full.admit(Message(0, bed(offset), offset))
    keys = [call.message.key for call in full.next_round()]
    assert keys[:2] == [bed(41), bed(40)]
    assert keys[2:] == [bed(n) for n in range(18)]


def test_a_flooded_bed_takes_nothing_from_the_next() -> None:
    flooded = room({bed(1): 4, bed(2): 3})
    for offset in range(80):
        flooded.admit(Message(0, bed(1), offset))
    flooded.admit(Message(0, bed(2), 80))
    first = [call.message for call in flooded.next_round()]
    assert [m.key for m in first[: POLICY.each + 1]] == [bed(1)] * POLICY.each + [bed(2)]


def test_nobody_starves_whatever_the_sickest_send() -> None:
    """The sick send as much as is worked off, for ever; the others are done all the same."""
    crowded = room({bed(n): 4 for n in range(10)})
    for offset in range(POLICY.room):
        crowded.admit(Message(0, bed(50 + offset), offset))
    rounds, offset, left = 0, POLICY.room, {bed(50 + n) for n in range(POLICY.room)}
    while left:
        calls = crowded.next_round()
        left -= {call.message.key for call in calls}
        for _ in crowded.done(calls):
            crowded.admit(Message(0, bed(offset % 10), offset))
            offset += 1
        rounds += 1
        assert rounds <= POLICY.room / (POLICY.most / 2)


def test_a_round_of_giants_is_short() -> None:
    giants = room({})
    for offset in range(50):
        giants.admit(Message(0, bed(offset), offset, value=b" " * (ROUND_BYTES // 4)))
    assert len(giants.next_round()) == 4


@given(
    st.lists(st.integers(-2, 7), min_size=1, max_size=60),
    st.lists(st.integers(0, 30), min_size=1, max_size=6),
    st.integers(1, 40),
)
def test_each_patient_meets_records_and_ticks_in_the_order_of_the_log(
    beds: list[int], reads: list[int], most: int
) -> None:
    """And each tick meets every patient once: in its place, or with all the others.

    Below 0: a tick of partition 0 or 1. `reads`: how many records are read before each round.
    """
    waiting = room({bed(n): n % 5 for n in range(8)}, TriagePolicy("ticks", most, 1000, 3))
    log = [
        tick(n + 2, offset) if n < 0 else Message(n % 2, bed(n), offset)
        for offset, n in enumerate(beds)
    ]
    met: dict[bytes, list[int]] = {bed(n): [] for n in range(8)}
    settled: list[int] = []
    ahead = iter(log)
    for count in chain(reads, repeat(30)):
        if len(settled) == len(log):
            break
        for message in islice(ahead, count):
            waiting.admit(message)
        calls = waiting.next_round()
        for call in calls:
            message = call.message
            for key, seen in met.items():
                mine = call.only == key or (call.only is None and key not in call.but)
                ticked = mine and int(key[-2:]) % 2 == message.partition
                if message.key == key or (message.topic == "ticks" and ticked):
                    seen.append(message.offset)
        settled += [message.offset for message in waiting.done(calls)]
    assert sorted(settled) == list(range(len(log)))
    assert len(waiting) == 0
    for key, seen in met.items():
        patient = int(key[-2:])
        assert seen == [
            m.offset
            for m in log
            if m.key == key or (m.topic == "ticks" and m.partition == patient % 2)
        ]


class Plain:
    """What a round takes, as the module says it, by looking at all that waits."""

    def __init__(self, policy: TriagePolicy, ranks: dict[bytes, int]) -> None:
        self.policy, self.ranks = policy, ranks
        self.waiting: list[Message] = []

    def next_round(self) -> list[int]:
        called: list[Message] = []
        beds = {message.key: message for message in reversed(self.waiting)}
        sick = [message for message in beds.values() if self.ranks.get(message.key or b"")]
        for first in sorted(sick, key=lambda m: (-self.ranks[m.key or b""], m.offset)):
            mine = [message for message in self.waiting if message.key == first.key]
            left = self.policy.most // 2 - len(called)
            called += mine[: min(self.policy.each, left)]
        rest = [message for message in self.waiting if message not in called]
        called += rest[: self.policy.most - len(called)]
        self.waiting = [message for message in self.waiting if message not in called]
        return [message.offset for message in called]


@given(st.data(), st.integers(1, 12), st.integers(1, 4))
def test_a_round_takes_what_the_rules_say_while_patients_come_and_turn_worse_or_better(
    data: st.DataObject, most: int, each: int
) -> None:
    policy, ranks, sickness = TriagePolicy("ticks", most, 1000, each), {}, Sickness()
    waiting, plain = WaitingRoom(policy, sickness), Plain(policy, ranks)
    offset = 0
    for _ in range(data.draw(st.integers(1, 12))):
        for number in data.draw(st.lists(st.integers(0, 7), max_size=12)):
            message = Message(number % 2, bed(number), offset)
            waiting.admit(message)
            plain.waiting.append(message)
            offset += 1
        for number, rank in data.draw(
            st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=5)
        ):
            sickness.note(bed(number), rank)
            ranks[bed(number)] = rank
        if data.draw(st.integers(0, 9)) == 0:
            sickness.clear()
            ranks.clear()
        calls = waiting.next_round()
        assert [call.message.offset for call in calls] == plain.next_round()
        waiting.done(calls)
    assert len(waiting) == len(plain.waiting)


def test_a_room_that_is_never_empty_keeps_nothing_of_what_left_it() -> None:
    sickness = Sickness({bed(n): 1 + n % 4 for n in range(60)})
    crowded, offset = WaitingRoom(POLICY, sickness), 0
    for turn in range(300):
        while not crowded.full:
            crowded.admit(Message(0, bed(offset * 7 % 60), offset))
            offset += 1
        sickness.note(bed(turn % 60), turn % 5)
        crowded.done(crowded.next_round())
    entries = len(crowded._order) + sum(map(len, crowded._ranked.values()))
    assert entries < 8 * POLICY.room


def test_what_is_read_again_after_a_rebalance_is_dropped() -> None:
    waiting = room({})
    for offset in range(6):
        waiting.admit(Message(0, bed(offset), offset, generation_id=1 + offset % 2))
    waiting.admit(tick(0, 6))
    waiting.keep(2)
    assert len(waiting) == 3
    assert [call.message.offset for call in waiting.next_round()] == [1, 3, 5]
    waiting.admit(Message(0, bed(1), 7, generation_id=2))
    waiting.keep(None)  # in the rebalance
    assert not waiting.next_round()


def test_the_alerts_are_the_files_whoever_goes_first() -> None:
    """A backlog through rooms of several sizes, with restarts in the middle of a batch."""
    raw = lines(ward())
    expected: dict[str, list[bytes]] = {}
    for alert in offline(raw):
        expected.setdefault(json.loads(alert)["patient_id"], []).append(alert)
    for most, size in ((7, 50), (50, 400)):
        worker = Worker()
        waiting = WaitingRoom(TriagePolicy("ticks", most, size), worker.rounds.ward.sickness)
        records = [record(value, offset) for offset, value in enumerate(raw)]
        while records or len(waiting):
            while records and not waiting.full:
                waiting.admit(Message(*_message(records.pop(0))))
            calls = waiting.next_round()
            worker.work(source_records(calls))
            waiting.done(calls)
        said: dict[str, list[bytes]] = {}
        for topic, key, value in worker.broker.acknowledged:
            if topic == "alerts" and key is not None and value is not None:
                said.setdefault(key.decode(), []).append(value)
        assert said == expected


def _message(source: Any) -> tuple[Any, ...]:
    return source.partition, source.key, source.offset, source.topic, source.value


def test_a_tick_in_its_place_says_what_it_would_have_said_in_the_log() -> None:
    raw = lines(ward(4))
    ticks = json.dumps({"type": "tick", "time": "2026-03-01T20:00:00Z"}).encode()
    log: list[Any] = [record(value, offset) for offset, value in enumerate(raw[:-40])]
    log += [record(ticks, n, key=None, topic="ticks", partition=n) for n in range(PARTITIONS)]
    log += [record(value, 9000 + offset) for offset, value in enumerate(raw[-40:])]
    straight, sorted_out = Worker(), Worker()
    straight.work(log)
    waiting = WaitingRoom(TriagePolicy("ticks", 10, 10_000), sorted_out.rounds.ward.sickness)
    for each in log:
        waiting.admit(Message(*_message(each)))
    while len(waiting):
        calls = waiting.next_round()
        sorted_out.work(source_records(calls))
        waiting.done(calls)

    def by_patient(worker: Worker) -> dict[bytes, list[bytes]]:
        said: dict[bytes, list[bytes]] = {}
        for topic, key, value in worker.broker.acknowledged:
            if topic == "alerts" and key is not None and value is not None:
                said.setdefault(key, []).append(value)
        return said

    assert by_patient(sorted_out) == by_patient(straight)
    counted = sorted_out.metrics.events.labels("ticks", "tick")._value.get()
    assert counted == PARTITIONS


def chunk(size: int, *messages: Message) -> Chunk:
    return Chunk(messages, size, Held())  # type: ignore[arg-type]


def test_no_more_bytes_are_held_than_allowed_until_they_are_garbage() -> None:
    allowance = Allowance(1000)
    giant, small = chunk(5000), chunk(10)
    assert allowance.take(giant)  # or it would wait for ever
    record = Record(TP("vitals", 0), Message(0, bed(1), 0), 1, giant.held)
    del giant
    assert not allowance.take(small)
    assert allowance.used == 5000
    del record
    gc.collect()
    assert allowance.take(small)
    assert allowance.used == 10


def test_a_lone_record_does_not_wait_and_a_full_room_stops_the_reading() -> None:
    async def scene() -> None:
        waiting = room({})
        reader = Reader(waiting, within=30.0)
        gathering = asyncio.create_task(reader.gather())
        await asyncio.sleep(0)
        assert reader.offer(chunk(2, Message(0, bed(1), 0)))
        await asyncio.wait_for(gathering, 5)
        waiting.done(waiting.next_round())
        assert len(waiting) == 0
        reader.go_on()
        offset, rounds = 0, 0
        while offset < 500:
            gathering = asyncio.create_task(reader.gather())
            await asyncio.sleep(0)
            more = [Message(0, bed(2), offset + n) for n in range(15)]
            while reader.offer(chunk(30, *more)):
                offset += 15
                more = [Message(0, bed(2), offset + n) for n in range(15)]
            assert len(waiting) > POLICY.room - 15  # no more fits: nobody waits for it
            await asyncio.wait_for(gathering, 5)
            waiting.done(waiting.next_round())
            rounds += 1
            reader.go_on()
        assert rounds > 15

    asyncio.run(scene())


@pytest.mark.parametrize("more", [0, POLICY.room])
def test_the_room_is_filled_first_only_where_a_room_s_worth_is_left(more: int) -> None:
    async def scene() -> None:
        waiting = room({})
        reader = Reader(waiting, within=0.001)
        reader.more = more
        assert reader.offer(chunk(2, *(Message(0, bed(n), n) for n in range(30))))
        gathering = asyncio.create_task(reader.gather())
        await asyncio.sleep(0)
        assert gathering.done() is (more == 0)
        reader.offer(chunk(2, *(Message(0, bed(n), n) for n in range(30, 60))))
        await asyncio.wait_for(gathering, 5)

    asyncio.run(scene())
