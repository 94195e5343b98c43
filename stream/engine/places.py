"""Where the events of a patient lie, by id, without looking through all windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from stream.engine.events import Micros
from stream.engine.facts import Fact, Window

_ANYWHERE: Micros = -1
"""Not the start of a window: one id from several sources lies in several of them."""


class Places:
    """The window in which an event of each id lies, if it is there at all.

    A hint, never stored: the states that follow from one another share it, and names are only
    added. It may tell of what a state does not hold (thinned, folded, of another branch), but an id
    that it does not know is in none of them.
    """

    __slots__ = ("_starts",)

    def __init__(self, windows: Mapping[Micros, Window]) -> None:
        self._starts: dict[str, Micros] = {}
        for start, window in windows.items():
            for fact in window.facts:
                self.add(fact, start)

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, fact: Fact, start: Micros) -> None:
        """A fact comes to lie in the window that begins at `start`."""
        if self._starts.setdefault(fact.event.event_id, start) != start:
            self._starts[fact.event.event_id] = _ANYWHERE

    def of(self, event_id: str, windows: Mapping[Micros, Window]) -> Collection[Window]:
        """The windows, of those given, that may hold events of this id."""
        start = self._starts.get(event_id)
        if start is None:
            return ()
        if start == _ANYWHERE:
            return windows.values()
        window = windows.get(start)
        return () if window is None else (window,)
