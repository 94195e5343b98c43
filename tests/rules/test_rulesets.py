"""One data set and full files: what the document holds, its hash, what a full set must have."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stream.rules
from stream.rules import DEFAULT_RULESET, RulesetError, load_ruleset
from stream.rules.documents import CATALOGUES, content_hash, full_set, loaded, packaged
from stream.rules.loader import build
from stream.rules.rows import STATUSES, cells

RULES = Path(stream.rules.__file__).parent
PACKAGED = packaged()
P0 = load_ruleset()
FIRST = PACKAGED["guidance"]["rows"][0]


def test_the_packaged_document_holds_every_file_anew() -> None:
    document = packaged()
    assert set(CATALOGUES) < set(document)
    assert {"ruleset", "grades", "parameters", "devices", "stale"} < set(document)
    document["parameters"].clear()
    assert packaged()["parameters"]


def test_every_packaged_value_has_a_source_and_a_status() -> None:
    for cell in cells(packaged()):
        if not cell.row.startswith("ruleset."):
            assert cell.source, cell.row
            assert cell.status in STATUSES[:3], cell.row


# -- hash ------------------------------------------------------------------------------------------


def test_comments_and_order_do_not_change_the_hash(tmp_path: Path) -> None:
    text = (RULES / DEFAULT_RULESET).read_text("utf-8")
    head, *tables = text.split("\n[parameters.")
    shuffled = "\n[parameters.".join([head, *reversed(tables[:8]), *tables[8:]])
    bare = "\n".join(line for line in shuffled.splitlines() if not line.startswith("#"))
    (tmp_path / "full.toml").write_text(bare)
    assert bare != text
    assert load_ruleset(tmp_path / "full.toml").hash == load_ruleset().hash


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_other_content_has_another_hash(data: st.DataObject) -> None:
    document = packaged()
    table: Any = document
    while isinstance(table, dict) and table:
        key = data.draw(st.sampled_from(sorted(table)))
        table, parent = table[key], table
    before = content_hash(document)
    parent[key] = ["changed", copy.deepcopy(parent[key])]
    assert content_hash(document) != before
    parent[key] = parent[key][1]
    assert content_hash(document) == before


def test_all_that_cannot_be_built_is_told_and_hides_no_contradiction() -> None:
    document = packaged()
    document["parameters"]["overlap_s"]["status"] = "maybe"
    document["parameters"]["fever_c"]["value"] = "hot"
    document["parameters"]["near_fever_c"]["value"] = 38.1
    document["devices"]["niv"] = {"grade": 4}
    document["products"]["tarlatamab"]["aliases"] = "one"
    document["guidance"]["rows"][0]["topic"] = "advice"
    document["guidance"]["rows"][3]["grades"] = [9]
    document["parameters"]["baseline_to_s"]["value"] = 100000
    document["parameters"]["baseline_from_s"]["value"] = 90000
    with pytest.raises(RulesetError) as refused:
        build(document)
    lines = str(refused.value).splitlines()
    assert len(lines) == len(set(lines))
    for says in (
        "parameters.fever_c = 'hot': expected 37.5 to 38.3 Cel",
        "parameters.overlap_s: needs a source and a status",
        "lacks the table or key 'kind'; look at devices.niv",
        "products.tarlatamab.aliases = 'one': expected a list",
        f"guidance.{FIRST['id']}.topic = 'advice': expected one of",
        "grades = [9]: expected grades from 0 to 5",
        "parameters.baseline_to_s = 100000: expected < parameters.baseline_from_s (90000)",
    ):
        assert any(says in line for line in lines), says
    assert not any("near_fever_c" in line for line in lines)  # compared with what is not known
    assert sum(line.startswith("parameters.fever_c") for line in lines) == 1


# -- full files ------------------------------------------------------------------------------------


def full(changes: dict[str, Any]) -> str:
    """What a full set is refused for that is the packaged one but for some rows; None removes."""
    document: dict[str, Any] = packaged()
    document["ruleset"] |= {"name": "own", "version": "1"}
    for row, value in changes.items():
        *above, last = row.split(".")
        place = document
        for name in above:
            place = place[name]
        if value is None:
            del place[last]
        else:
            place[last] = value
    found = full_set(document)
    try:
        build(found[0], found[2])
    except RulesetError as error:
        return str(error)
    return ""


NOREPINEPHRINE_IS_NONE = {
    "agents.vasopressor": ["phenylephrine", "dopamine", "angiotensin_ii", "metaraminol"],
    "agents.inotrope": ["norepinephrine", "epinephrine", "ephedrine", "dobutamine", "milrinone"],
}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"ruleset.name": P0.name, "ruleset.version": P0.version, "grades.fever": 2},
            "ruleset.name = 'astct-2019': with version 'P0.3' that is the packaged set, and",
        ),
        ({"ruleset.name": " "}, "ruleset.name = ' ': expected a text"),
        ({"ruleset.scale": "lee-2014"}, "ruleset.scale = 'lee-2014': expected 'astct-2019' or a"),
        ({"grades.hypotension": 1}, "grades.hypotension = 1: expected 2, as packaged; a published"),
        ({"icans.motor_weakness": 1}, "icans.motor_weakness = 1: expected 4, as packaged"),
        ({"devices.ecmo.kind": "air"}, "devices.ecmo.kind = 'air': expected 'fixed', as packaged"),
        (NOREPINEPHRINE_IS_NONE, "agents.inotrope = ['norepinephrine', "),
        (
            {"stale.spo2": None},
            "stale.spo2 is missing: expected as packaged; a word of the contract",
        ),
        ({"scores.news2": None}, "scores.news2 is missing: expected as packaged"),
        (
            {"scores.tocilizumab_dose.unit": "g"},
            "scores.tocilizumab_dose.unit = 'g': expected 'mg'",
        ),
        ({"dose_limits.vasopressin": None}, "dose_limits.vasopressin is missing: expected as"),
        ({"labs.crp.factors.mmol": 2}, "labs.crp.factors.mmol = 2 is no row of the packaged set"),
        ({"grades.headache": 4}, "grades.headache = 4 is no row of the packaged set"),
        (
            {"guidance.rows": PACKAGED["guidance"]["rows"][1:]},
            f"guidance.rows.{FIRST['id']} is miss",
        ),
        (
            {"guidance.rows": [{**FIRST, "text": "rest."}, *PACKAGED["guidance"]["rows"][1:]]},
            f"guidance.rows.{FIRST['id']}.text = 'rest.': expected 'antipyretics and fluids",
        ),
        (
            {"priorities.grade": dict.fromkeys("12345", "low")},
            "priorities.grade.4 = 'low': expected",
        ),
        (
            {"parameters.masking_agents.value": ["ibuprofen"]},
            "expected 'acetaminophen' in the list",
        ),
        (
            {"labs.crp.restarts_after": None},
            "labs.crp.restarts_after is missing: expected at least",
        ),
    ],
)
def test_a_full_set_of_the_scale_has_its_definitions(changes: dict[str, Any], says: str) -> None:
    assert says in full(changes)


def test_a_full_set_adds_a_product_and_guidance_for_it() -> None:
    product = {**PACKAGED["products"]["tarlatamab"], "brand": "Trial", "aliases": ["trial cell"]}
    row = {**FIRST, "id": "trial-g1", "therapy_classes": [], "products": ["trial_engager"]}
    rows = [*PACKAGED["guidance"]["rows"], row]
    assert full({}) == ""
    assert full({"products.trial_engager": product, "guidance.rows": rows}) == ""


def test_a_scale_of_another_name_has_its_own_definitions_within_the_floors() -> None:
    assert full({"ruleset.scale": "ward-scale", "grades.hypotension": 3}) == ""
    loud = {"ruleset.scale": "ward-scale", "priorities.candidate": dict.fromkeys("234", "low")}
    assert "priorities.candidate.2 = 'low': expected at least 'medium'" in full(loud)


def test_a_full_file_takes_the_catalogues_from_the_package(tmp_path: Path) -> None:
    text = (RULES / DEFAULT_RULESET).read_text("utf-8")
    own = text.replace('name = "astct-2019"', 'name = "own"').replace(
        "value = 38.0", "value = 38.3"
    )
    (tmp_path / "full.toml").write_text(own)
    rules = load_ruleset(tmp_path / "full.toml")
    assert (rules.name, rules.fever_c) == ("own", 38.3)
    assert loaded(tmp_path / "full.toml").document["scores"] == packaged()["scores"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("value = 38.0", "value = 36.0", "parameters.fever_c = 36.0: expected 37.5 to 38.3"),
        ("[plausible]", "[pausible]", "did you mean plausible"),
        ("[plausible]", "[pausible]", "plausible: missing from a full parameter set"),
        ('status = "DESIGN"', 'status = "site"', "has the status 'site', which is for overrides"),
        ('value = "ASTCT"', 'value = "LOUD"', "expected ASTCT or LABEL_GE6"),
        ("hypotension = 2", "hypotension = 4", "grades.hypotension = 4: expected <= grades.one_v"),
        ("[[10, 0]", "[[2, 0]", "icans.ice_floor"),
        ("below_years = 1,", "below_years = 12,", "expected ascending ages"),
        ("below_years = 18, base_mmhg = 90", "below_years = 18, base_mmhg = 99", "do not fall"),
        ("below_years = 18", "below_years = '18'", "= '18': expected 0.01 to 21 a"),
        ("ecmo = {", "ecm0 = {", "devices.ecmo is missing"),
    ],
)
def test_full_files_are_held_to_the_same_limits(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    text = (RULES / DEFAULT_RULESET).read_text("utf-8")
    assert old in text
    (tmp_path / "full.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(RulesetError) as refused:
        load_ruleset(tmp_path / "full.toml")
    assert says in str(refused.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(RulesetError, match="cannot read the ruleset"):
        load_ruleset(tmp_path / "nothing.toml")
    (tmp_path / "bad.toml").write_text("[ruleset")
    with pytest.raises(RulesetError, match="is not TOML"):
        load_ruleset(tmp_path / "bad.toml")
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(RulesetError, match="missing from a full parameter set"):
        load_ruleset(tmp_path / "empty.toml")
