"""Folds kept on the way, so that what comes late is folded from near where it belongs.

A checkpoint is the fold of all facts before its key. A few are kept of the newest minutes and,
ever further apart, of those before; within the newest minute, once it is thinned, one of every fact
(the next extreme takes one of them out); and one at the end of every window with many facts, so
that forgetting the window need not fold it a second time. None of these folds is ever changed.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, fields
from operator import attrgetter

from stream.engine.events import Micros
from stream.engine.facts import WINDOW, minute_of, window_of
from stream.engine.fold import NEVER, Fold

_NEWEST_KEPT = 4
_MINUTES_KEPT = 12
_FEW = 64
"""With more fields than these that differ, a fold is kept whole."""

_NAMES = tuple(each.name for each in fields(Fold))
_values = attrgetter(*_NAMES)
_BLANK = Fold()


@dataclass(frozen=True, slots=True)
class Kept:
    """A fold put away: the fields in which it differs from values that its neighbours share."""

    common: tuple[object, ...]
    places: array[int]
    """Of the fields that differ."""
    values: tuple[object, ...]

    @classmethod
    def of(cls, fold: Fold, like: Kept | None) -> Kept:
        """Of a fold; it shares what it can with `like`."""
        values: tuple[object, ...] = _values(fold)
        if like is not None:
            pairs = zip(values, like.common, strict=True)
            places = array("H", [at for at, (mine, its) in enumerate(pairs) if mine is not its])
            if len(places) <= _FEW:
                return cls(like.common, places, tuple([values[at] for at in places]))
        return cls(values, array("H"), ())

    def fold(self) -> Fold:
        """The fold again; one of the caller's own."""
        values = list(self.common)
        for at, value in zip(self.places, self.values, strict=True):
            values[at] = value
        fold = _BLANK.copy()
        fold.__dict__.update(zip(_NAMES, values, strict=True))
        return fold


Folds = dict[Micros, Fold]
Ends = dict[Micros, Kept]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """See the module. Both by key, ascending: in and of minutes, and of the ends of windows.

    The minutes are few and soon gone, so that they are kept as they are; the ends are many.
    """

    minutes: Folds = field(default_factory=dict)
    ends: Ends = field(default_factory=dict)

    @property
    def newest(self) -> Micros:
        """The last key; NEVER where there is none."""
        minute, end = next(reversed(self.minutes), NEVER), next(reversed(self.ends), NEVER)
        return max(minute, end)

    def nearest(self, time: Micros) -> tuple[Micros, Fold] | None:
        """The last one up to `time`, of the caller's own, and its key."""
        key = next((key for key in reversed(self.minutes) if key <= time), NEVER)
        if key < window_of(time):  # else no window ends between the two
            end = next((key for key in reversed(self.ends) if key <= time), NEVER)
            if end > key:
                return end, self.ends[end].fold()
        return None if key == NEVER else (key, self.minutes[key].copy())

    def until(self, time: Micros) -> Checkpoints:
        """Those up to `time`."""
        if self.newest <= time:
            return self
        return Checkpoints(
            {key: fold for key, fold in self.minutes.items() if key <= time},
            {key: fold for key, fold in self.ends.items() if key <= time},
        )

    def with_head(self, head: Fold, before: Micros, *, many: bool) -> Checkpoints:
        """Keep `head` as the fold of all facts before the minute of `before`; thin the older ones.

        `many`: the head's window, if it has ended, has so many facts that its end is kept too.
        `head` must never be changed after this: whoever folds on copies it first.
        """
        minutes = {key: fold for key, fold in self.minutes.items() if key == minute_of(key)}
        minutes[minute_of(before)] = head
        if len(minutes) > _MINUTES_KEPT:
            for key in list(minutes)[1 : len(minutes) - _NEWEST_KEPT : 2]:
                del minutes[key]
        end = window_of(head.time) + WINDOW
        if many and end <= before:
            like = next(reversed(self.ends.values()), None)
            return Checkpoints(minutes, {**self.ends, end: Kept.of(head, like)})
        return Checkpoints(minutes, self.ends)
