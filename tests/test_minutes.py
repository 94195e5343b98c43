"""Each patient has minutes of their own, which windows cut in two."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stream.engine import PatientState, step
from stream.engine.events import Reading, Vitals
from stream.engine.facts import WINDOW, mark_of, minute_of, window_of
from stream.engine.ruleset import MINUTE, SECOND
from tests.charts import P0, START

TIMES = st.integers(START, START + 2 * WINDOW)
MARKS = st.integers(0, 59).map(lambda second: second * SECOND)


@given(TIMES, TIMES, MARKS)
def test_they_part_the_time(one: int, other: int, mark: int) -> None:
    begins = minute_of(one, mark), minute_of(other, mark)
    assert begins[0] <= one < begins[0] + MINUTE
    assert minute_of(begins[0], mark) == begins[0]
    assert begins[0] >= window_of(one)
    inside = begins[0] <= other <= one
    assert not inside or begins[1] == begins[0]
    if begins[0] == begins[1]:
        assert window_of(one) == window_of(other)


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
    return window_of(START) + WINDOW // 2 + number * SECOND


def full_after(patient: str) -> int:
    """The first snapshot that is one too many for its minute."""
    begins = [minute_of(moment(number), mark_of(patient)) for number in range(200)]
    return next(n for n in range(200) if begins[: n + 1].count(begins[n]) > P0.dense_per_minute)


def thinned_after(patient: str) -> int:
    """The first snapshot that takes others out."""
    state: PatientState | None = None
    held = 0
    for number in range(200):
        at = moment(number)
        event = Vitals(
            event_id=f"{patient}-{number}", patient_id=patient, time=at, received_at=at,
            readings=(Reading("heart_rate", 80.0),),
        )  # fmt: skip
        state, _ = step(state, event, P0)
        now = sum(len(window.facts) for window in state.windows.values())
        if now <= held:
            return number
        held = now
    raise AssertionError("nothing was taken out")
