"""Source records that were worked off, and whose patients' states are not all written yet.

A record may be settled (and its offset committed) once everything that it caused is acknowledged:
what was said is, when its batch ends; the states it changed are, when they are written. No record
itself is held here, only its place.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Protocol

Place = tuple[str, int, int]
"""Where a record lies: topic, partition, offset."""


class Located(Protocol):
    """A record, whoever read it."""

    @property
    def topic(self) -> str:
        """Its name."""

    @property
    def partition(self) -> int:
        """From 0."""

    @property
    def offset(self) -> int:
        """In the partition."""


def places_of(records: Iterable[Located]) -> list[Place]:
    """Where they lie."""
    return [(record.topic, record.partition, record.offset) for record in records]


class Unsettled:
    """See the module. A patient is their key."""

    def __init__(self) -> None:
        self._waits: dict[Place, int] = {}
        """For how many patients a record waits."""
        self._places: dict[bytes, list[Place]] = defaultdict(list)
        self._whole: set[Place] = set()
        self._held: Counter[tuple[str, int]] = Counter()

    def __len__(self) -> int:
        return len(self._whole)

    def held(self, topic: str, partition: int) -> int:
        """How many records of a partition wait for nothing but the writing of states."""
        return self._held[topic, partition]

    def touched(
        self,
        records: Sequence[Located],
        patients: Sequence[Collection[bytes]],
        waiting: Container[bytes],
    ) -> None:
        """Each record, or a part of it, was applied to these patients, a patient in one part only.

        It waits for those of them whose states wait to be written.
        """
        for record, keys in zip(records, patients, strict=True):
            if not keys:
                continue
            place = record.topic, record.partition, record.offset
            count = 0
            for key in keys:
                if key in waiting:
                    self._places[key].append(place)
                    count += 1
            self._waits[place] = self._waits.get(place, 0) + count

    def worked_off(self, places: Iterable[Place]) -> list[Place]:
        """All parts of these records are: returns those that wait for nothing."""
        settled = []
        for place in places:
            if self._waits.get(place):
                self._whole.add(place)
                self._held[place[0], place[1]] += 1
            else:
                self._waits.pop(place, None)
                settled.append(place)
        return settled

    def taken(self, patients: Iterable[bytes]) -> dict[bytes, list[Place]]:
        """What waits for these patients, whose states are about to be written as they are now."""
        return {key: self._places.pop(key) for key in patients if key in self._places}

    def written(self, taken: Mapping[bytes, list[Place]]) -> list[Place]:
        """They are written: returns the records that wait for nothing more."""
        settled = []
        for places in taken.values():
            for place in places:
                left = self._waits[place] = self._waits[place] - 1
                if not left and place in self._whole:
                    self._whole.discard(place)
                    self._held[place[0], place[1]] -= 1
                    del self._waits[place]
                    settled.append(place)
        return settled

    def clear(self) -> None:
        """After a rebalance: whatever is not settled is read again."""
        self._waits.clear()
        self._places.clear()
        self._whole.clear()
        self._held.clear()
