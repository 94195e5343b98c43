"""Scores: published examples, every edge of every band, and what is said of wrong values."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from stream.engine.scores import ScoreError, Value, band, evaluate
from stream.rules.scores import load_scores

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
        assert definition.status in {"checked", "memory", "design"}
        assert [item.at_least for item in definition.bands] == sorted(
            item.at_least for item in definition.bands
        )
        for item in definition.inputs:
            if item.kind == "number":
                assert item.unit, f"{name} {item.name}"
            if item.steps:  # the last one is for all the rest
                assert item.steps[-1].below is None
                assert item.steps[-1].at_most is None


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
    assert band(load_scores()["easix"], 4.67) == "raised"


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
    ],
)
def test_wrong_values_are_told_by_name(name: str, values: dict[str, Value], says: str) -> None:
    with pytest.raises(ScoreError) as caught:
        evaluate(load_scores()[name], values)
    assert says in str(caught.value)
