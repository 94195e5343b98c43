"""Where the events of a patient lie, by id, without looking through all windows."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from stream.engine.events import Micros
from stream.engine.facts import Fact, Window
from stream.engine.native import mypyc_attr

_BITS: Final = 0xFFFF_FFFF


@mypyc_attr(acyclic=True)
class Places:
    """The windows in which an event of each id may lie.

    A hint, never stored: the states that follow from one another share it, and ids are only added.
    It may tell of what a state does not hold (thinned, folded, of another branch, an id with the
    same hash), but an id that it does not know is in none of them. It keeps no ids but twelve bytes
    of each, so that a patient with thousands of them stays small.
    """

    __slots__ = ("_hashes", "_starts")

    def __init__(self, windows: Mapping[Micros, Window]) -> None:
        held = (
            (hash(fact.event.event_id) & _BITS, start)
            for start, window in windows.items()
            for fact in window.facts
        )
        self._fill(sorted(held))

    def _fill(self, held: Iterable[tuple[int, int]]) -> None:
        """Ascending, in parallel: 32 bits of the id's hash, and the start of its window."""
        self._hashes, self._starts = array("I"), array("q")
        for name, start in held:
            self._hashes.append(name)
            self._starts.append(start)

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, fact: Fact, start: Micros) -> None:
        """A fact comes to lie in the window that begins at `start`."""
        name = hash(fact.event.event_id) & _BITS
        index = bisect_left(self._hashes, name)
        self._hashes.insert(index, name)
        self._starts.insert(index, start)

    def since(self, start: Micros) -> Places:
        """Those of the windows from `start` on."""
        left = Places({})
        held = zip(self._hashes, self._starts, strict=True)
        left._fill(pair for pair in held if pair[1] >= start)
        return left

    def of(self, event_id: str, windows: Mapping[Micros, Window]) -> Collection[Window]:
        """The windows, of those given, that may hold events of this id; the earliest first."""
        hashes, name = self._hashes, hash(event_id) & _BITS
        index = bisect_left(hashes, name)
        if index == len(hashes) or hashes[index] != name:
            return ()
        starts = set()
        while index < len(hashes) and hashes[index] == name:
            starts.add(self._starts[index])
            index += 1
        return [windows[start] for start in sorted(starts) if start in windows]
