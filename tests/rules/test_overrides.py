"""A site's overrides: what they may change, what is refused and why, and laws of any override."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.engine.ruleset import SECOND
from stream.offline import OfflineEngine
from stream.rules import RulesetError, load_ruleset
from stream.rules.documents import content_hash, loaded, packaged, sourced
from stream.rules.limits import limit_of
from stream.rules.loader import build
from stream.rules.overrides import overridden
from stream.rules.rows import cells
from tests.rules.site_overrides import HEAD, POLICY, parameter, problems, site
from tests.rules.test_rulesets import FIRST, P0, PACKAGED

WARD = Path(__file__).parents[1] / "data" / "ward.jsonl"
SITE = f"""
[ruleset]
based_on = "P0"
name = "ward-12"
version = "2026-03"
[parameters.down_s]
value = 5400
source = "{POLICY}"
status = "site"
[stale]
source = "{POLICY}"
spo2 = {{ usual_s = 1800, tight_s = 900 }}
"""


# -- what a site may change ------------------------------------------------------------------------


def test_an_override_changes_only_its_rows(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    rules, p0 = load_ruleset(tmp_path / "site.toml"), load_ruleset()
    assert (rules.name, rules.version) == ("ward-12", "2026-03")
    assert rules.hash != p0.hash
    assert rules.down == 5400 * SECOND
    assert rules.stale["spo2"].usual == 1800 * SECOND
    assert rules.stale["temperature"] == p0.stale["temperature"]
    assert rules.fever_c == p0.fever_c


def test_what_a_site_changed_says_so(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    found = loaded(tmp_path / "site.toml")
    assert [(c.row, c.old, c.new, c.source) for c in found.changes] == [
        ("parameters.down_s", 3600, 5400, POLICY),
        ("stale.spo2.usual_s", 3600, 1800, POLICY),
        ("stale.spo2.tight_s", 3600, 900, POLICY),
    ]
    table = found.document["stale"]
    assert table["source"].endswith(f"; site: {POLICY} (spo2)")
    rows = sourced(found)
    assert (rows["parameters.down_s"].source, rows["parameters.down_s"].status) == (POLICY, "site")
    assert (rows["stale.spo2.tight_s"].source, rows["stale.spo2.tight_s"].status) == (
        POLICY,
        "site",
    )
    before = {cell.row: cell for cell in cells(PACKAGED)}
    for row in ("stale.spo2.flag", "stale.temperature.usual_s", "parameters.quiet_s"):
        assert rows[row] == before[row]


def test_entries_of_a_table_with_exceptions_keep_their_status() -> None:
    tables = {"devices": {"source": POLICY, "open_mask": {"grade": 2}}}
    found = overridden(packaged(), {"ruleset": HEAD, **tables})
    assert not found.problems
    status = {cell.row: cell.status for cell in cells(found.document)}
    assert status["devices.open_mask.grade"] == "site"
    assert status["devices.venturi_mask.grade"] == "checked"
    assert status["devices.trach_collar.grade"] == "DESIGN"


def test_a_site_changes_the_window_of_a_product() -> None:
    product = "tarlatamab"
    window = next(iter(packaged()["products"][product]["windows"]))
    tables = {"products": {product: {"windows": {window: {"end_s": 259200, "source": POLICY}}}}}
    assert problems(tables) == ""
    found = overridden(packaged(), {"ruleset": HEAD, **tables})
    row = found.document["products"][product]["windows"][window]
    assert (row["end_s"], row["status"]) == (259200, "site")
    assert row["source"].endswith(f"site: {POLICY} (end_s)")
    rules = build(found.document)
    assert rules.products.products[product].windows[0].end == 259200 * SECOND


OWN = {**FIRST, "id": "site-ward-12-g1", "citation": "Ward guideline 4, 2026", "status": "site"}


def test_a_site_adds_guidance_beside_what_is_published() -> None:
    assert problems({"guidance": {"rows": [OWN]}}) == ""
    found = overridden(PACKAGED, {"ruleset": HEAD, "guidance": {"rows": [OWN]}})
    assert found.document["guidance"]["rows"] == [*PACKAGED["guidance"]["rows"], OWN]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": FIRST["id"]}, f"guidance.rows.{FIRST['id']} cannot be changed: what a publication"),
        ({"id": "ward-12"}, "the id of a row that a site adds begins with 'site-'"),
        ({"citation": FIRST["citation"]}, "needs a citation of its own"),
        ({"text": "Give 800 mg of tocilizumab now."}, "not an order: without 'Give'"),
        ({"text": "antipyretics; then give fluids."}, "not an order: without 'then give'"),
        ({"text": "steroids should follow."}, "not an order: without 'should'"),
        ({"text": "tocilizumab must be given."}, "not an order: without 'must be given'"),
        ({"interval_s": 3600}, "guidance.rows.site-ward-12-g1.interval_s = 3600: expected 21600"),
        ({"most_in_day": 6}, "most_in_day = 6: expected a whole number, 1 to 3 doses"),
        ({"most_in_all": 9}, "most_in_all = 9: expected a whole number, 1 to 4 doses"),
        ({"dose": "news2"}, "dose = 'news2': expected a score that works out a dose (tocilizumab_"),
        ({"dose": "800 mg"}, "dose = '800 mg': expected a score that works out a dose"),
        ({"dose": "tocilizumab_dose", "agents": []}, "agents is missing: a dose is of an agent"),
    ],
)
def test_guidance_of_a_site_neither_orders_nor_moves_a_limit(
    changes: dict[str, Any], says: str
) -> None:
    assert says in problems({"guidance": {"rows": [{**OWN, **changes}]}})


# -- what is refused, and why ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        (
            "[parameters.fever_c]\nvalue = 42\nsource = 'x'",
            "parameters.fever_c = 42: expected 37.5 to 38.3 Cel; a higher threshold is reached",
        ),
        (
            "[parameters.down_s]\nvalue = 0\nsource = 'x'",
            "parameters.down_s = 0: expected 900 to 14400 s; with less the grade chatters",
        ),
        (
            "[parameters.dwon_s]\nvalue = 5400\nsource = 'x'",
            "parameters.dwon_s is no row of the packaged set; did you mean down_s",
        ),
        ("[paramters.down_s]\nvalue = 5400\nsource = 'x'", "did you mean parameters"),
        ("[parameters.down_s]\nvalue = 5400", "parameters.down_s = 5400: needs a `source`"),
        ("[parameters.down_s]\nvalue = '1 h'\nsource = 'x'", "= '1 h': expected a number"),
        ("[parameters.down_s]\nvalue = true\nsource = 'x'", "= True: expected a number"),
        ("[parameters.down_s]\nvalue = nan\nsource = 'x'", "= nan: expected 900 to 14400 s"),
        ("[parameters]\ndown_s = 5400", "parameters.down_s = 5400: expected a table"),
        ("[parameters.down_s]\nsource = 'x'", "has a source and changes nothing"),
        (
            "[parameters.down_s]\nvalue = 5400\nsource = 'x'\nstatus = 'checked'",
            "what a site changes has the status 'site'",
        ),
        (
            "[parameters.keep_facts]\nvalue = 500.5\nsource = 'x'",
            "expected a whole number, 64 to 8192 events",
        ),
        ("[stale]\nspo2 = { usual_s = 1800 }", "stale.spo2.usual_s = 1800: needs a `source`"),
        (
            "[stale]\nsource = 'x'\nspo2 = { usual_s = 1800 }",
            "stale.spo2.tight_s = 3600: expected <= usual_s (1800)",
        ),
        ("[grades]\nsource = 'x'\nhypotension = 1", "grades.hypotension cannot be changed: a publ"),
        ("[icans]\nsource = 'x'\nmotor_weakness = 3", "icans.motor_weakness cannot be changed"),
        ("[parameters.push_dose_agents]\nvalue = ['saline']\nsource = 'x'", "'saline' is not of"),
        (
            "[parameters.push_dose_agents]\nvalue = [1]\nsource = 'x'",
            "expected a list, each a text",
        ),
        (
            "[priorities]\nsource = 'x'\ngrade = { 4 = 'medium' }",
            "priorities.grade.4 = 'medium': expected at least 'high', as grade 3 has",
        ),
        ("[priorities]\nsource = 'x'\ngrade = { 4 = 'loud' }", "expected one of information, low"),
        (
            "[agents]\nsource = 'x'\nvasopressin = ['vasopressin']",
            "agents.vasopressin cannot be changed: what the agent is",
        ),
        (
            "[devices]\nsource = 'x'\ncpap = { kind = 'low_flow' }",
            "devices.cpap.kind cannot be changed: what the device is",
        ),
        ("[devices]\nsource = 'x'\necmo = { grade = 3 }", "devices.ecmo.grade = 3: expected"),
        ("[devices]\nsource = 'x'\nexceptions = {}", "devices.exceptions is no row"),
        (
            "[parameters.site_rank]\nvalue = { rectal = 'best' }\nsource = 'x'",
            "parameters.site_rank.rectal = 'best': expected a number",
        ),
    ],
)
def test_refused_with_the_reason(toml: str, says: str) -> None:
    assert says in site(toml)


def test_the_packaged_source_is_not_a_site_s_own() -> None:
    row = packaged()["parameters"]["down_s"]
    said = problems({"parameters": {"down_s": {"value": 5400, "source": row["source"]}}})
    assert "is the packaged one: expected where the site's value is from" in said


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ({"name": None}, "ruleset.name is missing"),
        ({"version": None}, "ruleset.version is missing"),
        ({"based_on": "P9"}, "ruleset.based_on = 'P9': this program has P0"),
        ({"scale": "lee-2014"}, "ruleset.scale cannot be changed"),
        ({"vresion": "2"}, "ruleset.vresion is no key; did you mean version?"),
        ({"name": 12}, "ruleset.name = 12: expected a text"),
    ],
)
def test_the_head_of_an_override(head: dict[str, Any], says: str) -> None:
    merged = {key: value for key, value in {**HEAD, **head}.items() if value is not None}
    assert says in problems({}, merged)


def test_an_override_has_a_version_of_its_own() -> None:
    version = load_ruleset().version
    assert "that is the packaged one" in problems({}, {**HEAD, "version": version})
    assert problems({}, {**HEAD, "based_on": version}) == ""


def test_all_problems_are_told_together() -> None:
    said = site(
        "[parameters.fever_c]\nvalue = 38.9\nsource = 'x'\n"
        "[parameters.down_s]\nvalue = 60\n"
        "[grades]\nsource = 'x'\nfever = 0\n"
        "[parameters.baseline_to_s]\nvalue = 100000\nsource = 'x'\n"
        "[parameters.baseline_from_s]\nvalue = 90000\nsource = 'x'\n"
    )
    lines = said.splitlines()
    assert len(lines) == len(set(lines))
    for row in ("fever_c = 38.9", "down_s = 60: n", "down_s = 60: e", "grades.fever", "_to_s = 1"):
        assert any(row in line for line in lines), row


def test_a_hold_of_nothing_is_refused_once() -> None:
    (line,) = site(parameter("down_s", "0")).splitlines()
    assert line.startswith("parameters.down_s = 0: expected 900 to 14400 s; with less the grade")


# -- laws ------------------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.integers(-10, 10**7),
    st.floats(),
    st.booleans(),
    st.sampled_from(["", "x", "high", POLICY, "site", "oral"]),
    st.just(10**400),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["value", "source", "status", "id", "name", "rows", "grade", "1"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)


@st.composite
def overrides(draw: st.DrawFn) -> dict[str, Any]:
    """Changes somewhere in the packaged document, by values that may or may not fit."""
    tables: dict[str, Any] = {}
    for _ in range(draw(st.integers(1, 3))):
        base: Any = PACKAGED
        table = tables
        while True:
            key = draw(st.sampled_from([*sorted(base), "nothing"]))
            if draw(st.booleans()):
                table["source"] = POLICY
            deeper = base.get(key)
            if not isinstance(deeper, dict) or not deeper or draw(st.integers(0, 9)) == 0:
                same = st.just(deeper).map(copy.deepcopy) if deeper is not None else VALUES
                table[key] = draw(st.one_of(same, VALUES))
                break
            if not isinstance(table.get(key), dict):
                table[key] = {}
            base, table = deeper, table[key]
    if draw(st.integers(0, 9)):
        tables["ruleset"] = HEAD
    return tables


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(override=overrides())
def test_any_override_is_taken_or_refused(override: dict[str, Any]) -> None:
    before = copy.deepcopy(override)
    found = overridden(PACKAGED, override)
    assert repr(override) == repr(before)
    try:
        rules = build(found.document, found.problems)
    except RulesetError as error:
        assert str(error).strip()
    else:
        assert rules.hash != load_ruleset().hash


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_numbers_within_their_limits_are_taken_unless_they_contradict(data: st.DataObject) -> None:
    rows = PACKAGED["parameters"]
    name = data.draw(
        st.sampled_from([n for n in rows if isinstance(rows[n]["value"], int | float)])
    )
    limit = limit_of(f"parameters.{name}")
    assert limit is not None
    low, high = limit.minimum, limit.maximum
    kind = st.integers(int(low), int(high)) if limit.whole else st.floats(low, high)
    value = data.draw(kind)
    override = {"ruleset": HEAD, "parameters": {name: {"value": value, "source": POLICY}}}
    found = overridden(PACKAGED, override)
    assert not found.problems
    assert found.document["parameters"][name]["value"] == value
    again = overridden(PACKAGED, copy.deepcopy(override))
    assert content_hash(found.document) == content_hash(again.document)
    try:
        rules = build(found.document, found.problems)
    except RulesetError as error:
        for line in str(error).splitlines():
            assert "expected" in line
            assert str(limit) not in line
    else:
        assert rules.hash == content_hash(found.document) != P0.hash


# -- a whole run -----------------------------------------------------------------------------------


def test_alerts_carry_the_site_s_ruleset(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    rules = load_ruleset(tmp_path / "site.toml")
    engine = OfflineEngine(rules)
    alerts = [
        json.loads(alert.to_bytes())
        for line in WARD.read_bytes().splitlines()[:400]
        for alert in engine.take(line).alerts
    ]
    assert alerts
    assert {json.dumps(alert["ruleset"]) for alert in alerts} == {
        json.dumps({"name": "ward-12", "version": "2026-03", "hash": rules.hash})
    }
