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
