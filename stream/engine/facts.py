"""What is kept of a patient's events, so that late, corrected and retracted data can be judged.

Facts lie in windows of ten minutes of event time. Low-rate data is kept as it is. A minute with
more vitals events than the ruleset's `dense_per_minute` is thinned to its first event and, for each
grade-bearing signal and method, those with the lowest and the highest value: the choice depends on
the set of events alone, never on their order, and repeating an event changes nothing. Each patient
has minutes of their own (`mark_of`), cut off at the ends of windows: the costly second in which a
minute has filled is another one for everybody in a ward whose monitors keep time together. What a
thinned minute forgets: the ids and values between the extremes (so a retraction of one of those
events changes nothing, and its id is no longer recognised when sent again with other content).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final
from zlib import crc32

from stream.engine.chart import RANK
from stream.engine.events import Micros, PatientEvent, Vitals
from stream.engine.ruleset import MINUTE, SECOND, Ruleset

WINDOW: Final[Micros] = 10 * MINUTE
_MANY: Final = 8
_GRADED: Final = frozenset({"temperature", "systolic_bp", "mean_bp", "spo2"})


Bounds = dict[tuple[str, str | None], tuple[float, float]]


@dataclass(slots=True, init=False)
class Fact:
    """An event that counts from `at` on (its time, or the folded past's end where it came later).

    `seq` numbers the patient's facts in the order of arrival.
    """

    at: Final[Micros]
    seq: Final[int]
    event: Final[PatientEvent]

    def __init__(
        self,
        at: Micros,
        seq: int,
        event: PatientEvent,
    ) -> None:
        self.at = at
        self.seq = seq
        self.event = event


class Window:
    """The facts of ten minutes in chart order, and which of its minutes are thinned.

    `bounds` follows from the facts: a store need not keep it (see `window`). A window that lies in
    a store has nothing but `stored`, which is asked whenever somebody looks into it.
    """

    __slots__ = ("_bounds", "_dense", "_facts", "stored")

    def __init__(
        self,
        facts: tuple[Fact, ...] = (),
        dense: tuple[Micros, ...] = (),
        bounds: Bounds | None = None,
        stored: Callable[[], Window] | None = None,
    ) -> None:
        self._facts = facts
        self._dense = dense
        self._bounds: Bounds = {} if bounds is None else bounds
        self.stored: Final = stored

    @property
    def facts(self) -> tuple[Fact, ...]:
        """In chart order."""
        return self._facts if self.stored is None else self.stored().facts

    @property
    def dense(self) -> tuple[Micros, ...]:
        """The beginnings of the thinned minutes."""
        return self._dense if self.stored is None else self.stored().dense

    @property
    def bounds(self) -> Bounds:
        """Lowest and highest value of each signal and method in the newest minute, if thinned."""
        return self._bounds if self.stored is None else self.stored().bounds

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Window):
            return NotImplemented
        return self.facts == other.facts and self.dense == other.dense

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Window({self.facts!r}, {self.dense!r})"


def window(facts: tuple[Fact, ...], dense: tuple[Micros, ...] = ()) -> Window:
    """A window of these facts, which are in chart order."""
    bounds: Bounds = {}
    if dense and (newest := _minute_of(facts[-1])) in dense:
        for fact in reversed(facts):
            if fact.at < newest:
                break
            if isinstance(fact.event, Vitals):
                for reading in fact.event.readings:
                    if reading.signal in _GRADED:
                        key, value = (reading.signal, reading.method), reading.value
                        low, high = bounds.get(key, (value, value))
                        bounds[key] = (min(low, value), max(high, value))
    return Window(facts, dense, bounds)


def _within_bounds(old: Window, fact: Fact, minute: Micros) -> bool:
    """Whether the newest, thinned minute has lower and higher values of all in this newest fact."""
    assert isinstance(fact.event, Vitals)
    if old.facts[-1].at < minute:
        return False
    for reading in fact.event.readings:
        if reading.signal in _GRADED:
            bound = old.bounds.get((reading.signal, reading.method))
            if bound is None or not bound[0] <= reading.value <= bound[1]:
                return False
    return True


def facts_held(windows: Mapping[Micros, Window]) -> int:
    """How many events a state still holds one by one."""
    return sum(len(window.facts) for window in windows.values())


def window_of(time: Micros) -> Micros:
    """The start of the window that holds `time`."""
    return time - time % WINDOW


def mark_of(patient_id: str) -> Micros:
    """Where the patient's minutes begin, in microseconds after those of the clock."""
    return crc32(patient_id.encode("utf-8", "replace")) % 60 * SECOND


def minute_of(time: Micros, mark: Micros) -> Micros:
    """The start of the minute that holds `time`, of a patient whose minutes begin at `mark`.

    A window's end cuts one in two.
    """
    return max(time - (time - mark) % MINUTE, window_of(time))


def _minute_of(fact: Fact) -> Micros:
    return minute_of(fact.at, mark_of(fact.event.patient_id))


def has_many(window: Window | None) -> bool:
    """Whether a checkpoint at the window's end is worth the memory of a few facts."""
    return window is not None and len(window.facts) >= _MANY


def thinned_now(windows: Mapping[Micros, Window]) -> Micros | None:
    """The newest minute that has facts, if it is thinned: what comes may take facts out of it."""
    if not windows:
        return None
    newest = windows[max(windows)]
    minute = _minute_of(newest.facts[-1])
    return minute if minute in newest.dense else None


def first_difference(one: Window, other: Window, minute: Micros) -> Micros:
    """From when on two windows differ, which are the same before `minute`."""
    begin = bisect_left(one.facts, minute, key=lambda fact: fact.at)
    pairs = zip_longest(one.facts[begin:], other.facts[begin:])
    return next(
        min(f.at for f in pair if f is not None) for pair in pairs if pair[0] is not pair[1]
    )


def last_taken_out(one: Window, other: Window, minute: Micros) -> Micros:
    """When the last fact of one window was that another has not; both the same before `minute`."""
    begin = bisect_left(one.facts, minute, key=lambda fact: fact.at)
    left = {id(fact) for fact in other.facts[begin:]}
    return max(fact.at for fact in one.facts[begin:] if id(fact) not in left)


def chart_order(fact: Fact) -> tuple[Micros, int, str, str]:
    """The key that sorts facts as a chart is read: time, kind, id."""
    event = fact.event
    return (fact.at, RANK.get(type(event), len(RANK)), event.event_id, event.source or "")


def same_event(fact: Fact, event: PatientEvent) -> bool:
    """The same id from the same source."""
    return fact.event.event_id == event.event_id and fact.event.source == event.source


def same_content(held: PatientEvent, event: PatientEvent) -> bool:
    """Equal but for when it was received."""
    return replace(event, received_at=held.received_at) == held


def inserted(old: Window, fact: Fact, mark: Micros, rules: Ruleset) -> Window:
    """The window with the fact in it; the same object where the fact adds nothing.

    `mark`: where the patient's minutes begin.
    """
    facts = old.facts
    index = len(facts)
    if index and fact.at <= facts[-1].at:
        key = chart_order(fact)
        while index and chart_order(facts[index - 1]) > key:
            index -= 1
    minute = minute_of(fact.at, mark)
    dense = minute in old.dense
    vitals = type(fact.event) is Vitals
    if dense and vitals and index == len(facts) and _within_bounds(old, fact, minute):
        return old
    grown = (*facts[:index], fact, *facts[index:])
    if not vitals:
        return window(grown, old.dense)
    begin, end = index, index + 1
    while begin and grown[begin - 1].at >= minute:
        begin -= 1
    over = minute + MINUTE - (minute - mark) % MINUTE
    while end < len(grown) and grown[end].at < over:
        end += 1
    mine = [f for f in grown[begin:end] if type(f.event) is Vitals]
    if not dense and len(mine) <= rules.dense_per_minute:
        return window(grown, old.dense)
    kept = _extremes(mine)
    if dense and id(fact) not in kept:
        return old
    dropped = {id(f) for f in mine} - kept
    left = tuple(f for f in grown[begin:end] if id(f) not in dropped)
    thinned = old.dense if dense else (*old.dense, minute)
    return window((*grown[:begin], *left, *grown[end:]), thinned)


def _extremes(facts: list[Fact]) -> set[int]:
    """Identities of the facts that a thinned minute keeps; ties go to the first in chart order."""
    kept = {id(facts[0])}
    low: dict[tuple[str, str | None], float] = {}
    high: dict[tuple[str, str | None], float] = {}
    lowest: dict[tuple[str, str | None], int] = {}
    highest: dict[tuple[str, str | None], int] = {}
    for fact in facts:
        assert isinstance(fact.event, Vitals)
        for reading in fact.event.readings:
            if reading.signal not in _GRADED:
                continue
            key, value = (reading.signal, reading.method), reading.value
            if key not in low:
                low[key] = high[key] = value
                lowest[key] = highest[key] = id(fact)
            elif value < low[key]:
                low[key], lowest[key] = value, id(fact)
            elif value > high[key]:
                high[key], highest[key] = value, id(fact)
    kept.update(lowest.values(), highest.values())
    return kept
