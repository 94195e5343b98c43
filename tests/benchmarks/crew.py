"""The workers of a case: the real ones, with nothing switched off, seen from outside only."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Self

from workers import Process

from stream.settings import Settings
from tests.benchmarks.log import GIVE_UP_S, PARTITIONS
from tests.benchmarks.plan import Void
from tests.benchmarks.process import cpu_s, memory_kb

if TYPE_CHECKING:
    from pathlib import Path

    from brokers import Topics

FIELDS = Settings.model_fields
LOOK_EVERY_S = 0.25
HALTED_AT_MOST_S = 6.0
"""A worker that stands still for longer than its session has to leave the group."""
SETTINGS: dict[str, str] = {"session_timeout_s": "10", "ticks": "wall"}
"""As they are by default, where the tests' workers have others."""


def state_interval_s() -> float:
    """Seconds after which a changed state is written, if no alert was led to."""
    return float(SETTINGS.get("state_interval_s", FIELDS["state_interval_s"].default))


class Crew:
    """`with Crew(topics, home, count) as crew`: so many workers that share the partitions."""

    def __init__(self, topics: Topics, home: Path, count: int) -> None:
        self._topics, self._home = topics, home
        self._source = topics.name("vitals")
        self._number = 0
        self._halted_at = 0.0
        self.workers = [self._begin() for _ in range(count)]

    def _begin(self) -> Process:
        self._number += 1
        return Process(
            self._topics, self._home, f"worker-{self._number}",
            partitions=str(PARTITIONS), **SETTINGS,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGCONT)
        for worker in self.workers:
            worker.end(signal.SIGKILL)

    def ready(self) -> Self:
        """Returns once each has its partitions and has read its tables. Raises Void."""
        give_up = time.monotonic() + GIVE_UP_S
        while not self._balanced():
            if time.monotonic() > give_up:
                raise self._complaint("the group did not settle")
            time.sleep(LOOK_EVERY_S)
        return self

    def _balanced(self) -> bool:
        self._all_alive()
        if not all(worker.line.startswith("worker ready") for worker in self.workers):
            return False
        tables = [metrics(worker) for worker in self.workers]
        shares = sum(total(table, "stormwatch_assigned_partitions ") for table in tables)
        recovered = all(total(table, "stormwatch_recovered ") for table in tables)
        return recovered and shares == PARTITIONS

    def _all_alive(self) -> None:
        for worker in self.workers:
            code = worker.process.poll()
            if code is not None:
                raise self._complaint(f"a worker ended with {code}")

    def _complaint(self, text: str) -> Void:
        tails = (worker.log.read_text("utf-8", "replace")[-1000:] for worker in self.workers)
        return Void("\n".join((text, *tails)))

    def taken(self) -> tuple[int, int, float]:
        """Events worked off, those refused among them, and when the last batch of all ended."""
        self._all_alive()
        events, refused, last = 0, 0, 0.0
        for table in (metrics(worker) for worker in self.workers):
            ours = [row for row in table if f'topic="{self._source}"' in row[0]]
            own = total(ours, "stormwatch_events_total{")
            events += int(own)
            refused += int(own - total(
                [row for row in ours if 'outcome="accepted"' in row[0]], "stormwatch_events_total{"
            ))  # fmt: skip
            last = max(last, total(table, "stormwatch_last_batch_timestamp_seconds "))
        return events, refused, last

    def work_off(self, count: int) -> float:
        """Returns when the batch ended that made it `count` events, seconds since 1970."""
        give_up = time.monotonic() + GIVE_UP_S
        while True:
            events, _, last = self.taken()
            if events >= count:
                return min(time.time(), last)
            if time.monotonic() > give_up:
                raise self._complaint(f"{events} of {count} events were worked off")
            time.sleep(LOOK_EVERY_S)

    def halt(self) -> None:
        """Nothing is read until `go_on`."""
        self._halted_at = time.monotonic()
        for worker in self.workers:
            worker.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> float:
        """Returns the moment, seconds since 1970."""
        for worker in self.workers:
            worker.process.send_signal(signal.SIGCONT)
        stood = time.monotonic() - self._halted_at
        if stood > HALTED_AT_MOST_S:
            raise Void(f"it took {stood:.1f} s to load the topic: measure with fewer --messages")
        return time.time()

    def cpu_s(self) -> float:
        """CPU seconds of all workers so far, whole processes."""
        return sum(cpu_s(worker.process.pid) for worker in self.workers)

    def memory_kb(self) -> list[dict[str, int]]:
        """Of each worker."""
        return [memory_kb(worker.process.pid) for worker in self.workers]

    def kill_one(self) -> float:
        """kill -9 the first and start another in its place at once; returns the moment."""
        self.workers.pop(0).end(signal.SIGKILL)
        at = time.time()
        self.workers.append(self._begin())
        return at

    def restored(self) -> dict[str, float]:
        """What the newest worker needed to read its tables, and how many records these were."""
        table = metrics(self.workers[-1])
        return {
            "tables_s": total(table, "stormwatch_restore_seconds "),
            "records": total(table, "stormwatch_restored_records_total "),
        }


def metrics(worker: Process) -> list[tuple[str, float]]:
    """The rows of a worker's /metrics: name with labels, value."""
    rows = (row.rpartition(" ") for row in worker.metrics.splitlines() if not row.startswith("#"))
    return [(name + " ", float(value)) for name, _, value in rows]


def total(rows: list[tuple[str, float]], name: str) -> float:
    """Sum of the rows that begin so."""
    return sum(value for row, value in rows if row.startswith(name))
