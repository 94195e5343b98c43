"""stream/rules/README.md cannot rot: its tables are computed, its example is loaded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stream.cli.situations import answered
from stream.engine.ruleset import MINUTE, SECOND
from stream.rules import load_ruleset
from stream.rules.documents import loaded
from tests.charts import P0
from tests.rules_readme import README, SHORT, rendered

TEXT = README.read_text("utf-8")
VECTORS = Path(__file__).parent / "vectors" / "multi_scale.json"
SITUATIONS = {item.id: item for item in answered(P0)}


def test_the_tables_are_those_of_the_engine_and_the_data() -> None:
    assert rendered(TEXT) == TEXT, "run: python -m tests.rules_readme"


def test_every_file_of_the_folder_has_a_line_and_every_line_a_file() -> None:
    lines = re.findall(r"^\| `(\w+\.toml)` \|", TEXT, flags=re.MULTILINE)
    assert sorted(lines) == sorted(path.name for path in README.parent.glob("*.toml"))


def test_every_scale_has_a_column() -> None:
    assert list(SHORT) == [P0.scale, *(scale.name for scale in P0.scales.rows)]


def test_the_example_of_an_override_can_be_used(tmp_path: Path) -> None:
    example, ladders = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    file = tmp_path / "ward.toml"
    file.write_text(example + ladders)
    rules = load_ruleset(file)
    assert (rules.name, rules.version) == ("ward-12", "2026-03")
    assert rules.down == 90 * MINUTE
    assert (rules.stale["spo2"].usual, rules.stale["spo2"].tight) == (1800 * SECOND, 900 * SECOND)
    changed = {change.row for change in loaded(file).changes}
    assert changed == {
        *("parameters.down_s", "stale.spo2.usual_s", "stale.spo2.tight_s"),
        *("ladders.site.time_zone", "ladders.rows.site-7w-nights"),
        "ladders.roles.site-night_manager",
    }


@pytest.mark.parametrize(
    "case", json.loads(VECTORS.read_text("utf-8"))["cases"], ids=lambda case: case["id"]
)
def test_the_situations_are_those_of_the_clinical_vectors(case: dict[str, object]) -> None:
    """Written anew in `situations.toml`, shorter; the answers have to be the same."""
    item = SITUATIONS[str(case["id"])]
    expected = case["expect"]
    assert isinstance(expected, dict)
    assert {name: list(item.grades[name] or ()) for name in expected} == expected


def test_the_reasons_speak_of_situations_that_show_them() -> None:
    """Each numbered reason names rows; in each of them two scales say something else."""
    reasons = re.findall(r"^\d+\. \*\*.*?\*\* \((.*?)\)", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert len(reasons) == 10
    named = [name for text in reasons for name in re.findall(r"[MD]\d\d", text)]
    assert len(named) > 15
    for name in named:
        said = {grades for grades in SITUATIONS[name].grades.values() if grades is not None}
        assert len(said) > 1, name


@pytest.mark.parametrize(
    ("name", "scale", "spelled"),
    [
        ("M05", "lee-2014", "2"),
        ("M05", "astct-2019", "3"),
        ("M03", "penn-2018", "3"),
        ("M09", "astct-2019", "4"),
        ("D11", "cartox-paediatric-2019", "3"),
        ("D01", "lee-2014", "2/4"),
        ("D02", "ctcae-5", "2/3"),
        ("D03", "astct-2019", "2"),
        ("D03", "mosunetuzumab-label", "3"),
        ("D04", "mskcc", "3"),
        ("D05", "astct-2019", "3"),
        ("D07", "lee-2014", "2/3"),
        ("D08", "penn-2018", "3/4"),
        ("D10", "astct-2019", "0"),
        ("D10", "penn-2018", "0/3"),
        ("D12", "cartox-paediatric-2019", "2"),
        ("D12", "cartox-2018", "-"),
    ],
)
def test_what_the_reasons_say_is_what_the_engine_says(name: str, scale: str, spelled: str) -> None:
    assert SITUATIONS[name].spelled(scale) == spelled


def test_it_describes_and_orders_nothing() -> None:
    assert not re.search(
        r"\b(give|administer|start|stop) (the|a|an)?\s*(dose|drug|tocilizumab)", TEXT
    )
    assert "not for clinical use" in TEXT
    assert "local policy prevails" in TEXT
