"""The Faust app: every setting of it, and the parts wired together.

Why each value is what it is stands beside it; what Faust gets wrong is mended in
`stream.worker.faust_repairs`.
"""

from __future__ import annotations

import asyncio
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import faust
import structlog
from aiokafka.errors import KafkaError

from stream.topics import LARGEST_LETTER
from stream.worker.agent import Rounds, monitor
from stream.worker.batch import BatchPolicy
from stream.worker.changelogs import Changelogs, Span
from stream.worker.clock import SteadyClock
from stream.worker.faust_recovery import OwnChangelogTable, SafeTableManager
from stream.worker.faust_repairs import ByRecordTime, QuietMonitor
from stream.worker.marks import latest_owner
from stream.worker.outstanding import WatchedTransport
from stream.worker.preflight import TABLES
from stream.worker.ticks import Ticker, forever
from stream.worker.ward import Ward

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream.metrics import Metrics
    from stream.settings import Settings
    from stream.worker.grader import Grader
    from stream.worker.unsettled import Place

log = structlog.get_logger(__name__)

RAW = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
"""Faust decodes nothing: what it cannot decode it drops, or stops at, without a word."""

CHANGELOG = {
    "segment.ms": "600000",  # the newest segment is never compacted: keep it short
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": "3600000",
    "delete.retention.ms": "86400000",
}
SOURCES = ("vitals", "care")
TICKS = "ticks"
LEAVE_S = 5.0
"""Longest wait for states to be written while a rebalance, or the end, waits for it."""


@dataclass(frozen=True, slots=True)
class WorkerApp:
    """The app and those of its parts that others speak to."""

    app: Any
    rounds: Rounds
    sources: tuple[str, ...]
    tables: tuple[Any, ...]
    ticker: Ticker


def worker_name() -> str:
    """What dead letters and log lines call this worker."""
    return platform.node() or "worker"


def policy_of(settings: Settings) -> BatchPolicy:
    """Names and limits as the settings say."""
    name = settings.topic_prefix.__add__
    return BatchPolicy(
        home_topic=name(SOURCES[0]),
        ticks_topic=name(TICKS),
        alerts_topic=name("alerts"),
        deadletter_topic=name("deadletter"),
        status_topic=name("status"),
        partitions=settings.partitions,
        max_ahead=int(settings.max_ahead_s * 1_000_000),
        max_record_bytes=settings.max_record_bytes,
        deadletters_per_minute=settings.deadletters_per_minute,
        application_id=settings.application_id,
        worker=worker_name(),
        hash_key=settings.hash_key.get_secret_value().encode(),
    )


def create_app(settings: Settings, grader: Grader, metrics: Metrics) -> WorkerApp:
    """Build an app; nothing is connected and nothing is shared between two of them."""
    policy = policy_of(settings)
    app = _faust_app(settings)
    app.transport = app.producer_transport = WatchedTransport(app.conf.broker_consumer, app)
    sources = (*(settings.topic_prefix + name for name in SOURCES), policy.ticks_topic)
    # One agent on one channel of several topics: one queue, one writer for each patient.
    channel = app.topic(*sources, **RAW)
    tables = tuple(
        app.Table(
            name,
            key_type=bytes,
            value_type=bytes,
            partitions=settings.partitions,
            extra_topic_configs=CHANGELOG,
        )
        for name in TABLES
    )
    ward = Ward(tables[0].data.data, tables[1].data.data, settings.partitions)
    changelogs = _changelogs(app, ward, tables)
    clock = SteadyClock()
    # Its share of the stall timeout leaves room for the write and the commit.
    write_after = min(settings.state_interval_s, settings.stall_timeout_s / 3)
    rounds = Rounds(ward, grader, policy, changelogs, metrics, clock=clock, write_after=write_after)

    async def work(_stream: Any) -> None:
        await monitor(app, rounds, settings.batch_max_events, settings.batch_within_s)

    app.agent(channel, name="monitor", concurrency=1)(work)
    ticker = Ticker(
        rounds,
        metrics,
        sources,
        settings.tick_interval_s,
        ticks=settings.ticks == "wall",
        clock=clock,
    )

    async def tick() -> None:
        await forever(ticker, app)

    app.task(tick)
    _connect(app, rounds, tables)
    return WorkerApp(app, rounds, sources, tables, ticker)


def _changelogs(app: Any, ward: Ward, tables: tuple[Any, ...]) -> Changelogs:
    async def read(span: Span) -> Any:
        if ward.stale:
            return None
        records = await app.consumer.read_span(span.tp, span.first, span.end)
        if latest_owner(records or ()) > app.consumer_generation_id:
            app.transport.lease.lose("another worker owns a partition of ours")
            app.transport.lease.check()
        return records

    topics = (tables[0].changelog_topic_name, tables[1].changelog_topic_name)
    return Changelogs(ward, topics, lambda: app.tables.recovery.positions, read)


def _connect(app: Any, rounds: Rounds, tables: tuple[Any, ...]) -> None:
    """What was assembled from the tables is looked at anew after every rebalance."""

    def stale(*_: Any, **__: Any) -> None:
        rounds.ward.stale = True

    async def recovered() -> None:
        stale()

    def settle(places: Iterable[Place]) -> None:
        # What was worked before a rebalance is read again by whoever owns it now.
        if not rounds.ward.stale:
            app.consumer.settle(places)

    async def leave() -> None:
        try:
            async with asyncio.timeout(LEAVE_S):
                await rounds.writer.write_all(app.producer)
        except (TimeoutError, KafkaError) as error:
            why = type(error).__name__
            log.warning("states were not written; their records are read again", reason=why)
            # The client may hold some, and would send them when others own the partitions.
            app.transport.lease.lose("the partitions go to others before our states are written")
        stale()  # from here on they are not ours to write

    rounds.writer.settle = settle
    app.transport.before_leaving = leave
    app.on_partitions_assigned.connect(stale, weak=False)
    for table in tables:
        table.on_recover(recovered)


def _faust_app(settings: Settings) -> Any:
    session = settings.session_timeout_s
    patience = 5 + max(25.0, settings.broker_timeout_s, settings.stall_timeout_s)
    return faust.App(
        settings.application_id,
        env_prefix="STORMWATCH_FAUST_",  # no variable of strangers reconfigures the worker
        broker=";".join(f"kafka://{server}" for server in settings.bootstrap_servers.split(",")),
        broker_credentials=settings.faust_credentials(),
        version=1,
        datadir=str(settings.data_dir),
        store="memory://",
        table_standby_replicas=settings.standby_replicas,
        Table=OwnChangelogTable,
        TableManager=SafeTableManager,
        Monitor=QuietMonitor,
        ConsumerScheduler=ByRecordTime,
        cython_optimizations=True,
        processing_guarantee="at_least_once",  # exactly_once does not cover topics it only writes
        producer_acks=-1,
        producer_linger=0.0,  # what is sent together is handed over at once, and then waited for
        producer_max_batch_size=262_144,
        producer_max_request_size=LARGEST_LETTER,
        # Faust's default hides a dead broker for 20 minutes; the watch speaks first.
        producer_request_timeout=patience,
        broker_request_timeout=max(patience, session + 5),
        broker_session_timeout=session,
        broker_heartbeat_interval=max(0.3, session / 3.3),
        broker_rebalance_timeout=max(20.0, 2 * session),
        broker_max_poll_records=2000,
        consumer_max_fetch_size=262_144,  # a flooded partition's turn is short: see Overload
        stream_buffer_maxsize=1024,  # of changelogs that stand by; source records: see reading
        broker_commit_interval=settings.commit_interval_s,
        broker_check_crcs=True,
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication_factor,
        topic_disable_leader=True,
        web_enabled=False,  # its default is an open port that hands out tables
        worker_redirect_stdouts=False,
        autodiscover=False,
    )
