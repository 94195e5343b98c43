"""Laws of what stands beside the grade: reminders, ICANS, IEC-HS, scores, other scales."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.engine import PatientState, Tick, assess, step
from stream.engine.events import (
    Outcome,
    Patient,
    PatientEvent,
    Reading,
    Retraction,
    Vitals,
)
from stream.engine.fold import Fold
from stream.engine.ruleset import HOUR, MINUTE
from stream.engine.state import SaidReminder
from tests.chart_runs import received, run
from tests.charts import P0, START, history
from tests.properties.charts_of_all_kinds import DAYS, SLOW, charts, lab, neuro, times

END = START + DAYS * 24 * HOUR


def folded(state: PatientState) -> Fold:
    assert state.derived is not None
    return state.derived.now


# -- order of arrival -----------------------------------------------------------------------------


@SLOW
@given(charts(), st.randoms(use_true_random=False))
def test_arrival_order_changes_nothing_that_stands_beside_the_grade(
    events: list[PatientEvent], random: Any
) -> None:
    shuffled = events[:]
    random.shuffle(shuffled)
    one, other = run(events, END), run(shuffled, END)
    assert history(one) == history(other)
    a, b = folded(one), folded(other)
    for name in ("risks", "iec_hs", "scale_steps", "icans", "icans_at", "labs", "labs_earlier",
                 "labs_before", "doses", "given", "dose_question", "fever_run_id"):  # fmt: skip
        assert getattr(a, name) == getattr(b, name), name
    seen, again = assess(one, P0, END), assess(other, P0, END)
    for name in ("scales", "scores", "trends", "iec_hs", "risk_window", "icans"):
        assert seen[name] == again[name], name


@SLOW
@given(charts(), st.integers(0, 20))
def test_a_retraction_is_as_if_it_had_never_been(events: list[PatientEvent], which: int) -> None:
    events = [e for e in events if not isinstance(e, Retraction)]
    target = events[1 + which % (len(events) - 1)]
    back = Retraction(event_id="back", patient_id="p", time=END - HOUR, retracts=target.event_id)
    rest = [e for e in events if e is not target]
    a, b = folded(run([*events, back], END)), folded(run(rest, END))
    for name in ("risks", "iec_hs", "scale_steps", "icans", "labs_earlier", "doses", "given"):
        assert getattr(a, name) == getattr(b, name), name


# -- never the grade ------------------------------------------------------------------------------


@st.composite
def beside(draw: Any) -> list[PatientEvent]:
    found: list[PatientEvent] = []
    for number in range(draw(st.integers(1, 8))):
        head = {"event_id": f"b{number}", "patient_id": "p", "time": draw(times)}
        kind = draw(st.sampled_from(["lab", "neuro", "vitals", "patient"]))
        if kind == "lab":
            found.append(lab(draw, head))
        elif kind == "neuro":
            found.append(neuro(draw, head))
        elif kind == "patient":
            found.append(Patient(**head, spo2_scale=2, baseline_ice=5, weight_kg=70.0))
        else:
            signal, value = draw(
                st.sampled_from([("heart_rate", 180.0), ("respiratory_rate", 40.0)])
            )
            found.append(Vitals(**head, readings=(Reading(signal, value),)))
    return found


@SLOW
@given(charts(), beside())
def test_results_neuro_pulse_and_breathing_change_no_grade(
    events: list[PatientEvent], more: list[PatientEvent]
) -> None:
    a, b = history(run(events, END)), history(run([*events, *more], END))
    for name in ("grades", "candidates", "episode", "raw"):
        assert a[name] == b[name]


@SLOW
@given(charts())
def test_reminders_scores_and_screens_change_no_grade(events: list[PatientEvent]) -> None:
    silent = replace(
        P0,
        announced=(),
        timers={code: replace(rule, products=("none",)) for code, rule in P0.timers.items()},
    )
    said: list[list[bytes]] = []
    for rules in (P0, silent):
        state: PatientState | None = None
        grades: list[bytes] = []
        for item in [*events, Tick(END)]:
            state, outputs = step(state, item, rules)
            grades += [
                replace(a, previous_hash=None).to_bytes()  # those left out are in the chain
                for a in outputs.alerts
                if a.type.partition(".")[0] in ("grade", "candidate", "icans", "iec_hs", "signal")
            ]
        said.append(grades)
    assert said[0] == said[1]


# -- said once ------------------------------------------------------------------------------------


@st.composite
def moments(draw: Any) -> list[Tick]:
    return [Tick(START + n * MINUTE) for n in draw(st.lists(st.integers(1, 9 * 1440), max_size=12))]


@SLOW
@given(charts(), moments(), st.lists(st.integers(0, 30), max_size=8))
def test_each_reminder_speaks_once(
    events: list[PatientEvent], ticks: list[Tick], again: list[int]
) -> None:
    """Whatever comes in whatever order, with ticks between and events sent again."""
    items: list[PatientEvent | Tick] = [*events]
    for number, tick in enumerate(ticks):
        items.insert(1 + (number * 7) % len(items), tick)
    for number, which in enumerate(again):
        items.insert(1 + (number * 5) % len(items), events[which % len(events)])
    items += [Tick(END - HOUR), Tick(END)]
    state: PatientState | None = None
    spoken: set[SaidReminder] = set()
    ids: list[str] = []
    for item in items:
        if state is None and isinstance(item, Tick):
            continue
        before = () if state is None else state.record.published.reminders
        state, outputs = step(state, item, P0)
        held = state.record.published.reminders
        # what it rested on was entered in error: that one may speak again
        spoken -= {replace(key, withdrawn=False) for key in held if key.withdrawn}
        new = [key for key in held if not key.withdrawn and key not in before]
        assert not spoken & set(new)
        spoken |= set(new)
        mine = [a for a in outputs.alerts if a.type == "reminder"]
        assert len(mine) == len(new) or len(mine) > 8  # of so many, keys may be dropped at once
        ids += [a.alert_id for a in mine]
        assert all(a.effective_time <= a.emitted_time for a in mine)
    assert len(ids) == len(set(ids))


@SLOW
@given(charts())
def test_no_alert_beside_the_grade_repeats_the_one_before_it(events: list[PatientEvent]) -> None:
    state: PatientState | None = None
    band_of: dict[str, str | None] = {}
    positive, icans = False, 0
    for item in [*events, Tick(END)]:
        state, outputs = step(state, item, P0)
        for alert in outputs.alerts:
            body = alert.body
            if body.get("score") == "early_high_fever":
                continue  # it is said anew after each dose
            if alert.type == "risk.changed":
                assert body["band"] != band_of.get(body["score"], body["from_band"])
                if body["score"] in band_of:
                    assert body["from_band"] == band_of[body["score"]]
                band_of[body["score"]] = body["band"]
            elif alert.type == "iec_hs.changed":
                assert body["positive"] is not positive
                positive = body["positive"]
            elif alert.type == "icans.changed":
                assert (body["from_grade"], body["to_grade"] == icans) == (icans, False)
                icans = body["to_grade"]


# -- the clock ------------------------------------------------------------------------------------


def ids_of(items: list[PatientEvent | Tick]) -> list[str]:
    state: PatientState | None = None
    found: list[str] = []
    for item in items:
        if state is None and isinstance(item, Tick):
            continue
        state, outputs = step(state, item, P0)
        found += [alert.alert_id for alert in outputs.alerts]
    return found


@SLOW
@given(charts(), st.lists(st.integers(0, (DAYS + 1) * 24 * 12), max_size=12), st.booleans())
def test_ticking_finely_or_coarsely_says_the_same(
    events: list[PatientEvent], ticks: list[int], hourly: bool
) -> None:
    ordered = sorted(events, key=received)
    end = Tick(END + 48 * HOUR)
    # a tick at the instant of an event would say that the instant is over: half a minute beside it
    extra = [Tick(START + n * 5 * MINUTE + MINUTE // 2) for n in ticks]
    if hourly:
        extra += [Tick(START + n * HOUR + MINUTE // 2) for n in range(DAYS * 24)]
    mixed = sorted([*ordered, *extra], key=received)
    assert ids_of([*mixed, end]) == ids_of([*ordered, end])


@SLOW
@given(charts(), st.integers(0, 25))
def test_a_stored_state_goes_on_as_the_living_one(events: list[PatientEvent], cut: int) -> None:
    living: PatientState | None = None
    stored: PatientState | None = None
    for index, item in enumerate([*events, Tick(END)]):
        living, a = step(living, item, P0)
        if stored is not None and index == 1 + cut % len(events):
            stored = PatientState.assemble(stored.record, stored.windows)
        stored, b = step(stored, item, P0)
        assert [x.to_bytes() for x in a.alerts] == [x.to_bytes() for x in b.alerts]


@SLOW
@given(charts(), st.sampled_from(["discharged", "transferred", "death"]))
def test_after_the_stay_nobody_is_reminded(events: list[PatientEvent], outcome: Any) -> None:
    left = Outcome(event_id="left", patient_id="p", time=END + 20 * 24 * HOUR, outcome=outcome)
    events = [e for e in events if not isinstance(e, Retraction)]
    state = run([*events, left], END)
    _, outputs = step(state, Tick(END + 90 * 24 * HOUR), P0)
    assert [a for a in outputs.alerts if a.type in ("reminder", "risk.changed")] == []
