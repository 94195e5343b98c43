"""The laws of the engine (clinical reference 8.2, (a) to (g)), and that it reads no clock."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.engine import Outcome as EventOutcome
from stream.engine import PatientState, Tick, step
from stream.engine.events import (
    Attribution,
    Infusion,
    Lab,
    Neuro,
    Outcome,
    Oxygen,
    Patient,
    PatientEvent,
    Reading,
    Retraction,
    Therapy,
    Vitals,
)
from stream.engine.intray import resolve
from stream.engine.ruleset import HOUR, MINUTE
from stream.engine.state import Void
from tests.chart_runs import received, run
from tests.charts import P0, START, history
from tests.properties.grade_charts import END, SLOW, charts, event, minutes


@SLOW
@given(charts(), st.randoms(use_true_random=False))
def test_a_arrival_order_does_not_matter(events: list[PatientEvent], random: Any) -> None:
    shuffled = events[:]
    random.shuffle(shuffled)
    assert history(run(shuffled, END)) == history(run(events, END))


@SLOW
@given(charts(), st.integers(1, 72))
def test_b_silence_never_lowers_the_raw_grade(events: list[PatientEvent], hours: int) -> None:
    """From any state on, with no more data (and no attribution that turns by the clock)."""
    events = [e for e in events if not isinstance(e, Attribution)]
    last = max(e.time for e in events)
    before = run(events, last).derived.now  # type: ignore[union-attr]
    after = run(events, last + hours * HOUR).derived.now  # type: ignore[union-attr]
    assert (after.raw or 0) >= (before.raw or 0)
    assert after.grade >= (before.raw or 0)
    if after.grade < before.grade and after.grade == 0:  # closed: that needs fresh data
        assert after.last_closed - before.temp_seen < P0.temp_stale
        assert after.last_closed - before.bp_seen < P0.bp_stale


@SLOW
@given(charts(), minutes)
def test_c_more_support_never_lowers_the_grade(events: list[PatientEvent], at: int) -> None:
    plain = [e for e in events if not isinstance(e, (Oxygen, Infusion))]
    wind = Oxygen(event_id="x", patient_id="p", time=at, device="bipap")
    less, more = run(plain, END), run([*plain, wind], END)
    for time_ in range(at, END, 2 * HOUR):
        assert grade_at(more, time_) >= grade_at(less, time_) or closed_between(less, at, time_)


def grade_at(state: PatientState, time_: int) -> int:
    grade = 0
    for change in state.derived.now.history:  # type: ignore[union-attr]
        if change.time <= time_:
            grade = change.grade
    return grade


def closed_between(state: PatientState, start: int, end: int) -> bool:
    return any(start <= c.time <= end and c.grade == 0 for c in state.derived.now.history)  # type: ignore[union-attr]


@SLOW
@given(charts(), st.lists(st.tuples(minutes, st.integers(0, 3)), max_size=6))
def test_d_labs_neuro_pulse_and_breathing_never_change_the_grade(
    events: list[PatientEvent], extra: list[tuple[int, int]]
) -> None:
    more: list[PatientEvent] = list(events)
    for number, (at, kind) in enumerate(extra):
        head = {"event_id": f"x{number}", "patient_id": "p", "time": at}
        if kind == 0:
            more.append(Lab(**head, analyte="alt", value=1000.0, unit="U/L"))
        elif kind == 1:
            more.append(Neuro(**head, ice=0))
        elif kind == 2:
            more.append(Vitals(**head, readings=(Reading("heart_rate", 180.0),)))
        else:
            more.append(Vitals(**head, readings=(Reading("respiratory_rate", 40.0),)))
    a, b = history(run(events, END)), history(run(more, END))
    assert a["grades"] == b["grades"]
    assert a["candidates"] == b["candidates"]


@SLOW
@given(charts(), st.floats(0.1, 4.0))
def test_e_the_rate_of_a_pressor_never_changes_the_grade(
    events: list[PatientEvent], factor: float
) -> None:
    scaled = [replace(e, rate=e.rate * factor) if isinstance(e, Infusion) else e for e in events]
    assert history(run(scaled, END)) == history(run(events, END))


@SLOW
@given(charts(), st.data())
def test_f_retracting_what_was_added_is_as_if_it_had_never_been(
    events: list[PatientEvent], data: Any
) -> None:
    extra = data.draw(event(99))
    if isinstance(extra, Retraction):
        extra = replace(extra, retracts="t")
    back = Retraction(event_id="back", patient_id="p", time=END - HOUR, retracts="e99")
    assert history(run([*events, extra, back], END)) == history(run(events, END))
    assert history(run([back, *events, extra], END)) == history(run(events, END))


@SLOW
@given(charts(), st.lists(st.integers(0, 14), max_size=8))
def test_g_duplicates_change_nothing(events: list[PatientEvent], again: list[int]) -> None:
    doubled = events[:]
    for index in again:
        doubled.append(events[index % len(events)])
    assert history(run(doubled, END)) == history(run(events, END))
    state: PatientState | None = None
    once: list[str] = []
    for item in events:
        state, outputs = step(state, item, P0)
        once += [alert.alert_id for alert in outputs.alerts]
        state, outputs = step(state, item, P0)
        assert outputs.alerts == ()
    single: PatientState | None = None
    plain: list[str] = []
    for item in events:
        single, outputs = step(single, item, P0)
        plain += [alert.alert_id for alert in outputs.alerts]
    assert once == plain


@SLOW
@given(charts())
def test_published_history_is_the_folded_one(events: list[PatientEvent]) -> None:
    """Whatever was revised on the way, what readers of the alerts know in the end is true."""
    state: PatientState | None = None
    for item in events:
        state, _ = step(state, item, P0)
        said = [(s.time, s.grade) for s in state.record.published.changes]
        assert said == [(c.time, c.grade) for c in state.derived.now.history]  # type: ignore[union-attr]


@settings(SLOW, max_examples=20)  # the whole state as text, twice at every step
@given(charts(), st.randoms(use_true_random=False))
def test_step_is_pure_and_total(events: list[PatientEvent], random: Any) -> None:
    state: PatientState | None = None
    for item in events:
        before = repr(state)
        first = step(state, item, P0)
        assert repr(state) == before
        second = step(state, item, P0)
        assert [a.to_bytes() for a in first[1].alerts] == [a.to_bytes() for a in second[1].alerts]
        assert first[0] == second[0]
        state = first[0]


@SLOW
@given(charts(), st.integers(0, 14))
def test_a_stored_state_goes_on_as_the_living_one(events: list[PatientEvent], cut: int) -> None:
    """Assembling a state from its stored parts loses nothing that matters."""
    living: PatientState | None = None
    stored: PatientState | None = None
    for index, item in enumerate(events):
        living, a = step(living, item, P0)
        if stored is not None and index == cut % len(events):
            stored = PatientState.assemble(stored.record, stored.windows)
        stored, b = step(stored, item, P0)
        assert [x.to_bytes() for x in a.alerts] == [x.to_bytes() for x in b.alerts]
    assert living is not None
    assert stored is not None
    assert living.record == stored.record


FORGETFUL = replace(P0, horizon=4 * HOUR, keep_facts=1, fold_slack=1, fold_stride=1)
"""Folds what is older than four hours as soon as it can."""


@SLOW
@given(charts(), st.integers(0, 14))
def test_folding_and_restarting_are_invisible_to_data_in_order(
    events: list[PatientEvent], cut: int
) -> None:
    """What is folded away says the same as what is kept, and a restart on it changes nothing."""
    ordered = [replace(e, received_at=None) for e in events if not isinstance(e, Retraction)]
    ordered.sort(key=lambda e: e.time)
    living: PatientState | None = None
    stored: PatientState | None = None
    whole: PatientState | None = None
    for index, item in enumerate([*ordered, Tick(END)]):
        living, a = step(living, item, FORGETFUL)
        if stored is not None and index >= cut:
            stored = PatientState.assemble(stored.record, stored.windows)
        stored, b = step(stored, item, FORGETFUL)
        whole, c = step(whole, item, P0)
        said = [x.to_bytes() for x in a.alerts]
        assert [x.to_bytes() for x in b.alerts] == said
        if not any(isinstance(e, Attribution) for e in ordered):
            assert [x.to_bytes() for x in c.alerts] == said
    assert living is not None
    assert stored is not None
    assert living.record == stored.record


@SLOW
@given(charts())
def test_folding_never_contradicts_itself_whatever_arrives_late(
    events: list[PatientEvent],
) -> None:
    """Too late is refused, the rest is in; what was published stays what is told from the floor."""
    state: PatientState | None = None
    for item in events:
        state, outputs = step(state, item, FORGETFUL)
        if outputs.outcome is EventOutcome.TOO_LATE:
            assert [r.code for r in outputs.rejections][-1] == "too_late"
        floor = state.record.base_until
        said = [(s.time, s.grade) for s in state.record.published.changes if s.time >= floor]
        told = state.derived.now.history  # type: ignore[union-attr]
        assert said == [(c.time, c.grade) for c in told if c.time >= floor]


@SLOW
@given(charts(), st.lists(st.integers(0, 60 * 12), max_size=10))
def test_ticks_change_no_byte(events: list[PatientEvent], ticks: list[int]) -> None:
    """Timers say their due time: how often the clock is read is invisible."""
    # in the order received; a delayed event without its own time of receipt would move no clock
    ordered = sorted(events, key=received)

    def bytes_of(items: list[PatientEvent | Tick]) -> list[bytes]:
        state: PatientState | None = None
        said: list[bytes] = []
        for item in items:
            if state is None and isinstance(item, Tick):
                continue
            state, outputs = step(state, item, P0)
            said += [alert.to_bytes() for alert in outputs.alerts]
        return said

    plain: list[PatientEvent | Tick] = [*ordered, Tick(END + HOUR)]
    # a tick at the instant of an event would say that the instant is over: a minute beside it
    extra = [Tick(START + n * 5 * MINUTE + MINUTE) for n in ticks]
    mixed = sorted([*plain, *extra], key=received)
    assert bytes_of(mixed) == bytes_of(plain)


def test_step_never_reads_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> float:
        raise AssertionError("the engine read a clock")

    for name in ("time", "time_ns", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, refuse)

    class NoNow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> NoNow:
            raise AssertionError("the engine read a clock")

        @classmethod
        def utcnow(cls) -> NoNow:
            raise AssertionError("the engine read a clock")

    import stream.engine.chart
    import stream.engine.outputs

    monkeypatch.setattr(stream.engine.outputs, "datetime", NoNow)
    monkeypatch.setattr(stream.engine.chart, "datetime", NoNow)
    state: PatientState | None = None
    for item in (
        Therapy(event_id="t", patient_id="p", time=START, product="x", therapy_class="car_t"),
        Patient(event_id="b", patient_id="p", time=START, birth_date="1970-01-01"),
        Vitals(
            event_id="v",
            patient_id="p",
            time=START + HOUR,
            readings=(Reading("temperature", 39.0),),
        ),
        Outcome(event_id="o", patient_id="p", time=START + 2 * HOUR, outcome="death", cause="crs"),
    ):
        state, outputs = step(state, item, P0)
        for alert in outputs.alerts:
            alert.to_bytes()
    assert state is not None
    step(state, Tick(END), P0)


def test_the_state_can_be_stored_as_plain_data() -> None:
    state = run(
        [Therapy(event_id="t", patient_id="p", time=START, product="x", therapy_class="car_t")], END
    )
    assert msgspec.to_builtins(state.record)["patient_id"] == "p"


def test_a_chain_of_retractions_is_followed_to_its_end_however_long() -> None:
    voids = tuple(Void(f"r{n + 1}", f"r{n}" if n else "e", n) for n in range(3_000))
    voided = resolve(voids)
    assert ("e" in voided) == (3_000 % 2 == 1)
    assert "r2999" in voided
    assert "r3000" not in voided


def test_a_circle_of_retractions_has_an_answer() -> None:
    circle = (Void("a", "b", 0), Void("b", "a", 1))
    assert resolve(circle) == resolve(circle[::-1])


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_without_circles_what_counts_is_what_nothing_that_counts_has_voided(
    pairs: list[tuple[int, int]],
) -> None:
    voids = tuple(Void(f"e{max(p)}", f"e{min(p)}", 0) for p in pairs if p[0] != p[1])
    voided = resolve(voids)
    for number in range(13):
        by = [void.by for void in voids if void.target == f"e{number}"]
        assert (f"e{number}" in voided) == any(item not in voided for item in by)
