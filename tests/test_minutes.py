"""Each patient has minutes and windows of their own."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine import PatientState, step
from stream.engine.events import Reading, Vitals
from stream.engine.facts import WINDOW, Window, mark_of, minute_of, shift_of, window_of
from stream.engine.fold_difference import same
from stream.engine.intray import derive
from stream.engine.outputs import Outcome
from stream.engine.ruleset import MINUTE, SECOND
from tests.charts import P0, START

TIMES = st.integers(START, START + 2 * WINDOW)
MARKS = st.integers(0, 59).map(lambda second: second * SECOND)


@given(TIMES, TIMES, MARKS, st.booleans())
def test_they_part_the_time(one: int, other: int, mark: int, by_the_clock: bool) -> None:
    shift = 0 if by_the_clock else mark
    begins = minute_of(one, mark, shift), minute_of(other, mark, shift)
    assert begins[0] <= one < begins[0] + MINUTE
    assert minute_of(begins[0], mark, shift) == begins[0]
    assert window_of(one, shift) <= begins[0]
    assert window_of(one, shift) <= one < window_of(one, shift) + WINDOW
    inside = begins[0] <= other <= one
    assert not inside or begins[1] == begins[0]
    if begins[0] == begins[1]:
        assert window_of(one, shift) == window_of(other, shift)


@given(TIMES, MARKS)
def test_no_window_of_the_patients_own_cuts_a_minute(time: int, mark: int) -> None:
    assert (minute_of(time, mark, mark) - mark) % MINUTE == 0


def charted(patient: str, at: int) -> Vitals:
    return Vitals(
        event_id=f"{patient}-{at}", patient_id=patient, time=at, received_at=at,
        readings=(Reading("heart_rate", 80.0),),
    )  # fmt: skip


def begun_at(state: PatientState | None, patient: str) -> set[int]:
    """Where the windows of a patient of half an hour begin in the clock's ten minutes."""
    for number in range(30):
        state, _ = step(state, charted(patient, START + number * MINUTE), P0)
    assert state is not None
    assert len(state.windows) in {3, 4}
    return {start % WINDOW for start in state.windows}


@pytest.mark.parametrize("patient", ["p", "p-17", "ward-3/bed-9"])
def test_windows_begin_with_the_patients_minutes_or_as_they_did_before(patient: str) -> None:
    assert begun_at(None, patient) == {mark_of(patient)}
    first, _ = step(None, charted(patient, START - MINUTE), P0)
    (held,) = first.windows.values()
    of_before = PatientState(first.record, {START - WINDOW: held})
    assert mark_of(patient)
    assert begun_at(of_before, patient) == {0}


def test_the_windows_there_are_say_where_the_next_begin() -> None:
    assert shift_of({}, 17 * SECOND) == 17 * SECOND
    assert shift_of({START: Window(()), START + WINDOW: Window(())}, 17 * SECOND) == START % WINDOW


def test_a_ward_fills_its_minutes_at_all_seconds() -> None:
    """The costly second comes to a sixtieth of the patients at a time."""
    marks = Counter(mark_of(f"patient-{number}") for number in range(6000))
    assert set(marks) == {second * SECOND for second in range(60)}
    assert max(marks.values()) < 2 * 6000 / 60


def test_a_minute_is_thinned_when_it_has_too_many_and_not_with_the_clock() -> None:
    expected = {name: full_after(name) for name in map(str, range(40))}
    assert {name: thinned_after(name) for name in expected} == expected
    assert len(set(expected.values())) > 3


def moment(number: int) -> int:
    """One a second, from the middle of a window on."""
    return START + WINDOW // 2 + number * SECOND


def full_after(patient: str) -> int:
    """The first snapshot that is one too many for its minute."""
    mark = mark_of(patient)
    begins = [minute_of(moment(number), mark, mark) for number in range(200)]
    return next(n for n in range(200) if begins[: n + 1].count(begins[n]) > P0.dense_per_minute)


def thinned_after(patient: str) -> int:
    """The first snapshot that takes others out."""
    state: PatientState | None = None
    held = 0
    for number in range(200):
        at = moment(number)
        state, _ = step(state, charted(patient, at), P0)
        now = sum(len(window.facts) for window in state.windows.values())
        if now <= held:
            return number
        held = now
    raise AssertionError("nothing was taken out")


def filled(patient: str, dice: random.Random) -> list[Vitals]:
    """As many events of a minute as it holds, each the only one of its kind, and one like them."""
    mark = mark_of(patient)
    begin = next(moment(n) for n in range(60) if moment(n) == minute_of(moment(n), mark, mark))
    values = [118.0 + number for number in range(P0.dense_per_minute)]
    events = [
        Vitals(
            event_id=f"{patient}-{number}", patient_id=patient,
            time=begin + number * SECOND, received_at=begin + MINUTE // 2,
            readings=(Reading("systolic_bp", value, method=f"cuff {number}"),),
        )
        for number, value in enumerate(values)
    ]  # fmt: skip
    last = dice.randrange(1, len(values))
    again = Reading("systolic_bp", values[last], method=f"cuff {last}")
    at = begin + dice.choice([last, len(values)]) * SECOND
    return [
        *events,
        Vitals(
            event_id=f"{patient}-z", patient_id=patient,
            time=at, received_at=begin + MINUTE // 2, readings=(again,),
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_the_event_that_fills_a_minute_may_be_the_one_that_is_thinned_out(seed: int) -> None:
    """Then the minute is thinned, and nothing else has changed."""
    *before, last = filled("p", random.Random(seed))
    state: PatientState | None = None
    for event in before:
        state, _ = step(state, event, P0)
    assert state is not None
    after, outputs = step(state, last, P0)
    assert outputs.outcome is Outcome.ACCEPTED
    (old,), (new,) = state.windows.values(), after.windows.values()
    assert new.facts == old.facts
    assert (len(old.dense), len(new.dense)) == (0, 1)
    assert after.derived is not None
    anew = derive(PatientState(after.record, after.windows), P0)
    assert same(after.derived.head, anew.head)
