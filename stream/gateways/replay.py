"""Plays events to Kafka as if they came in now: all at once, in real time, or N times as fast.

    sink = KafkaSink("127.0.0.1:9092")
    result = replay(read_clif(folder).events, sink, speed=60)

Events are dictionaries (sent as compact JSON) or the bytes of a line (sent as they are, right or
wrong). The key of a record is its patient_id, the partition Kafka's default (murmur2) for that key,
the record's own timestamp the wall clock: brokers drop or refuse records of another century.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from stream.gateways.clif_deadletter import dead_letter
from stream.gateways.jsonl import write_jsonl
from stream.gateways.replay_align import align_patients
from stream.gateways.replay_sink import (
    KafkaSink,
    MissingTopicError,
    Outgoing,
    Route,
    Sink,
    outgoing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from types import FrameType

__all__ = [
    "KafkaSink",
    "MissingTopicError",
    "Outgoing",
    "Progress",
    "ReplayResult",
    "Route",
    "Sink",
    "align_patients",
    "dead_letter",
    "outgoing",
    "replay",
    "write_jsonl",
]

PROGRESS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is. `received_at`: of the event sent last."""

    read: int
    sent: int
    failed: int
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay did; `sent` were acknowledged by every in-sync replica."""

    read: int
    sent: int
    failed: int
    ticks_left_out: int
    """Ticks of the file: workers make their own."""
    stopped: Literal["", "asked", "failures"]
    """Why it ended early; empty: it did not."""
    errors: dict[str, int]
    """Failed sends by the error's text."""

    @property
    def ok(self) -> bool:
        """Whether everything was read and acknowledged."""
        return not self.stopped and not self.failed


def replay(
    events: Iterable[dict[str, Any] | bytes],
    sink: Sink,
    speed: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    longest_wait_s: float | None = None,
    give_up_after: int = 100,
    stop: threading.Event | None = None,
) -> ReplayResult:
    """Send events in the order given and wait for every acknowledgement.

    `speed`: None or 0 as fast as possible, N for N times real time by `received_at`.
    `longest_wait_s` cuts longer silences (years lie between the stays of a research set).
    `progress` is called about twice a second and at the end. It ends early, having flushed, at
    SIGINT or when `stop` is set, or once `give_up_after` sends have failed.
    """
    stop = threading.Event() if stop is None else stop
    pace = _Pace(speed, longest_wait_s, stop) if speed else None
    read = ticks = 0
    reason: Literal["", "asked", "failures"] = ""
    last: datetime | None = None
    told = time.monotonic()
    with _stopped_by_sigint(stop):
        for event in events:
            item = outgoing(event)
            if pace is not None and item.received_at is not None:
                pace.wait_for(item.received_at)
            if stop.is_set():
                reason = "asked"
                break
            if sink.failed >= give_up_after:
                reason = "failures"
                break
            read += 1
            if item.kind == "tick":
                ticks += 1
                continue
            sink.send(item)
            last = item.received_at or last
            if progress is not None and time.monotonic() - told >= PROGRESS_EVERY_S:
                told = time.monotonic()
                progress(Progress(read, sink.sent, sink.failed, last))
        sink.flush()
    if progress is not None:
        progress(Progress(read, sink.sent, sink.failed, last))
    return ReplayResult(read, sink.sent, sink.failed, ticks, reason, sink.errors)


@dataclass(slots=True)
class _Pace:
    """Where the replay's clock is; waits end at once when the replay is stopped."""

    speed: float
    longest_wait_s: float | None
    stop: threading.Event
    _last: datetime | None = None
    _due: float = field(default=0.0)

    def wait_for(self, moment: datetime) -> None:
        if self._last is None:
            self._last, self._due = moment, time.monotonic()
            return
        pause = max((moment - self._last).total_seconds(), 0.0) / self.speed
        if self.longest_wait_s is not None:
            pause = min(pause, self.longest_wait_s)
        self._last = max(self._last, moment)
        self._due += pause
        while (left := self._due - time.monotonic()) > 0:
            if self.stop.wait(min(left, 3600.0)):
                return


@contextmanager
def _stopped_by_sigint(stop: threading.Event) -> Iterator[None]:
    """The first SIGINT asks to stop, a second one interrupts; only the main thread can listen."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
