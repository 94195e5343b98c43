"""Which records of a route are settled, and how far its group may commit.

A route commits an offset only once every record before it is delivered, a dead letter, or not for
this route at all. Records are taken by the reading thread and settled by the event loop.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass


class Partition:
    """One partition while it is assigned; a new one is made at each assignment."""

    __slots__ = ("committed", "next", "open")

    def __init__(self, begin: int) -> None:
        self.next = begin
        self.committed = begin
        self.open: OrderedDict[int, int] = OrderedDict()
        """Offsets not settled, and how many routes have still to do with each."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A record that was taken; it knows the ledger it came from."""

    ledger: Ledger
    partition: Partition
    number: int
    offset: int

    def settle(self) -> None:
        """Nothing is left to do for this record, by one of those who had to do with it."""
        self.ledger.settle(self)

    def share(self) -> None:
        """Another route has to do with it too: it takes one more to settle it."""
        self.ledger.share(self)

    @property
    def held(self) -> bool:
        """Whether the record is of a partition that is still ours."""
        return self.ledger.holds(self)


class Ledger:
    """The partitions assigned now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._partitions: dict[int, Partition] = {}

    def assign(self, number: int, begin: int) -> None:
        """Begin anew at an offset that is committed."""
        with self._lock:
            self._partitions[number] = Partition(begin)

    def revoke(self, numbers: set[int]) -> None:
        """Forget partitions; what of them is still settled changes nothing."""
        with self._lock:
            for number in numbers:
                self._partitions.pop(number, None)

    def take(self, number: int, offset: int) -> Entry | None:
        """A record was read; None where its partition is not assigned, or it is a repetition."""
        with self._lock:
            partition = self._partitions.get(number)
            if partition is None or offset < partition.next:
                return None
            partition.open[offset] = 1
            partition.next = offset + 1
            return Entry(self, partition, number, offset)

    def settle(self, entry: Entry) -> None:
        """One of those who had to do with this record is done."""
        with self._lock:
            still = entry.partition.open
            left = still.get(entry.offset, 1) - 1
            if left:
                still[entry.offset] = left
            else:
                still.pop(entry.offset, None)

    def share(self, entry: Entry) -> None:
        """One more has to do with this record; none where it is settled already."""
        with self._lock:
            if entry.offset in entry.partition.open:
                entry.partition.open[entry.offset] += 1

    def holds(self, entry: Entry) -> bool:
        """Whether the record is of a partition that is still ours."""
        with self._lock:
            return self._partitions.get(entry.number) is entry.partition

    def unsettled(self) -> int:
        """How many records are taken and not settled."""
        with self._lock:
            return sum(len(partition.open) for partition in self._partitions.values())

    def committable(self) -> dict[int, int]:
        """Offsets that may be committed and are not, by partition."""
        with self._lock:
            found = {}
            for number, partition in self._partitions.items():
                offset = next(iter(partition.open), partition.next)
                if offset > partition.committed:
                    found[number] = offset
            return found

    def standing(self) -> dict[int, int]:
        """What was committed last, by partition."""
        with self._lock:
            return {number: part.committed for number, part in self._partitions.items()}

    def committed(self, offsets: dict[int, int]) -> None:
        """The broker has taken these."""
        with self._lock:
            for number, offset in offsets.items():
                if number in self._partitions:
                    self._partitions[number].committed = offset
