"""Scores: published examples, every edge of every band, and what is said of wrong values."""

from __future__ import annotations

import copy
import json
import math
import timeit
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import TherapyClass
from stream.engine.ruleset import HOUR
from stream.engine.scores import ScoreDefinition, ScoreError, Value, band, evaluate, partial
from stream.rules.errors import RulesetError
from stream.rules.scores import SCORES_FILE, THERAPY_CLASSES, build_scores, load_scores

VECTORS = Path(__file__).parent / "vectors" / "formulas.json"
CASES = json.loads(VECTORS.read_text())["cases"] if VECTORS.exists() else []
CONTRACT = {
    "easix",
    "m_easix",
    "nee",
    "lee_ne_equivalent",
    "news2",
    "hscore",
    "car_hematotox",
    "tocilizumab_dose",
}
CALM: dict[str, Value] = {  # NEWS2 0
    "respiratory_rate": 16,
    "spo2": 97,
    "on_oxygen": False,
    "systolic_bp": 120,
    "heart_rate": 70,
    "alert": True,
    "temperature": 37.0,
}
QUIET: dict[str, Value] = {  # HScore 0
    "immunosuppressed": False,
    "temperature": 37.0,
    "organomegaly": 0,
    "cytopenia_lines": 0,
    "ferritin": 300,
    "triglycerides": 1.0,
    "fibrinogen": 3.0,
    "ast": 20,
    "haemophagocytosis": False,
}
HEALTHY: dict[str, Value] = {  # CAR-HEMATOTOX 0
    "platelets": 250,
    "anc": 3000,
    "haemoglobin": 13,
    "crp": 0.5,
    "ferritin": 100,
}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_formula_vectors(case: dict[str, object]) -> None:
    inputs, function = case["inputs"], case["function"]
    assert isinstance(inputs, dict)
    value = evaluate(load_scores()[str(function)], inputs)
    assert abs(value - float(str(case["result"]))) <= float(str(case["tolerance"]))


def test_the_contract_s_scores_are_there() -> None:
    assert set(load_scores()) >= CONTRACT


def test_every_definition_has_a_source_and_a_status() -> None:
    for name, definition in load_scores().items():
        assert definition.source, name
        assert definition.caution, name
        assert definition.status in {"checked", "mem", "DESIGN"}
        for item in definition.inputs:
            if item.kind == "number":
                assert item.unit, f"{name} {item.name}"


@pytest.mark.parametrize(
    ("key", "value", "points"),
    [
        *[("respiratory_rate", v, p) for v, p in [(8, 3), (9, 1), (11, 1), (12, 0)]],
        *[("respiratory_rate", v, p) for v, p in [(20, 0), (21, 2), (24, 2), (25, 3)]],
        *[("spo2", v, p) for v, p in [(91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0)]],
        ("on_oxygen", True, 2),
        *[("systolic_bp", v, p) for v, p in [(90, 3), (91, 2), (100, 2), (101, 1), (110, 1)]],
        *[("systolic_bp", v, p) for v, p in [(111, 0), (219, 0), (220, 3)]],
        *[("heart_rate", v, p) for v, p in [(40, 3), (41, 1), (50, 1), (51, 0), (90, 0)]],
        *[("heart_rate", v, p) for v, p in [(91, 1), (110, 1), (111, 2), (130, 2), (131, 3)]],
        ("alert", False, 3),
        *[("temperature", v, p) for v, p in [(35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0)]],
        *[("temperature", v, p) for v, p in [(38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2)]],
    ],
)
def test_news2_edges(key: str, value: Value, points: int) -> None:
    assert evaluate(load_scores()["news2"], CALM | {key: value}) == points


@pytest.mark.parametrize("on_oxygen", [False, True])
@pytest.mark.parametrize(
    ("spo2", "on_air", "on_oxygen_points"),
    [
        *[(v, p, p) for v, p in [(83, 3), (84, 2), (85, 2), (86, 1), (87, 1), (88, 0), (92, 0)]],
        *[(v, 0, p) for v, p in [(93, 1), (94, 1), (95, 2), (96, 2), (97, 3), (100, 3)]],
    ],
)
def test_news2_edges_of_oxygen_scale_2(
    spo2: float, on_air: int, on_oxygen_points: int, on_oxygen: bool
) -> None:
    given = CALM | {"spo2": spo2, "spo2_scale": "2", "on_oxygen": on_oxygen}
    points = on_oxygen_points + 2 if on_oxygen else on_air
    assert evaluate(load_scores()["news2"], given) == points
    assert partial(load_scores()["news2"], given).value == points


def test_oxygen_scale_2_is_used_only_where_it_was_chosen() -> None:
    news2 = load_scores()["news2"]
    given = CALM | {"spo2": 90}
    assert evaluate(news2, given) == evaluate(news2, given | {"spo2_scale": "1"}) == 3
    assert evaluate(news2, given | {"spo2_scale": "2"}) == 0


@pytest.mark.parametrize(
    ("rate", "systolic", "altered", "points"),
    [(21, 101, False, 0), (22, 101, False, 1), (21, 100, False, 1), (22, 100, True, 3)],
)
def test_qsofa_edges(rate: float, systolic: float, altered: bool, points: int) -> None:
    given: dict[str, Value] = {"respiratory_rate": rate, "systolic_bp": systolic}
    value = evaluate(load_scores()["qsofa"], given | {"altered_mentation": altered})
    assert value == points
    assert band(load_scores()["qsofa"], value) == ("positive" if points > 1 else "")


@pytest.mark.parametrize(
    ("temperature", "hours", "found"),
    [(38.8, 10, ""), (38.9, 10, "raised"), (38.9, 36, "raised"), (38.9, 36.1, ""), (40, 48, "")],
)
def test_high_fever_counts_within_36_hours(temperature: float, hours: float, found: str) -> None:
    fever = load_scores()["early_high_fever"]
    given: dict[str, Value] = {"temperature": temperature, "hours_since_therapy": hours}
    assert partial(fever, given).band == found
    assert fever.is_for("car_t", "CD19")
    assert fever.is_for("car_t", "cd19")
    assert not fever.is_for("car_t", "BCMA")
    assert not fever.is_for("bispecific", "CD19")


@pytest.mark.parametrize(
    ("key", "value", "points"),
    [
        ("immunosuppressed", True, 18),
        *[("temperature", v, p) for v, p in [(38.3, 0), (38.4, 33), (39.4, 33), (39.5, 49)]],
        *[("organomegaly", v, p) for v, p in [(0, 0), (1, 23), (2, 38)]],
        *[("cytopenia_lines", v, p) for v, p in [(1, 0), (2, 24), (3, 34)]],
        *[("ferritin", v, p) for v, p in [(1999, 0), (2000, 35), (6000, 35), (6001, 50)]],
        *[("triglycerides", v, p) for v, p in [(1.4, 0), (1.5, 44), (4.0, 44), (4.1, 64)]],
        *[("fibrinogen", v, p) for v, p in [(2.5, 30), (2.6, 0)]],
        *[("ast", v, p) for v, p in [(29, 0), (30, 19)]],
        ("haemophagocytosis", True, 35),
    ],
)
def test_hscore_edges(key: str, value: Value, points: int) -> None:
    assert evaluate(load_scores()["hscore"], QUIET | {key: value}) == points


@pytest.mark.parametrize(
    ("key", "value", "points"),
    [
        *[("platelets", v, p) for v, p in [(176, 0), (175, 1), (75, 1), (74, 2)]],
        *[("anc", v, p) for v, p in [(1201, 0), (1200, 1)]],
        *[("haemoglobin", v, p) for v, p in [(9.1, 0), (9.0, 1)]],
        *[("crp", v, p) for v, p in [(2.9, 0), (3.0, 1)]],
        *[("ferritin", v, p) for v, p in [(649, 0), (650, 1), (2000, 1), (2001, 2)]],
    ],
)
def test_car_hematotox_edges(key: str, value: Value, points: int) -> None:
    assert evaluate(load_scores()["car_hematotox"], HEALTHY | {key: value}) == points


@pytest.mark.parametrize(
    ("weight", "dose"), [(16, 192), (29.9, 358.8), (30, 240), (70, 560), (100, 800), (101, 800)]
)
def test_tocilizumab_by_weight(weight: float, dose: float) -> None:
    assert evaluate(load_scores()["tocilizumab_dose"], {"weight_kg": weight}) == dose


def test_vasopressin_in_units_an_hour_is_not_taken_for_units_a_minute() -> None:
    nee = load_scores()["nee"]
    minute = evaluate(nee, {"vasopressin": 0.03})
    hour = evaluate(nee, {"vasopressin": 1.8, "vasopressin_unit": "U/h"})
    assert minute == hour == 0.075


def test_a_rate_of_the_tartrate_is_half_of_base() -> None:
    nee, lee = load_scores()["nee"], load_scores()["lee_ne_equivalent"]
    assert evaluate(nee, {"norepinephrine": 0.2}) == 0.2
    assert evaluate(nee, {"norepinephrine": 0.2, "norepinephrine_as": "base"}) == 0.2
    assert evaluate(nee, {"norepinephrine": 0.2, "norepinephrine_as": "tartrate"}) == 0.1
    salt: dict[str, Value] = {"norepinephrine": 40, "norepinephrine_as": "tartrate"}
    assert evaluate(lee, salt | {"epinephrine": 5}) == 25  # the epinephrine is not halved


def test_every_weight_of_the_equivalents_counts() -> None:
    nee, lee = load_scores()["nee"], load_scores()["lee_ne_equivalent"]
    given: dict[str, Value] = {"dopamine": 10, "metaraminol": 0.8, "angiotensin_ii": 0.01}
    assert math.isclose(evaluate(nee, given), 0.1 + 0.1 + 0.1)
    assert evaluate(lee, {"dopamine": 10, "phenylephrine": 100}) == 15
    assert evaluate(nee, {}) == 0


def test_bands() -> None:
    news2 = load_scores()["news2"]
    assert [band(news2, value) for value in (0, 4, 5, 6, 7, 20)] == [
        "low",
        "low",
        "medium",
        "medium",
        "high",
        "high",
    ]
    assert band(load_scores()["easix"], 4.66) == ""
    assert band(load_scores()["easix"], 4.67) == ""  # the publication says above it
    assert band(load_scores()["easix"], 4.68) == "raised"
    shock = [band(load_scores()["shock_index"], value) for value in (0.89, 0.9, 0.99, 1.0)]
    assert shock == ["", "watch", "watch", "high"]
    modified = load_scores()["modified_shock_index"]
    assert [band(modified, value) for value in (1.3, 1.31)] == ["", "high"]
    hematotox = load_scores()["car_hematotox"]
    assert [band(hematotox, value) for value in (0, 1, 2)] == ["low", "low", "high"]
    assert [band(load_scores()["hscore"], value) for value in (168, 169)] == ["", "likely"]


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("easix", {"ldh": 350}, "also needs creatinine (mg/dL), platelets (10*9/L)"),
        ("easix", {"ldh": 1, "creatinine": 1, "platelets": 0}, "platelets must be above 0"),
        ("easix", {"ldh": 1, "creatinine": 1, "plt": 1}, "no input 'plt'; it takes ldh"),
        ("easix", {"ldh": float("nan"), "creatinine": 1, "platelets": 1}, "ldh is a number in U/L"),
        ("easix", {"ldh": "1", "creatinine": 1, "platelets": 1}, "ldh is a number"),
        ("easix", {"ldh": True, "creatinine": 1, "platelets": 1}, "ldh is a number"),
        ("news2", CALM | {"temperature": 99.0}, "temperature must be at most 45 Cel, not 99"),
        ("news2", CALM | {"spo2": 101}, "spo2 must be at most 100"),
        ("news2", CALM | {"alert": 1}, "alert is true or false"),
        ("hscore", QUIET | {"organomegaly": 0.5}, "organomegaly is a whole number"),
        ("nee", {"vasopressin": 1, "vasopressin_unit": "mL/h"}, "one of U/min, U/h, not 'mL/h'"),
        ("nee", {"norepinephrine": -1}, "norepinephrine must be at least 0"),
        ("nee", {"norepinephrine_as": "salt"}, "one of base, tartrate, not 'salt'"),
        ("news2", CALM | {"spo2_scale": "3"}, "one of 1, 2, not '3'"),
        ("easix", {"ldh": 1e308, "creatinine": 1e308, "platelets": 1}, "no finite number"),
        ("easix", {"ldh": 1, "creatinine": 1, "platelets": 1e-320}, "no finite number"),
    ],
)
def test_wrong_values_are_told_by_name(name: str, values: dict[str, Value], says: str) -> None:
    with pytest.raises(ScoreError) as caught:
        evaluate(load_scores()[name], values)
    assert says in str(caught.value)


# partial: what the stream has at the moment


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


# the builder


def table() -> dict[str, Any]:
    return tomllib.loads(SCORES_FILE.read_text(encoding="utf-8"))


def inputs(document: dict[str, Any], score: str, name: str) -> dict[str, Any]:
    (found,) = [item for item in document[score]["inputs"] if item["name"] == name]
    assert isinstance(found, dict)
    return found


def test_building_leaves_the_table_as_it_is() -> None:
    document = table()
    before = copy.deepcopy(document)
    assert build_scores(document) == build_scores(document) == dict(load_scores())
    assert document == before


def test_what_is_announced_and_how() -> None:
    announced = {name for name, item in load_scores().items() if item.announce}
    assert announced == {
        "news2",
        "qsofa",
        "shock_index",
        "easix",
        "early_high_fever",
    }
    news2 = load_scores()["news2"]
    assert [news2.priority(name) for name in ("", "low", "high")] == [
        "information",
        "low",
        "medium",
    ]
    assert {name for name, item in load_scores().items() if not item.in_stream} == {
        "nee",
        "lee_ne_equivalent",
        "tocilizumab_dose",
    }
    assert load_scores()["car_hematotox"].timing == "before_therapy"
    temperature = news2.input("temperature")
    assert temperature is not None
    assert temperature.max_age == 4 * HOUR


def test_therapy_classes_are_the_contract_s() -> None:
    assert set(THERAPY_CLASSES) == {item.value for item in TherapyClass}


def edit(path: str, value: Any) -> dict[str, Any]:
    """The packaged table with one key changed: `score.key` or `score.input/key`; None removes."""
    document = table()
    score, _, key = path.partition(".")
    name, slash, inner = key.partition("/")
    row = inputs(document, score, name) if slash else document[score]
    if value is None:
        del row[inner or key]
    else:
        row[inner or key] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("easix.sorce", "x", "scores.easix.sorce: no such key; did you mean source?"),
        ("easix.source", None, "scores.easix.source is missing"),
        ("easix.source", " ", "scores.easix.source is missing: name the publication"),
        ("easix.status", "memory", "scores.easix.status = 'memory': not known; did you mean mem?"),
        ("easix.method", "sum", "scores.easix.method = 'sum': not known"),
        ("easix.announce", 1, "scores.easix.announce = 1: expected true or false"),
        ("easix.hold_s", None, "scores.easix.hold_s is missing"),
        ("easix.hold_s", -1, "scores.easix.hold_s = -1: expected seconds, 0 or more"),
        ("easix.bands", [], "scores.easix.announce = true: needs bands"),
        ("easix.therapy_classes", ["cart"], "scores.easix.therapy_classes = 'cart': not known"),
        ("easix.timing", "later", "scores.easix.timing = 'later'"),
        ("easix.ldh/chart", "lab:ldl", "scores.easix.inputs.ldh.chart = 'lab:ldl': not known; did"),
        ("easix.ldh/max_age_s", None, "scores.easix.inputs.ldh.max_age_s is missing"),
        ("easix.ldh/unit", None, "scores.easix.inputs.ldh.unit is missing"),
        ("easix.ldh/steps", [{"points": 1}], "scores.easix.inputs.ldh.steps: only numbers"),
        ("news2.spo2_scale/max_age_s", 60, "news2.inputs.spo2_scale.max_age_s: this does not grow"),
        ("news2.spo2_scale/default", "3", "news2.inputs.spo2_scale.default = '3': not a value"),
        ("news2.spo2_scale/choices", ["1", "1"], "choices: '1' stands there twice"),
        ("news2.temperature/unit", "[degF]", "unit = '[degF]': temperature comes in 'Cel'"),
        ("news2.temperature/steps", None, "news2.inputs.temperature.steps is missing"),
        ("news2.temperature/maximum", 20, "maximum = 20: expected more than the minimum"),
        ("news2.temperature/minimum", float("nan"), "minimum = nan: expected a finite number"),
        ("nee.vasopressin/unit_from", "unit", "nee.inputs.vasopressin.unit_from = 'unit'"),
        ("nee.vasopressin/divisors", {"U/min": 1}, "expected one for each choice"),
        ("nee.vasopressin/divisors", {"U/min": 1, "U/h": 0}, "divisors.U/h = 0"),
        ("nee.vasopressin/default", True, "nee.inputs.vasopressin.default = True"),
    ],
)
def test_a_wrong_key_is_told_by_its_full_name(path: str, value: Any, says: str) -> None:
    with pytest.raises(RulesetError) as caught:
        build_scores(edit(path, value))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("bands", "says"),
    [
        ([{"name": "a", "at_least": 2}, {"name": "b", "at_least": 2}], "bands.b: not above a"),
        ([{"name": "a", "above": 2}, {"name": "b", "at_least": 2}], "bands.b: not above a"),
        ([{"name": "a"}], "bands.a: needs either at_least or above"),
        ([{"name": "a", "at_least": 1, "above": 1}], "bands.a: needs either at_least or above"),
        ([{"name": "a", "at_least": 1}, {"name": "a", "at_least": 2}], "stands there twice"),
        ([{"name": "a", "at_least": 1, "priority": "high"}], "bands.a.priority = 'high'"),
        ([{"name": "a", "at_least": "1"}], "at_least = '1': expected a number"),
    ],
)
def test_bands_that_cannot_be(bands: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(RulesetError) as caught:
        build_scores(edit("easix.bands", bands))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([{"at_most": 1, "points": 1}], "the last step must be for all the rest"),
        ([], "the last step must be for all the rest"),
        ([{"at_most": 2, "points": 1}, {"at_most": 1, "points": 1}, {"points": 0}], "must rise"),
        ([{"at_most": 2, "below": 3, "points": 1}, {"points": 0}], "either below or at_most"),
        ([{"at_most": 2}, {"points": 0}], "steps[0].points is missing"),
    ],
)
def test_steps_that_cannot_be(steps: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(RulesetError) as caught:
        build_scores(edit("news2.heart_rate/steps", steps))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ({"spo2_scal": "2"}, "variants.when = 'spo2_scal': not known; did you mean spo2_scale?"),
        ({"spo2_scale": "3"}, "variants.when.spo2_scale = '3': expected one of ['1', '2']"),
        ({"on_oxygen": 1}, "variants.when.on_oxygen = 1: expected one of [False, True]"),
        ({"heart_rate": 90}, "variants.when.heart_rate = 90: expected one of []"),
        ({}, "variants[0].when: expected the inputs that it depends on"),
    ],
)
def test_variants_that_cannot_be(when: dict[str, Any], says: str) -> None:
    with pytest.raises(RulesetError) as caught:
        build_scores(edit("news2.spo2/variants", [{"when": when, "steps": [{"points": 1}]}]))
    assert says in str(caught.value)
