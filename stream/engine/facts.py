"""What is kept of a patient's events, so that late, corrected and retracted data can be judged.

Facts lie in windows of ten minutes of event time. Low-rate data is kept as it is. A minute with
more vitals events than the ruleset's `dense_per_minute` is thinned to its first event and, for each
grade-bearing signal and method, those with the lowest and the highest value: the choice depends on
the set of events alone, never on their order, and repeating an event changes nothing. Each patient
has minutes and windows of their own (`mark_of`): the costly seconds of a minute's beginning are
others for everybody in a ward whose monitors keep time together. (Windows of before engine 0.8.0
begin with the clock's ten minutes; a patient who has such ones keeps them, and their ends cut
minutes in two.) What a
thinned minute forgets: the ids and values between the extremes (so a retraction of one of those
events changes nothing, and its id is no longer recognised when sent again with other content).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from stream.engine.chart import RANK
from stream.engine.conclusions import NEVER
from stream.engine.events import Micros, PatientEvent, Vitals
from stream.engine.native import mypyc_attr
from stream.engine.ruleset import MINUTE, SECOND, Ruleset

WINDOW: Final[Micros] = 10 * MINUTE
_MANY: Final = 8


@mypyc_attr(acyclic=True)
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


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Bound:
    """The lowest and the highest value of one signal and method in a minute, and whose they are.

    Of facts with the same value it is the first in chart order.
    """

    signal: Final[str]
    method: Final[str | None]
    low: Final[float]
    high: Final[float]
    lowest: Final[Fact]
    highest: Final[Fact]

    def __init__(
        self,
        signal: str,
        method: str | None,
        low: float,
        high: float,
        lowest: Fact,
        highest: Fact,
    ) -> None:
        self.signal = signal
        self.method = method
        self.low = low
        self.high = high
        self.lowest = lowest
        self.highest = highest


Bounds = list[Bound]
"""Never changed once they are of a window; there are a few only, looked through in turn."""
_NO_BOUNDS: Final[Bounds] = []


@mypyc_attr(acyclic=True)
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
        self._bounds: Bounds = _NO_BOUNDS if bounds is None else bounds
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
        """Of each signal and method in the newest minute, if that is thinned."""
        return self._bounds if self.stored is None else self.stored().bounds

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Window):
            return NotImplemented
        return self.facts == other.facts and self.dense == other.dense

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Window({self.facts!r}, {self.dense!r})"


def window(
    facts: tuple[Fact, ...], dense: tuple[Micros, ...] = (), bounds: Bounds | None = None
) -> Window:
    """A window of these facts, which are in chart order; `bounds` where they are known."""
    if bounds is None and dense and (newest := _thinned_at(facts[-1], dense)) is not None:
        bounds = []
        for fact in facts[_since(facts, newest) :]:
            if isinstance(fact.event, Vitals):
                bounds = _widened(bounds, fact)
    return Window(facts, dense, bounds)


def _widened(bounds: Bounds, fact: Fact) -> Bounds:
    """The bounds with a fact behind those that they are of; the same object where it adds none."""
    assert isinstance(fact.event, Vitals)
    widened = bounds
    for reading in fact.event.readings:
        signal, method, value = reading.signal, reading.method, reading.value
        if signal not in ("temperature", "systolic_bp", "mean_bp", "spo2"):  # bears on no grade
            continue
        at = 0
        while at < len(widened):
            bound = widened[at]
            if bound.signal == signal and bound.method == method:
                break
            at += 1
        if at == len(widened):
            new = Bound(signal, method, value, value, fact, fact)
        elif value < bound.low:
            new = Bound(signal, method, value, bound.high, fact, bound.highest)
        elif value > bound.high:
            new = Bound(signal, method, bound.low, value, bound.lowest, fact)
        else:
            continue
        if widened is bounds:
            widened = bounds.copy()
        if at == len(widened):
            widened.append(new)
        else:
            widened[at] = new
    return widened


def facts_held(windows: Mapping[Micros, Window]) -> int:
    """How many events a state still holds one by one."""
    return sum(len(window.facts) for window in windows.values())


def window_of(time: Micros, shift: Micros) -> Micros:
    """The start of the window that holds `time`, of a patient whose windows begin at `shift`."""
    return time - (time - shift) % WINDOW


def mark_of(patient_id: str) -> Micros:
    """Where the patient's minutes begin, in microseconds after those of the clock."""
    return crc32(patient_id.encode("utf-8", "replace")) % 60 * SECOND


def shift_of(windows: Mapping[Micros, Window], mark: Micros) -> Micros:
    """Where the patient's windows begin, in microseconds after the clock's ten minutes.

    As those do that there are already; else with the patient's minutes.
    """
    for start in windows:
        return start % WINDOW
    return mark


def minute_of(time: Micros, mark: Micros, shift: Micros) -> Micros:
    """The start of the minute that holds `time`: minutes begin at `mark`, windows at `shift`.

    A window's end cuts one in two where the two differ.
    """
    return max(time - (time - mark) % MINUTE, window_of(time, shift))


def _end_of(minute: Micros, mark: Micros) -> Micros:
    return minute + MINUTE - (minute - mark) % MINUTE


def _thinned_at(fact: Fact, dense: tuple[Micros, ...]) -> Micros | None:
    """The thinned minute that holds a fact."""
    mark = mark_of(fact.event.patient_id)
    for minute in reversed(dense):
        if minute <= fact.at < _end_of(minute, mark):
            return minute
    return None


def has_many(window: Window | None) -> bool:
    """Whether a checkpoint at the window's end is worth the memory of a few facts."""
    return window is not None and len(window.facts) >= _MANY


def thinned_now(windows: Mapping[Micros, Window]) -> Micros | None:
    """The newest minute that has facts, if it is thinned: what comes may take facts out of it."""
    if not windows:
        return None
    newest = windows[max(windows)]
    return _thinned_at(newest.facts[-1], newest.dense)


def _since(facts: tuple[Fact, ...], minute: Micros) -> int:
    """The place of the first fact at or after `minute`, which is one of the newest."""
    begin = len(facts)
    while begin and facts[begin - 1].at >= minute:
        begin -= 1
    return begin


def first_difference(one: Window, other: Window, minute: Micros) -> Micros | None:
    """From when on two windows differ, which are the same before `minute`.

    None: they have the same facts; the newest one was thinned out of a minute that it has filled.
    """
    mine, others = one.facts, other.facts
    place = _since(mine, minute)
    while place < len(mine) and place < len(others) and mine[place] is others[place]:
        place += 1
    if place == len(mine):
        return others[place].at if place < len(others) else None
    if place == len(others):
        return mine[place].at
    return min(mine[place].at, others[place].at)


def last_taken_out(one: Window, other: Window, minute: Micros) -> Micros:
    """When the last fact of one window was that another has not; both the same before `minute`.

    Behind those that it has left, the other may have facts of its own.
    """
    facts, others = one.facts, other.facts
    place = _since(facts, minute)
    last = NEVER
    for fact in facts[place:]:
        if place < len(others) and others[place] is fact:
            place += 1
        else:
            last = fact.at
    return last


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


def inserted(old: Window, fact: Fact, minute: Micros, mark: Micros, rules: Ruleset) -> Window:
    """The window with the fact in it; the same object where the fact adds nothing.

    `minute`: the one that holds the fact; `mark`: where the patient's minutes begin.
    """
    facts, thinned = old.facts, old.dense
    index = len(facts)
    if index and fact.at <= facts[-1].at:
        key = chart_order(fact)
        while index and chart_order(facts[index - 1]) > key:
            index -= 1
    dense = minute in thinned
    vitals = type(fact.event) is Vitals
    if dense and vitals and index == len(facts) and index and facts[-1].at >= minute:
        bounds = _widened(old.bounds, fact)
        if bounds is old.bounds:
            return old
        begin = _since(facts, minute)
        return window(facts[:begin] + _thinned((*facts[begin:], fact), bounds), thinned, bounds)
    grown = (*facts[:index], fact, *facts[index:])
    if not vitals:
        return window(grown, thinned)
    begin, end = index, index + 1
    while begin and grown[begin - 1].at >= minute:
        begin -= 1
    over = _end_of(minute, mark)
    while end < len(grown) and grown[end].at < over:
        end += 1
    mine = [f for f in grown[begin:end] if type(f.event) is Vitals]
    if not dense and len(mine) <= rules.dense_per_minute:
        return window(grown, thinned)
    bounds = []
    for each in mine:
        bounds = _widened(bounds, each)
    if dense and fact is not mine[0] and not _is_at(fact, bounds):
        return old
    left = _thinned(grown[begin:end], bounds)
    thinned = thinned if dense else (*thinned, minute)
    return window((*grown[:begin], *left, *grown[end:]), thinned)


def _thinned(facts: tuple[Fact, ...], bounds: Bounds) -> tuple[Fact, ...]:
    """What a thinned minute keeps of its facts: of the vitals the first, and those at a bound."""
    kept: list[Fact] = []
    first = True
    for fact in facts:
        if type(fact.event) is not Vitals or first or _is_at(fact, bounds):
            kept.append(fact)
        first = first and type(fact.event) is not Vitals
    return tuple(kept)


def _is_at(fact: Fact, bounds: Bounds) -> bool:
    return any(fact is bound.lowest or fact is bound.highest for bound in bounds)
