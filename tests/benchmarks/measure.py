"""One case: its history, then the runs of every kind one after the other, all compared."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from stream.rules import load_ruleset
from tests.benchmarks import gauge
from tests.benchmarks.changelogs import Changelogs
from tests.benchmarks.crew import Crew, state_interval_s
from tests.benchmarks.gauge import Gauge, bounded, rate_between
from tests.benchmarks.log import AlertReader, Loader, await_commits, ends_of
from tests.benchmarks.oracle import Oracle
from tests.benchmarks.paced import Paced, stretches, weighed
from tests.benchmarks.plan import LOADS, Void
from tests.benchmarks.process import busy
from tests.benchmarks.spread import short, spread
from tests.benchmarks.ward import Ward

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from brokers import Topics

    from tests.benchmarks.plan import Case, Plan
    from tests.benchmarks.ward import Event

IDLE_S = 5.0
"""So long workers with nothing to do are looked at."""
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
            "throughput": [], "memory_kb": {}, "sustained": [],
            "latency": {f"{load:g}": [] for load in LOADS}, "real_time": [], "recovery": [],
        }  # fmt: skip

    def run(self) -> None:
        """Raises Void."""
        runs, found = range(self.plan.runs), self.result
        with Crew(self.topics, self._home, self.case.workers) as crew:
            crew.ready()
            self._weigh(crew, "ready")
            with AlertReader(self.topics) as alerts:
                self._history(crew, alerts)
                self._weigh(crew, "history")
                self._rest(crew)
                for _ in runs:
                    found["throughput"].append(self._throughput(crew, alerts))
                self._weigh(crew, "at_rest")
                preloaded = spread([run["messages_s"] for run in found["throughput"]]).median
                # Before all runs whose lengths hang on a measured rate: windows are written whole,
                # and so every stay is at the same place in them.
                if self.case.patients <= max(LOADS) * preloaded:
                    found["real_time"] += self._real_time(crew, alerts)
                highest = self._highest(crew, alerts, preloaded)
                if self.case.patients > max(LOADS) * highest:
                    found["real_time"] = []  # what is behind writes less often
                for load, _ in itertools.product(LOADS, runs):
                    found["latency"][f"{load:g}"].append(self._at(crew, alerts, load * highest))
                for _ in runs:
                    found["recovery"].append(self._recovery(crew, alerts))

    def _weigh(self, crew: Crew, when: str) -> None:
        """Resident memory of all workers, who have nothing to do and nothing to write."""
        self.result["memory_kb"][when] = sum(each["now"] for each in crew.memory_kb())

    def _rest(self, crew: Crew) -> None:
        """What workers take that have nothing to do, in cores."""
        before, began = crew.cpu_s(), time.monotonic()
        time.sleep(IDLE_S)
        self.result["idle_cores"] = (crew.cpu_s() - before) / (time.monotonic() - began)

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
        time that this takes until all is committed is added to the seconds, but for what workers
        take in that time that have nothing to do.
        """
        events = list(self._ward.monitored(self.plan.segment(self.case)))
        before, first = self._changelogs.weigh(), ends_of(self.topics)
        crew.halt()
        self._loader.load(events)
        cpu = crew.cpu_s()
        begin = crew.go_on()
        self._sent += len(events)
        worked_off = crew.work_off(self._sent) - begin
        cpu_then, then = crew.cpu_s(), time.monotonic()
        self._settle()
        idle = self.result["idle_cores"] * (time.monotonic() - then)
        put_off = max(0.0, crew.cpu_s() - cpu_then - idle)
        cpu = cpu_then - cpu + put_off
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
        return {**found, "changelog": weighed(changelog, found)}

    def _highest(self, crew: Crew, alerts: AlertReader, preloaded: float) -> float:
        """The rate that is sustained beside a sender and a reader, messages a second."""
        offer = gauge.OFFERED * preloaded
        runs = self.result["sustained"]
        for _ in range(self.plan.runs):
            runs.append(self._sustained(crew, alerts, offer))
            if runs[-1]["at_least"]:
                offer *= gauge.OFFERED
        highest = spread([run["messages_s"] for run in runs]).median
        self._say(f"  sustained: {'at least ' * bounded(runs)}{short(highest)} messages/s")
        return highest

    def _sustained(self, crew: Crew, alerts: AlertReader, offer: float) -> dict[str, Any]:
        """More is offered than is taken, for as long as the runs of latency and a little more."""
        lasts = gauge.LEAD_S + max(gauge.LEAST_S, self.plan.latency_s)
        events = list(self._ward.monitored(int(offer * lasts)))
        with Gauge(lambda: crew.taken()[0]) as worked_off:
            run = self._paced(alerts, events, offer)
        crew.work_off(self._sent)
        found = gauge.sustained(worked_off.samples, run.stamps)
        return {"rate": offer, "messages": len(events), **found, "load_average": busy()}

    def _at(self, crew: Crew, alerts: AlertReader, rate: float) -> dict[str, Any]:
        """Events at a rate: from produce to alert."""
        events = list(self._ward.monitored(max(50, int(rate * self.plan.latency_s))))
        with Gauge(crew.cpu_s) as cpu:
            run = self._paced(alerts, events, rate)
        found = run.figures()
        cores = rate_between(cpu.samples, run.stamps[0], run.stamps[-1])
        self._say(f"  at {short(rate)} messages/s: p99 {short(found['p99_ms'] or 0)} ms")
        return {**found, "cores": cores}

    def _paced(self, alerts: AlertReader, events: list[Event], rate: float) -> Paced:
        """All that was due to the events was said, and compared. Raises Void."""
        causes = self._oracle.take(events)
        stamps = self._loader.pace(events, rate)
        self._sent += len(events)
        read = alerts.drain(len(causes))
        self._judge(self._oracle.compare(each.said for each in read))
        return Paced(rate, events, stamps, read, causes)

    def _real_time(self, crew: Crew, alerts: AlertReader) -> list[dict[str, Any]]:
        """A snapshot a second of each patient, as it comes from monitors: what state weighs.

        One run; its stretches are told, without the interval after which states are first written.
        """
        lead_s = state_interval_s()
        stretch_s = max(lead_s, self.plan.stretch_s)
        lasts, rate = lead_s + self.plan.stretches * stretch_s, self.case.patients
        events = list(self._ward.monitored(int(rate * lasts)))
        before = self._changelogs.weigh()
        with self._changelogs.follow(before) as changelogs, Gauge(crew.cpu_s) as cpu:
            run = self._paced(alerts, events, rate)
            crew.work_off(self._sent)
            self._settle()
            after = self._changelogs.weigh()
            written = changelogs.until(after.ends)
        grown = after.grown(before)
        found = list(stretches(run, written, cpu.samples, grown, lead_s, stretch_s))
        heavy = spread([each["changelog"]["per_snapshot"] for each in found])
        self._say(f"  at 1 Hz: {heavy} bytes per snapshot")
        return found

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
