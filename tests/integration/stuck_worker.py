"""A worker in which one part is made to stand still: `python stuck_worker.py PART`."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import UnknownError

from stream.settings import load_settings
from stream.worker import run
from stream.worker.progress import Part

if TYPE_CHECKING:
    from collections.abc import Callable

FOREVER_S = 600


async def never(*_: Any, **__: Any) -> None:
    await asyncio.sleep(FOREVER_S)


async def nothing_read(*_: Any, timeout: float = 1.0, **__: Any) -> Any:  # noqa: ASYNC109
    await asyncio.sleep(timeout)
    return {}


async def refused(*_: Any) -> None:
    raise UnknownError


def block_main_loop(parts: Any) -> None:
    parts.app.loop.call_soon_threadsafe(time.sleep, FOREVER_S)


def block_consumer_loop(parts: Any) -> None:
    parts.app._consumer._thread.thread_loop.call_soon_threadsafe(time.sleep, FOREVER_S)


def stop_fetcher(parts: Any) -> None:
    asyncio.run_coroutine_threadsafe(parts.app._fetcher.stop(), parts.app.loop)


def stop_agent(parts: Any) -> None:
    """As if it had ended and its supervisor had not noticed."""
    (agent,) = parts.app.agents.values()
    asyncio.run_coroutine_threadsafe(agent.supervisor.stop(), parts.app.loop)


def stop_sender(parts: Any) -> None:
    """The client's own task that sends what was handed over."""
    producer = parts.app._producer._producer
    parts.app.loop.call_soon_threadsafe(producer._sender._sender_task.cancel)


def hang_ticker(parts: Any) -> None:
    parts.ticker.round = never


def stop_commits(parts: Any) -> None:
    parts.app._consumer.force_commit = nothing_read


def pause_one_partition(parts: Any) -> None:
    consumer = parts.app._consumer
    tp = min(tp for tp in consumer.assignment() if tp.topic == parts.rounds.policy.home_topic)
    parts.app.loop.call_soon_threadsafe(consumer.pause_partitions, {tp})


ONCE_READY: dict[Part, Callable[[Any], None]] = {
    Part.MAIN_LOOP: block_main_loop,
    Part.CONSUMER_LOOP: block_consumer_loop,
    Part.FETCHER: stop_fetcher,
    Part.AGENT: stop_agent,
    Part.PRODUCER: stop_sender,
    Part.TICKER: hang_ticker,
    Part.COMMIT: stop_commits,
    Part.PARTITION: pause_one_partition,
}
FROM_THE_START: dict[Part, tuple[type, str, Any]] = {
    Part.COORDINATOR: (GroupCoordinator, "_do_rejoin_group", refused),
    Part.ASSIGNMENT: (GroupCoordinator, "_do_rejoin_group", never),
    Part.RECOVERY: (Fetcher, "fetched_records", nothing_read),
}


def main(part: Part) -> int:
    if part in FROM_THE_START:
        owner, name, fault = FROM_THE_START[part]
        setattr(owner, name, fault)
    create_app = run.create_app

    def create(*args: Any) -> Any:
        parts = create_app(*args)

        def break_it() -> None:
            while not parts.app.tables.actives_ready:
                time.sleep(0.1)
            ONCE_READY[part](parts)

        if part in ONCE_READY:
            threading.Thread(target=break_it, daemon=True).start()
        return parts

    run.create_app = create
    return run.run_worker(load_settings())


if __name__ == "__main__":
    sys.exit(main(Part(sys.argv[1])))
