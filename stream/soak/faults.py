"""The vocabulary of faults: what can be done to a worker or a broker, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is done. The second group needs brokers of the harness's own."""

    KILL = "kill"
    """`kill -9` of a worker at some moment."""
    CRASH = "crash"
    """A worker kills itself, as by `kill -9`, exactly before or after a step of its batch."""
    FREEZE = "freeze"
    """A worker stops (SIGSTOP) exactly at a step, until others took over, and goes on: a zombie."""
    STOP = "stop"
    """SIGSTOP at some moment for longer than the session timeout, then SIGCONT."""
    TERM = "term"
    """SIGTERM: the orderly stop."""
    ADD = "add"
    """One worker more, if there is room; the partitions are shared out anew."""
    REMOVE = "remove"
    """One worker less, in an orderly way, if another is left."""
    SLOW = "slow"
    """The worker's producer takes its time with each record."""
    CLOCK = "clock"
    """The wall clock of a worker jumps by an hour."""

    BROKER_KILL = "broker-kill"
    """`kill -9` of a broker, which comes back."""
    BROKER_PAUSE = "broker-pause"
    """SIGSTOP of a broker for some seconds: a disk that does not answer."""
    BROKERS_AWAY = "brokers-away"
    """All brokers killed, and back after a minute."""


BROKER_KINDS = frozenset({Kind.BROKER_KILL, Kind.BROKER_PAUSE, Kind.BROKERS_AWAY})
STEP_KINDS = frozenset({Kind.CRASH, Kind.FREEZE})


class Step(StrEnum):
    """A step of the worker's batch at which it can be hurt."""

    ALERT = "alert"
    STATUS = "status"
    DEADLETTER = "deadletter"
    WINDOWS = "windows"
    PATIENTS = "patients"
    TOMBSTONE = "tombstone"
    COMMIT = "commit"


class Side(StrEnum):
    """Before the step is begun, or after the broker has confirmed it."""

    BEFORE = "before"
    AFTER = "after"


POINTS = tuple((step, side) for step in Step for side in Side)
"""Every step, before and after."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: done once the workers have worked off `at` records of the feed.

    `target` picks the worker or broker (modulo how many there are). `seconds` is how long a state
    lasts, for CLOCK how far the clock jumps, for KILL and TERM how long after `at`. `nth` counts
    the step's occurrences from the moment on at which the fault is set.
    """

    kind: Kind
    at: int
    target: int = 0
    seconds: float = 0.0
    step: Step | None = None
    side: Side = Side.BEFORE
    nth: int = 1

    def __str__(self) -> str:
        if self.step is None:
            return self.kind.value
        return f"{self.kind.value} {self.side.value} {self.step.value}"
