"""A worker whose changelogs are led by a deposed broker: `python deposed_leader.py CHECK SECONDS`.

For so long since it was first asked, the broker tells of half of each log, and gives no more of it:
as one that was stopped while another took over, and has not heard of that. CHECK `unchecked`: the
worker writes no barrier, and listens to nothing that commits tell of the ends.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from stream.settings import load_settings
from stream.worker import faust_recovery, run
from stream.worker.committing import MarkingConsumer


class Deposed:
    """What the broker knows of each log, while it knows no better."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until: float | None = None
        self.known: dict[Any, int] = {}

    @property
    def answers(self) -> bool:
        if self.until is None:
            self.until = time.monotonic() + self.seconds
        return time.monotonic() < self.until

    def end(self, tp: Any, true_end: int) -> int:
        if not tp.topic.endswith("-changelog") or not self.answers:
            return true_end
        return min(true_end, self.known.setdefault(tp, true_end // 2))


def depose(leader: Deposed) -> None:
    """Put it between the worker and what the brokers answer."""
    extents, read_on, known_end = (
        MarkingConsumer.extents,
        MarkingConsumer.read_on,
        MarkingConsumer.known_end,
    )

    async def stale_extents(self: Any, tps: Any) -> Any:
        firsts, ends = await extents(self, tps)
        return firsts, {tp: leader.end(tp, end) for tp, end in ends.items()}

    async def stale_read(self: Any, tps: Any, most: int, wait_s: float) -> Any:
        records = await read_on(self, tps, most, wait_s)
        given = {}
        for tp, found in records.items():
            end = leader.end(tp, found[-1].offset + 1)
            given[tp] = [record for record in found if record.offset < end]
            if len(given[tp]) < len(found):
                await self.seek_wait({tp: end})
        return {tp: found for tp, found in given.items() if found}

    def stale_known(self: Any, tp: Any) -> int:
        return leader.end(tp, known_end(self, tp))

    MarkingConsumer.extents = stale_extents  # type: ignore[method-assign]
    MarkingConsumer.read_on = stale_read  # type: ignore[method-assign]
    MarkingConsumer.known_end = stale_known  # type: ignore[method-assign]


async def no_barrier(_producer: Any, _sends: Any) -> list[Any]:
    return []


def main(check: str, seconds: str) -> int:
    depose(Deposed(float(seconds)))
    if check == "unchecked":
        faust_recovery.ends_of = lambda _metadata: {}
        faust_recovery.delivered = no_barrier
    return run.run_worker(load_settings())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
