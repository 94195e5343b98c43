"""What a step keeps from the one before is a hint only: cost depends on it, no answer does."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stream.compiled import VARIABLE as ENGINE
from stream.compiled import engine
from stream.engine import PatientState, step
from stream.engine.assess import assess
from stream.engine.events import PatientEvent, Reading, Retraction, Therapy, Vitals
from stream.engine.facts import WINDOW
from stream.engine.fold import Fold, Risk
from stream.engine.fold_difference import same
from stream.engine.intray import derive
from stream.engine.ruleset import HOUR, MINUTE, SECOND
from tests.charts import P0, START

THERAPY = Therapy(
    event_id="t", patient_id="p", time=START, product="axi-cel", therapy_class="car_t"
)
NOISE = {"temperature": (36.4, 38.4), "spo2": (91.0, 99.0), "systolic_bp": (88.0, 130.0)}
CALM = {"temperature": 36.9, "spo2": 97.0}


def reading(
    at: int, event_id: str = "", fixed: dict[str, float] | None = None, source: str | None = None
) -> Vitals:
    """A set of readings at `at` after the therapy, received in the same second."""
    dice = random.Random(f"{event_id} {at}")
    values = {name: round(dice.uniform(*limits), 1) for name, limits in NOISE.items()}
    values |= fixed or {}
    return Vitals(
        event_id=event_id or f"v{at}",
        patient_id="p",
        time=START + at,
        received_at=START + at,
        source=source,
        readings=tuple(Reading(name, value) for name, value in values.items()),  # type: ignore[arg-type]
    )


def monitor(begin: int, end: int, gap: int = 4 * SECOND) -> Iterator[Vitals]:
    """Readings every four seconds: each minute has enough of them to be thinned."""
    return (reading(at) for at in range(begin, end, gap))


def after(events: Iterable[PatientEvent], state: PatientState | None = None) -> PatientState:
    state = step(None, THERAPY, P0)[0] if state is None else state
    for event in events:
        state, _ = step(state, event, P0)
    return state


@cache
def an_hour() -> PatientState:
    return after(monitor(SECOND, HOUR))


def stored(state: PatientState) -> PatientState:
    """As a restart finds it: nothing but what is stored."""
    return PatientState.assemble(state.record, state.windows)


def judged(state: PatientState) -> Any:
    return state.record, dict(state.windows), assess(state, P0)


@pytest.mark.parametrize("behind", [3 * SECOND, 50 * SECOND, 7 * MINUTE, 55 * MINUTE])
@pytest.mark.parametrize("value", [36.9, 39.5])
def test_late_readings_lead_where_a_fold_of_everything_leads(behind: int, value: float) -> None:
    state = an_hour()
    for number in range(3):
        at = HOUR - behind + number * SECOND + SECOND // 2
        late = reading(at, f"late{number}", {"temperature": value})
        anew, said_anew = step(stored(state), late, P0)
        state, said = step(state, late, P0)
        assert said == said_anew
        assert judged(state) == judged(anew)
        assert state.derived is not None
        assert anew.derived is not None
        assert same(state.derived.head, anew.derived.head)


def test_two_futures_of_one_state_know_nothing_of_each_other() -> None:
    state = after(monitor(SECOND, 12 * MINUTE))
    here = reading(12 * MINUTE, "same id", {"temperature": 37.0})
    there = reading(9 * MINUTE + SECOND, "same id", {"temperature": 38.2})
    one = step(state, here, P0)
    other = step(state, there, P0)
    assert judged(one[0]) == judged(step(stored(state), here, P0)[0])
    assert judged(other[0]) == judged(step(stored(state), there, P0)[0])
    assert step(one[0], here, P0)[1].outcome == "duplicate"
    assert step(one[0], there, P0)[1].rejections[0].code == "id_conflict"


def test_one_id_from_two_sources_is_two_events_wherever_they_lie() -> None:
    first = reading(MINUTE, "7", {"temperature": 38.5}, "monitor")
    second = reading(25 * MINUTE, "7", {"temperature": 36.5}, "chart")
    state = after([first, second])
    assert [step(state, event, P0)[1].outcome for event in (first, second)] == ["duplicate"] * 2
    both = Retraction(event_id="r", patient_id="p", time=START + HOUR, retracts="7")
    state, outputs = step(state, both, P0)
    assert outputs.rejections == ()
    assert assess(state, P0)["axes"]["fever"]["value"] is None


def test_mappings_in_another_order_are_not_taken_for_the_same() -> None:
    one, other = Fold(risks={"a": Risk(), "b": Risk()}), Fold(risks={"b": Risk(), "a": Risk()})
    assert one == other
    assert not same(one, other)
    assert same(one, one.copy())


def test_a_reading_costs_the_same_in_a_full_record_as_in_the_first_hour() -> None:
    """Counted where calls can be seen: in the interpreted engine, which does the same."""
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import cost; print(cost())"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent,
        env=os.environ | {ENGINE: "interpreted", "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert 0.9 < float(done.stdout) < 1.1


def cost() -> float:
    """Calls in a full record for each in the first hour."""
    assert engine().mode == "interpreted"
    begin = 6 * HOUR + 10 * MINUTE
    early = after(reading(at, "", CALM) for at in range(SECOND, 20 * MINUTE, 5 * SECOND))
    full = after((reading(at, "", CALM) for at in range(20 * MINUTE, begin, 5 * SECOND)), early)
    assert len(full.windows) > 30
    assert full.record.base_until > START  # what is full forgets
    return calls(full, shifted(begin)) / calls(early, shifted(20 * MINUTE))


def shifted(begin: int) -> list[Vitals]:
    """The same window of readings, wherever it begins."""
    return [
        reading(begin + at - at % SECOND + SECOND, f"s{begin}-{at}", CALM)
        for at in range(0, WINDOW, 4 * SECOND)
    ]


def calls(state: PatientState, events: list[Vitals]) -> int:
    """How many functions of Python and C the steps call: what they cost, without a clock."""
    count = 0

    def counted(_frame: object, kind: str, _arg: object) -> None:
        nonlocal count
        count += kind in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        after(events, state)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("seed", range(12))
def test_the_newest_of_a_thinned_minute_takes_the_place_of_others_as_if_they_never_were(
    seed: int,
) -> None:
    """Each is folded from where it takes a fact out, no further than that makes a difference."""
    dice = random.Random(seed)
    at, state, exchanged = 0, after([]), 0
    while at < 4 * MINUTE:
        at += dice.choice([SECOND, SECOND, 2 * SECOND, 5 * SECOND])
        fixed = {
            name: round(dice.uniform(*NOISE[name]), 1) for name in NOISE if dice.random() < 0.3
        }
        steady = CALM | {"systolic_bp": 118.0} | fixed
        before = sum(len(window.facts) for window in state.windows.values())
        state, _ = step(state, reading(at, f"{seed}-{at}", steady), P0)
        held = sum(len(window.facts) for window in state.windows.values())
        exchanged += held <= before
        assert state.derived is not None
        anew = derive(PatientState(state.record, state.windows), P0)
        assert same(state.derived.head, anew.head)
        assert same(state.derived.now, anew.now)
        for kept in (state.derived.checkpoints.minutes, anew.checkpoints.minutes):
            assert list(kept) == sorted(kept)
    assert exchanged > 20
