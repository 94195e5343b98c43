"""One run: topics, workers, feed and faults; then everything is judged."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stream.soak.crew import Crew
from stream.soak.examine import examine
from stream.soak.feed import feed
from stream.soak.injector import Injector
from stream.soak.judge import Code, Damage, Verdict
from stream.soak.live import live
from stream.soak.records import Group
from stream.soak.sender import Sender
from stream.soak.site import SOURCE, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from stream.settings import Settings
    from stream.soak.cluster import Cluster
    from stream.soak.faults import Fault

STALLED_S = 240.0
"""So long nothing may be committed before the run is given up: an outage of a minute, and more."""
LOOK_EVERY_S = 0.1
LIVES_PER_FAULT, LIVES = 4, 60
WORKERS = {
    "ticks": "off",  # what the clock alone says has no order in the log to be judged by
    "metrics_port": "0",
    "commit_interval_s": "0.5",
    "state_interval_s": "1",  # so that every step of a batch comes often
}
"""Settings of the workers, beside the run's own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run. `workers` places; about half of them are taken at the beginning."""

    seed: int
    faults: tuple[Fault, ...]
    events: int
    workers: int
    session_s: float = 3.0
    ahead: int = 5_000
    """So many records the feed may be before the workers: a fault finds them at work."""
    live: bool = False
    """In real time, with the workers' ticks; see `stream.soak.live`."""


@dataclass(slots=True)
class Result:
    """What became of a run."""

    verdict: Verdict = field(default_factory=Verdict)
    done: list[Fault] = field(default_factory=list)
    missed: list[Fault] = field(default_factory=list)
    """Faults that did not come about, such as a step that was not reached in time."""
    ends: Mapping[int, int] = field(default_factory=dict)
    """How often workers ended with which exit code; negative: by that signal."""
    seconds: float = 0.0
    """From the first record sent until the last was committed."""
    resent: int = 0


class Trial:
    """`run()` once. What is made is removed, unless `keep`; `folder` takes the workers' logs."""

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        folder: Path,
        *,
        cluster: Cluster | None = None,
        keep: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.plan, self.folder, self.cluster, self.say = plan, folder, cluster, say
        self.site = Site(settings, plan.seed, cluster)
        self.result = Result()
        self._keep = keep
        self._ends: Mapping[Any, int] = {}

    def run(self) -> Result:
        """A broken promise is in the result.

        Raises TopicsError, ClusterError, CrewError, ReadError.
        """
        plan, result = self.plan, self.result
        with ExitStack() as stack:
            if not self._keep:
                stack.callback(self.site.delete_topics)
            self.site.make_topics()
            told = {**WORKERS, "session_timeout_s": str(plan.session_s)}
            if plan.live:
                told |= {"ticks": "wall", "tick_interval_s": "0.5"}
            most = LIVES + LIVES_PER_FAULT * len(plan.faults)
            crew = Crew(self.folder, self.site.environment(told), plan.workers, most)
            for slot in crew.slots[(plan.workers + 1) // 2 :]:
                slot.wanted = False
            stack.enter_context(crew)
            items = live(plan.seed, plan.events) if plan.live else feed(plan.seed, plan.events)
            sender = Sender(items, self.site.settings, self.site.name(SOURCE), plan.ahead)
            stack.callback(sender.stop)
            sender.start()
            started = time.monotonic()
            complete = self._play(crew, sender)
            result.seconds = time.monotonic() - started
            crew.dismiss()
            result.ends, result.resent = dict(crew.ends), sender.resent
            if complete:
                result.verdict = examine(self.site, sender.ends, self._ends, self.say)
        return result

    def _play(self, crew: Crew, sender: Sender) -> bool:
        """All faults at their places, then the rest of the feed; False where nothing moves."""
        injector, faults = Injector(crew, self.cluster), self.plan.faults
        for number, fault in enumerate(faults, start=1):
            sender.limit = fault.at
            if not self._until(lambda at: sender.done >= at, fault.at, crew, sender):
                return False
            came = injector.do(fault)
            (self.result.done if came else self.result.missed).append(fault)
            note = "" if came else " (did not come about)"
            self.say(f"{number}/{len(faults)} at {sender.done}: {fault}{note}")
        sender.limit = None
        return self._until(lambda _: sender.finished and self._caught_up(), 0, crew, sender)

    def _caught_up(self) -> bool:
        with suppress(Exception):  # brokers may still be coming back
            group = Group(self.site.settings, self.site.sources)
            try:
                self._ends = dict(group.ends())
                return dict(group.committed()) == self._ends
            finally:
                group.close()
        return False

    def _until(self, true: Callable[[int], bool], given: int, crew: Crew, sender: Sender) -> bool:
        """Waits until it is true; False where the workers get on no more."""
        since = time.monotonic()
        while not true(given):
            crew.check()
            if sender.error is not None:
                raise sender.error
            if time.monotonic() - max(sender.moved_at, since) > STALLED_S:
                logs = "; ".join(crew.log_tail(slot) for slot in crew.slots if slot.wanted)
                detail = f"nothing was committed for {STALLED_S:g} s; {logs}"
                self.result.verdict.damages.append(Damage(Code.STUCK, detail))
                return False
            time.sleep(LOOK_EVERY_S)
        return True
