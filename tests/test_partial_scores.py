"""Scores of which inputs are missing: what is still possible, and what is certain."""

from __future__ import annotations

import timeit

from hypothesis import given
from hypothesis import strategies as st

from stream.engine.scores import ScoreDefinition, Value, band, evaluate, partial
from stream.rules.scores import load_scores
from tests.score_inputs import CALM


def without(values: dict[str, Value], *names: str) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name not in names}


def test_a_complete_score_is_one_number() -> None:
    found = partial(load_scores()["news2"], CALM)
    assert (found.value, found.lowest, found.highest) == (0, 0, 0)
    assert (found.missing, found.band) == ((), "low")


def test_a_missing_input_is_not_taken_for_normal() -> None:
    found = partial(load_scores()["news2"], without(CALM, "respiratory_rate"))
    assert found.value is None
    assert (found.lowest, found.highest) == (0, 3)
    assert found.missing == ("respiratory_rate",)
    assert found.band == "low"  # 0 or 3, low either way


def test_the_band_is_open_while_missing_inputs_can_change_it() -> None:
    sick = CALM | {"systolic_bp": 88, "heart_rate": 120}  # 5
    assert partial(load_scores()["news2"], without(sick, "temperature")).band is None  # 5 to 8
    assert partial(load_scores()["news2"], without(sick, "on_oxygen")).band is None  # 5 to 7
    worse = sick | {"alert": False}  # 8
    found = partial(load_scores()["news2"], without(worse, "temperature", "spo2"))
    assert (found.lowest, found.highest, found.band) == (8, 14, "high")


def test_an_absent_flag_is_neither_yes_nor_no() -> None:
    found = partial(load_scores()["news2"], without(CALM, "alert", "on_oxygen"))
    assert (found.lowest, found.highest, found.missing) == (0, 5, ("on_oxygen", "alert"))


def test_oxygen_that_is_not_charted_decides_between_the_tables_of_scale_2() -> None:
    on_scale_2 = without(CALM, "on_oxygen") | {"spo2_scale": "2"}
    found = partial(load_scores()["news2"], on_scale_2 | {"spo2": 98})
    assert (found.lowest, found.highest) == (0, 5)  # on air 0, on oxygen 3 + 2
    found = partial(load_scores()["news2"], on_scale_2 | {"spo2": 90})
    assert (found.lowest, found.highest) == (0, 2)
    found = partial(load_scores()["news2"], without(on_scale_2, "spo2"))
    assert (found.lowest, found.highest) == (0, 5)


def test_nothing_at_hand_says_nothing() -> None:
    found = partial(load_scores()["news2"], {})
    assert (found.value, found.lowest, found.highest, found.band) == (None, 0, 20, None)
    assert partial(load_scores()["news2"], dict.fromkeys(CALM)) == found  # None is absent


def test_hscore_speaks_once_the_rest_cannot_undo_it() -> None:
    labs: dict[str, Value] = {"ferritin": 9000, "triglycerides": 4.5, "fibrinogen": 1.2}
    found = partial(load_scores()["hscore"], labs | {"temperature": 39.8})
    assert (found.lowest, found.band, found.value) == (193, "likely", None)
    assert partial(load_scores()["hscore"], labs).band is None


def test_a_ratio_with_a_missing_or_zero_input_is_not_known() -> None:
    easix = load_scores()["easix"]
    found = partial(easix, {"ldh": 350, "platelets": 20})
    assert (found.value, found.lowest, found.highest) == (None, None, None)
    assert (found.missing, found.band) == (("creatinine",), None)
    found = partial(easix, {"ldh": 350, "creatinine": 1.1, "platelets": 0})
    assert (found.value, found.missing, found.band) == (None, ("platelets",), None)
    found = partial(easix, {"ldh": 350, "creatinine": 1.1, "platelets": 20})
    assert (found.value, found.band) == (19.25, "raised")


NAMES = sorted(load_scores())


@st.composite
def inputs_of(draw: st.DrawFn, definition: ScoreDefinition) -> dict[str, Value]:
    """Possible values of every input, near the edges of its steps as often as elsewhere."""
    found: dict[str, Value] = {}
    for item in definition.inputs:
        if item.kind != "number":
            found[item.name] = draw(st.sampled_from(item.options))
            continue
        low = item.minimum if item.minimum is not None else item.above or 0.0
        high = item.maximum if item.maximum is not None else 10_000.0
        steps = [*item.steps, *(step for way in item.variants for step in way.steps)]
        edges = [step.bound for step in steps if low < step.bound < high] or [high]
        if item.whole:
            found[item.name] = draw(st.integers(int(low), int(high)))
        else:
            exclude = item.above is not None
            number = st.floats(low + 0.01 if exclude else low, high)
            found[item.name] = draw(st.one_of(number, st.sampled_from(edges)))
    return found


@given(st.data())
def test_complete_values_agree_with_evaluate(data: st.DataObject) -> None:
    definition = load_scores()[data.draw(st.sampled_from(NAMES))]
    values = data.draw(inputs_of(definition))
    found = partial(definition, values)
    assert found.value == found.lowest == found.highest == evaluate(definition, values)
    assert found.missing == ()
    assert found.band == band(definition, evaluate(definition, values))


@given(st.data())
def test_more_inputs_only_narrow_what_is_possible(data: st.DataObject) -> None:
    definition = load_scores()[data.draw(st.sampled_from(NAMES))]
    values = data.draw(inputs_of(definition))
    usual = {item.name for item in definition.inputs if item.default is not None}
    given = without(
        values, *data.draw(st.sets(st.sampled_from(sorted(set(values) - usual or usual))))
    )
    given.update({name: values[name] for name in usual})
    more = given | {
        name: values[name] for name in data.draw(st.sets(st.sampled_from(list(values))))
    }
    before, after = partial(definition, given), partial(definition, more)
    assert set(after.missing) <= set(before.missing)
    if before.lowest is not None and before.highest is not None:
        assert after.lowest is not None
        assert after.highest is not None
        assert before.lowest <= after.lowest <= after.highest <= before.highest
    if before.band is not None:  # what was sure stays sure
        assert after.band == before.band


@given(st.data())
def test_the_limits_are_reached(data: st.DataObject) -> None:
    """Neither limit is wider than what the missing inputs can make of the score."""
    news2 = load_scores()["news2"]
    given = without(data.draw(inputs_of(news2)), "on_oxygen", "spo2")
    found = partial(news2, given)
    points = [
        evaluate(news2, given | {"on_oxygen": oxygen, "spo2": spo2})
        for oxygen in (False, True)
        for spo2 in (80, 85, 87, 90, 92, 93.5, 95.5, 98)
    ]
    assert (found.lowest, found.highest) == (min(points), max(points))


def test_it_is_fast_enough_for_every_reading() -> None:
    """A complete NEWS2 takes a few microseconds; the limit here leaves room for a busy machine."""
    news2 = load_scores()["news2"]
    values = CALM | {"spo2_scale": "1"}
    seconds = min(timeit.repeat(lambda: partial(news2, values), number=500, repeat=5)) / 500
    assert seconds < 60e-6
