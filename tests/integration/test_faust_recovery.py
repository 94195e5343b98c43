"""Faust's faults around the recovery of tables, on real brokers: as it ships, and repaired."""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faust.types import TP
from faust_apps import LEFTOVERS, RAW, Bench, done, is_ours, messages, outcomes, running, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from brokers import Broker

pytestmark = LEFTOVERS

COMMITTED, BACKLOG, ALL = 10, 60, 65
WINDOW_S = 10.0  # a fetch that waits for data takes 1.5 s, more on a busy machine
REST_S = 1.0


@dataclass
class Reader:
    """A worker with a table to recover, and records 10 to 59 of its source to read after that."""

    mine: Bench
    app: Any
    seen: list[int] = field(default_factory=list)
    reads: int = 0
    questions: int = 0
    busy: bool = False
    worked_off: list[Any] = field(default_factory=list)

    async def ready(self, window: Callable[[Reader, Callable[[], Any]], Any]) -> None:
        """`window` stands for the coordinator, which says where the group stands; it is slow."""
        self.app.agent(self.app.topic(self.mine.source, **RAW))(self.work)
        await self.mine.fill(BACKLOG)
        await self.mine.commit(COMMITTED)
        self.app.finalize()
        consumer = self.app.consumer
        seek_to_committed, getmany = consumer.seek_to_committed, consumer._getmany

        async def counted(*args: Any, **kwargs: Any) -> Any:
            records = await getmany(*args, **kwargs)
            self.reads += self.mine.home in records
            return records

        consumer._getmany = counted
        consumer.seek_to_committed = lambda: window(self, seek_to_committed)

    async def work(self, stream: Any) -> None:
        async for message in messages(self.app, stream):
            self.seen.append(message.offset)
            if self.busy:
                await until(lambda: self.app.tables.actives_ready)
            self.worked_off.append(message)
            self.settle()

    def settle(self) -> None:
        """Nothing is committed before the worker is ready, as a commit is slow, too."""
        while self.app.tables.actives_ready and self.worked_off:
            done(self.app, self.worked_off.pop(0))

    async def wait(self, happens: Callable[[], bool]) -> None:
        """Where the flow is at rest it cannot happen, and a second has to do."""
        await until(happens, WINDOW_S if self.app.consumer.flow_active else REST_S)
        await asyncio.sleep(0.2)


async def slow_to_answer(reader: Reader, seek: Callable[[], Any]) -> Any:
    answer = await seek()
    before = reader.reads
    await reader.wait(lambda: reader.reads > before)
    return answer


def test_records_are_dropped_and_the_commit_stalls_or_goes_past_them(
    all_brokers: list[Broker], tmp_path: Path
) -> None:
    """What is read between the seek and the answer to it."""

    async def scene(mine: Bench, app: Any) -> tuple[list[int], int | None]:
        reader = Reader(mine, app, busy=True)
        await reader.ready(slow_to_answer)
        async with running(app):
            await mine.fill(ALL - BACKLOG, first=BACKLOG)
            assert await until(lambda: ALL - 1 in reader.seen)
            await asyncio.sleep(1.0)  # three commits
            return reader.seen, await mine.committed()

    def lost(result: tuple[list[int], int | None]) -> bool:
        seen, committed = result
        dropped = set(range(COMMITTED, ALL)) - set(seen)
        # For the life of the worker; or they are lost for good.
        return len(dropped) > 1 and committed in {min(dropped), ALL}

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=lost):
        assert outcome.ours == (list(range(COMMITTED, ALL)), ALL), outcome


async def slow_to_be_asked(reader: Reader, seek: Callable[[], Any]) -> Any:
    """While the first question is on its way, the rest of the records come."""
    reader.questions += 1
    if reader.questions == 1:
        await reader.mine.fill(ALL - BACKLOG, first=BACKLOG)
        await reader.wait(lambda: ALL - 1 in reader.seen)
    return await seek()


def test_records_are_doubled(all_brokers: list[Broker], tmp_path: Path) -> None:
    """What is read before the seek."""

    async def scene(mine: Bench, app: Any) -> list[int]:
        reader = Reader(mine, app)
        await reader.ready(slow_to_be_asked)
        async with running(app):
            assert await until(lambda: ALL - 1 in reader.seen)
            seen, patience = reader.seen, 2 * REST_S if is_ours(app) else WINDOW_S
            await until(lambda: len(seen) > len(set(seen)), patience)
            reader.settle()
            assert not is_ours(app) or await mine.commits(ALL)
            return reader.seen

    def doubled(seen: list[int]) -> bool:
        return len(seen) > len(set(seen))

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=doubled):
        assert outcome.ours == list(range(COMMITTED, ALL)), outcome


def test_an_emptied_set_of_partitions_means_all(all_brokers: list[Broker], tmp_path: Path) -> None:
    """A read that waits for changelogs goes on over the source once the last changelog is paused.

    Faust drops what it reads then; the client's position is behind it.
    """

    async def scene(mine: Bench, app: Any) -> tuple[bool, int]:
        app.agent(app.topic(mine.source, **RAW))(_idle)
        async with running(app):
            await at_rest(app)
            consumer = app.consumer
            consumer.pause_partitions({mine.home})
            consumer.resume_partitions(app.tables.recovery.active_tps)
            read = asyncio.create_task(consumer._getmany(consumer._active_partitions, 2.0))
            await asyncio.sleep(0.5)
            consumer.pause_partitions(app.tables.recovery.active_tps)
            await mine.fill(3)
            records = await read
            return mine.home in records, await consumer.position(mine.home)

    def read(result: tuple[bool, int]) -> bool:
        has_records, position = result
        return has_records and position > 0  # one fetch returns any number of the three

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=read):
        assert outcome.ours == (False, 0), outcome


def test_a_partition_of_which_nothing_is_committed_is_not_sought_back(
    all_brokers: list[Broker], tmp_path: Path
) -> None:
    """What was read of it and dropped, as above, is skipped until another worker starts there."""

    async def scene(mine: Bench, app: Any) -> int:
        seen: set[int] = set()

        async def work(stream: Any) -> None:
            async for message in messages(app, stream):
                seen.add(message.offset)  # and never done: nothing is committed

        app.agent(app.topic(mine.source, **RAW))(work)
        async with running(app):
            await mine.fill(7)
            assert await until(lambda: 6 in seen)
            await at_rest(app)
            await app.consumer.perform_seek()
            return int(await app.consumer.position(mine.home))

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=lambda position: position == 7):
        assert outcome.ours == 0, outcome


def test_a_record_of_a_revoked_changelog_goes_into_another_table(
    all_brokers: list[Broker], tmp_path: Path
) -> None:
    """The partition is revoked at the moment at which its record is waiting to be taken in."""

    async def scene(mine: Bench, app: Any) -> list[set[bytes]]:
        app.agent(app.topic(mine.source, **RAW))(_idle)
        app.finalize()
        active = app.tables.recovery.active_tps
        tables = [app.tables[name] for name in ("patients", "windows")]

        def revoke_the_other(table: Any, other: Any) -> None:
            taken_in = table.on_changelog_event

            async def take_in(event: Any) -> None:
                await taken_in(event)
                active.discard(TP(other.changelog_topic_name, 0))

            table.on_changelog_event = take_in

        revoke_the_other(*tables)
        revoke_the_other(*reversed(tables))
        async with running(app):
            await asyncio.sleep(0.2)
            return [set(table.data.data) for table in tables]

    def mixed(tables: list[set[bytes]]) -> bool:
        return {b"res", b"for"} in tables

    for outcome in outcomes(all_brokers, tmp_path, scene, windows=[b"foreign"], shows=mixed):
        assert outcome.ours[0] <= {b"res"}, outcome
        assert outcome.ours[1] <= {b"for"}, outcome


def test_a_step_that_is_not_done_in_time_ends_the_recovery_without_a_word(
    all_brokers: list[Broker], tmp_path: Path
) -> None:
    """Stock: the worker waits for ever. Ours: it crashes, for its supervisor to start it again."""

    async def scene(mine: Bench, app: Any) -> tuple[bool, bool]:
        app.agent(app.topic(mine.source, **RAW))(_idle)
        app.finalize()
        asked = asyncio.Event()

        def hurry(*_: Any, **__: Any) -> None:
            with warnings.catch_warnings(action="ignore"):  # Faust thinks that it is too late
                app.conf.broker_request_timeout = 2.0

        app.on_partitions_assigned.connect(hurry)

        async def never() -> None:
            asked.set()
            await asyncio.sleep(60)

        app.consumer.seek_to_committed = never
        recovery = app.tables.recovery
        async with running(app, until_ready=False):
            assert await until(lambda: asked.is_set() or recovery.crashed)
            await until(lambda: recovery.crashed, 30 if is_ours(app) else 4)
            return recovery.crashed, app.tables.actives_ready

    def waits(result: tuple[bool, bool]) -> bool:
        return result == (False, False)

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=waits):
        assert outcome.ours == (True, False), outcome


async def at_rest(app: Any) -> None:
    """The fetcher is stopped, and the last read that it began is over."""
    await app._fetcher.stop()
    await asyncio.sleep(1.5)


async def _idle(stream: Any) -> None:
    async for _ in stream:
        pass
