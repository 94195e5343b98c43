"""Folds kept on the way, so that what comes late is folded from near where it belongs.

A checkpoint is the fold of all facts before its key. A few are kept of the newest minutes and,
ever further apart, of those before; within the newest minute, once it is thinned, one of every few
facts (the next extreme takes one of them out); and one at the end of every window with many facts,
so that forgetting the window need not fold it a second time. None of these folds is ever changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stream.engine.events import Micros
from stream.engine.facts import WINDOW, minute_of, window_of
from stream.engine.fold import NAMES, NEVER, Fold
from stream.engine.fold_difference import alike, differences, same
from stream.engine.native import mypyc_attr

_NEWEST_KEPT: Final = 2
_MINUTES_KEPT: Final = 4
_FEW: Final = 64
"""With more fields than these that differ, a fold is kept whole."""


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Kept:
    """A fold put away: where and how it differs from one that its neighbours share."""

    common: Final[Fold]
    """Never changed."""
    places: Final[bytes]
    """Of the fields that differ."""
    values: Final[tuple[object, ...]]

    def __init__(
        self,
        common: Fold,
        places: bytes,
        values: tuple[object, ...],
    ) -> None:
        self.common = common
        self.places = places
        self.values = values

    @classmethod
    def of(cls, fold: Fold, like: Kept | None) -> Kept:
        """Of a fold as it is now; it shares what it can with `like`."""
        if like is not None:
            found = differences(fold, like.common)
            if len(found.places) <= _FEW:
                places = bytes(found.places)
                if places == like.places:  # as most often
                    places = like.places
                return cls(like.common, places, tuple(found.values))
        return cls(fold.copy(), b"", ())

    def fold(self) -> Fold:
        """The fold again; one of the caller's own."""
        fold = self.common.copy()
        for place, at in enumerate(self.places):
            setattr(fold, NAMES[at], self.values[place])
        return fold

    def is_of(self, fold: Fold) -> bool:
        """Whether a fold is the same as this one; most often it differs in the same fields."""
        found = differences(fold, self.common)
        if bytes(found.places) != self.places:
            return same(fold, self.fold())
        return all(alike(found.values[place], value) for place, value in enumerate(self.values))


Folds = dict[Micros, Kept]


def last_of(folds: Folds) -> Kept | None:
    """The latest, which the next one is most like."""
    return next(reversed(folds.values()), None)


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Checkpoints:
    """See the module. Both by key, ascending: in and of minutes, and of the ends of windows."""

    minutes: Final[Folds]
    ends: Final[Folds]

    def __init__(
        self,
        minutes: Folds | None = None,
        ends: Folds | None = None,
    ) -> None:
        self.minutes = {} if minutes is None else minutes
        self.ends = {} if ends is None else ends

    @property
    def newest(self) -> Micros:
        """The last key; NEVER where there is none."""
        minute, end = next(reversed(self.minutes), NEVER), next(reversed(self.ends), NEVER)
        return max(minute, end)

    def nearest(self, time: Micros, shift: Micros) -> tuple[Micros, Fold] | None:
        """The last one up to `time`, of the caller's own, and its key; windows begin at `shift`."""
        key = next((key for key in reversed(self.minutes) if key <= time), NEVER)
        if key < window_of(time, shift):  # else no window ends between the two
            end = next((key for key in reversed(self.ends) if key <= time), NEVER)
            if end > key:
                return end, self.ends[end].fold()
        return None if key == NEVER else (key, self.minutes[key].fold())

    def until(self, time: Micros) -> Checkpoints:
        """Those up to `time`."""
        if self.newest <= time:
            return self
        return Checkpoints(
            {key: fold for key, fold in self.minutes.items() if key <= time},
            {key: fold for key, fold in self.ends.items() if key <= time},
        )

    def with_head(
        self, head: Fold, before: Micros, mark: Micros, shift: Micros, *, many: bool
    ) -> Checkpoints:
        """Keep `head` as the fold of all facts before the minute of `before`; thin the older ones.

        `mark`: where the patient's minutes begin; `shift`: where the windows do.
        `many`: the head's window, if it has ended, has so many facts that its end is kept too.
        """
        minutes = {
            key: fold for key, fold in self.minutes.items() if key == minute_of(key, mark, shift)
        }
        minutes[minute_of(before, mark, shift)] = Kept.of(head, last_of(minutes))
        if len(minutes) > _MINUTES_KEPT:
            for key in list(minutes)[1 : len(minutes) - _NEWEST_KEPT : 2]:
                del minutes[key]
        end = window_of(head.time, shift) + WINDOW
        if many and end <= before:
            return Checkpoints(minutes, {**self.ends, end: Kept.of(head, last_of(self.ends))})
        return Checkpoints(minutes, self.ends)
