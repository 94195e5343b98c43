"""`stormwatch rules`: what is in force, and what a site's file makes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stream.rules import load_ruleset

if TYPE_CHECKING:
    from .conftest import Cli

WARD = Path(__file__).parents[1] / "data" / "ward.jsonl"
SITE = """
[ruleset]
based_on = "P0"
name = "ward-12"
version = "2026-03"
[parameters.down_s]
value = 5400
source = "Ward policy 12"
[stale]
source = "Ward policy 12"
spo2 = { tight_s = 1800 }
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE)
    return tmp_path / "site.toml"


def test_check_names_what_alerts_carry(cli: Cli, site: Path) -> None:
    p0 = load_ruleset()
    assert cli("rules", "check").out.split() == [p0.name, p0.version, p0.hash]
    result = cli("rules", "check", site)
    assert result.code == 0
    first, *rows = result.out.splitlines()
    assert first == f"ward-12  2026-03  {load_ruleset(site).hash}  based on P0"
    assert re.split(" {2,}", rows[0]) == ["parameters.down_s", "3600 -> 5400", "Ward policy 12"]
    assert rows[1].startswith("stale.spo2.tight_s  3600 -> 1800")
    assert rows[2] == "2 rows differ from the packaged ruleset"


def test_check_refuses_with_every_problem(cli: Cli, site: Path) -> None:
    site.write_text(SITE.replace("5400", "0").replace("tight_s", "tigth_s"))
    result = cli("rules", "check", site)
    assert (result.code, result.out) == (2, "")
    assert "parameters.down_s = 0: expected 900 to 14400 s; with less the grade" in result.err
    assert "stale.spo2.tigth_s is no row of the packaged set; did you mean tight_s" in result.err
    assert cli("rules", "check", "nowhere.toml").code == 2


def test_check_refuses_what_switches_grading_off(cli: Cli, site: Path) -> None:
    site.write_text(
        SITE
        + """
[devices]
source = "Ward policy 12"
invasive_ventilation = { kind = "air" }
[parameters.masking_agents]
value = ["ibuprofen"]
source = "Ward policy 12"
[timers.K2]
source = "Ward policy 12"
text = "Give 800 mg of tocilizumab now."
"""
    )
    result = cli("rules", "check", site)
    assert (result.code, result.out) == (2, "")
    assert f"{site} cannot be used:" in result.err
    assert "devices.invasive_ventilation.kind cannot be changed: what the device is" in result.err
    assert "parameters.masking_agents = ['ibuprofen']: expected 'acetaminophen' in" in result.err
    assert "expected what is published, not an order: without 'Give'" in result.err
    assert cli("grade", "--ruleset", site, WARD).code == 2


def test_guidance_is_verified_where_alerts_say_so(cli: Cli) -> None:
    rows = cli("guidance", "--json").objects
    assert {row["status"] for row in rows} == {"checked", "mem", "DESIGN"}
    assert all(row["verified"] is (row["status"] != "mem") for row in rows)


def test_diff(cli: Cli, site: Path) -> None:
    same = cli("rules", "diff", "packaged")
    assert (same.code, same.out) == (0, "")
    assert cli("rules", "diff", site, site).code == 0
    result = cli("rules", "diff", site)
    assert result.code == 1
    assert re.search(
        r"^parameters\.down_s +3600 -> 5400 +Ward policy 12$", result.out, re.MULTILINE
    )
    assert "rows differ from packaged to " in result.err
    back = cli("rules", "diff", site, "packaged", "--json")
    rows = {row["row"]: row for row in back.objects}
    assert {row.partition(".")[0] for row in rows} == {"ruleset", "parameters", "stale"}
    assert len(rows) == 5
    down = rows["parameters.down_s"]
    assert (down["from"]["value"], down["to"]["value"]) == (5400, 3600)
    assert (down["from"]["status"], down["to"]["status"]) == ("site", "DESIGN")


def test_show_gives_every_value_with_unit_source_and_status(cli: Cli, site: Path) -> None:
    result = cli("rules", "show", "parameters.fever_c")
    row, count = result.out.splitlines()
    assert row.startswith("parameters.fever_c  38.0 Cel  checked  Lee 2019, consensus table")
    assert count == "1 values: 1 checked"
    stale = cli("rules", "show", "stale.spo2", "--ruleset", site).out
    assert re.search(r"^stale\.spo2\.tight_s +1800 s +site +Ward policy 12$", stale, re.MULTILINE)
    assert re.search(r"^stale\.spo2\.usual_s +3600 s +DESIGN +age from which", stale, re.MULTILINE)
    every = cli("rules", "show", "--json").objects
    assert {row["status"] for row in every} == {"checked", "mem", "DESIGN"}
    memory = cli("rules", "show", "--status", "mem", "--json").objects
    assert memory
    assert memory == [row for row in every if row["status"] == "mem"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("parameters.fewer_c",), "no row 'parameters.fewer_c'; did you mean parameters.fever_c"),
        (("fever_c",), "did you mean parameters.fever_c?"),
        (("nothing at all",), "there are agents, devices"),
        (("--status", "memory"), "no status 'memory'"),
        (("--ruleset", "nowhere.toml"), "cannot read the ruleset nowhere.toml"),
    ],
)
def test_show_says_what_is_wrong(cli: Cli, words: tuple[str, ...], says: str) -> None:
    result = cli("rules", "show", *words)
    assert (result.code, says in result.err) == (2, True), result.err


def test_alerts_of_a_run_carry_the_site_s_ruleset(cli: Cli, site: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"".join(WARD.read_bytes().splitlines(keepends=True)[:300]))
    result = cli("grade", "--ruleset", site, events)
    assert result.code == 0
    named = {"name": "ward-12", "version": "2026-03", "hash": load_ruleset(site).hash}
    assert result.objects
    assert all(alert["ruleset"] == named for alert in result.objects)
