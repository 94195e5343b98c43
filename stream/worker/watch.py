"""A thread that watches the worker from outside every event loop, and ends a wedged process.

It asks both loops how far they have come (`stream.worker.observe`), judges that
(`stream.worker.progress`), and where a part has stood still for too long, it says which in the
log, in the metrics and to whoever asks /livez, and ends the process with that part's exit code,
for its supervisor to start it again. What was not acknowledged is done again by the next owner.

A fault mended on the way (faust-streaming 0.15.3): aiokafka's group coordinator keeps an error
until somebody calls `check_errors()`, and does nothing meanwhile. aiokafka's own `getmany` calls
it; Faust reads the fetcher directly (`AIOKafkaConsumerThread._fetch_records`,
faust/transport/drivers/aiokafka.py) and never does. One failed join, sync or heartbeat then leaves
a worker alive, silent, and without partitions for ever. Every look reads and clears the error,
upon which the coordinator goes on.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from stream.worker.health import Check, Report, check_of
from stream.worker.observation import Observation
from stream.worker.progress import PARTS, Part, Progress, ProgressPolicy, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.metrics import Metrics
    from stream.worker.observe import Observer
    from stream.worker.progress import Standing

log = structlog.get_logger(__name__)

EXIT_STUCK = 1
"""Exit code: the app crashed or was told to stop, and could not finish; as for any crash."""


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """How to watch. Times in seconds."""

    interval_s: float = 1.0
    answer_s: float = 1.0
    """How long a look waits for a loop's answer."""
    stop_s: float = 20.0
    """How long an orderly stop may take."""
    linger_s: float = 3.0
    """Between the verdict and the end, so that a probe can see it."""
    blind_s: float = 30.0
    """Without a look for this long the watch itself counts as stuck."""


def end_process(code: int) -> None:
    """Leave at once: nothing is acknowledged, so the next owner does the work again."""
    logging.shutdown()
    os._exit(code)


class Watch(threading.Thread):
    """See the module."""

    def __init__(
        self,
        observer: Observer,
        progress: ProgressPolicy,
        metrics: Metrics,
        policy: WatchPolicy | None = None,
        *,
        end: Callable[[int], None] = end_process,
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self.observer, self.metrics = observer, metrics
        self.policy = policy or WatchPolicy()
        self._progress = Progress(progress)
        self._end = end
        self._over = threading.Event()
        self._seen = Observation(started=False, joined=False, ready=False)
        self._standings: tuple[Standing, ...] = ()
        self._verdict: Standing | None = None
        self._warned: set[Part] = set()
        self._looked = time.monotonic()
        self._watched_s = 0.0
        self._stopping_s = 0.0

    def run(self) -> None:
        """Look once an interval until told to finish."""
        while not self._over.wait(self.policy.interval_s):
            try:
                self.look()
            except Exception:
                log.exception("watch failed to look")

    def finish(self) -> None:
        """The worker stops in an orderly way: look no more."""
        self._over.set()

    def look(self) -> None:
        """One look; ends the process where a part is stuck or a stop takes too long."""
        policy = self.policy
        stopping = self.observer.stopping
        seen = self._seen if stopping else self.observer.look(policy.answer_s)
        now = time.monotonic()
        # Time in which nobody watched (a stopped process, a machine asleep) is held against no one.
        most = 3 * (policy.interval_s + 2 * policy.answer_s)
        passed = min(now - self._looked, most)
        self._looked = now
        self._watched_s += passed
        if stopping or self.observer.stopping:
            self._stopping_s += passed
            if self._stopping_s > policy.stop_s and not self._over.is_set():
                log.critical("could not stop in time", seconds=policy.stop_s)
                self._end(EXIT_STUCK)
            return
        self._seen = seen
        if seen.error is not None:
            self.metrics.coordinator_errors.inc()
            log.error("group coordinator error cleared", error=seen.error)
        self._standings = self._progress.look(seen, self._watched_s)
        for standing in self._standings:
            self._show(standing)
        stuck = verdict(self._standings)
        if stuck is not None:
            self._leave(stuck)

    def live(self) -> Report:
        """The answer of /livez: no part is stuck, and the watch itself looks."""
        checks = [check_of(standing) for standing in self._standings]
        if self._verdict is not None:  # whatever has moved since
            named = replace(check_of(self._verdict), passed=False)
            checks = [named if check.name == named.name else check for check in checks]
        age = time.monotonic() - self._looked
        detail = f"{age:.0f} s since the last look, limit {self.policy.blind_s:g} s"
        watching = self._verdict is not None or age < self.policy.blind_s
        return Report("livez", (Check("watch", watching, detail), *checks))

    def ready(self) -> Report:
        """The answer of /readyz: alive, brokers answer, assigned (or rightly empty), restored."""
        seen = self._seen
        leaderless = sorted(f"{t}/{p}" for (t, p), place in seen.places.items() if not place.led)
        silent = {standing.part: standing.still_s for standing in self._standings}
        asked = self._progress.policy.away_s
        there = seen.started and silent.get(Part.BROKERS, asked) < asked
        checks = (
            Check("live", self.live().passed, "see /livez"),
            Check("brokers", there, "no answer"),
            Check("leaders", not leaderless, ", ".join(leaderless)),
            Check("assignment", seen.joined, "the group gave none yet"),
            Check("recovery", seen.ready, "the tables are not restored yet"),
            Check("running", not self.observer.stopping, "the worker is stopping"),
        )
        return Report("readyz", checks)

    def _show(self, standing: Standing) -> None:
        part = standing.part
        self.metrics.stall.labels(part.value).set(standing.still_s)
        if standing.still_s < standing.limit_s / 2:
            if part in self._warned:
                self._warned.discard(part)
                log.info("moves again", part=part.value)
        elif part not in self._warned:
            self._warned.add(part)
            log.warning("no progress", **_told(standing))

    def _leave(self, stuck: Standing) -> None:
        self._verdict = stuck
        code = PARTS[stuck.part].exit_code
        self.metrics.stuck.labels(stuck.part.value).set(1)
        log.critical("stuck", meaning=PARTS[stuck.part].sentence, exit_code=code, **_told(stuck))
        if not self._over.wait(self.policy.linger_s):
            self._end(code)


def _told(standing: Standing) -> dict[str, object]:
    told: dict[str, object] = {
        "part": standing.part.value,
        "seconds": round(standing.still_s, 1),
        "limit": standing.limit_s,
    }
    return told | ({"about": standing.about} if standing.about else {})
