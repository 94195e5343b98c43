"""Scores: published examples, every edge of every band, and what is said of wrong values."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from stream.engine.scores import ScoreError, Value, band, evaluate, partial
from stream.rules.scores import load_scores
from tests.score_inputs import CALM

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
