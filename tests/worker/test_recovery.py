"""Tables read back from their changelogs: all of it, once, and only what is new the next time."""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.structs import OffsetAndMetadata
from faust.tables.recovery import RebalanceAgain
from faust.types import TP

from stream.worker import faust_recovery
from stream.worker.faust_recovery import OwnChangelogTable, SafeRecovery
from stream.worker.marks import BARRIER, metadata_of

TOPIC = "app-patients-changelog"
LOG, OTHER = TP(TOPIC, 0), TP(TOPIC, 1)
SOURCE = TP("vitals", 0)
Record = tuple[int, bytes, bytes | None]


class Logs:
    """Partitions as the client reads them; `answers` False: the brokers say nothing any more."""

    def __init__(self, **partitions: list[Record]) -> None:
        self.records = {TP(TOPIC, int(name[1:])): rows for name, rows in partitions.items()}
        self.ends = {tp: rows[-1][0] + 1 if rows else 0 for tp, rows in self.records.items()}
        self.firsts = {tp: rows[0][0] if rows else 0 for tp, rows in self.records.items()}
        self.reading_changelogs = asyncio.Lock()
        self.elected: dict[TP, int] = {}
        """Where the end is, as far as a leader that was just elected knows."""
        self.at: dict[TP, int] = {}
        self.read: list[tuple[TP, int]] = []
        self.answers = True
        self._clock = itertools.count()
        self._answered: dict[TP, int] = {}
        self.deposed: dict[TP, int] = {}
        """Where the end is, by a leader that was deposed and does not know it."""
        self.metadata = ""
        """Of the commit of the one source partition."""
        self.looks = 0

    def assignment(self) -> set[TP]:
        return {SOURCE, *self.records}

    async def commits(self, tps: Any) -> dict[TP, OffsetAndMetadata | None]:
        return dict.fromkeys(tps) | {SOURCE: OffsetAndMetadata(9, self.metadata)}

    async def look_for_leaders(self) -> None:
        self.looks += 1

    async def extents(self, tps: Any) -> Any:
        if self.deposed:
            ends = {tp: self.deposed.get(tp, self.ends[tp]) for tp in tps}
            return {tp: self.firsts[tp] for tp in tps}, ends
        return {tp: self.firsts[tp] for tp in tps}, {tp: self.ends[tp] for tp in tps}

    async def seek_wait(self, starts: dict[TP, int]) -> None:
        self.at |= starts

    async def positions(self, tps: Any) -> dict[TP, int]:
        return {tp: self.at[tp] for tp in tps}

    def known_end(self, tp: TP) -> int:
        return self.deposed.get(tp, self.elected.get(tp, self.ends[tp]))

    def answered_at(self, tps: Any) -> dict[TP, int | None]:
        return {tp: self._answered.get(tp) for tp in tps}

    async def read_on(self, tps: Any, _most: int, _wait_s: float) -> dict[TP, list[Any]]:
        await asyncio.sleep(0)
        if not self.answers:
            return {}
        self._answered |= {tp: next(self._clock) for tp in tps}
        for tp in sorted(tps):
            known = self.known_end(tp)
            rows = [row for row in self.records[tp] if self.at[tp] <= row[0] < known][:2]
            if rows:
                self.at[tp] = rows[-1][0] + 1
                self.read += [(tp, offset) for offset, _, _ in rows]
                return {tp: [SimpleNamespace(offset=o, key=k, value=v) for o, k, v in rows]}
        return {}


class Barriers:
    """The producer, whose records come to lie at the true end of the log."""

    def __init__(self, logs: Logs) -> None:
        self.logs = logs

    async def maybe_start(self) -> None: ...

    async def send(
        self, topic: str, key: bytes, value: bytes | None, partition: int, *_: Any
    ) -> Any:
        assert (key, value) == (BARRIER, None)
        tp = TP(topic, partition)
        offset = self.logs.ends[tp]
        self.logs.records[tp].append((offset, key, value))
        self.logs.ends[tp] = offset + 1
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(SimpleNamespace(topic=topic, partition=partition, offset=offset))
        return answer


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faust_recovery, "ASK_AGAIN_S", 0.005)


def recovery_over(logs: Logs, *tps: TP) -> tuple[SafeRecovery, OwnChangelogTable]:
    """A recovery that never starts as a service: only its reading is looked at."""
    app: Any = faust.App("app", store="memory://", autodiscover=False, web_enabled=False)
    app._consumer, app._producer = logs, Barriers(logs)
    table = OwnChangelogTable(app, name="patients", key_type=bytes, value_type=bytes)
    app.tables.add(table)
    recovery = SafeRecovery(app, app.tables)
    for tp in tps:
        recovery.add_active(table, tp)
    return recovery, table


def test_everything_is_read_and_tombstones_count() -> None:
    logs = Logs(
        p0=[(0, b"a", b"1"), (1, b"b", b"1"), (5, b"a", b"2"), (6, b"b", None)],
        p1=[(3, b"c", b"9")],
    )
    recovery, table = recovery_over(logs, LOG, OTHER)
    asyncio.run(recovery._restore())
    assert table.data.data == {b"a": b"2", b"c": b"9"}
    assert recovery.positions.next == {LOG: 8, OTHER: 5}
    assert recovery.restored == 7  # with a barrier in each


def test_what_the_table_holds_is_not_read_again() -> None:
    logs = Logs(p0=[(0, b"a", b"1"), (1, b"b", b"1"), (2, b"a", b"2")])
    recovery, table = recovery_over(logs, LOG)
    table.data.data.update({b"a": b"1", b"b": b"1"})
    recovery.positions.restored(LOG, 2)
    asyncio.run(recovery._restore())
    assert logs.read == [(LOG, 2)]
    assert table.data.data == {b"a": b"2", b"b": b"1"}


def test_what_stood_by_is_taken_and_the_rest_read() -> None:
    logs = Logs(p0=[(0, b"a", b"1"), (1, b"b", b"1"), (2, b"a", b"2")])
    recovery, table = recovery_over(logs, LOG)
    table.standby[LOG], table.standby_next[LOG] = {b"a": b"1", b"b": b"1"}, 2
    table.standby[OTHER], table.standby_next[OTHER] = {b"c": b"old"}, 9
    asyncio.run(recovery._restore())
    assert logs.read == [(LOG, 2), (LOG, 3)]
    assert table.data.data == {b"a": b"2", b"b": b"1"}
    assert not table.standby
    assert not table.standby_next


def test_an_end_that_compaction_emptied_is_no_reason_to_wait() -> None:
    logs = Logs(p0=[(0, b"a", b"1")], p1=[(0, b"c", b"1")])
    logs.ends[LOG] = 6  # 1 to 5 are gone, and so is what would tell of it
    recovery, table = recovery_over(logs, LOG, OTHER)
    recovery.positions.restored(LOG, 1)
    table.data.data[b"a"] = b"1"
    asyncio.run(asyncio.wait_for(recovery._restore(), 5))
    assert table.data.data == {b"a": b"1", b"c": b"1"}
    assert recovery.positions.next == {LOG: 6, OTHER: 2}


def test_brokers_that_say_nothing_are_waited_for() -> None:
    logs = Logs(p0=[(0, b"a", b"1")])
    logs.answers = False
    recovery, table = recovery_over(logs, LOG)

    async def scene() -> None:
        restoring = asyncio.create_task(recovery._restore())
        await asyncio.sleep(0.05)
        assert not restoring.done()
        assert recovery.restored == 0
        logs.answers = True
        await asyncio.wait_for(restoring, 5)

    asyncio.run(scene())
    assert table.data.data == {b"a": b"1"}


def test_a_rebalance_in_the_middle_begins_again_where_the_table_was_whole() -> None:
    """A place halfway would, when the partition comes back, stand for what is gone since."""
    rows = [(n, b"k%d" % n, b"v") for n in range(40)]
    logs = Logs(p0=rows, p1=[(n, b"o%d" % n, b"v") for n in range(40)])
    recovery, table = recovery_over(logs, LOG, OTHER)
    recovery.positions.restored(LOG, 6)
    table.data.data.update({key: value for _, key, value in rows[:6]})

    async def scene() -> None:
        restoring = asyncio.create_task(recovery._restore())
        while recovery.restored < 10:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await recovery.on_rebalance({LOG}, {OTHER}, set(), 2)
        with pytest.raises(RebalanceAgain):
            await restoring
        assert recovery.positions.next == {LOG: 6}
        recovery.active_tps.discard(OTHER)
        logs.read.clear()
        await recovery._restore()

    asyncio.run(scene())
    assert set(table.data.data) >= {b"k%d" % n for n in range(40)}
    assert logs.read[0] == (LOG, 6)
    assert recovery.positions.next == {LOG: 40}


def test_a_leader_that_knows_of_less_is_not_believed() -> None:
    logs = Logs(p0=[(n, b"k%d" % n, b"v") for n in range(6)])
    logs.elected[LOG] = 2
    recovery, table = recovery_over(logs, LOG)

    async def scene() -> None:
        restoring = asyncio.create_task(recovery._restore())
        await asyncio.sleep(0.05)
        assert not restoring.done()
        logs.elected.clear()
        await asyncio.wait_for(restoring, 5)

    asyncio.run(scene())
    assert len(table.data.data) == 6


def five() -> list[Record]:
    return [(n, b"k%d" % n, b"v") for n in range(5)]


async def waits_for_the_true_end(logs: Logs, recovery: SafeRecovery, name: str) -> None:
    """It is not restored, and says why, until the deposed leader answers no more."""
    restoring = asyncio.create_task(recovery._restore())
    await asyncio.sleep(0.05)
    assert not restoring.done()
    assert recovery.shortfall == name
    assert logs.looks > 1
    logs.deposed.clear()
    await asyncio.wait_for(restoring, 5)
    assert recovery.shortfall == ""


@pytest.mark.parametrize("way", ["nothing is known", "it is ours", "it stood by"])
def test_an_end_that_was_acknowledged_further_is_not_believed(way: str) -> None:
    """Where the end is not our own, a barrier is behind it."""
    logs = Logs(p0=five())
    logs.deposed[LOG] = 2
    recovery, table = recovery_over(logs, LOG)
    all_of_it = {key: value or b"" for _, key, value in five()}
    if way == "it is ours":
        table.data.data.update(all_of_it)
        recovery.positions.restored(LOG, 5)
    elif way == "it stood by":
        table.standby[LOG], table.standby_next[LOG] = all_of_it, 5
    end = 5 if way == "it is ours" else 6
    short = f"{TOPIC}/0 ends at 2, and was acknowledged up to {end}"
    asyncio.run(waits_for_the_true_end(logs, recovery, short))
    assert table.data.data == all_of_it
    assert recovery.positions.next == {LOG: end}


@pytest.mark.parametrize("metadata", ["", "theirs", metadata_of({"patients": 5, "gone": 99})])
def test_a_log_that_is_as_long_as_was_told_is_not_waited_for(metadata: str) -> None:
    """Or of which nothing was told: by an earlier version, or an operator."""
    logs = Logs(p0=five(), p1=five())
    logs.metadata = metadata
    recovery, table = recovery_over(logs, LOG)
    asyncio.run(asyncio.wait_for(recovery._restore(), 5))
    assert len(table.data.data) == 5
    assert logs.looks == 0


@pytest.mark.parametrize("told_by", ["a commit", "ourselves"])
def test_a_log_that_was_made_anew_is_never_taken_for_the_whole_one(told_by: str) -> None:
    """The state is gone, and its source offsets are committed: for somebody to decide about."""
    logs = Logs(p0=[(0, b"a", b"new")])
    recovery, table = recovery_over(logs, LOG)
    if told_by == "a commit":
        logs.metadata = metadata_of({"patients": 40})
    else:
        recovery.positions.restored(LOG, 40)

    async def scene() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(recovery._restore(), 0.05)

    asyncio.run(scene())
    assert table.data.data == {}
    assert logs.looks > 1


def test_a_rebalance_ends_the_waiting() -> None:
    logs = Logs(p0=five())
    logs.deposed[LOG], logs.metadata = 2, metadata_of({"patients": 5})
    recovery, _ = recovery_over(logs, LOG)

    async def scene() -> None:
        restoring = asyncio.create_task(recovery._restore())
        await asyncio.sleep(0.02)
        await recovery.on_rebalance(set(), {LOG}, set(), 2)
        with pytest.raises(RebalanceAgain):
            await restoring

    asyncio.run(scene())
    assert recovery.shortfall == ""


def test_a_commit_tells_of_every_log_of_its_partition() -> None:
    recovery, _ = recovery_over(Logs(p0=five(), p1=five()), LOG, OTHER)
    assert recovery.mark(0) == ""
    asyncio.run(recovery._restore())
    assert recovery.mark(0) == metadata_of({"patients": 6})
    recovery.positions.wrote([(LOG, 7)])
    recovery.positions.revoked(LOG)
    assert recovery.mark(0) == metadata_of({"patients": 8})
    assert recovery.mark(1) == metadata_of({"patients": 6})


@pytest.mark.parametrize("generation", [0, 7], ids=["in time", "overtaken by another"])
def test_what_a_rebalance_took_away_is_not_known_any_more(generation: int) -> None:
    """Faust returns before it revokes anything where the group has moved on already."""
    recovery, _ = recovery_over(Logs(p0=[], p1=[]), LOG, OTHER)
    recovery.positions.restored(LOG, 5)
    recovery.positions.restored(OTHER, 6)
    asyncio.run(recovery.on_rebalance({LOG}, set(), set(), generation))
    assert recovery.positions.next == {LOG: 5}
    asyncio.run(recovery.on_rebalance({LOG}, set(), {LOG}, generation))
    assert recovery.positions.next == {}
