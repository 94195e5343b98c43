"""`stormwatch worker`: one process from its settings to its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import faust
import structlog
import uvloop

from schemas.deadletter import ReasonCode
from stream.compiled import engine
from stream.logs import configure_logging
from stream.metrics import Metrics
from stream.rules import RulesetError, load_ruleset
from stream.version import ENGINE_VERSION, package_version
from stream.worker.app import create_app
from stream.worker.endpoint import serve
from stream.worker.grader import RulesetGrader
from stream.worker.huge_pages import HugePages
from stream.worker.observe import Observer
from stream.worker.preflight import PreflightError, check_topics
from stream.worker.progress import ProgressPolicy
from stream.worker.watch import Watch, end_process

if TYPE_CHECKING:
    from stream.settings import Settings
    from stream.worker.app import WorkerApp

EXIT_STOPPED = 0
EXIT_CRASHED = 1
EXIT_REFUSED = 2  # a setting, the ruleset or the port
EXIT_EVICTED = 70  # our partitions are others', or may be before all of ours is written
EXIT_BROKER = 3  # no broker, or its topics are not as they must be

THREADS_END_S = 3.0
"""So long may threads take to end once the worker has."""

COLLECT_AFTER = 50_000, 1_000_000, 1_000_000
"""Thresholds of Python's collector: objects more than before, and collections of the generation
below. So it looks at young ones alone, when most of what was read ahead is worked off and gone; at
all others when they were put away, in a rebalance."""

log = structlog.get_logger(__name__)


def run_worker(settings: Settings) -> int:
    """Run until a signal or a crash; returns the exit code.

    0: stopped by SIGTERM or SIGINT. 1: crashed, or could not stop within 20 s (brokers away);
    nothing unfinished was acknowledged: start again.
    2: refused to start for a setting, the ruleset or the port; 3: for the broker or its topics;
    the log says why. 70: the group gave our partitions away while this process stood still, or
    gives them away before what we hold could be written; nothing is written any more: start again.
    The watch thread ends a process that is stuck with
    71 to 82 (`PARTS` in `stream.worker.progress`): start again.
    """
    configure_logging(settings)
    try:
        ruleset = load_ruleset(settings.ruleset)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        check_topics(settings)
    except (RulesetError, PreflightError, OSError) as error:
        log.error("worker refused to start", reason=str(error))  # noqa: TRY400 - not a fault of ours
        return EXIT_BROKER if isinstance(error, PreflightError) else EXIT_REFUSED
    mode, reason = engine()
    log.info("engine", mode=mode, reason=reason, engine_version=ENGINE_VERSION)
    metrics = Metrics()
    uvloop.install()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker_app = create_app(settings, RulesetGrader(ruleset), metrics)
    metrics.prepare(worker_app.sources, [reason.value for reason in ReasonCode])
    metrics.build.info({"version": package_version(), "engine_version": ENGINE_VERSION})
    metrics.ruleset.info({"name": ruleset.name, "version": ruleset.version, "hash": ruleset.hash})
    watch = _watch(worker_app, settings, metrics)
    try:
        server = serve(
            settings.metrics_host,
            settings.metrics_port,
            metrics.registry,
            watch,
        )
    except OSError as error:
        log.error("worker refused to start", reason=f"metrics_port: {error}")  # noqa: TRY400
        return EXIT_REFUSED
    log.info("metrics served", host=settings.metrics_host, port=server.server_port)
    _tell(worker_app, metrics, server.server_port)
    worker_app.app.transport.lease.on_lost = _leave_evicted
    watch.start()
    huge_pages = HugePages()
    if settings.huge_pages:
        huge_pages.start()
    try:
        code = _run(worker_app.app, loop)
    finally:
        huge_pages.finish()
        watch.finish()
        server.shutdown()
    _outlive_threads(code)
    return code


def _leave_evicted(why: str) -> None:
    log.critical(why, exit_code=EXIT_EVICTED)
    end_process(EXIT_EVICTED)


def _outlive_threads(code: int) -> None:
    """A thread that does not end keeps no process that has nothing left to do.

    That of the client does not, for example, while it waits for records that no broker gives.
    """
    deadline = time.monotonic() + THREADS_END_S
    others = [one for one in threading.enumerate() if one is not threading.current_thread()]
    for thread in others:
        if not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
    left = [one.name for one in others if one.is_alive() and not one.daemon]
    if left:
        log.warning("threads did not end; leaving without them", threads=left)
        sys.stdout.flush()
        end_process(code)


def _watch(parts: WorkerApp, settings: Settings, metrics: Metrics) -> Watch:
    policy = ProgressPolicy.of(
        stall_s=settings.stall_timeout_s,
        recovery_s=settings.recovery_timeout_s,
        brokers_s=settings.broker_timeout_s,
        commit_interval_s=settings.commit_interval_s,
        tick_interval_s=settings.tick_interval_s,
    )
    return Watch(Observer(parts.app, parts.sources, parts.ticker), policy, metrics)


def _run(app: Any, loop: asyncio.AbstractEventLoop) -> int:
    # Nearly all that a worker makes ends by its reference count. Looking for cycles among the
    # states of a thousand patients took a fifth of its time, in pauses that alerts waited for.
    gc.set_threshold(*COLLECT_AFTER)
    worker = faust.Worker(app, loop=loop, override_logging=False, quiet=True)
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        # A service that crashed while the others were stopping does not always reach the worker.
        crashed = bool(ended.code) or app.crash_reason is not None
    except BaseException:
        log.exception("worker crashed")
        crashed = True
    log.info("worker ended", crashed=crashed)
    return EXIT_CRASHED if crashed else EXIT_STOPPED


def _tell(parts: WorkerApp, metrics: Metrics, metrics_port: int) -> None:
    """Rebalances and recoveries, in the metrics and in one line on standard output."""
    app, started = parts.app, time.monotonic()
    moments = {"from": started}
    first, restored = [True], [0]

    def revoked(*_: Any, **__: Any) -> None:
        metrics.recovered.set(0)
        metrics.rebalances.inc()
        moments["from"] = time.monotonic()

    def ready() -> None:
        partitions = sorted(
            tp.partition
            for tp in app.consumer.assignment()
            if tp.topic == parts.rounds.policy.home_topic
        )
        parts.rounds.refresh(set(partitions))  # what cannot be read ends the worker here
        gc.collect()  # see COLLECT_AFTER: no patient's state is at hand now
        seconds = round(time.monotonic() - moments["from"], 3)
        metrics.recovered.set(1)
        metrics.recovery.set(seconds)
        recovery = app.tables.recovery
        metrics.restore.set(recovery.restore_s)
        metrics.restored.inc(recovery.restored - restored[0])
        restored[0] = recovery.restored
        metrics.assigned.set(len(partitions))
        patients = len(parts.rounds.ward)
        log.info("recovered", partitions=partitions, patients=patients, seconds=seconds)
        if first.pop() if first else False:
            with contextlib.suppress(OSError):  # nobody has to listen
                print(
                    f"worker ready partitions={len(partitions)} metrics={metrics_port}"
                    f" seconds={time.monotonic() - started:.1f}",
                    flush=True,
                )

    app.on_partitions_revoked.connect(revoked, weak=False)
    app.tables.on_ready = ready
