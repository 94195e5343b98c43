"""The circuit breaker of a route; pure, `now` in seconds of any clock."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.router.config import BreakerRule


class BreakerState(StrEnum):
    """`half_open`: one message is under way to see whether the receiver is back."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens after failures in a row, for longer each time it finds the receiver still away."""

    def __init__(self, rule: BreakerRule) -> None:
        self.rule = rule
        self.state = BreakerState.CLOSED
        self.opens_until = 0.0
        self._failures = 0
        self._openings = 0

    def allows(self, now: float) -> bool:
        """Whether a message may be tried now."""
        if self.state is BreakerState.OPEN:
            return now >= self.opens_until
        return self.state is BreakerState.CLOSED

    def trying(self) -> None:
        """A message is being tried: of an open breaker, the one that finds out."""
        if self.state is BreakerState.OPEN:
            self.state = BreakerState.HALF_OPEN

    def answered(self) -> None:
        """The receiver is there, whatever it said of the message."""
        self.state = BreakerState.CLOSED
        self._failures = self._openings = 0

    def failed(self, now: float) -> None:
        """The receiver did not do its part."""
        self._failures += 1
        if self.state is BreakerState.OPEN:
            return  # what was under way when it opened
        if self.state is BreakerState.HALF_OPEN or self._failures >= self.rule.failures:
            wait = self.rule.open_s * 2 ** min(self._openings, 30)
            self._openings += 1
            self.opens_until = now + min(wait, self.rule.most_open_s)
            self.state = BreakerState.OPEN
