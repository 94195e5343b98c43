"""Faust's faults that nobody is told of, on real brokers: as it ships, and with our repairs."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError, UnknownError
from faust_apps import LEFTOVERS, RAW, Bench, done, is_ours, messages, outcomes, running, until

from stream.metrics import Metrics
from stream.worker.faust_repairs import delivered
from stream.worker.observe import Observer
from stream.worker.progress import ProgressPolicy
from stream.worker.unsettled import Unsettled
from stream.worker.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path

    from brokers import Broker

pytestmark = LEFTOVERS


async def idle(stream: Any) -> None:
    async for _ in stream:
        pass


def test_one_error_of_the_coordinator_leaves_a_worker_without_partitions(
    all_brokers: list[Broker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each member's first join fails, once."""
    rejoin, failed = GroupCoordinator._do_rejoin_group, set()

    async def first_time_fails(self: Any, subscription: Any) -> Any:
        if self.group_id not in failed:
            failed.add(self.group_id)
            raise UnknownError
        return await rejoin(self, subscription)

    monkeypatch.setattr(GroupCoordinator, "_do_rejoin_group", first_time_fails)

    async def scene(mine: Bench, app: Any) -> tuple[bool, bool]:
        app.agent(app.topic(mine.source, **RAW))(idle)
        async with running(app, until_ready=False):
            assert await until(lambda: mine.name in failed)
            coordinator = app.consumer._thread._consumer._coordinator
            watch = Watch(Observer(app, [mine.source], Ticker()), ProgressPolicy(), Metrics())  # type: ignore[arg-type]
            if is_ours(app):
                watch.start()
            ready = await until(lambda: app.tables.actives_ready, 30 if is_ours(app) else 3)
            # Nobody but `check_errors` takes the error away, and aiokafka waits until it is taken.
            waits = coordinator._error_consumed_fut is not None
            watch.finish()
            return ready, waits

    def waits_for_ever(result: tuple[bool, bool]) -> bool:
        return result == (False, True)

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=waits_for_ever):
        assert outcome.ours == (True, False), outcome


class Ticker:
    rounds_made = 0
    rounds = SimpleNamespace(writer=SimpleNamespace(unsettled=Unsettled()), in_backlog=0)


def test_a_poisoned_record_that_faust_decodes_ends_an_agent_without_a_word(
    all_brokers: list[Broker], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Stock: `take` on a topic of JSON. Ours: bytes, decoded in the agent."""

    async def scene(mine: Bench, app: Any) -> list[int]:
        seen: list[int] = []

        async def decoded(stream: Any) -> None:
            async for batch in stream.take(2, within=0.1):
                seen.extend(value["n"] for value in batch)

        async def raw(stream: Any) -> None:
            async for message in messages(app, stream):
                try:
                    seen.append(json.loads(message.value)["n"])
                except ValueError:
                    seen.append(-1)  # a dead letter
                done(app, message)

        if is_ours(app):
            app.agent(app.topic(mine.source, **RAW))(raw)
        else:
            topic = app.topic(
                mine.source, **(RAW | {"value_type": None, "value_serializer": "json"})
            )
            app.agent(topic)(decoded)
        async with running(app):
            await asyncio.to_thread(mine.send, mine.source, [b'{"n": 1}'])
            assert await until(lambda: seen == [1])
            await asyncio.to_thread(mine.send, mine.source, [b"{", b'{"n": 2}', b'{"n": 3}'])
            await until(lambda: 3 in seen, 30 if is_ours(app) else 3)
            return seen

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=lambda seen: seen == [1]):
        assert outcome.ours == [1, -1, 2, 3], outcome
        assert not [r for r in caplog.records if r.levelname == "ERROR" and "faust" in r.name], (
            outcome
        )


def test_a_send_that_the_broker_refuses_later_is_committed_all_the_same(
    all_brokers: list[Broker], tmp_path: Path
) -> None:
    """The alerts topic takes small records only; the client does not know."""

    async def scene(mine: Bench, app: Any) -> tuple[bool, int | None]:
        noticed = asyncio.Event()

        async def work(stream: Any) -> None:
            async for message in messages(app, stream):
                alert = message.value * 1000
                if is_ours(app):
                    try:
                        await delivered(app.producer, [(mine.alerts, None, alert, 0, None)])
                    except KafkaError:
                        noticed.set()  # the process would end here
                        await asyncio.Event().wait()
                else:
                    await app.topic(mine.alerts, **RAW).send(key=b"k", value=alert)
                done(app, message)

        app.agent(app.topic(mine.source, **RAW))(work)
        async with running(app):
            await mine.fill(1)
            await mine.commits(None if is_ours(app) else 1)
            await until(noticed.is_set, 30 if is_ours(app) else 0)
            await asyncio.sleep(1.0)
            return noticed.is_set(), await mine.committed()

    def committed_unsent(result: tuple[bool, int | None]) -> bool:
        return result == (False, 1)

    for outcome in outcomes(all_brokers, tmp_path, scene, shows=committed_unsent):
        assert outcome.ours == (True, None), outcome
