"""Tables after a rebalance: what mends and replaces Faust's recovery (faust-streaming 0.15.3).

As in `stream.worker.faust_repairs`, each docstring says what goes wrong, where, and how it is
mended; the tests show every fault on the stock classes first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import structlog
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.tables.table import Table
from faust.types import TP

from stream.worker.changelogs import ChangelogPositions
from stream.worker.faust_repairs import delivered
from stream.worker.marks import barrier, ends_of, metadata_of, short_of, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from faust.types import EventT

log = structlog.get_logger(__name__)
_logger = logging.getLogger("faust.repaired")
CHUNK = 5_000
"""Most records taken in before the event loop gets its turn."""
WAIT_S = 1.0
EMPTY_ANSWERS = 2
"""So often the brokers answer for all partitions that there is nothing up to the end, and we
believe it: compaction may have left no record there. A leader that was just elected may know of an
earlier end for a while; its answers do not count."""
ASK_AGAIN_S = 0.5
"""Between two questions for the end of a log that was known to reach further."""
SAY_AGAIN_S = 10.0
TO_DO = (
    "a broker that was deposed and does not know it yet is waited for; where the changelog was"
    " deleted, made anew or cut off, the state is lost: stop all workers, delete both changelogs,"
    " and set the offsets of the group to the earliest"
    " (kafka-consumer-groups.sh --reset-offsets --to-earliest --all-topics --execute)"
)


class FetcherStuckError(RuntimeError):
    """The fetcher did not come to rest in time; going on would lose or double events."""


class RecoveryStalledError(RuntimeError):
    """A step of the recovery was not done in time; the process has to start again."""


class OwnChangelogTable(Table[bytes, bytes]):
    """A table whose changelog is read by `SafeRecovery`; Faust reads only what stands by.

    Faults: `Recovery._slurp_changelogs` (faust/tables/recovery.py) applies a record of a partition
    that was just revoked to whichever table the record before it belonged to. The memory store
    (faust/stores/memory.py, `on_recovery_completed`) throws away what stood by in the very recovery
    that needs it.

    Mended: what does not come from the table's own changelog topic is left out; what stands by is
    kept apart for each partition, until the partition is ours or is no longer assigned.
    """

    logger = _logger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standby: dict[TP, dict[bytes, bytes]] = defaultdict(dict)
        self.standby_next: dict[TP, int] = {}

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Take in the records of our own changelog that stand by."""
        for event in batch:
            message = event.message
            if message.topic == self.changelog_topic_name:
                take_in(self.standby[message.tp], message.key, message.value)
                self.standby_next[message.tp] = message.offset + 1

    def promote(self, tp: TP) -> int | None:
        """The partition is ours now: what stood by is the table's; returns the next offset."""
        self.data.data.update(self.standby.pop(tp, {}))
        return self.standby_next.pop(tp, None)

    def drop_standbys(self, kept: Iterable[TP]) -> None:
        """Forget what stood by for partitions that do so no longer."""
        for tp in self.standby.keys() - set(kept):
            del self.standby[tp]
            self.standby_next.pop(tp, None)


def take_in(data: dict[bytes, bytes], key: bytes | None, value: bytes | None) -> None:
    """One record of a changelog: a value, or a tombstone. One without a key is nobody's."""
    if key is None:
        return
    if value is None:
        data.pop(key, None)
    else:
        data[key] = value


class SafeRecovery(Recovery):
    """Restores the tables itself, quickly, and loses and doubles no events meanwhile.

    Faults, all in faust/tables/recovery.py: `on_recovery_completed` resumes the source partitions
    while the fetcher is already running and only then calls `flow_control.resume()`, which clears
    the streams' queues: what was read in between is thrown away, and what is read again after the
    seek arrives twice (`_resume_streams`, used without tables, has it right). `_wait` takes a step
    that was not done in time for a stop of the service, upon which `_restart_recovery` ends without
    a word and the worker waits for ever. `_slurp_changelogs` takes one record at a time, some
    thousand a second, swallows what goes wrong, and after each rebalance reads again what the
    worker has written itself since its start.

    Mended: the flow is stopped first, and nothing goes on until the fetcher stands still; then the
    changelogs are read in large pieces, from where the tables stand. A step that does not end in
    time raises.

    A log is read as far as it was once known to reach, whatever its end is said to be: see
    `stream.worker.marks`.
    """

    logger = _logger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shortfall = ""
        """Which changelogs end before they were known to reach, while that is waited for."""
        self.positions = ChangelogPositions()
        self.restored = 0
        """Changelog records taken in since the start: grows while a recovery makes progress."""
        self.restore_s = 0.0
        """How long the last reading of changelogs took."""
        self._rebalances = 0

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Another assignment: what is being restored for the one before is given up.

        Fault: where the group has moved on already, Faust returns before it revokes anything, and
        the next rebalance knows nothing of what this one took away.

        Mended: what is not assigned, or was newly assigned, is not known any more.
        """
        self._rebalances += 1
        for tp in self.positions.next.keys() - (assigned - newly_assigned):
            self.positions.revoked(tp)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    def revoke(self, tp: TP) -> None:
        """The partition is another's: what we know of its log is no longer true."""
        super().revoke(tp)
        self.positions.revoked(tp)

    def need_recovery(self) -> bool:
        """Never by Faust's way."""
        return False

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Park the fetcher and restore the tables; then as Faust does."""
        consumer: Any = self.app.consumer
        consumer.mark = self.mark
        consumer.stop_flow()
        self.app.flow_control.suspend()
        await self._park()
        started = time.monotonic()
        try:
            await self._restore()
            self.restore_s = time.monotonic() - started
            await super().on_recovery_completed(generation_id)
        finally:
            consumer.forget_commits()

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ASYNC109 - Faust's
        again: Any = self.signal_recovery_start
        result = await self.wait_first(coro, again, timeout=timeout)
        if again in result.done:
            raise RebalanceAgain
        if result.stopped:
            if timeout is not None and not self.should_stop and not self.crashed:
                raise RecoveryStalledError(f"a step of the recovery was not done in {timeout:g} s")
            raise ServiceStopped

    async def _park(self) -> None:
        fetcher = self.app._fetcher  # type: ignore[attr-defined]  # noqa: SLF001
        if not fetcher.started or fetcher.should_stop:
            return
        parked: asyncio.Event = self.app.consumer.parked  # type: ignore[attr-defined]
        await self._wait(parked, timeout=self.app.conf.broker_request_timeout)
        if not parked.is_set():
            raise FetcherStuckError("the fetcher did not stop; leaving rather than losing events")

    async def _restore(self) -> None:
        """Read each of our changelog partitions from where its table stands to its end.

        Where a table stands is known once all of it is read, and as long as it is ours: a position
        that outlives its partition would, when it comes back, stand for what is gone since. Nobody
        else reads a changelog meanwhile (see `SettledConsumer.read_span`).
        """
        consumer: Any = self.app.consumer
        tables: Any = self.tables
        for table in tables.values():
            table.drop_standbys({*self.standby_tps, *self.active_tps})
        mine: dict[TP, Any] = {tp: self.tp_to_table[tp] for tp in self.active_tps}
        if not mine:
            return
        rebalances = self._rebalances
        async with consumer.reading_changelogs:
            floors = await self._floors(mine)
            firsts, ends = await self._extents(mine, floors, rebalances)
            starts = {}
            for tp, table in mine.items():
                known = self.positions.next.get(tp)
                stood_by = table.promote(tp)
                known = stood_by if known is None else known
                starts[tp] = firsts[tp] if known is None else max(known, firsts[tp])
            await consumer.seek_wait(starts)
            behind = {tp: table for tp, table in mine.items() if starts[tp] < ends[tp]}
            last = await self._read(behind, ends, rebalances)
        log.info("changelogs read", begin=_shown(starts), end=_shown(ends), records=self.restored)
        for tp in mine:
            self.positions.restored(tp, max(ends[tp], last.get(tp, 0)))

    def mark(self, partition: int) -> str:
        """The metadata of a commit of one partition number; asked in any thread."""
        tables, reached = list(self.tables.items()), self.positions.reached
        logs = {name: TP(table.changelog_topic_name, partition) for name, table in tables}
        return metadata_of({name: reached[tp] for name, tp in logs.items() if tp in reached})

    async def _floors(self, mine: Mapping[TP, Any]) -> dict[TP, int]:
        """How far each log reaches, by the commits, by what stood by, and by what is acknowledged.

        A barrier is written where somebody else may have written since we knew the end: after the
        commits were asked for, so that it lies behind whatever belongs to them.
        """
        consumer: Any = self.app.consumer
        commits = await consumer.commits(consumer.assignment())
        barriers = [
            barrier(tp, self.app.consumer_generation_id)
            for tp in sorted(mine)
            if tp not in self.positions.next
        ]
        producer: Any = self.app.producer
        await producer.maybe_start()
        answers = await delivered(producer, barriers)
        self.positions.wrote((TP(a.topic, a.partition), a.offset) for a in answers)
        floors = {tp: self.positions.reached.get(tp, 0) for tp in mine}
        for source, stands in commits.items():
            ends = {} if stands is None else ends_of(stands.metadata)
            for tp, table in mine.items():
                if tp.partition == source.partition:
                    floors[tp] = max(floors[tp], ends.get(table.name, 0))
        for tp, table in mine.items():
            floors[tp] = max(floors[tp], table.standby_next.get(tp, 0))
        return floors

    async def _extents(
        self, mine: Iterable[TP], floors: Mapping[TP, int], rebalances: int
    ) -> tuple[Mapping[TP, int], Mapping[TP, int]]:
        """The extents of the logs; asked again until none ends before it was known to reach.

        For how long is up to the watch, which ends a recovery that makes no progress
        (`Part.RECOVERY`) and says why. Raises RebalanceAgain.
        """
        consumer: Any = self.app.consumer
        said = -SAY_AGAIN_S
        try:
            while True:
                firsts, ends = await consumer.extents(sorted(mine))
                if self._rebalances != rebalances:
                    raise RebalanceAgain
                if self.should_stop:
                    raise ServiceStopped
                self.shortfall = told(short_of(floors, ends))
                if not self.shortfall:
                    return firsts, ends
                if time.monotonic() - said >= SAY_AGAIN_S:
                    said = time.monotonic()
                    log.error("a changelog is too short", logs=self.shortfall, to_do=TO_DO)
                await consumer.look_for_leaders()
                await asyncio.sleep(ASK_AGAIN_S)
        finally:
            self.shortfall = ""

    async def _read(
        self, tables: Mapping[TP, Any], ends: Mapping[TP, int], rebalances: int
    ) -> dict[TP, int]:
        """Take in all of these partitions up to their ends; returns what follows the last record.

        Raises RebalanceAgain.
        """
        consumer: Any = self.app.consumer
        behind = set(tables)
        last: dict[TP, int] = {}
        answered, empty = consumer.answered_at(behind), 0
        while behind and empty < EMPTY_ANSWERS:
            records = await consumer.read_on(behind, CHUNK, WAIT_S)
            if self._rebalances != rebalances:
                raise RebalanceAgain
            for tp, found in records.items():
                for record in found:
                    take_in(tables[tp].data.data, record.key, record.value)
                self.restored += len(found)
                last[tp] = found[-1].offset + 1
            if not records:
                await consumer.look_for_leaders()  # whom it reads from may lead no more
            # The client's position passes holes in the log, our last record does not.
            at = await consumer.positions(behind)
            behind = {tp for tp in behind if at[tp] < ends[tp]}
            now = consumer.answered_at(behind)
            if records:
                answered, empty = now, 0
            elif all(
                now[tp] != answered.get(tp) and consumer.known_end(tp) >= ends[tp] for tp in behind
            ):
                answered, empty = now, empty + 1
        if self._rebalances != rebalances:
            raise RebalanceAgain
        return last


def _shown(offsets: Mapping[TP, int]) -> dict[str, int]:
    return {f"{tp.topic}/{tp.partition}": at for tp, at in sorted(offsets.items())}


class SafeTableManager(TableManager):
    """Hands out the recovery above, and tells when it is over."""

    logger = _logger

    on_ready: Callable[[], None] | None = None

    def on_actives_ready(self) -> None:
        """The tables are restored and the flow is resumed."""
        super().on_actives_ready()
        if self.on_ready is not None:
            self.on_ready()

    @property
    def recovery(self) -> Recovery:
        """The recovery service, made once."""
        if self._recovery is None:
            self._recovery = SafeRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
