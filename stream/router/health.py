"""Whether the router goes on and does its work: for the probes, and for the watchdog."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

import structlog

from stream.worker.health import Check, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.router.directory import Directory
    from stream.router.lane import Lane
    from stream.router.scribe import Scribe
    from stream.router.source import Source
    from stream.settings import Settings

log = structlog.get_logger(__name__)

EXIT_STUCK: Final = 71


class Health:
    """Asked from other threads: it only reads."""

    def __init__(
        self,
        settings: Settings,
        lanes: Sequence[Lane],
        sources: Sequence[Source],
        directory: Directory,
        scribe: Scribe,
    ) -> None:
        self._limit_s = settings.stall_timeout_s
        self._lanes, self._sources = lanes, sources
        self._directory, self._scribe = directory, scribe

    def failure(self) -> BaseException | None:
        """Why a thread has ended, the first that has."""
        failures = [source.failure for source in self._sources]
        failures.append(self._directory.failure)
        return next((failure for failure in failures if failure is not None), None)

    def live(self) -> Report:
        """Each part that moves moved lately. A receiver that is away is no reason to start anew."""
        now = time.monotonic()
        checks = [self._moves("directory", now, self._directory.polled, self._directory.is_alive())]
        for lane, source in zip(self._lanes, self._sources, strict=True):
            began = source.is_alive()
            name = lane.route.name
            checks.append(self._moves(f"route-{name}-reading", now, source.polled, began))
            checks.append(self._moves(f"route-{name}-delivery", now, lane.turned, began))
        return Report("livez", tuple(checks))

    def ready(self) -> Report:
        """It knows where patients are, every route reads, and what is sent is written down."""
        known = self._directory.ready.is_set()
        checks = [Check("directory", known, "" if known else "status and alerts are being read")]
        for lane, source in zip(self._lanes, self._sources, strict=True):
            reads = source.assigned_once
            checks.append(
                Check(
                    f"route-{lane.route.name}", reads, "" if reads else "its group gave nothing yet"
                )
            )
        failing = self._scribe.failing
        checks.append(Check("audit", not failing, "brokers take no records" if failing else ""))
        return Report("readyz", tuple(checks))

    @property
    def writes(self) -> int:
        """Records that no broker has confirmed yet."""
        return self._scribe.waiting

    def _moves(self, name: str, now: float, last: float, began: bool) -> Check:  # noqa: FBT001
        still = now - last
        detail = f"{still:.0f} s without a turn, limit {self._limit_s:g} s"
        return Check(name, not began or still <= self._limit_s, detail)


class Watchdog(threading.Thread):
    """Ends a process of which a part stands still: whoever started it starts it again."""

    def __init__(self, health: Health) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._health = health
        self._ending = threading.Event()

    def stop(self) -> None:
        """No more watching."""
        self._ending.set()

    def run(self) -> None:
        """Twice in a row: a process that was frozen as a whole gets the chance to go on."""
        strikes = 0
        while not self._ending.wait(1.0):
            report = self._health.live()
            strikes = 0 if report.passed else strikes + 1
            if strikes >= 3:
                stuck = [check.name for check in report.checks if not check.passed]
                log.critical("the router is stuck", parts=stuck, exit_code=EXIT_STUCK)
                os._exit(EXIT_STUCK)
