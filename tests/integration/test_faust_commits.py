"""Faust's faults in what is committed, on real brokers: as it ships, and with our repairs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from faust_apps import LEFTOVERS, RAW, Bench, done, is_ours, messages, outcomes, running, until

from stream.worker.agent import monitor
from stream.worker.sickness import Sickness

if TYPE_CHECKING:
    from pathlib import Path

    from brokers import Broker

pytestmark = LEFTOVERS


@pytest.mark.parametrize("held", [[3], [0, 1, 2, 3]], ids=["one at the head", "nothing committed"])
def test_the_commit_passes_over_records_that_are_not_done(
    all_brokers: list[Broker], tmp_path: Path, held: list[int]
) -> None:
    """Of records 0 to 7 those held are never done; what was done before them is committed."""

    async def scene(mine: Bench, app: Any) -> int | None:
        seen = []

        async def work(stream: Any) -> None:
            async for message in messages(app, stream):
                seen.append(message.offset)
                if message.offset not in held:
                    done(app, message)

        app.agent(app.topic(mine.source, **RAW))(work)
        async with running(app):
            await mine.fill(held[0])
            assert await mine.commits(held[0] or None)
            await mine.fill(8 - held[0], first=held[0])
            assert await until(lambda: len(seen) == 8)
            await asyncio.sleep(1.0)  # three commits
            return await mine.committed()

    def gone(committed: int | None) -> bool:
        return committed == 8  # a crash now, and the records held are gone

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=gone):
        assert outcome.ours == (held[0] or None), outcome


def test_a_batch_whose_processing_raised_is_committed(
    all_brokers: list[Broker], tmp_path: Path
) -> None:
    class BrokenRounds:
        ward = SimpleNamespace(stale=False, sickness=Sickness())
        policy = SimpleNamespace(ticks_topic="ticks", home_topic="source")

        async def work(self, _producer: Any, _records: Any) -> None:
            raise RuntimeError("broken")

    async def scene(mine: Bench, app: Any) -> int | None:
        crashed = asyncio.Event()

        async def crash(_error: BaseException) -> None:
            crashed.set()

        async def work(stream: Any) -> None:
            if is_ours(app):
                app.crash = crash  # the process would end here
                await monitor(app, BrokenRounds(), 8, 10.0)
            async for _batch in stream.take(8, within=10.0):
                raise RuntimeError("broken")

        app.agent(app.topic(mine.source, **RAW))(work)
        async with running(app):
            await mine.fill(8)  # not before: stock Faust may drop in its recovery what is there
            if is_ours(app):
                await asyncio.wait_for(crashed.wait(), 30)
                await asyncio.sleep(1.0)
            else:
                await mine.commits(8)
            return await mine.committed()

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=lambda committed: committed == 8):
        assert outcome.ours is None, outcome
