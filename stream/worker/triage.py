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
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from stream.engine.native import mypyc_attr
from stream.worker.sickness import Sickness

ROUND_BYTES: Final = 4 * 1024 * 1024
"""A round ends beyond so many bytes: each may become a dead letter, which is larger still."""


@dataclass(frozen=True, slots=True)
class TriagePolicy:
    """`most`: records a round; `room`: records that may wait; `each`: see the module."""

    ticks_topic: str
    most: int
    room: int
    each: int = 16


@mypyc_attr(acyclic=True)
class Queue:
    """Where a record waits, with those of its partition and key; each has a number of its own."""

    __slots__ = ("key", "partition", "rank", "waiting")

    def __init__(self, partition: int, key: bytes | None, rank: int) -> None:
        self.partition: Final = partition
        self.key: Final = key
        self.rank = rank
        self.waiting: Final[deque[tuple[int, Any]]] = deque()

    @property
    def first(self) -> int:
        """The number of the record that has waited the longest."""
        number: int = self.waiting[0][0]
        return number


@mypyc_attr(acyclic=True)
class Call:
    """A record to be worked off; a tick for one patient `only`, or for all `but` some."""

    __slots__ = ("but", "message", "only")

    def __init__(
        self, message: Any, only: bytes | None = None, but: frozenset[bytes] = frozenset()
    ) -> None:
        self.message: Final = message
        self.only: Final = only
        self.but: Final = but


class WaitingRoom:
    """See the module. Holds messages with `topic`, `partition`, `offset`, `key`, `value` and
    `generation_id`.

    What a round costs depends on what it takes out, not on how many wait or are sick.
    """

    def __init__(self, policy: TriagePolicy, sickness: Sickness) -> None:
        self.policy = policy
        self._sickness = sickness
        self._queues: dict[int, dict[bytes | None, Queue]] = defaultdict(dict)
        self._order: deque[tuple[int, Queue]] = deque()
        """Of all that wait, the longest first; some were taken out of their queues since."""
        self._ranked: dict[int, list[tuple[int, int, Queue]]] = defaultdict(list)
        """Of each rank of the sick a heap: the number of a queue's first, a number that no other
        entry has, the queue. Some are past: the queue has another first by now, or rank."""
        self._entries = 0
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
            self._queue(message.key, message)
            return
        # Who has records before the tick must have them first.
        waiting = [key for key in self._queues[message.partition] if key is not None]
        for key in waiting:
            self._queue(key, message)
        self._parts[_name(message)] = 1 + len(waiting)
        self._ticks.append(Call(message, but=frozenset(waiting)))

    def next_round(self) -> list[Call]:
        """Take out what is worked off next; empty only where nothing waits."""
        calls, self._ticks = self._ticks, []
        self._rank_anew()
        size = taken = 0
        left = self.policy.most // 2
        for rank in sorted(self._ranked, reverse=True):
            heap, again = self._ranked[rank], []
            while self._first(rank) is not None and taken < left and size < ROUND_BYTES // 2:
                queue = heapq.heappop(heap)[2]
                for _ in range(min(self.policy.each, len(queue.waiting))):
                    if taken >= left or size >= ROUND_BYTES // 2:
                        break
                    size += self._take(queue, calls)
                    taken += 1
                again.append(queue)
            for queue in again:
                self._rank(queue)
        order = self._order
        while order and taken < self.policy.most and size < ROUND_BYTES:
            number, queue = order.popleft()
            # what came into a queue before it is gone already, as it came into the room before it
            if queue.waiting and queue.first == number:
                size += self._take(queue, calls)
                taken += 1
                self._rank(queue)
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

        waiting = [message for queue in self._all() for _, message in queue.waiting]
        waiting += [call.message for call in self._ticks]
        gone = {_name(message) for message in waiting if not stays(message)}
        self._ticks = [call for call in self._ticks if stays(call.message)]
        for queue in self._all():
            kept = [item for item in queue.waiting if stays(item[1])]
            queue.waiting.clear()
            queue.waiting.extend(kept)
            if kept:
                self._rank(queue)
            else:
                self._leave(queue)
        for name in gone:
            self._parts.pop(name, None)
        self._count -= len(gone)
        self._generations = {message.generation_id for message in waiting if stays(message)}

    def _rank_anew(self) -> None:
        for key in self._sickness.changed:
            rank = self._sickness.of(key)
            for queues in self._queues.values():
                queue = queues.get(key)
                if queue is not None:
                    queue.rank = rank
                    self._rank(queue)
        self._sickness.changed.clear()

    def _rank(self, queue: Queue) -> None:
        """A queue has another first, or another rank."""
        if queue.rank and queue.waiting:
            self._entries += 1
            entry = queue.first, self._entries, queue
            heapq.heappush(self._ranked[queue.rank], entry)

    def _first(self, rank: int) -> Queue | None:
        """The queue of the rank that has waited the longest; what is past before it goes."""
        heap = self._ranked[rank]
        while heap:
            number, _, queue = heap[0]
            if queue.rank == rank and queue.waiting and queue.first == number:
                return queue
            heapq.heappop(heap)
        return None

    def _all(self) -> list[Queue]:
        return [queue for queues in self._queues.values() for queue in queues.values()]

    def _queue(self, key: bytes | None, message: Any) -> None:
        self._number += 1
        queues = self._queues[message.partition]
        queue = queues.get(key)
        if queue is None:
            queue = queues[key] = Queue(message.partition, key, self._sickness.of(key))
        queue.waiting.append((self._number, message))
        self._order.append((self._number, queue))
        if len(queue.waiting) == 1:
            self._rank(queue)

    def _take(self, queue: Queue, calls: list[Call]) -> int:
        """Move the first record of a queue to the calls; returns its bytes."""
        _, message = queue.waiting.popleft()
        if not queue.waiting:
            self._leave(queue)
        tick = message.topic == self.policy.ticks_topic
        calls.append(Call(message, only=queue.key if tick else None))
        return len(message.value or b"")

    def _leave(self, queue: Queue) -> None:
        del self._queues[queue.partition][queue.key]


def _name(message: Any) -> tuple[str, int, int]:
    return message.topic, message.partition, message.offset
