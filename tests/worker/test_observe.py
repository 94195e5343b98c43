"""What the observer asks of the brokers: each leader for itself."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition

from stream.worker.observe import Observer

HERE, AWAY, LEADERLESS = (TopicPartition("vitals", n) for n in range(3))
LEADERS = {HERE: 1, AWAY: 2, LEADERLESS: -1}


class Client:
    """A cluster of which broker 2 does not answer."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self._client = SimpleNamespace(
            cluster=SimpleNamespace(leader_for_partition=LEADERS.__getitem__),
            fetch_all_metadata=self.metadata,
        )

    async def metadata(self) -> None:
        self.asked.append("any")

    async def beginning_offsets(self, tps: list[Any]) -> dict[Any, int]:
        self.asked.append(tuple(tps))
        if AWAY in tps:
            await asyncio.sleep(600)
        return dict.fromkeys(tps, 3)

    async def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, 9)


async def ask(observer: Any, client: Any, tps: list[Any], times: int = 1) -> None:
    for _ in range(times):
        observer._ask_brokers(client, tps)
        for _ in range(5):
            await asyncio.sleep(0)


def observer_of() -> Any:
    return Observer(SimpleNamespace(), ["vitals"], SimpleNamespace())  # type: ignore[arg-type]


def test_a_leader_that_is_away_delays_no_other() -> None:
    observer, client = observer_of(), Client()
    asyncio.run(ask(observer, client, [HERE, AWAY, LEADERLESS], times=3))
    assert client.asked == [(HERE,), (AWAY,), (HERE,), (HERE,)]
    assert observer._answers == 3
    assert {tp: extent[:2] for tp, extent in observer._extents.items()} == {HERE: (3, 9)}


def test_where_no_partition_has_a_leader_any_broker_will_do() -> None:
    observer, client = observer_of(), Client()
    asyncio.run(ask(observer, client, []))
    asyncio.run(ask(observer, client, [LEADERLESS]))
    assert client.asked == ["any", "any"]
    assert observer._answers == 2


def test_an_error_is_no_answer_and_is_asked_again() -> None:
    observer, client = observer_of(), Client()

    async def refuse() -> None:
        raise KafkaConnectionError

    client._client.fetch_all_metadata = refuse
    asyncio.run(ask(observer, client, [], times=2))
    assert observer._answers == 0


def test_what_is_no_longer_ours_is_forgotten() -> None:
    observer, client = observer_of(), Client()
    asyncio.run(ask(observer, client, [HERE]))
    asyncio.run(ask(observer, client, []))
    assert not observer._extents
