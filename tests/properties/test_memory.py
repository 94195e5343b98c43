"""The state is bounded, however long the stay and however fast the monitor."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.engine import Outcome, PatientState, Tick, assess, step
from stream.engine.events import PatientEvent, Reading, Retraction, Therapy, Vitals
from stream.engine.facts import WINDOW
from stream.engine.intray import derive
from stream.engine.ruleset import HOUR, MINUTE, SECOND
from tests.charts import P0, START, Chart, history

THERAPY = Therapy(
    event_id="t", patient_id="p", time=START, product="axi-cel", therapy_class="car_t"
)
DAY = 24 * HOUR


def monitor(
    seconds: int, seed: int = 1, charted: Callable[[int], bool] = lambda _second: True
) -> Iterator[Vitals]:
    """Seven signals a second, drifting; now and then a fever and a low pressure."""
    rng = random.Random(seed)
    temp, sbp, spo2 = 38.4, 110.0, 96.0
    line = "arterial_line"
    for n in range(seconds):
        if n % 5 == 0:  # a monitor repeats a value until it has a new one
            temp += rng.gauss(0, 0.02) + (37.6 - temp) * 0.0005
            sbp += rng.gauss(0, 2) + (104 - sbp) * 0.01
            spo2 = min(100.0, spo2 + rng.gauss(0, 0.4) + (95 - spo2) * 0.05)
        if not charted(n):
            continue
        s = float(round(sbp))
        yield Vitals(
            event_id=f"v{n}",
            patient_id="p",
            time=START + n * SECOND,
            readings=(
                Reading("temperature", round(temp, 1)),
                Reading("heart_rate", 90.0),
                Reading("respiratory_rate", 18.0),
                Reading("spo2", float(round(spo2))),
                Reading("systolic_bp", s, method=line),
                Reading("diastolic_bp", float(round(s * 0.6)), method=line),
                Reading("mean_bp", float(round(s * 0.73)), method=line),
            ),
        )


def size(state: PatientState) -> tuple[int, int, int]:
    """(facts, windows, bytes of the record)."""
    facts = sum(len(w.facts) for w in state.windows.values())
    return facts, len(state.windows), len(msgspec.msgpack.encode(state.record))


@pytest.mark.timeout(900)
def test_fourteen_days_on_seven_signals_at_one_hertz() -> None:
    """The days between are twice a minute: either fills the record, in hours or in days."""
    state, _ = step(None, THERAPY, P0)
    largest = (0, 0, 0)
    stay, dense = 14 * DAY // SECOND, 10 * HOUR // SECOND

    def charted(second: int) -> bool:
        return second < dense or second >= stay - dense or second % 30 == 0

    for n, event in enumerate(monitor(stay, charted=charted)):
        state, outputs = step(state, event, P0)
        assert outputs.outcome is Outcome.ACCEPTED
        if n % 5_000 == 0:
            largest = tuple(map(max, zip(largest, size(state), strict=True)))  # type: ignore[assignment]
    facts, windows, record = largest
    assert facts <= P0.max_facts + 1_000
    assert windows <= P0.horizon // WINDOW + 48
    assert record <= 20_000
    assert state.record.published.grade == state.derived.now.grade  # type: ignore[union-attr]


def test_a_long_stay_at_low_rate_keeps_the_horizon_and_no_more() -> None:
    state, _ = step(None, THERAPY, P0)
    for n in range(30 * 24 * 12):  # every five minutes for thirty days
        event = Vitals(
            event_id=f"v{n}",
            patient_id="p",
            time=START + n * 5 * MINUTE,
            readings=(Reading("temperature", 38.2 if n % 200 < 3 else 37.0),),
        )
        state, _ = step(state, event, P0)
    facts, _, _ = size(state)
    assert P0.keep_facts <= facts <= 1_000
    assert state.record.clock - state.record.base_until <= P0.horizon + 7 * HOUR


def test_what_is_older_than_the_folded_past_is_refused_and_flagged_never_lost_silently() -> None:
    state, _ = step(None, THERAPY, P0)
    for n in range(10 * 24 * 12):
        event = Vitals(
            event_id=f"v{n}",
            patient_id="p",
            time=START + n * 5 * MINUTE,
            readings=(Reading("temperature", 37.0),),
        )
        state, _ = step(state, event, P0)
    late = Vitals(
        event_id="late", patient_id="p", time=START + HOUR, readings=(Reading("temperature", 39.0),)
    )
    after, outputs = step(state, late, P0)
    assert outputs.outcome is Outcome.TOO_LATE
    assert [r.code for r in outputs.rejections] == ["too_late"]
    assert "BEYOND_HORIZON" in assess(after, P0)["flags"]
    # a therapy that is charted that late still puts the patient in scope from there on
    product = Therapy(
        event_id="t2", patient_id="p", time=START + HOUR, product="x", therapy_class="til"
    )
    after, outputs = step(after, product, P0)
    assert outputs.outcome is Outcome.ACCEPTED


def test_within_the_horizon_a_low_rate_chart_can_always_be_corrected() -> None:
    chart = Chart()
    wrong = chart.at("0:10", temp=39.0)
    for hour in range(1, 47):
        chart.at(f"{hour}:00", temp=36.8, sbp=120, dbp=70)
    assert chart.grades()[0] == ("changed", 1)
    chart.retract("46:30", wrong)
    assert chart.said()[-1].type == "grade.revised"
    assert chart.look()["episode"] is None


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_a_thinned_minute_depends_on_the_set_not_on_the_order(shuffler: Any, seed: int) -> None:
    events: list[PatientEvent] = [THERAPY, *monitor(150, seed)]
    mixed = [*events, *events[::7]]
    shuffler.shuffle(mixed)

    def run(items: list[PatientEvent]) -> PatientState:
        state: PatientState | None = None
        for item in items:
            state, _ = step(state, item, P0)
        assert state is not None
        return step(state, Tick(START + HOUR), P0)[0]

    a, b = run(events), run(mixed)
    assert history(a) == history(b)
    kept = [[f.event.event_id for f in a.windows[k].facts] for k in sorted(a.windows)]
    assert kept == [[f.event.event_id for f in b.windows[k].facts] for k in sorted(b.windows)]


def test_a_retraction_of_a_thinned_reading_is_reported_and_changes_nothing() -> None:
    state, _ = step(None, THERAPY, P0)
    for event in monitor(60):
        state, _ = step(state, event, P0)
    kept = {f.event.event_id for w in state.windows.values() for f in w.facts}
    gone = next(f"v{n}" for n in range(60) if f"v{n}" not in kept)
    back = Retraction(event_id="r", patient_id="p", time=START + MINUTE, retracts=gone)
    after, outputs = step(state, back, P0)
    assert [r.code for r in outputs.rejections] == ["unknown_target"]
    assert history(after) == history(state)


def test_a_flood_of_attributions_is_refused_with_a_reason() -> None:
    chart = Chart()
    for n in range(300):
        chart.attribute(f"{n // 60}:{n % 60:02}", "fever", f"cause {n}", f"{n // 60}:{n % 60:02}")
    assert [r.code for r in chart.last.rejections] == ["record_full"]  # type: ignore[union-attr]
    assert len(chart.state.record.attributions) == 256  # type: ignore[union-attr]


def test_a_crowded_state_folds_early_and_a_restart_on_it_changes_nothing() -> None:
    crowded = replace(P0, max_facts=60, keep_facts=20, fold_slack=10)
    living, _ = step(None, THERAPY, crowded)
    stored, plain = living, living
    for n, event in enumerate(monitor(5_000, seed=3)):
        living, a = step(living, event, crowded)
        if n % 37 == 0:
            stored = PatientState.assemble(stored.record, stored.windows)
        stored, b = step(stored, event, crowded)
        plain, c = step(plain, event, P0)
        said = [alert.to_bytes() for alert in a.alerts]
        assert [alert.to_bytes() for alert in b.alerts] == said
        assert [alert.to_bytes() for alert in c.alerts] == said
    facts, windows, _ = size(living)
    assert facts <= 60 + 10 + 120  # the newest window is never folded
    assert windows <= 4
    assert living.record == stored.record


def test_a_stored_past_with_its_fields_in_another_order_is_folded_on_the_same() -> None:
    """A later version may have put a field of the fold elsewhere: bytes of before have it there."""
    chart = Chart()
    chart.at("10:00", temp=38.6, sbp=120, dbp=70, spo2=97)
    assert chart.state is not None
    stored: dict[str, Any] = msgspec.to_builtins(chart.state.record)
    stored["base"] = dict(reversed(stored["base"].items()))
    record = msgspec.convert(stored, type(chart.state.record))
    chart.state = PatientState.assemble(record, chart.state.windows)
    for minute in range(1, 20):
        chart.at(f"10:{minute:02}", hr=100 + minute, sbp=118 - minute, dbp=70)
    chart.at("10:15", temp=36.9, received="10:21")
    assert chart.state.derived is not None
    assert chart.state.derived.head == derive(chart.state, P0).head
