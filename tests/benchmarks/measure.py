"""One case: its history, then the runs of throughput, latency and recovery, all compared."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from stream.rules import load_ruleset
from tests.benchmarks.crew import Crew
from tests.benchmarks.log import AlertReader, Changelogs, Loader, await_commits, ends_of
from tests.benchmarks.oracle import Oracle
from tests.benchmarks.plan import LOADS, Void
from tests.benchmarks.process import busy
from tests.benchmarks.spread import percentile, short, spread
from tests.benchmarks.ward import SIGNALS, Ward

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from brokers import Topics

    from tests.benchmarks.plan import Case, Plan
    from tests.benchmarks.ward import Event

WAITING = 1000
"""Patients at most who are checked after a worker was killed."""


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
            "throughput": [], "latency": {f"{load:g}": [] for load in LOADS}, "real_time": [],
            "recovery": [],
        }  # fmt: skip

    def run(self) -> None:
        """Raises Void."""
        runs, found = range(self.plan.runs), self.result
        with Crew(self.topics, self._home, self.case.workers) as crew:
            crew.ready()
            with AlertReader(self.topics) as alerts:
                self._history(crew, alerts)
                for _ in runs:
                    found["throughput"].append(self._throughput(crew, alerts))
                highest = spread([run["messages_s"] for run in found["throughput"]]).median
                for load, _ in itertools.product(LOADS, runs):
                    found["latency"][f"{load:g}"].append(self._paced(crew, alerts, load * highest))
                if self.case.patients <= max(LOADS) * highest:
                    found["real_time"] += self._real_time(crew, alerts)
                for _ in runs:
                    found["recovery"].append(self._recovery(crew, alerts))

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
        self._settle()
        took = time.monotonic() - begun
        self._say(f"  {self._sent:,} events of history, {took:.0f} s")

    def _throughput(self, crew: Crew, alerts: AlertReader) -> dict[str, Any]:
        """From a preloaded topic. State may be written later than events are worked off: the CPU
        time that this takes until all is committed is added to the seconds.
        """
        events = list(self._ward.monitored(self.plan.segment(self.case)))
        before, first = self._changelogs.weigh(), ends_of(self.topics)
        crew.halt()
        self._loader.load(events)
        cpu = crew.cpu_s()
        begin = crew.go_on()
        self._sent += len(events)
        worked_off = crew.work_off(self._sent) - begin
        cpu_then = crew.cpu_s()
        self._settle()
        cpu, put_off = crew.cpu_s() - cpu, crew.cpu_s() - cpu_then
        seconds = worked_off + put_off / self.case.workers
        if refused := crew.taken()[1]:
            raise Void(f"{refused} events were not accepted")
        memory = crew.memory_kb()
        self.segments.append((first, ends_of(self.topics)))
        changelog = self._changelogs.since(before)
        self._oracle.take(events)
        said = self._compare(alerts)
        readings = sum(event.readings for event in events)
        self._say(f"  preloaded: {short(len(events) / seconds)} messages/s")
        found = {
            "messages": len(events), "readings": readings, "alerts": said, "seconds": seconds,
            "worked_off_s": worked_off, "put_off_cpu_s": put_off,
            "messages_s": len(events) / seconds, "readings_s": readings / seconds,
            "cpu_s": cpu, "cpu_s_per_100k": cpu / len(events) * 100_000,
            "peak_kb": max(each["peak"] for each in memory),
            "resident_kb": sum(each["now"] for each in memory),
            "load_average": busy(),
        }  # fmt: skip
        return {**found, "changelog": _each(changelog, found)}

    def _paced(self, crew: Crew, alerts: AlertReader, rate: float) -> dict[str, Any]:
        """Events at a rate: from produce to alert."""
        events = list(self._ward.monitored(max(50, int(rate * self.plan.latency_s))))
        causes = self._oracle.take(events)
        cpu, begin = crew.cpu_s(), time.monotonic()
        stamps = self._loader.pace(events, rate)
        cores = (crew.cpu_s() - cpu) / (time.monotonic() - begin)
        self._sent += len(events)
        read = alerts.drain(len(causes))
        arrived, stored = [], []
        for said, in_log, here in read:
            if (cause := causes.get(said)) is not None:
                arrived.append((here - stamps[cause]) * 1000)
                stored.append((in_log - stamps[cause]) * 1000)
        self._judge(self._oracle.compare(each.said for each in read))
        found = {
            "rate": rate, "messages": len(events), "alerts": len(arrived), "cores": cores,
            "readings": sum(event.readings for event in events),
            "sender_late_s": stamps[-1] - stamps[0] - (len(events) - 1) / rate,
            **_percentiles(arrived, ""), **_percentiles(stored, "stored_"),
            "arrived_ms": [round(each, 1) for each in arrived],
        }  # fmt: skip
        self._say(f"  at {short(rate)} messages/s: p99 {short(found['p99_ms'] or 0)} ms")
        return found

    def _real_time(self, crew: Crew, alerts: AlertReader) -> list[dict[str, Any]]:
        """A snapshot a second of each patient, as it comes from monitors: what state weighs.

        The runs follow each other at once; what the last one puts off counts as the last one's.
        """
        crew.work_off(self._sent)
        self._settle()
        runs = []
        before = self._changelogs.weigh()
        for number in range(self.plan.runs):
            found = self._paced(crew, alerts, self.case.patients)
            if number == self.plan.runs - 1:
                crew.work_off(self._sent)
                self._settle()
            runs.append({**found, "changelog": _each(self._changelogs.since(before), found)})
            before = self._changelogs.weigh()
        return runs

    def _recovery(self, crew: Crew, alerts: AlertReader) -> dict[str, Any]:
        """From a kill -9 until everything that was sent after it is said."""
        events = list(self._ward.checks(WAITING))
        causes = self._oracle.take(events)
        at = crew.kill_one()
        self._loader.load(events)
        self._sent += len(events)
        read = alerts.drain(len(causes))
        said = [stored for said, stored, _ in read if said in causes]
        crew.ready()
        self._judge(self._oracle.compare(each.said for each in read))
        last = max(said) - at if said else None
        self._say(f"  recovered after {short(last or 0)} s")
        return {"seconds": last, "messages": len(events), "alerts": len(said), **crew.restored()}

    def _compare(self, alerts: AlertReader) -> int:
        """Reads what had to be said so far; returns how many alerts. Raises Void."""
        due = sum(len(set(values)) for values in self._oracle.due.values())
        read = alerts.drain(due)
        self._judge(self._oracle.compare(each.said for each in read))
        return due

    def _settle(self) -> None:
        await_commits(self.topics, f"{self.topics.prefix}app")

    def _judge(self, fault: str | None) -> None:
        if fault is not None:
            raise Void(fault)


def _each(changelog: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """The changelogs' growth, as a whole and for each reading and snapshot of the run."""
    heaviest = max(changelog["bytes"], changelog["disk"] or 0)
    per_reading = heaviest / run["readings"] if run["readings"] else 0.0
    return {**changelog, "per_reading": per_reading, "per_snapshot": per_reading * SIGNALS}


def _percentiles(milliseconds: list[float], before: str) -> dict[str, float | None]:
    if not milliseconds:
        return dict.fromkeys(f"{before}{name}_ms" for name in ("p50", "p99", "max"))
    return {
        f"{before}p50_ms": percentile(milliseconds, 0.5),
        f"{before}p99_ms": percentile(milliseconds, 0.99),
        f"{before}max_ms": max(milliseconds),
    }
