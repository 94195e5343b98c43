"""Source records that were worked off, and whose patients' states are not all written yet.

A record may be settled (and its offset committed) once everything that it caused is acknowledged:
what was said is, when its batch ends; the states it changed are, when they are written. No record
itself is held here, only its place.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Final, Protocol

from stream.engine.native import mypyc_attr

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


@mypyc_attr(acyclic=True)
class Waiting:
    """A record that waits for the states of some patients."""

    __slots__ = ("patients", "place", "whole")

    def __init__(self, place: Place) -> None:
        self.place: Final = place
        self.patients = 0
        """How many it waits for."""
        self.whole = False
        """All parts of it were worked off."""


class Unsettled:
    """See the module. A patient is their key."""

    def __init__(self) -> None:
        self._parts: dict[Place, Waiting] = {}
        """Those of which not every part is worked off."""
        self._of: dict[bytes, list[Waiting]] = defaultdict(list)
        self._held: Counter[tuple[str, int]] = Counter()
        self._count = 0

    def __len__(self) -> int:
        return self._count

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
            mine = [key for key in keys if key in waiting]
            if not mine:
                continue
            place = record.topic, record.partition, record.offset
            one = self._parts.get(place)
            if one is None:
                one = self._parts[place] = Waiting(place)
            one.patients += len(mine)
            for key in mine:
                self._of[key].append(one)

    def worked_off(self, places: Iterable[Place]) -> list[Place]:
        """All parts of these records are: returns those that wait for nothing."""
        settled = []
        for place in places:
            one = self._parts.pop(place, None)
            if one is None or not one.patients:
                settled.append(place)
                continue
            one.whole = True
            self._note(place, 1)
        return settled

    def taken(self, patients: Iterable[bytes]) -> dict[bytes, list[Waiting]]:
        """What waits for these patients, whose states are about to be written as they are now."""
        return {key: self._of.pop(key) for key in patients if key in self._of}

    def written(self, taken: Mapping[bytes, list[Waiting]]) -> list[Place]:
        """They are written: returns the records that wait for nothing more."""
        settled = []
        for records in taken.values():
            for one in records:
                one.patients -= 1
                if not one.patients and one.whole:
                    self._note(one.place, -1)
                    settled.append(one.place)
        return settled

    def clear(self) -> None:
        """After a rebalance: whatever is not settled is read again."""
        self._parts.clear()
        self._of.clear()
        self._held.clear()
        self._count = 0

    def _note(self, place: Place, more: int) -> None:
        self._held[place[0], place[1]] += more
        self._count += more
