"""The worker's clock: the wall's time at the start, and from then on what has truly passed.

A system's clock can be set while a worker runs, by an hour or by mistake. Ticks an hour ahead
would call every signal of the ward lost; an hour behind, what has just been measured would lie in
the future and be refused. So a set clock is reported (`stormwatch_clock_step_seconds`) and not
followed. Where the clock was wrong before and is right now, start the worker again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def since_boot() -> float:
    """Seconds that passed, those that the machine slept through included where that is known."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class SteadyClock:
    """Seconds since 1970; see the module."""

    def __init__(
        self, wall: Callable[[], float] = time.time, passed: Callable[[], float] = since_boot
    ) -> None:
        self._wall, self._passed = wall, passed
        self._start = wall() - passed()

    def __call__(self) -> float:
        """The time now."""
        return self._start + self._passed()

    @property
    def step_s(self) -> float:
        """How far the wall's clock has been set since the start; ahead is positive."""
        return self._wall() - self()
