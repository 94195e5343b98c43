"""`stormwatch score`: words of a shell in, one object out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Cli

VECTORS = Path(__file__).parents[1] / "vectors" / "formulas.json"
CASES = json.loads(VECTORS.read_text())["cases"] if VECTORS.exists() else []


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_formula_vectors(cli: Cli, case: dict[str, Any]) -> None:
    words = [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in case["inputs"].items()
    ]
    result = cli("score", case["function"], *words)
    assert result.code == 0
    (answer,) = result.objects
    assert set(answer) == {"score", "value"}
    assert answer["score"] == case["function"]
    assert answer["value"] == pytest.approx(case["result"], abs=case["tolerance"] or 1e-9)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "which score? One of easix"),
        (("sofa",), "no score 'sofa'; there are easix"),
        (("easix", "ldh"), "'ldh' is not KEY=VALUE"),
        (("easix", "ldh=1", "ldh=2"), "ldh is given twice"),
        (("easix", "ldh=350U/L"), "ldh is a number, not '350U/L'; it is in U/L, written without"),
        (("easix", "ldh=1e999", "creatinine=1", "platelets=1"), "ldh is a number in U/L, not inf"),
        (("easix", "ldh=1_0", "creatinine=1", "platelets=1"), "ldh is a number in U/L"),
        (("easix", "ldh=1"), "easix also needs creatinine (mg/dL), platelets (10*9/L)"),
        (("news2", "alert=yes"), "alert"),
        (("nee", "vasopressin=1", "vasopressin_unit=mU/min"), "one of U/min, U/h"),
        (("nee", "norepinephrine=1", "norepinephrine_as=salt"), "one of base, tartrate"),
        (("easix", "ldh=1e308", "creatinine=1e308", "platelets=1"), "no finite number"),
    ],
)
def test_what_is_wrong_is_told(cli: Cli, words: tuple[str, ...], says: str) -> None:
    result = cli("score", *words)
    assert result.code == 2
    assert result.out == ""
    assert says in result.err


def test_list_shows_scores_and_inputs(cli: Cli) -> None:
    assert "easix " in cli("score", "--list").out
    text = cli("score", "--list", "news2").out
    assert "temperature" in text
    assert "Cel" in text
    assert "Royal College of Physicians" in text


def test_list_shows_where_the_stream_finds_an_input_and_how_old_it_may_be(cli: Cli) -> None:
    text = cli("score", "--list", "news2").out
    assert "in the stream: spo2, at most 4 h old" in text
    assert "other points where spo2_scale=2, on_oxygen=true [mem]" in text
    assert "from 7: high" in text
    assert "a change of band is said once it has lasted 15 min" in text
    assert "in the stream: lab:ldh, at most 48 h old" in cli("score", "--list", "easix").out
    assert "above 4.67: raised: above the cut-off" in cli("score", "--list", "easix").out
    assert "in the stream" not in cli("score", "--list", "nee").out


def test_units_and_salts_on_the_command_line(cli: Cli) -> None:
    def value(*words: str) -> float:
        (answer,) = cli("score", *words).objects
        return float(answer["value"])

    hour = value("nee", "vasopressin=1.8", "vasopressin_unit=U/h")
    assert hour == value("nee", "vasopressin=0.03") == 0.075
    assert value("nee", "norepinephrine=0.2", "norepinephrine_as=tartrate") == 0.1
    calm = ("respiratory_rate=16", "on_oxygen=false", "systolic_bp=120", "heart_rate=70")
    scale = (*calm, "alert=true", "temperature=37", "spo2=90")
    assert value("news2", *scale) == 3
    assert value("news2", *scale, "spo2_scale=2") == 0
