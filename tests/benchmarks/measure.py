"""One case: its history, then the runs of throughput, latency and recovery, all compared."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from stream.rules import load_ruleset
from tests.benchmarks.crew import Crew
from tests.benchmarks.log import AlertReader, Changelogs, Loader, ends_of
from tests.benchmarks.oracle import Oracle
from tests.benchmarks.plan import LOADS, Void
from tests.benchmarks.process import busy
from tests.benchmarks.spread import percentile, short, spread
from tests.benchmarks.ward import Ward

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from brokers import Topics

    from tests.benchmarks.plan import Case, Plan
    from tests.benchmarks.ward import Event

SETTLED_S = 2.5
"""State that is written a little after the events must be in the log when it is weighed."""
GENTLE = 300
"""Events that are sent after a worker was killed."""


class Trial:
    """A case on topics of its own; what is measured goes into `result` as it comes."""

    def __init__(
        self, plan: Plan, case: Case, topics: Topics, home: Path, say: Callable[[str], None]
    ) -> None:
        self.plan, self.case, self.topics = plan, case, topics
        self._home, self._say = home, say
        self._ward = Ward(case.patients, plan.seed)
        self._oracle = Oracle(load_ruleset())
        self._loader = Loader(topics)
        self._changelogs = Changelogs(topics, f"{topics.prefix}app")
        self._sent = 0
        self.segments: list[tuple[dict[int, int], dict[int, int]]] = []
        """Where the log began and ended in each run of throughput, by partition."""
        self.result: dict[str, Any] = {
            "patients": case.patients, "stay_s": case.stay_s, "workers": case.workers,
            "throughput": [], "latency": {f"{load:g}": [] for load in LOADS}, "recovery": [],
        }  # fmt: skip

    def run(self) -> None:
        """Raises Void."""
        with Crew(self.topics, self._home, self.case.workers) as crew:
            crew.ready()
            with AlertReader(self.topics) as alerts:
                self._history(crew, alerts)
                for number in range(self.plan.runs):
                    found = self._throughput(crew, alerts)
                    self.result["throughput"].append(found)
                    self._say(f"  run {number + 1}: {short(found['messages_s'])} messages/s")
                highest = spread([run["messages_s"] for run in self.result["throughput"]]).median
                for _, load in itertools.product(range(self.plan.runs), LOADS):
                    found = self._latency(crew, alerts, load * highest)
                    self.result["latency"][f"{load:g}"].append(found)
                    self._say(f"  at {load:.0%}: p99 {found['p99_ms'] or 0:.0f} ms")
                for _ in range(self.plan.runs):
                    found = self._recovery(crew, alerts)
                    self.result["recovery"].append(found)
                    self._say(f"  recovered after {found['seconds'] or 0:.1f} s")

    def _history(self, crew: Crew, alerts: AlertReader) -> None:
        """The stay before the monitors, not measured."""
        batch: list[Event] = []
        begun = time.monotonic()
        for event in self._ward.before(self.case.stay_s):
            batch.append(event)
            if len(batch) == 10_000:
                self._sent += self._loader.load(batch)
                self._oracle.take(batch)
                batch = []
        self._sent += self._loader.load(batch)
        self._oracle.take(batch)
        crew.work_off(self._sent)
        self._compare(alerts)
        took = time.monotonic() - begun
        self._say(f"  {self._sent:,} events of history, {took:.0f} s")

    def _throughput(self, crew: Crew, alerts: AlertReader) -> dict[str, Any]:
        events = list(self._ward.monitored(self.plan.segment(self.case)))
        before, first = self._changelogs.weigh(), ends_of(self.topics)
        crew.halt()
        self._loader.load(events)
        cpu = crew.cpu_s()
        begin = crew.go_on()
        self._sent += len(events)
        seconds = crew.work_off(self._sent) - begin
        if refused := crew.taken()[1]:
            raise Void(f"{refused} events were not accepted")
        cpu = crew.cpu_s() - cpu
        memory = crew.memory_kb()
        self.segments.append((first, ends_of(self.topics)))
        time.sleep(SETTLED_S)
        changelog = self._changelogs.since(before)
        self._oracle.take(events)
        said = self._compare(alerts)
        readings = sum(event.readings for event in events)
        return {
            "messages": len(events), "readings": readings, "alerts": said, "seconds": seconds,
            "messages_s": len(events) / seconds, "readings_s": readings / seconds,
            "cpu_s": cpu, "cpu_s_per_100k": cpu / len(events) * 100_000,
            "peak_kb": max(each["peak"] for each in memory),
            "resident_kb": sum(each["now"] for each in memory),
            "changelog": _each(changelog, events), "load_average": busy(),
        }  # fmt: skip

    def _latency(self, crew: Crew, alerts: AlertReader, rate: float) -> dict[str, Any]:
        events = list(self._ward.monitored(max(50, int(rate * self.plan.latency_s))))
        causes = self._oracle.take(events)
        before = self._changelogs.weigh()
        cpu = crew.cpu_s()
        stamps = self._loader.pace(events, rate)
        self._sent += len(events)
        read = alerts.drain(len(causes))
        cpu = crew.cpu_s() - cpu
        crew.work_off(self._sent)
        time.sleep(SETTLED_S)
        changelog = self._changelogs.since(before)
        arrived, stored = [], []
        for said, in_log, here in read:
            if (cause := causes.get(said)) is not None:
                arrived.append((here - stamps[cause]) * 1000)
                stored.append((in_log - stamps[cause]) * 1000)
        self._judge(self._oracle.compare(each.said for each in read))
        late = stamps[-1] - stamps[0] - (len(events) - 1) / rate
        return {
            "rate": rate, "messages": len(events), "alerts": len(arrived), "cpu_s": cpu,
            "sender_late_s": late, "changelog": _each(changelog, events),
            **_percentiles(arrived, ""), **_percentiles(stored, "stored_"),
            "arrived_ms": [round(each, 1) for each in arrived],
        }  # fmt: skip

    def _recovery(self, crew: Crew, alerts: AlertReader) -> dict[str, Any]:
        """From a kill -9 until everything that was sent after it is said."""
        events = list(self._ward.monitored(max(GENTLE, self.case.patients)))
        causes = self._oracle.take(events)
        at = crew.kill_one()
        self._loader.load(events)
        self._sent += len(events)
        read = alerts.drain(len(causes))
        said = [stored for said, stored, _ in read if said in causes]
        crew.ready()
        self._judge(self._oracle.compare(each.said for each in read))
        last = max(said) - at if said else None
        return {"seconds": last, "messages": len(events), "alerts": len(said), **crew.restored()}

    def _compare(self, alerts: AlertReader) -> int:
        """Reads what had to be said so far; returns how many alerts. Raises Void."""
        due = sum(len(set(values)) for values in self._oracle.due.values())
        read = alerts.drain(due)
        self._judge(self._oracle.compare(each.said for each in read))
        return due

    def _judge(self, fault: str | None) -> None:
        if fault is not None:
            raise Void(fault)


def _each(changelog: dict[str, Any], events: list[Event]) -> dict[str, Any]:
    """The changelogs' growth, as a whole and for each snapshot and reading."""
    snapshots = sum(event.readings > 0 for event in events)
    readings = sum(event.readings for event in events)
    heaviest = max(changelog["bytes"], changelog["disk"] or 0)
    return {
        **changelog, "per_snapshot": heaviest / snapshots if snapshots else 0.0,
        "per_reading": heaviest / readings if readings else 0.0,
    }  # fmt: skip


def _percentiles(milliseconds: list[float], before: str) -> dict[str, float | None]:
    if not milliseconds:
        return dict.fromkeys(f"{before}{name}_ms" for name in ("p50", "p99", "max"))
    return {
        f"{before}p50_ms": percentile(milliseconds, 0.5),
        f"{before}p99_ms": percentile(milliseconds, 0.99),
        f"{before}max_ms": max(milliseconds),
    }
