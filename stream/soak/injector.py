"""Does a fault to the workers and brokers of a run, and says whether it came about."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from stream.soak.cluster import ClusterError
from stream.soak.crashpoints import Calm, Clock, Crash, Slow
from stream.soak.faults import STEP_KINDS, Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.soak.cluster import Cluster
    from stream.soak.crew import Crew, Slot

RUNNING_WITHIN_S = 60.0
REACH_WITHIN_S = 30.0
"""So long a worker has to come to the step at which it is to be hurt."""
END_WITHIN_S = 40.0
CRASH_S = 0.2
"""So long a process takes to be gone after its last word."""
SLOW_DELAY_S = 0.01
LOOK_EVERY_S = 0.05
RESTART_ATTEMPTS = 3


class Injector:
    """`cluster` None: the brokers are somebody else's, and are left alone."""

    def __init__(self, crew: Crew, cluster: Cluster | None) -> None:
        self._crew, self._cluster = crew, cluster

    def do(self, fault: Fault) -> bool:
        """Returns once the fault is over; False where it did not come about."""
        if self._cluster is not None and fault.kind is Kind.BROKERS_AWAY:
            return self._away(self._cluster, fault)
        if self._cluster is not None and fault.kind in {Kind.BROKER_KILL, Kind.BROKER_PAUSE}:
            return self._broker(self._cluster, fault)
        slot = self._slot(fault)
        if slot is None:
            return False
        if fault.kind in STEP_KINDS:
            return self._at_step(fault)
        match fault.kind:
            case Kind.KILL | Kind.TERM:
                time.sleep(fault.seconds)
                how = signal.SIGKILL if fault.kind is Kind.KILL else signal.SIGTERM
                return self._end(slot, how)
            case Kind.STOP:
                return self._stop(slot, fault.seconds)
            case Kind.ADD | Kind.REMOVE:
                return self._resize(slot, more=fault.kind is Kind.ADD)
            case Kind.SLOW:
                return self._crew.order(slot, Slow(SLOW_DELAY_S, fault.seconds)) is not None
            case Kind.CLOCK:
                return self._crew.order(slot, Clock(fault.seconds)) is not None
            case _:
                return False

    def _slot(self, fault: Fault) -> Slot | None:
        """The worker to be hurt, once it runs."""
        wanted = [slot for slot in self._crew.slots if slot.wanted]
        slot = wanted[fault.target % len(wanted)]
        return slot if self._until(lambda: slot.running, RUNNING_WITHIN_S) else None

    def _at_step(self, fault: Fault) -> bool:
        """Whichever worker comes to the step first is hurt: not every worker has every patient."""
        assert fault.step is not None
        freeze = fault.kind is Kind.FREEZE
        order = Crash(fault.step, fault.side, fault.nth, "stop" if freeze else "kill")
        word = f"victim {order.how} {order.side} {order.step}"
        told: list[tuple[Slot, list[str]]] = []

        def reached() -> bool:
            for slot in self._crew.slots:  # also what is started while we wait
                if slot.wanted and all(slot.lines is not lines for _, lines in told):
                    lines = self._crew.order(slot, order)
                    told.extend([] if lines is None else [(slot, lines)])
            return any(word in lines for _, lines in told)

        came = self._until(reached, REACH_WITHIN_S)
        for slot, lines in told:
            if word not in lines and slot.lines is lines:
                self._crew.order(slot, Calm())
        if freeze:
            time.sleep(fault.seconds)
            for slot, _ in told:  # another may have come to the step at the same moment
                self._crew.send_signal(slot, signal.SIGCONT)
        elif came:
            time.sleep(CRASH_S)
        return came

    def _end(self, slot: Slot, how: signal.Signals) -> bool:
        """Signal the process, and wait for its end."""
        process = slot.process
        done = self._crew.send_signal(slot, how)
        if process is not None:
            self._until(lambda: process.poll() is not None, END_WITHIN_S)
        return done

    def _stop(self, slot: Slot, seconds: float) -> bool:
        if not self._crew.send_signal(slot, signal.SIGSTOP):
            return False
        time.sleep(seconds)
        return self._crew.send_signal(slot, signal.SIGCONT)

    def _resize(self, slot: Slot, *, more: bool) -> bool:
        """One worker more or less; where that cannot be, the other way round."""
        spare = [one for one in self._crew.slots if not one.wanted]
        last = len(self._crew.slots) - len(spare) == 1
        if spare and (more or last):
            spare[0].wanted = True
            return True
        if last:
            return False
        slot.wanted = False
        return self._end(slot, signal.SIGTERM)

    def _broker(self, cluster: Cluster, fault: Fault) -> bool:
        number = fault.target % cluster.nodes
        if fault.kind is Kind.BROKER_PAUSE:
            done = cluster.send_signal(number, signal.SIGSTOP)
            time.sleep(fault.seconds)
            return done and cluster.send_signal(number, signal.SIGCONT)
        done = cluster.send_signal(number, signal.SIGKILL)
        time.sleep(fault.seconds)
        _restart(cluster)
        return done

    def _away(self, cluster: Cluster, fault: Fault) -> bool:
        done = [cluster.send_signal(number, signal.SIGKILL) for number in range(cluster.nodes)]
        time.sleep(fault.seconds)
        _restart(cluster)
        return all(done)

    def _until(self, true: Callable[[], bool], within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while not true():
            self._crew.check()
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_EVERY_S)
        return True


def _restart(cluster: Cluster) -> None:
    for _ in range(RESTART_ATTEMPTS - 1):
        with suppress(ClusterError):
            cluster.start()
            return
    cluster.start()
