"""Which offsets of one partition are done: the arithmetic of a commit, without Kafka."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable


class Ledger:
    """Offsets of one partition in the order delivered, and the first one not yet settled.

    Offsets need not be consecutive: compaction and transactions leave holes in a log. What was
    delivered and lost on the way stays open, so nothing after it can be committed.
    """

    __slots__ = ("_last", "_next", "_open", "_settled")

    def __init__(self) -> None:
        self._open: deque[int] = deque()
        self._settled: set[int] = set()
        self._next: int | None = None
        self._last = -1

    def deliver_all(self, offsets: Iterable[int]) -> None:
        """As `deliver`, one after the other."""
        for offset in offsets:
            self.deliver(offset)

    def deliver(self, offset: int) -> None:
        """The record was handed to the stream; told again after a seek back, nothing changes."""
        if offset > self._last:
            self._open.append(offset)
            self._last = offset

    def settle(self, offset: int) -> None:
        """All that the record caused is acknowledged by the broker."""
        if not self._open or offset < self._open[0]:
            return  # settled before, or not of this assignment
        self._settled.add(offset)
        while self._open and self._open[0] in self._settled:
            done = self._open.popleft()
            self._settled.discard(done)
            self._next = done + 1

    @property
    def committable(self) -> int | None:
        """The offset to commit: one past the last of an unbroken run; None before the first."""
        return self._next

    @property
    def open(self) -> int:
        """How many delivered records are not committable yet."""
        return len(self._open)
