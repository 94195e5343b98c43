"""The table of scores: what is announced, and what is said of a wrong table."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from schemas.vocabulary import TherapyClass
from stream.engine.ruleset import HOUR
from stream.rules.errors import RulesetError
from stream.rules.scores import SCORES_FILE, THERAPY_CLASSES, build_scores, load_scores
from tests.score_inputs import inputs


def table() -> dict[str, Any]:
    return tomllib.loads(SCORES_FILE.read_text(encoding="utf-8"))


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
