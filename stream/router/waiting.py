"""A route's queue: the most urgent first, then the oldest; pure, `now` in seconds of any clock.

A message that waits for another try does not hold up those behind it, and of one patient only
messages more urgent than the one under way may overtake it.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream.router.ledger import Entry
    from stream.router.message import Message


@dataclass(slots=True, eq=False)
class Item:
    """A message on its way through one route. `since` is when it came into the queue."""

    message: Message
    body: bytes
    entries: tuple[Entry, ...] = field(repr=False)
    since: float
    attempts: int = 0
    last_answer: str = ""
    over: bool = False
    """Delivered, a dead letter, or another router's."""
    passed_on: bool = False
    """Another route was told of it."""

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return self.message.rank

    @property
    def held(self) -> bool:
        """Whether all its records are still of partitions that this router reads."""
        return all(entry.held for entry in self.entries)

    @property
    def patient(self) -> str:
        """Whose it is."""
        return self.message.patient_id


class Waiting:
    """What waits, is put off, and is under way."""

    def __init__(self) -> None:
        self._serial = 0
        self._ready: list[tuple[int, int, Item]] = []
        self._later: list[tuple[float, int, Item]] = []
        self._held: dict[str, list[tuple[int, int, Item]]] = {}
        self._under_way: dict[str, list[Item]] = {}
        self._count = 0
        self.flying = 0

    def __len__(self) -> int:
        return self._count

    def add(self, item: Item) -> None:
        """Put at the end of its priority."""
        self._serial += 1
        self._count += 1
        heapq.heappush(self._ready, (item.rank, self._serial, item))

    def put_off(self, item: Item, until: float) -> None:
        """Try again later; what was under way is so no longer."""
        self._landed(item)
        self._serial += 1
        heapq.heappush(self._later, (until, self._serial, item))

    def take(self, now: float, free: Callable[[int], bool]) -> Item | None:
        """The next to go, now under way; None where nothing may. `free` is asked with the rank."""
        while self._later and self._later[0][0] <= now:
            _, serial, item = heapq.heappop(self._later)
            heapq.heappush(self._ready, (item.rank, serial, item))
        while self._ready and free(self._ready[0][0]):
            entry = heapq.heappop(self._ready)
            item = entry[2]
            going = self._under_way.get(item.patient, ())
            if any(other.rank <= item.rank for other in going):
                self._held.setdefault(item.patient, []).append(entry)
                continue
            self._under_way.setdefault(item.patient, []).append(item)
            self.flying += 1
            return item
        return None

    def done(self, item: Item) -> None:
        """It is delivered, or a dead letter."""
        item.over = True
        self._count -= 1
        self._landed(item)

    def due(self) -> float | None:
        """When the next put-off message may go."""
        return self._later[0][0] if self._later else None

    def items(self) -> Iterator[Item]:
        """All that are not under way."""
        yield from (entry[2] for entry in self._ready)
        yield from (entry[2] for entry in self._later)
        for held in self._held.values():
            yield from (entry[2] for entry in held)

    def oldest(self) -> float | None:
        """Since when the oldest has been here."""
        flying = (item for going in self._under_way.values() for item in going)
        return min((item.since for item in (*self.items(), *flying)), default=None)

    def remove(self, unwanted: Callable[[Item], bool]) -> list[Item]:
        """Take out what is not under way and unwanted."""
        out = [item for item in self.items() if unwanted(item)]
        self._count -= len(out)
        for item in out:
            item.over = True
        if out:
            self._ready = [entry for entry in self._ready if not unwanted(entry[2])]
            self._later = [entry for entry in self._later if not unwanted(entry[2])]
            heapq.heapify(self._ready)
            heapq.heapify(self._later)
            for patient, held in list(self._held.items()):
                self._held[patient] = [entry for entry in held if not unwanted(entry[2])]
        return out

    def _landed(self, item: Item) -> None:
        going = self._under_way.get(item.patient, [])
        if item in going:
            going.remove(item)
            self.flying -= 1
        if not going:
            self._under_way.pop(item.patient, None)
        for entry in self._held.pop(item.patient, ()):
            heapq.heappush(self._ready, entry)
