"""Where a worker can be hurt from inside: at a step, by slowness, by its clock. No Kafka here.

The victim (`stream.soak.victim`) tells a `Control` of every step; what is to happen then was told
to it from outside, as `Order`s.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from stream.soak.faults import Side, Step

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Crash:
    """At the `nth` step from now on: `kill` ends the process, `stop` stops it (SIGSTOP)."""

    step: Step
    side: Side
    nth: int = 1
    how: Literal["kill", "stop"] = "kill"


@dataclass(frozen=True, slots=True)
class Slow:
    """For `for_s` seconds each record waits `delay_s` before it is handed to the producer."""

    delay_s: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock jumps by so many seconds."""

    jump_s: float


@dataclass(frozen=True, slots=True)
class Calm:
    """Crashes that have not come about are called off."""


Order = Crash | Slow | Clock | Calm
_ORDERS: dict[str, type[Any]] = {kind.__name__.lower(): kind for kind in (Crash, Slow, Clock, Calm)}


def to_line(order: Order) -> str:
    """An order as one line of JSON."""
    return json.dumps({"order": type(order).__name__.lower(), **asdict(order)})


def from_line(line: str) -> Order:
    """Back again. Raises ValueError, which says what is wrong."""
    document = json.loads(line)
    kind = _ORDERS.get(document.pop("order", ""))
    if kind is None:
        raise ValueError(f"an order is one of {', '.join(_ORDERS)}, not {line!r}")
    if unknown := document.keys() - {field.name for field in fields(kind)}:
        raise ValueError(f"an order {kind.__name__} has no {', '.join(sorted(unknown))}")
    if kind is Crash:
        document |= {"step": Step(document["step"]), "side": Side(document["side"])}
    order: Order = kind(**document)
    return order


class Control:
    """Counts steps and carries out orders. `hurt(how)` ends or stops the process."""

    def __init__(self, hurt: Callable[[Crash], None], monotonic: Callable[[], float]) -> None:
        self.jump_s = 0.0
        """How far the wall clock stands from the true one."""
        self._hurt, self._monotonic = hurt, monotonic
        self._reached: Counter[tuple[Step, Side]] = Counter()
        self._crashes: list[tuple[Crash, int]] = []
        self._slow: tuple[float, float] = 0.0, 0.0

    def obey(self, order: Order) -> None:
        """From now on."""
        match order:
            case Crash():
                now = self._reached[order.step, order.side]
                self._crashes.append((order, now + order.nth))
            case Slow():
                self._slow = order.delay_s, self._monotonic() + order.for_s
            case Clock():
                self.jump_s += order.jump_s
            case Calm():
                self._crashes.clear()

    def reach(self, step: Step, side: Side) -> None:
        """The worker is at this step: hurt it where that was ordered, once."""
        self._reached[step, side] += 1
        for order, count in self._crashes:
            if (order.step, order.side) == (step, side) and count == self._reached[step, side]:
                self._crashes.remove((order, count))
                self._hurt(order)
                return

    @property
    def delay_s(self) -> float:
        """How long the next record has to wait."""
        delay, until = self._slow
        return delay if self._monotonic() < until else 0.0


def step_of(topic: str, value: bytes | None) -> Step | None:
    """Which step a record that is sent belongs to; None for those that are no step (ticks)."""
    if topic.endswith("-windows-changelog"):
        return Step.TOMBSTONE if value is None else Step.WINDOWS
    if topic.endswith("-patients-changelog"):
        return Step.PATIENTS
    for step in (Step.ALERT, Step.STATUS, Step.DEADLETTER):
        if topic.endswith((step.value, f"{step.value}s")):
            return step
    return None
