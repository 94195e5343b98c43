"""A thread that watches the consumer from outside every event loop, and ends a wedged process.

Fault mended here (faust-streaming 0.15.3): aiokafka's group coordinator keeps an error until
somebody calls `check_errors()`, and does nothing meanwhile. aiokafka's own `getmany` calls it;
Faust reads the fetcher directly (`AIOKafkaConsumerThread._fetch_records`,
faust/transport/drivers/aiokafka.py) and never does. One failed join, sync or heartbeat then leaves
a worker alive, silent, and without partitions for ever. The thread reads the error in the
consumer's own loop, upon which the coordinator goes on; where errors persist, or that loop no
longer answers, the process ends with a code of its own, for its supervisor to start it again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import deque
from concurrent.futures import TimeoutError as NoAnswerError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

EXIT_STUCK = 1
"""Exit code: the app crashed or was told to stop, and could not finish; as for any crash."""
EXIT_COORDINATOR = 71
"""Exit code: the group coordinator kept failing."""
EXIT_BLOCKED = 72
"""Exit code: the consumer's event loop did not answer."""


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """What is still tolerated. Times in seconds."""

    interval_s: float = 1.0
    errors: int = 5
    within_s: float = 60.0
    answer_s: float = 20.0
    stop_s: float = 20.0


def end_process(code: int) -> None:
    """Leave at once: nothing is acknowledged, so the next owner does the work again."""
    logging.shutdown()
    os._exit(code)


class Watch(threading.Thread):
    """See the module. `app` is the Faust app; `on_error` is told of each error found."""

    def __init__(
        self,
        app: Any,
        policy: WatchPolicy | None = None,
        *,
        on_error: Callable[[], None] = lambda: None,
        end: Callable[[int], None] = end_process,
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self.app = app
        self.policy = policy or WatchPolicy()
        self.seen: deque[float] = deque()
        self._on_error = on_error
        self._end = end
        self._over = threading.Event()
        self._stopping_since: float | None = None

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
        """Read and clear the coordinator's error; end the process where the policy says so."""
        if self.app.should_stop:
            self._wait_for_stop()
            return
        thread = getattr(self.app._consumer, "_thread", None)  # noqa: SLF001
        coordinator: Any = getattr(getattr(thread, "_consumer", None), "_coordinator", None)
        if thread is None or not hasattr(coordinator, "check_errors"):
            return
        if coordinator._closing.done():  # noqa: SLF001
            return

        async def check() -> Exception | None:
            try:
                coordinator.check_errors()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is to be counted
                return error
            return None

        asked = asyncio.run_coroutine_threadsafe(check(), thread.thread_loop)
        try:
            error = asked.result(self.policy.answer_s)
        except NoAnswerError:
            if not (self._over.is_set() or self.app.should_stop):
                log.critical("consumer loop blocked", seconds=self.policy.answer_s)
                self._end(EXIT_BLOCKED)
            return
        if error is not None:
            self._count(error, ended=coordinator._coordination_task.done())  # noqa: SLF001

    def _wait_for_stop(self) -> None:
        now = time.monotonic()
        if self._stopping_since is None:
            self._stopping_since = now
        elif now - self._stopping_since >= self.policy.stop_s and not self._over.is_set():
            log.critical("could not stop in time", seconds=self.policy.stop_s)
            self._end(EXIT_STUCK)

    def _count(self, error: Exception, *, ended: bool) -> None:
        now = time.monotonic()
        self.seen.append(now)
        while now - self.seen[0] >= self.policy.within_s:
            self.seen.popleft()
        self._on_error()
        log.error("group coordinator error cleared", error=repr(error), recent=len(self.seen))
        if ended or len(self.seen) >= self.policy.errors:
            log.critical("group coordinator keeps failing", error=repr(error))
            self._end(EXIT_COORDINATOR)
