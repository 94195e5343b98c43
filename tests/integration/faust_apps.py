"""Small Faust apps on a real broker, inside the test's own process: stock, or with our repairs."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import faust
import pytest
from faust.types import TP
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import CoordinatorNotAvailableError
from kafka.structs import OffsetAndMetadata
from mode.threads import WorkerThread

from stream.worker.faust_recovery import OwnChangelogTable, SafeTableManager
from stream.worker.faust_repairs import QuietMonitor
from stream.worker.lean import LeanConsumer
from stream.worker.outstanding import WatchedTransport
from stream.worker.unsettled import places_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
    from pathlib import Path

    from brokers import Broker

    from stream.worker.chunks import Chunk

RAW = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
WITHIN_S = 30
STOP_S = 4
ATTEMPTS = 4
LEFTOVERS = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
"""For every file that uses these apps: stopped in the middle, they leave coroutines behind."""
T = TypeVar("T")


class DaemonThread(WorkerThread):
    def __init__(self, service: Any) -> None:
        super().__init__(service)
        self.daemon = True


@dataclass(frozen=True, slots=True)
class Bench:
    """One app's topics on a broker: `source`, `alerts` and the changelogs of two tables."""

    bootstrap: str
    name: str

    @property
    def source(self) -> str:
        return f"{self.name}-source"

    @property
    def alerts(self) -> str:
        return f"{self.name}-alerts"

    def changelog(self, table: str) -> str:
        return f"{self.name}-{table}-changelog"

    @property
    def home(self) -> Any:
        """The source's one partition."""
        return TP(self.source, 0)

    def send(self, topic: str, values: Iterable[bytes]) -> None:
        with KafkaProducer(bootstrap_servers=self.bootstrap, acks="all") as producer:
            for value in values:
                producer.send(topic, key=value[:3], value=value, partition=0)
            producer.flush()

    async def fill(self, count: int, first: int = 0) -> None:
        """Numbered records in the source."""
        values = [b"%03d" % n for n in range(first, first + count)]
        await asyncio.to_thread(self.send, self.source, values)

    async def committed(self) -> int | None:
        """What the group has committed of the source, asked of the broker."""
        found = (await self._ask(lambda admin: admin.list_group_offsets(self.name)))[self.name]
        for tp, stands in found.items():
            if tp.topic == self.source and stands.offset >= 0:
                return int(stands.offset)
        return None

    async def commit(self, offset: int) -> None:
        """As if a worker of the group had come this far."""
        stands = {TopicPartition(self.source, 0): OffsetAndMetadata(offset, "", -1)}
        for _ in range(50):  # a coordinator that still loads refuses it, and raises nothing here
            await self._ask(lambda admin: admin.alter_group_offsets(self.name, stands))
            if await self.committed() == offset:
                return
            await asyncio.sleep(0.2)
        raise TimeoutError("the group's offset could not be set")

    async def _ask(self, question: Callable[[KafkaAdminClient], Any]) -> Any:
        """A broker that has just started makes its coordinators when first asked for one."""

        def ask() -> Any:
            for _ in range(50):
                with (
                    suppress(CoordinatorNotAvailableError),
                    KafkaAdminClient(bootstrap_servers=self.bootstrap) as admin,
                ):
                    return question(admin)
                time.sleep(0.2)
            raise TimeoutError("no group coordinator")

        return await asyncio.to_thread(ask)

    async def commits(self, wanted: int | None) -> bool:
        """Whether the group commits this, within a time that is ample."""
        deadline = time.monotonic() + WITHIN_S
        while await self.committed() != wanted:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.2)
        return True


def is_ours(app: Any) -> bool:
    return isinstance(app.consumer, LeanConsumer)


async def until(happens: Callable[[], bool], seconds: float = WITHIN_S) -> bool:
    """Whether it happens in time."""
    deadline = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


@contextmanager
def bench(broker: Broker, windows: Iterable[bytes] = ()) -> Iterator[Bench]:
    """Topics of one partition each, with one record in the changelog of `patients`."""
    mine = Bench(broker.bootstrap, f"f{uuid.uuid4().hex[:8]}")
    names: dict[str, dict[str, str]] = {
        mine.source: {},
        mine.alerts: {"max.message.bytes": "1000"},
        mine.changelog("patients"): {},
        mine.changelog("windows"): {},
    }
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.create_topics(
            [
                NewTopic(name, num_partitions=1, replication_factor=1, topic_configs=configs)
                for name, configs in names.items()
            ]
        )
        mine.send(mine.changelog("patients"), [b"restored"])
        mine.send(mine.changelog("windows"), windows)
        try:
            yield mine
        finally:
            admin.delete_topics(list(names), raise_errors=False)


def faust_app(mine: Bench, home: Path, *, repaired: bool) -> Any:
    """An app with two tables, as Faust ships or with our repairs."""
    repairs: dict[str, Any] = {
        "TableManager": SafeTableManager, "Table": OwnChangelogTable, "Monitor": QuietMonitor
    }  # fmt: skip
    app = faust.App(
        mine.name, broker=f"kafka://{mine.bootstrap}", store="memory://", datadir=str(home),
        topic_partitions=1, topic_disable_leader=True, topic_allow_declare=False, web_enabled=False,
        autodiscover=False, broker_session_timeout=10.0, broker_heartbeat_interval=1.0,
        broker_commit_interval=0.3, stream_wait_empty=False, **(repairs if repaired else {}),
    )  # fmt: skip
    if repaired:
        app.transport = app.producer_transport = WatchedTransport(app.conf.broker_consumer, app)
    for name in ("patients", "windows"):
        app.Table(name, key_type=bytes, value_type=bytes, partitions=1)
    return app


@asynccontextmanager
async def running(app: Any, *, until_ready: bool = True) -> AsyncIterator[Any]:
    """The app from its start until it is recovered, and stopped at the end."""
    app.finalize()
    app.consumer._thread.Worker = DaemonThread  # where a stop hangs, the test does not
    starting = asyncio.create_task(app.maybe_start())
    try:
        if until_ready:
            assert await until(lambda: app.tables.actives_ready), "never recovered"
        yield app
    finally:
        # An app that shows a fault does not always stop.
        await asyncio.wait({starting, asyncio.create_task(app.stop())}, timeout=STOP_S)


def play(scenes: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`, but what does not end when it is cancelled is left behind."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(scenes)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=STOP_S))
        loop.close()


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """How a scene ended on one broker: with Faust as it ships, and with our repairs."""

    broker: str
    stock: T | AssertionError  # of a scene that did not even come to its end
    ours: T


def outcomes(
    brokers: Iterable[Broker],
    home: Path,
    scene: Callable[[Bench, Any], Awaitable[T]],
    windows: Iterable[bytes] = (),
    *,
    shows: Callable[[T], bool],
) -> list[Outcome[T]]:
    """Play a scene on each broker, with both kinds of app, all side by side.

    `shows` tells of a result whether Faust's fault is in it. The faults are races: where the stock
    app got away, both are played anew, until it does not. It is an error if stock never shows the
    fault: then Faust has it no more, or the scene no longer brings it out. The result has every
    attempt, as in each of them our app must be right.
    """
    played: list[Outcome[T]] = []
    left = list(brokers)
    for _ in range(ATTEMPTS):
        attempt = _attempt(left, home, scene, windows)
        played += attempt
        left = [
            broker
            for broker, outcome in zip(left, attempt, strict=True)
            if isinstance(outcome.stock, AssertionError) or not shows(outcome.stock)
        ]
        if not left:
            return played
    raise AssertionError(f"stock Faust did not show the fault on {left}: {played}")


def _attempt(
    brokers: list[Broker],
    home: Path,
    scene: Callable[[Bench, Any], Awaitable[T]],
    windows: Iterable[bytes],
) -> list[Outcome[T]]:
    async def act(mine: Bench, *, repaired: bool) -> T:
        folder = home / mine.name
        folder.mkdir()
        return await scene(mine, faust_app(mine, folder, repaired=repaired))

    async def acts(benches: list[Bench]) -> list[T | BaseException]:
        return await asyncio.gather(
            *(act(mine, repaired=n % 2 == 1) for n, mine in enumerate(benches)),
            return_exceptions=True,
        )

    with ExitStack() as stack:
        kinds = [broker for broker in brokers for _ in ("stock", "ours")]
        benches = [stack.enter_context(bench(broker, windows)) for broker in kinds]
        played = play(acts(benches))
    ended: list[Outcome[T]] = []
    for broker, stock, ours in zip(brokers, played[::2], played[1::2], strict=True):
        if isinstance(ours, BaseException):
            raise ours
        if isinstance(stock, BaseException) and not isinstance(stock, AssertionError):
            raise stock
        ended.append(Outcome(broker.kind, stock, ours))
    return ended


class Taking:
    """Stands for the agent's reader: takes every record, at once."""

    within = 0.0

    def __init__(self) -> None:
        self.records: asyncio.Queue[Any] = asyncio.Queue()

    def offer(self, chunk: Chunk) -> bool:
        for record in chunk.records:
            self.records.put_nowait(record)
        return True


async def messages(app: Any, stream: Any) -> AsyncIterator[Any]:
    """What an agent is given, one by one: by Faust's stream, or by our consumer."""
    if is_ours(app):
        reader = app.consumer.reader = Taking()
        while True:
            yield await reader.records.get()
    async for event in stream.noack().events():
        yield event.message


def done(app: Any, message: Any) -> None:
    """What an agent says of a message that it has worked off."""
    if is_ours(app):
        app.consumer.settle(places_of([message]))
    else:
        app.consumer.ack(message)
