"""`stormwatch router`: one process from its settings to its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import time
from typing import TYPE_CHECKING, Final

import structlog

from stream import topics
from stream.logs import configure_logging
from stream.router.addresses import SecretMissing
from stream.router.config import RoutesError, load_routes
from stream.router.directory import Directory
from stream.router.endpoint import serve
from stream.router.health import Health, Watchdog
from stream.router.lane import Lane, undelivered_topic
from stream.router.metrics import RouterMetrics
from stream.router.receivers import make_receiver
from stream.router.scribe import Scribe
from stream.router.source import Source
from stream.version import package_version
from stream.worker.preflight import PreflightError

if TYPE_CHECKING:
    from stream.router.config import Routes
    from stream.router.message import Receiver
    from stream.settings import Settings

EXIT_STOPPED: Final = 0
EXIT_CRASHED: Final = 1
EXIT_REFUSED: Final = 2  # a setting, the routes, a secret or the port
EXIT_BROKER: Final = 3  # no broker, or its topics are not as they must be
EXIT_FENCED: Final = 70  # another router with our router_id reads now

STOP_S: Final = 15.0

log = structlog.get_logger(__name__)


class Refused(Exception):  # noqa: N818 - it names the fact
    """Something that only a person can mend; the text says what."""


def run_router(settings: Settings) -> int:
    """Run until a signal or a failure; returns the exit code.

    0: stopped by SIGTERM or SIGINT. 1: crashed. 2: refused to start for a setting, the routes, a
    secret or the port; 3: for the broker or its topics. 70: another router has taken our name. 71:
    a part stood still, and the watchdog ended the process. The log says why; start again, except
    after 2. Nothing is lost by any of them: what was not committed is sent again.
    """
    configure_logging(settings)
    # It warns of each of its own turns that took 0.1 s: on a busy machine of little else.
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)
    try:
        routes = load_routes(settings.routes)
        _check_topics(settings, routes)
        return asyncio.run(_run(settings, routes))
    except PreflightError as error:
        log.error("router refused to start", reason=str(error))  # noqa: TRY400 - not a fault of ours
        return EXIT_BROKER
    except (RoutesError, Refused) as error:
        log.error("router refused to start", reason=str(error))  # noqa: TRY400
        return EXIT_REFUSED
    except Exception:
        log.exception("router crashed")
        return EXIT_CRASHED


def _check_topics(settings: Settings, routes: Routes) -> None:
    """Look at the topics it needs, and make its routes' dead-letter topics where missing."""
    sizes = (settings.partitions, settings.replication_factor, settings.topic_prefix)
    needed = topics.needed("router", *sizes)
    own = topics.undelivered(*sizes, (undelivered_topic(route.name) for route in routes.route))
    servers, security = settings.bootstrap_servers, settings.kafka_python_security()
    try:
        problems = topics.check(servers, needed, security)
        if not any(problem.fatal for problem in problems):
            problems += topics.create(servers, own, security).problems
    except topics.TopicsError as error:
        raise PreflightError(str(error)) from error
    fatal = [problem.text for problem in problems if problem.fatal]
    if fatal:
        raise PreflightError("\n".join(fatal))
    for problem in problems:
        log.warning("topic", problem=problem.text, code=problem.code.value)


async def _run(settings: Settings, routes: Routes) -> int:
    began = time.monotonic()
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    metrics = RouterMetrics(route.name for route in routes.route)
    metrics.info.info({"version": package_version(), "router_id": settings.router_id})
    receivers = _receivers(settings, routes)
    scribe, directory = Scribe(settings), Directory(settings)
    lanes = [
        Lane(
            routes,
            route,
            receivers[route.name],
            scribe=scribe,
            metrics=metrics,
            where=directory.location,
            sent=directory.sent,
        )
        for route in routes.route
    ]
    by_name = {lane.route.name: lane for lane in lanes}
    for lane in lanes:
        lane.otherwise = by_name.get(lane.route.otherwise or "")
    sources = [_source(settings, lane, loop) for lane in lanes]
    health = Health(settings, lanes, sources, directory, scribe)
    try:
        server = serve(settings, metrics, health, directory, scribe, loop)
    except OSError as error:
        raise Refused(
            f"router_port: {settings.router_host}:{settings.router_port} cannot be had:"
            f" {error.strerror}; choose another one, or 0 for any that is free"
        ) from error
    log.info("endpoint served", host=settings.router_host, port=server.server_port)
    watchdog = Watchdog(health)
    watchdog.start()
    work: list[asyncio.Task[None]] = []
    code = EXIT_CRASHED
    try:
        directory.start()
        if await _until(directory.ready.is_set, stopping, health):
            # What it knows stays: a full collection that looks through it stops every route, for
            # 0.1 s of CPU with 100,000 alerts known.
            gc.collect()
            gc.freeze()
            work = [asyncio.create_task(lane.run()) for lane in lanes]
            for source in sources:
                source.start()
            if await _until(lambda: all(s.assigned_once for s in sources), stopping, health):
                _tell_ready(len(lanes), server.server_port, time.monotonic() - began)
                await _until(lambda: any(task.done() for task in work), stopping, health)
        code = _code(health, work)
    finally:
        await _stop(lanes, work, sources, directory, scribe)
        watchdog.stop()
        server.shutdown()
    log.info("router ended", exit_code=code)
    return code


def _receivers(settings: Settings, routes: Routes) -> dict[str, Receiver]:
    """One for each route. Raises Refused."""
    made = {}
    for route in routes.route:
        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            made[route.name] = make_receiver(routes.receiver[route.receiver], settings.data_dir)
        except (SecretMissing, OSError) as error:
            raise Refused(f"routes: receiver {route.receiver!r}: {error}") from error
    return made


def _source(settings: Settings, lane: Lane, loop: asyncio.AbstractEventLoop) -> Source:
    return Source(
        settings,
        lane.route.name,
        beginning=lane.route.start == "beginning",
        remember_s=lane.remember_s,
        ledger=lane.ledger,
        arrived=lambda arrivals: _call(loop, lane.arrived, arrivals),
        revoked=lambda numbers: _call(loop, lane.revoked, numbers),
        full=lane.full,
    )


def _call(loop: asyncio.AbstractEventLoop, function: object, *arguments: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended: so will the thread
        loop.call_soon_threadsafe(function, *arguments)  # type: ignore[arg-type]


async def _until(met: object, stopping: asyncio.Event, health: Health) -> bool:
    """Wait for a condition; False where the router is to end instead."""
    while not met():  # type: ignore[operator]
        if stopping.is_set() or health.failure() is not None:
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), 0.1)
    return not stopping.is_set()


def _code(health: Health, work: list[asyncio.Task[None]]) -> int:
    failure = health.failure()
    for task in work:
        if failure is None and task.done() and not task.cancelled():
            failure = task.exception()
    if failure is None:
        return EXIT_STOPPED
    log.critical("a part of the router has failed", reason=repr(failure))
    return EXIT_FENCED if "Fenced" in type(failure).__name__ else EXIT_CRASHED


async def _stop(
    lanes: list[Lane],
    work: list[asyncio.Task[None]],
    sources: list[Source],
    directory: Directory,
    scribe: Scribe,
) -> None:
    """Finish what is under way, commit it, leave the groups."""
    for task in work:
        task.cancel()
    await asyncio.gather(*(lane.finish(STOP_S / 3) for lane in lanes))
    threads: list[Source | Directory] = [*sources, directory]
    for thread in threads:
        thread.stop()
    for thread in threads:
        if thread.is_alive():
            await asyncio.to_thread(thread.join, STOP_S / 3)
    await asyncio.to_thread(scribe.close, STOP_S / 3)


def _tell_ready(routes: int, port: int, seconds: float) -> None:
    with contextlib.suppress(OSError):  # nobody has to listen
        print(f"router ready routes={routes} port={port} seconds={seconds:.1f}", flush=True)
