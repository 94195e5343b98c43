"""What every yardstick is told, and what it says at its end: one JSON object each."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field

from tests.benchmarks.process import memory_kb


@dataclass(frozen=True, slots=True)
class Job:
    """Which part of which topic to read, and a prefix for topics and groups of one's own."""

    bootstrap: str
    topic: str
    begin: dict[int, int]
    end: dict[int, int]
    prefix: str
    alerts: str

    @property
    def count(self) -> int:
        """Messages between `begin` and `end`."""
        return sum(self.end.values()) - sum(self.begin.values())


def job() -> Job:
    """The job of this process, from its first argument."""
    told = json.loads(sys.argv[1])
    for name in ("begin", "end"):
        told[name] = {int(number): offset for number, offset in told[name].items()}
    return Job(**told)


@dataclass(slots=True)
class Lap:
    """Counts messages; the clock runs from the first to the last of them."""

    count: int
    done: int = 0
    _begin: tuple[float, float] = field(default=(0.0, 0.0))

    def begin(self) -> None:
        """The first message is here, if `add` comes later than that."""
        if not any(self._begin):
            self._begin = time.monotonic(), time.process_time()

    def add(self, messages: int = 1) -> None:
        """So many more; ends the process with its figures when all were counted."""
        self.begin()
        self.done += messages
        if self.done >= self.count:
            self.finish()

    def finish(self) -> None:
        """Say what was measured and end the process: a framework's own end may take long."""
        seconds, cpu = time.monotonic() - self._begin[0], time.process_time() - self._begin[1]
        peak = memory_kb(os.getpid())["peak"]
        print(json.dumps({
            "messages": self.done, "seconds": seconds, "messages_s": self.done / seconds,
            "cpu_s_per_100k": cpu / self.done * 100_000, "peak_kb": peak,
        }), flush=True)  # fmt: skip
        os._exit(0)
