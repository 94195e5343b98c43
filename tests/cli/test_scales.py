"""`stormwatch scales`: the scales as a table, one in full, and where they disagree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from stream.rules import load_ruleset

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli

P0 = load_ruleset()
NAMES = ["astct-2019", *(scale.name for scale in P0.scales.rows)]
SITE = """
[ruleset]
based_on = "P0"
name = "ward-12"
version = "2026-03"
[parameters.overlap_s]
value = 1200
source = "Ward policy 12"
"""


def test_the_table_has_a_line_for_each_scale_and_astct_is_the_first(cli: Cli) -> None:
    result = cli("scales")
    header, *rows = result.out.splitlines()
    assert result.code == 0
    assert re.split(" {2,}", header) == [
        *("scale", "ages", "fever", "products", "status", "title", "citation")
    ]
    assert [row.split()[0] for row in rows] == NAMES
    cells = {row.split()[0]: re.split(" {2,}", row) for row in rows}
    assert cells["astct-2019"][1:5] == ["all", "required at onset", "all", "checked"]
    assert cells["cartox-paediatric-2019"][1:3] == ["child", "not required"]
    assert cells["lee-2014"][2] == "left open"
    assert cells["mosunetuzumab-label"][3] == "mosunetuzumab"
    for scale in P0.scales.rows:
        assert cells[scale.name][-1] == scale.citation


@pytest.mark.parametrize("name", NAMES[1:])
def test_one_scale_in_full_has_every_criterion(cli: Cli, name: str) -> None:
    text = cli("scales", name).out
    scale = P0.scales.find(name)
    assert scale is not None
    lines = [re.split(" {2,}", line) for line in text.splitlines()]
    for row in scale.rows:
        grades = " or ".join(map(str, row.grades))
        conditions = ", ".join(condition.text for condition in row.when)
        assert [grades, row.text, conditions, row.status] in lines
    assert f"citation  {scale.citation}" in text


def test_the_rows_of_astct_are_those_that_it_is_graded_by(cli: Cli) -> None:
    (scale,) = cli("scales", "astct-2019", "--json").objects
    rows = {
        (row["grades"][0], condition): row["status"]
        for row in scale["rows"]
        for condition in row["when"]
    }
    assert rows[1, "temperature >= 38.0 Cel"] == "checked"
    assert rows[2, "flow <= 6 L/min or not charted"] == "checked"
    assert rows[3, "vasopressin and no other"] == "DESIGN"
    assert rows[3, "device is simple_mask|non_rebreather|venturi_mask"] == "checked"
    assert rows[4, "vasopressors without vasopressin >= 2, together for 15 min"] == "checked"
    assert rows[4, "device is cpap|bipap|invasive_ventilation"] == "checked"
    assert rows[5, "death caused by the syndrome"] == "checked"
    told = " ".join(" ".join(row["when"]) for row in scale["rows"])
    for device, rule in P0.devices.items():
        assert (device in told) is (rule.kind != "air")
    assert scale["citation"].endswith("doi 10.1016/j.bbmt.2018.12.758")


def test_a_scale_with_doses_shows_its_table_with_units_and_clock(cli: Cli) -> None:
    lee, penn = cli("scales", "lee-2014").out, cli("scales", "Penn-2018").out
    assert "high_dose: one of these for at least 3 h without a break" in lee
    assert re.search(r"norepinephrine alone +>= 20 ug/min$", lee, re.MULTILINE)
    assert re.search(r"norepinephrine alone +>= 0\.2 ug/kg/min$", penn, re.MULTILINE)
    assert re.search(r"with vasopressin +>= 10 ug/min equivalent$", lee, re.MULTILINE)
    assert "0.5 x dopamine (ug/kg/min)" in lee
    assert "in ug/min\n" in lee
    assert "in ug/min, divided by the body weight\n" in penn
    assert "adapted from VASST (mem)" in lee
    assert "pressor_long: a vasopressor has been running for 24 h" in cli("scales", "mskcc").out
    assert "pressor_long" not in lee


def test_a_scale_without_doses_or_organs_shows_no_table_of_them(cli: Cli) -> None:
    label = cli("scales", "mosunetuzumab-label").out
    assert "high_dose" not in label
    assert "upper limit" not in label
    penn = cli("scales", "penn-2018").out
    assert (
        "creatinine: grade 1 above 1 x, 2 above 1.5 x, 3 above 3 x, 4 above 6 x the upper" in penn
    )
    assert "where the baseline is abnormal grade 1 above 1.5 x" in penn
    assert "upper limit" not in cli("scales", "ctcae-5").out


def test_json_has_spans_in_seconds(cli: Cli) -> None:
    rows = cli("scales", "--json").objects
    assert [row["name"] for row in rows] == NAMES
    assert "rows" not in rows[0]
    (penn,) = cli("scales", "penn-2018", "--json").objects
    assert penn["high_dose"]["held_s"] == 10800
    assert penn["high_dose"]["alone"]["dopamine"] == [10, "ug/kg/min"]
    assert penn["organs"]["transaminase"]["of_limit"][-1] == [20, 4]
    assert penn["rows"][0] == {
        "grades": [1],
        "criterion": "supportive care only",
        "when": ["crs"],
        "status": "checked",
    }
    (label,) = cli("scales", "mosunetuzumab-label", "--json").objects
    assert (label["high_dose"], label["organs"]) == (None, {})


def test_differences_are_computed_for_every_scale(cli: Cli) -> None:
    header, *rows = cli("scales", "--differences").out.splitlines()
    assert header.split() == ["id", *NAMES, "situation"]
    cells = {row.split()[0]: row.split()[1 : 1 + len(NAMES)] for row in rows}
    assert cells["M05"] == ["3", "3", "2", "3", "2", "-", "2", "-"]
    assert cells["M09"] == ["4", "3/4", "3/4", "3", "3/4", "-", "3/4", "-"]
    objects = {row["id"]: row for row in cli("scales", "--differences", "--json").objects}
    assert list(objects) == list(cells)
    grades = objects["M09"]["grades"]
    assert (grades["penn-2018"], grades["lee-2014"]) == ([3], [3, 4])
    assert grades["mosunetuzumab-label"] is None
    assert objects["M09"]["situation"] == "BiPAP, oxygen 50 %"


def test_a_site_s_ruleset_is_shown_and_graded_by(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    text = cli("scales", "astct-2019", "--ruleset", tmp_path / "site.toml").out
    assert "together for 20 min" in text
    result = cli("scales", "--differences", "--ruleset", "nowhere.toml")
    assert (result.code, "cannot read the ruleset nowhere.toml" in result.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("lee-2013",), "no scale 'lee-2013'; did you mean lee-2014"),
        (("water",), "no scale 'water'; there are astct-2019, cartox-2018"),
        (("lee-2014", "--differences"), "lee-2014 or --differences, not both"),
    ],
)
def test_what_is_wrong_is_told(cli: Cli, words: tuple[str, ...], says: str) -> None:
    result = cli("scales", *words)
    assert (result.code, result.out) == (2, "")
    assert says in result.err
