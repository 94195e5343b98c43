"""What a running worker looks like from outside, at one moment: figures, without judgement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Where = tuple[str, int]
"""A topic and one of its partitions."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far one source partition has come. Offsets name the next record."""

    first: int
    end: int
    settled: int | None
    position: int | None
    committed: int | None
    under_way: int
    """Records that were handed to the agent and are not settled."""
    held: int = 0
    """Those of them that wait for nothing but the writing of states."""
    led: bool = True
    """Whether the partition's leader answered lately; if not, nobody can move it."""

    @property
    def done(self) -> int:
        """The first offset that is not settled and is still in the log."""
        return max(self.first, -1 if self.settled is None else self.settled)

    @property
    def behind(self) -> bool:
        """Whether records are left to settle.

        A transaction's marker takes an offset at the end of a log and is never handed out: one
        offset alone, when all was read and nothing is under way, is no record.
        """
        unread = self.position is None or self.position < self.end
        return self.under_way > 0 or (self.end > self.done and unread) or self.end - self.done > 1

    @property
    def uncommitted(self) -> bool:
        """Whether something is settled that is not committed."""
        return self.settled is not None and self.settled > (self.committed or 0)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a worker looked like at one moment; counts only grow."""

    main_loop: bool = True
    """Whether the loop answered this time; the rest may be of an earlier look where it did not."""
    consumer_loop: bool = True
    started: bool = True
    """The consumer's client is there, so that brokers can be asked."""
    answers: int = 0
    """Answers of brokers so far."""
    joined: bool = True
    """The group's last word was an assignment, were it an empty one."""
    ready: bool = True
    """The tables of the assignment are restored."""
    restored: int = 0
    """Sum of the positions in the tables' changelogs."""
    shortfall: str = ""
    """Which changelogs end before they were known to reach, while they are to be restored."""
    fetching: bool = True
    agent: bool = True
    rounds: int = 0
    """Rounds of the ticker so far."""
    in_backlog: int = 0
    """Records worked off so far while more than a round of others waited for their turn."""
    oldest_send: tuple[int, str] | None = None
    """Serial number and topic of the oldest send that is not acknowledged."""
    places: Mapping[Where, Place] = field(default_factory=dict)
    error: str | None = None
    """An error that the group coordinator's part of the client held, cleared by this look."""
    coordinator_ended: bool = False
