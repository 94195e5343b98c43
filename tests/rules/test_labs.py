"""Units of the laboratory: every usual one converts, none is guessed, slips are set aside."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from schemas.vocabulary import Analyte, Medicine
from stream.engine.laboratory import ANALYTES
from stream.engine.scores import partial
from stream.rules.errors import RulesetError
from stream.rules.labs import build_labs, check_units
from stream.rules.scores import load_scores

ROOT = Path(__file__).parents[2]


def table() -> dict[str, Any]:
    return tomllib.loads((ROOT / "stream/rules/labs.toml").read_text(encoding="utf-8"))


LABS = build_labs(table())


def test_every_analyte_of_the_contract_has_a_rule() -> None:
    assert set(LABS) == {item.value for item in Analyte} - {"sao2"}
    assert tuple(LABS) == ANALYTES


def test_building_leaves_the_table_as_it_is() -> None:
    document = table()
    before = copy.deepcopy(document)
    assert build_labs(document) == build_labs(document)
    assert document == before


def test_scores_read_results_in_the_units_of_the_rules() -> None:
    check_units(load_scores(), LABS)
    document = table()
    del document["crp"]["factors"]["mg/L"]
    document["crp"]["unit"] = "mg/L"
    with pytest.raises(RulesetError, match=r"labs.crp.unit = 'mg/L': m_easix reads it in mg/dL"):
        check_units(load_scores(), build_labs(document))


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "here"),
    [
        ("crp", 85, "mg/L", 8.5),
        ("crp", 8.5, "mg/dL", 8.5),
        ("crp", 85, "ug/mL", 8.5),
        ("ferritin", 7000, "ug/L", 7000),
        ("ferritin", 7, "mg/L", 7000),
        ("il6", 120, "ng/L", 120),
        ("ldh", 350, "[IU]/L", 350),
        ("ldh", 5, "ukat/L", 300),
        ("platelets", 120, "10*3/uL", 120),
        ("platelets", 120000, "/uL", 120),
        ("platelets", 120, "K/uL", 120),
        ("creatinine", 88.42, "umol/L", 1),
        ("creatinine", 0.08842, "mmol/L", 1),
        ("fibrinogen", 250, "mg/dL", 2.5),
        ("bilirubin", 17.1, "umol/L", 1),
        ("triglycerides", 88.57, "mg/dL", 1),
        ("haemoglobin", 92, "g/L", 9.2),
        ("haemoglobin", 5, "mmol/L", 8.057),
        ("wbc", 3200, "/uL", 3.2),
        ("anc", 1.2, "10*9/L", 1200),
        ("anc", 1.2, "10*3/uL", 1200),
        ("inr", 1.4, "{INR}", 1.4),
        ("lactate", 18.016, "mg/dL", 2),
    ],
)
def test_units_convert(analyte: str, value: float, unit: str, here: float) -> None:
    assert LABS[analyte].converted(value, unit) == here


@pytest.mark.parametrize(
    ("analyte", "unit"),
    [("crp", ""), ("crp", "mg"), ("creatinine", "mol/L"), ("anc", "%"), ("haemoglobin", "umol/L")],
)
def test_a_unit_that_is_not_listed_is_never_guessed(analyte: str, unit: str) -> None:
    assert LABS[analyte].converted(1, unit) is None


@pytest.mark.parametrize(
    ("analyte", "value", "unit"),
    [
        ("creatinine", 97, "mg/dL"),  # umol/L
        ("haemoglobin", 130, "g/dL"),  # g/L
        ("platelets", 120000, "10*9/L"),  # /uL
        ("fibrinogen", 250, "g/L"),  # mg/dL
        ("crp", 150, "mg/dL"),  # mg/L
        ("inr", 98, "1"),  # percent of normal
    ],
)
def test_a_value_under_the_wrong_unit_is_implausible(analyte: str, value: float, unit: str) -> None:
    rule = LABS[analyte]
    here = rule.converted(value, unit)
    assert here is not None
    assert not rule.is_plausible(here)


def test_no_count_at_all_is_plausible() -> None:
    assert all(LABS[analyte].is_plausible(0) for analyte in ("platelets", "anc", "wbc"))


def test_units_agree_in_what_a_score_makes_of_them() -> None:
    """CAR-HEMATOTOX at its edges, each result in the unit that another laboratory would send."""
    sent = {
        "platelets": (75000, "/uL"),
        "anc": (1.2, "10*9/L"),
        "haemoglobin": (90, "g/L"),
        "crp": (30, "mg/L"),
        "ferritin": (650, "ug/L"),
    }
    values = {name: LABS[name].converted(*result) for name, result in sent.items()}
    assert partial(load_scores()["car_hematotox"], values).value == 1 + 1 + 1 + 1 + 1


def test_every_unit_that_the_clif_gateway_writes_converts() -> None:
    maps = tomllib.loads((ROOT / "stream/gateways/data/clif.toml").read_text(encoding="utf-8"))
    units = {*maps["lab_units"].values(), *maps["labs_without_unit"].values()}
    taken = {unit for rule in LABS.values() for unit in rule.factors}
    assert units - taken == {"%"}  # arterial saturation, and differential counts that nothing reads
    for name in ("crp", "ferritin"):
        assert {"mg/L", "ug/L"} & set(LABS[name].factors)
    for name in ("alt", "ast", "ldh"):
        assert {"U/L", "[IU]/L"} <= set(LABS[name].factors)
    for name in ("platelets", "wbc", "anc"):
        assert {"10*3/uL", "10*9/L"} <= set(LABS[name].factors)
    for name in ("creatinine", "bilirubin"):
        assert {"mg/dL", "umol/L"} <= set(LABS[name].factors)
    for name in ("fibrinogen", "haemoglobin"):
        assert {"g/dL", "g/L"} <= set(LABS[name].factors)
    for name in ("lactate", "triglycerides"):
        assert {"mmol/L", "mg/dL"} <= set(LABS[name].factors)


def test_il_6_and_crp_are_not_compared_across_a_dose_against_il_6() -> None:
    restarted = {name: rule.restarts_after for name, rule in LABS.items() if rule.restarts_after}
    assert restarted == dict.fromkeys(("crp", "il6"), ("tocilizumab", "siltuximab"))
    assert {"tocilizumab", "siltuximab"} <= {item.value for item in Medicine}


def test_what_is_from_memory_or_ours_says_so() -> None:
    for name, row in table().items():
        assert row["status"] == "DESIGN", name
        assert row.get("conversion_status", "mem") == "mem", name


@pytest.mark.parametrize(
    ("analyte", "key", "value", "says"),
    [
        ("crp", "unti", "mg/L", "labs.crp.unti: no such key; did you mean unit?"),
        ("crp", "source", None, "labs.crp.source is missing"),
        ("crp", "status", "guess", "labs.crp.status = 'guess': not known"),
        ("crp", "unit", " ", "labs.crp.unit is empty"),
        ("crp", "unit", "mg/L", "labs.crp: the unit mg/L stands there twice"),
        ("crp", "plausible", [5, 5], "labs.crp.plausible = [5, 5]: expected [low, high]"),
        ("crp", "plausible", [0], "labs.crp.plausible = [0]: expected [low, high]"),
        ("crp", "plausible", [0, "9"], "labs.crp.plausible = [0, '9']: expected [low, high]"),
        ("crp", "upper_limit", 500, "labs.crp.upper_limit = 500: expected within plausible"),
        ("crp", "factors", {"mg/L": 0}, "labs.crp.factors.mg/L = 0: expected a number above 0"),
        ("crp", "factors", {"mg/L": "x"}, "labs.crp.factors.mg/L = 'x': expected a number"),
        ("crp", "divisors", {"mg/kL": 2}, "labs.crp.conversion_source is missing"),
        ("crp", "restarts_after", [1], "labs.crp.restarts_after: 1 is no word"),
        ("wbc", "lower_limit", 12, "labs.wbc.lower_limit: expected below upper_limit"),
        ("lactate", "conversion_status", None, "conversion_source and conversion_status go"),
    ],
)
def test_a_wrong_row_is_told_by_name(analyte: str, key: str, value: Any, says: str) -> None:
    document = table()
    if value is None:
        del document[analyte][key]
    else:
        document[analyte][key] = value
    with pytest.raises(RulesetError) as caught:
        build_labs(document)
    assert says in str(caught.value)


def test_an_analyte_too_few_or_too_many_is_told() -> None:
    document = table()
    del document["il6"]
    with pytest.raises(RulesetError, match=r"labs.il6 is missing"):
        build_labs(document)
    with pytest.raises(RulesetError, match=r"labs.feritin: no analyte; did you mean ferritin\?"):
        build_labs({**table(), "feritin": {}})
    with pytest.raises(RulesetError, match=r"labs.crp = 1: expected a table"):
        build_labs({**table(), "crp": 1})
