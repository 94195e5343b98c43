"""Which of the records that were read are worked off next: those of the sickest patients.

Patients are independent of each other; the order of the log matters within one patient only. So
what was read waits in a room, by patient, and each round takes

1. the ticks that wait (each is an event of all patients of its partition: those with records before
   it get it in their turn, the others at once),
2. up to half of the round: records of the sickest patients, no more than `each` of one patient, so
   that a broken monitor at one bed takes nothing from the next,
3. the rest: what has waited longest, whoever it belongs to.

The second half is what keeps the others from starving: a record waits `room / (most / 2)` rounds at
most. A patient's own records are always taken in the order of the log.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROUND_BYTES = 4 * 1024 * 1024
"""A round ends beyond so many bytes: each may become a dead letter, which is larger still."""


@dataclass(frozen=True, slots=True)
class TriagePolicy:
    """`most`: records a round; `room`: records that may wait; `each`: see the module."""

    ticks_topic: str
    most: int
    room: int
    each: int = 16


class Place(NamedTuple):
    """Where a record waits: with those of its partition and key."""

    partition: int
    key: bytes | None


class Call(NamedTuple):
    """A record to be worked off; a tick for one patient `only`, or for all `but` some."""

    message: Any
    only: bytes | None = None
    but: frozenset[bytes] = frozenset()


class WaitingRoom:
    """See the module. Holds messages with `topic`, `partition`, `offset`, `key`, `value` and
    `generation_id`.

    `sickness` gives a patient's rank by key, 0 for those who are not known to be sick.
    """

    def __init__(self, policy: TriagePolicy, sickness: Callable[[bytes], int]) -> None:
        self.policy = policy
        self._sickness = sickness
        self._queues: dict[Place, deque[tuple[int, Any]]] = {}
        self._places: dict[int, set[Place]] = defaultdict(set)
        self._ticks: list[Call] = []
        self._parts: dict[tuple[str, int, int], int] = {}
        self._generations: set[int] = set()
        self._number = 0
        self._count = 0

    def __len__(self) -> int:
        """Records that wait."""
        return self._count

    @property
    def full(self) -> bool:
        """Whether no more should be read for now."""
        return self._count >= self.policy.room

    def admit(self, message: Any) -> None:
        """The next record of the stream."""
        self._count += 1
        self._generations.add(message.generation_id)
        if message.topic != self.policy.ticks_topic:
            self._queue(Place(message.partition, message.key), message)
            return
        # Who has records before the tick must have them first.
        waiting = [place for place in self._places[message.partition] if place.key is not None]
        for place in waiting:
            self._queue(place, message)
        self._parts[_name(message)] = 1 + len(waiting)
        self._ticks.append(Call(message, but=frozenset(p.key for p in waiting if p.key)))

    def next_round(self) -> list[Call]:
        """Take out what is worked off next; empty only where nothing waits."""
        calls, self._ticks = self._ticks, []
        room = self.policy.most // 2
        ranked = sorted(
            (-rank, queue[0][0], place)
            for place, queue in self._queues.items()
            if place.key is not None and (rank := self._sickness(place.key)) > 0
        )
        size = taken = 0
        for _, _, place in ranked:
            for _ in range(min(self.policy.each, len(self._queues[place]))):
                if taken >= room or size >= ROUND_BYTES // 2:
                    break
                size += self._take(place, calls)
                taken += 1
        oldest = [(queue[0][0], place) for place, queue in self._queues.items()]
        heapq.heapify(oldest)
        while oldest and taken < self.policy.most and size < ROUND_BYTES:
            place = oldest[0][1]
            size += self._take(place, calls)
            taken += 1
            if place in self._queues:
                heapq.heapreplace(oldest, (self._queues[place][0][0], place))
            else:
                heapq.heappop(oldest)
        return calls

    def done(self, calls: Iterable[Call]) -> list[Any]:
        """The calls were worked off: the messages of which nothing waits any more, to be settled.

        Until it is told here, a record counts as waiting.
        """
        whole = []
        for call in calls:
            name = _name(call.message)
            parts = self._parts.get(name, 1) - 1
            if parts:
                self._parts[name] = parts
            else:
                self._parts.pop(name, None)
                whole.append(call.message)
        self._count -= len(whole)
        return whole

    def keep(self, generation: int | None) -> None:
        """Forget what was read in other generations of the group, None: in any; it comes again."""
        if self._generations <= {generation}:
            return  # a look at each record in each round would cost more than all the rest here

        def stays(message: Any) -> bool:
            return bool(message.generation_id == generation)

        waiting = [message for queue in self._queues.values() for _, message in queue]
        waiting += [call.message for call in self._ticks]
        gone = {_name(message) for message in waiting if not stays(message)}
        self._ticks = [call for call in self._ticks if stays(call.message)]
        for place, queue in list(self._queues.items()):
            kept = deque(item for item in queue if stays(item[1]))
            if kept:
                self._queues[place] = kept
            else:
                self._leave(place)
        for name in gone:
            self._parts.pop(name, None)
        self._count -= len(gone)
        self._generations = {message.generation_id for message in waiting if stays(message)}

    def _queue(self, place: Place, message: Any) -> None:
        self._number += 1
        self._queues.setdefault(place, deque()).append((self._number, message))
        self._places[place.partition].add(place)

    def _take(self, place: Place, calls: list[Call]) -> int:
        """Move the first record of a place to the calls; returns its bytes."""
        queue = self._queues[place]
        _, message = queue.popleft()
        if not queue:
            self._leave(place)
        tick = message.topic == self.policy.ticks_topic
        calls.append(Call(message, only=place.key if tick else None))
        return len(message.value or b"")

    def _leave(self, place: Place) -> None:
        del self._queues[place]
        self._places[place.partition].discard(place)


def _name(message: Any) -> tuple[str, int, int]:
    return message.topic, message.partition, message.offset
