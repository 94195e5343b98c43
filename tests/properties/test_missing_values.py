"""Laws of what is missing: no score becomes more normal for it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.engine import assess
from stream.engine.events import (
    Attribution,
    Lab,
    Neuro,
    Oxygen,
    PatientEvent,
    Reading,
    Retraction,
    Therapy,
    Vitals,
)
from stream.engine.ruleset import HOUR
from stream.engine.score_definitions import ScoreDefinition, Value
from stream.engine.scores import band, evaluate, partial
from tests.chart_runs import received, run
from tests.charts import P0, START
from tests.properties.charts_of_all_kinds import RESULTS, SLOW, charts


@st.composite
def values(draw: Any, definition: ScoreDefinition) -> dict[str, Value]:
    """A value for each input of a score, within what it takes."""
    found: dict[str, Value] = {}
    for item in definition.inputs:
        if item.kind == "flag":
            found[item.name] = draw(st.booleans())
        elif item.kind == "choice":
            found[item.name] = draw(st.sampled_from(item.choices))
        else:
            low = item.minimum if item.minimum is not None else (item.above or 0.0) + 0.5
            high = item.maximum if item.maximum is not None else 10_000.0
            edges = sorted({s.at_most or s.below or low for s in item.steps} | {low, high})
            value = draw(st.one_of(st.sampled_from(edges), st.floats(low, high)))
            value = min(max(value, low), high)
            found[item.name] = float(int(value)) if item.whole else value
    return found


SCORES = sorted(P0.scores)


@settings(SLOW, max_examples=60)
@given(st.sampled_from(SCORES), st.data())
def test_leaving_inputs_out_makes_no_score_more_normal(name: str, data: Any) -> None:
    """The score lies within the limits, which only widen; a band never appears or changes."""
    definition = P0.scores[name]
    full = data.draw(values(definition))
    optional = {item.name for item in definition.inputs if item.default is not None}
    names = [n for n in full if n not in optional]
    if not names:
        return
    truth = evaluate(definition, full)
    first = data.draw(st.lists(st.sampled_from(names), unique=True))
    second = data.draw(st.lists(st.sampled_from(names), unique=True))
    less = partial(definition, {k: v for k, v in full.items() if k not in first})
    least = partial(definition, {k: v for k, v in full.items() if k not in {*first, *second}})
    whole = partial(definition, full)
    assert whole.value is not None
    assert abs(whole.value - truth) < 1e-9 * max(1.0, abs(truth))
    assert whole.band == band(definition, truth)
    for more, fewer in ((whole, less), (less, least)):
        if fewer.lowest is None or fewer.highest is None:
            assert fewer.band is None
            assert fewer.value is None
            continue
        assert more.lowest is not None
        assert more.highest is not None
        assert fewer.lowest <= more.lowest
        assert fewer.highest >= more.highest
        assert fewer.band in (None, more.band)
        assert set(more.missing) <= set(fewer.missing)


ONE_EACH: list[PatientEvent] = [
    Vitals(
        event_id=signal,
        patient_id="p",
        time=START + 10 * HOUR,
        readings=(Reading(signal, value),),  # type: ignore[arg-type]
    )
    for signal, value in (
        ("temperature", 39.4),
        ("systolic_bp", 95.0),
        ("heart_rate", 118.0),
        ("respiratory_rate", 26.0),
        ("spo2", 92.0),
    )
]
ONE_EACH += [
    Oxygen(event_id="device", patient_id="p", time=START + 9 * HOUR, device="nasal_cannula"),
    Neuro(event_id="neuro", patient_id="p", time=START + 9 * HOUR, consciousness="to_voice"),
]
ONE_EACH += [
    Lab(event_id=name, patient_id="p", time=START + 9 * HOUR, analyte=name, value=v[-1], unit=unit)
    for name, (unit, v) in RESULTS.items()
]


@SLOW
@given(st.sets(st.integers(0, len(ONE_EACH) - 1)), st.integers(0, len(ONE_EACH) - 1))
def test_removing_data_from_a_chart_makes_no_score_more_normal(
    absent: set[int], another: int
) -> None:
    therapy = Therapy(
        event_id="t", patient_id="p", time=START, product="axi-cel", therapy_class="car_t"
    )
    shown = []
    for gone in (absent, absent | {another}):
        kept = [e for n, e in enumerate(ONE_EACH) if n not in gone]
        shown.append(assess(run([therapy, *kept], START + 11 * HOUR), P0)["scores"])
    more, fewer = shown
    for name, less in fewer.items():
        full = more[name]
        assert set(full["missing"]) <= set(less["missing"])
        assert less["band"] in (None, full["band"])
        if less["missing"]:
            assert less["value"] is None
        if less["at_least"] is not None:
            assert less["at_least"] <= full["at_least"]
            assert less["at_most"] >= full["at_most"]


@SLOW
@given(charts(), st.integers(1, 200))
def test_silence_makes_no_score_more_normal(events: list[PatientEvent], hours: int) -> None:
    """With no more data inputs only grow old: limits widen, bands go and never come."""
    events = [e for e in events if not isinstance(e, (Attribution, Retraction))]
    last = max(max(received(e), e.time) for e in events)
    before = assess(run(events, last), P0)["scores"]
    after = assess(run(events, last + hours * HOUR), P0)["scores"]
    for name, late in after.items():
        early = before[name]
        assert late["band"] in (None, early["band"])
        if late["at_least"] is not None:
            assert late["at_least"] <= early["at_least"]
            assert late["at_most"] is None or late["at_most"] >= early["at_most"]
