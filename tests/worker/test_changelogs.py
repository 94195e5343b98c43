"""The owner of a partition notices what others wrote into its changelogs, and writes behind it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.worker.changelogs import ChangelogPositions, Span
from tests.worker.harness import Worker, record, records_in
from tests.worker.ward_events import lines, ward

LOG = TP("pc", 0)


def test_records_that_follow_each_other_are_ours() -> None:
    positions = ChangelogPositions()
    positions.restored(LOG, 5)
    assert positions.wrote([(LOG, 5), (LOG, 6), (LOG, 7)]) == []
    assert positions.ends({LOG: 8}) == []
    assert positions.foreign == 0


def test_a_hole_is_somebody_elses() -> None:
    positions = ChangelogPositions()
    positions.restored(LOG, 5)
    assert positions.wrote([(LOG, 7), (LOG, 8)]) == [Span(LOG, 5, 7)]
    assert positions.ends({LOG: 10}) == [Span(LOG, 9, 10)]
    assert positions.ends({LOG: 10}) == []
    assert positions.foreign == 3


def test_of_a_log_that_is_not_ours_nothing_is_known() -> None:
    positions = ChangelogPositions()
    positions.restored(LOG, 5)
    positions.revoked(LOG)
    assert positions.wrote([(LOG, 9)]) == []
    assert positions.ends({LOG: 12}) == []


@given(st.lists(st.sampled_from("of"), max_size=30), st.data())
def test_every_foreign_record_is_found_once(writers: list[str], data: st.DataObject) -> None:
    """However the owner's writes are cut into batches, and wherever it looks at the end."""
    positions, found = ChangelogPositions(), []
    positions.restored(LOG, 0)
    batch: list[tuple[TP, int]] = []
    for offset, writer in enumerate(writers):
        if writer == "o":
            batch.append((LOG, offset))
            if data.draw(st.booleans()):
                found += positions.wrote(batch)
                batch = []
        elif not batch and data.draw(st.booleans()):
            found += positions.ends({LOG: offset + 1})
    found += positions.wrote(batch) + positions.ends({LOG: len(writers)})
    offsets = [offset for span in found for offset in range(span.first, span.end)]
    assert offsets == [offset for offset, writer in enumerate(writers) if writer == "f"]


class Zombie:
    """Writes an old state of each patient into both changelogs, behind the owner's back."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.old = {topic: worker.broker.table(topic) for topic in ("pc", "wc")}
        self.records: dict[TP, dict[int, Any]] = {}

    async def write(self) -> None:
        changelogs = self.worker.rounds.changelogs
        for topic, values in self.old.items():
            for key, value in values.items():
                partition = self.worker.rounds.ward.home(key, topic == "wc")
                sent = await self.worker.broker.send(topic, key, value, partition, None, None)
                answer = await sent
                log = TP(topic, partition)
                assert log in changelogs.positions.next
                self.records.setdefault(log, {})[answer.offset] = SimpleNamespace(key=key)

    async def read(self, span: Span) -> list[Any]:
        return [self.records[span.tp][offset] for offset in range(span.first, span.end)]


def test_what_a_zombie_wrote_is_written_over() -> None:
    raw = lines(ward(6))
    half = len(raw) // 2
    worker = Worker()
    worker.own_everything()
    worker.work([record(value, n) for n, value in enumerate(raw[:half])])
    zombie = Zombie(worker)
    worker.rounds.changelogs._read = zombie.read
    worker.work([record(value, half + n) for n, value in enumerate(raw[half:])])
    newest = {topic: worker.broker.table(topic) for topic in ("pc", "wc")}

    async def between_two_batches() -> None:
        await zombie.write()
        assert {topic: worker.broker.table(topic) for topic in ("pc", "wc")} != newest
        await worker.rounds.writer.look(worker.broker, worker.ends)

    asyncio.run(between_two_batches())
    assert {topic: worker.broker.table(topic) for topic in ("pc", "wc")} == newest
    count = sum(map(len, zombie.old.values()))
    assert worker.metrics.foreign._value.get() == count
    assert worker.rounds.changelogs.positions.foreign == count


def test_a_batch_finds_it_too_and_settles_only_after_mending() -> None:
    raw = lines(ward(6))
    worker = Worker()
    worker.own_everything()
    worker.work([record(value, n) for n, value in enumerate(raw[:-6])])
    zombie = Zombie(worker)
    worker.rounds.changelogs._read = zombie.read
    asyncio.run(zombie.write())
    worker.work([record(value, len(raw) + n) for n, value in enumerate(raw[-6:])])
    for key, stored in records_in(worker.broker.table("pc")).items():
        state = worker.rounds.ward.state(key)
        assert state is not None
        assert stored == state.record


def test_what_cannot_be_read_now_is_mended_later_and_not_where_it_is_ours_no_more() -> None:
    raw = lines(ward(6))
    worker = Worker()
    worker.own_everything()
    worker.work([record(value, n) for n, value in enumerate(raw[:-6])])
    zombie = Zombie(worker)
    worker.work([record(value, len(raw) + n) for n, value in enumerate(raw[-6:])])
    newest = {topic: worker.broker.table(topic) for topic in ("pc", "wc")}

    async def unreadable(_span: Any) -> None:
        return None

    async def scene() -> None:
        worker.rounds.changelogs._read = unreadable
        await zombie.write()
        writer = worker.rounds.writer
        await writer.look(worker.broker, worker.ends)
        assert {topic: worker.broker.table(topic) for topic in ("pc", "wc")} != newest
        worker.rounds.changelogs._read = zombie.read
        await writer.look(worker.broker, worker.ends)
        assert {topic: worker.broker.table(topic) for topic in ("pc", "wc")} == newest
        worker.rounds.refresh({1})
        assert {tp.partition for tp in worker.rounds.changelogs.positions.next} == {1}
        assert await worker.rounds.changelogs.mend(worker.broker, [Span(TP("pc", 0), 0, 3)]) == []

    asyncio.run(scene())
