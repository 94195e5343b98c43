"""The ruleset in force: the one of --ruleset, else of the settings, for every command alike."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from stream.intake import decode
from stream.rules import load_ruleset
from stream.settings import load_settings
from stream.worker.grader import RulesetGrader

from .conftest import FEVER, lines

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli

WARD = """
[ruleset]
based_on = "P0"
name = "ward-7"
version = "2026-11"

[parameters.down_s]
value = 5400
source = "Ward policy 7"
status = "site"

[[guidance.rows]]
id = "site-1"
topic = "supportive"
grades = [1]
text = "a word of the ward."
citation = "Ward 7"
version = "1"
date = "2026"
status = "site"
"""


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    file = tmp_path / "ward.toml"
    file.write_text(WARD, "utf-8")
    return file


@pytest.fixture(params=["environment", "settings file", "file of STORMWATCH_CONFIG"])
def chosen(
    request: pytest.FixtureRequest, ward: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The ward's ruleset, chosen by a setting and by no option."""
    text = f'ruleset = "{ward}"\n'
    if request.param == "environment":
        monkeypatch.setenv("STORMWATCH_RULESET", str(ward))
    elif request.param == "settings file":
        (tmp_path / "stormwatch.toml").write_text(text, "utf-8")
    else:
        (tmp_path / "other.toml").write_text(text, "utf-8")
        monkeypatch.setenv("STORMWATCH_CONFIG", str(tmp_path / "other.toml"))
    return ward


def test_grade_and_the_stream_agree_on_the_hash(cli: Cli, chosen: Path) -> None:
    grader = RulesetGrader(load_ruleset(load_settings().ruleset))  # as the worker makes it
    said = []
    state = None
    for event in FEVER:
        taken = decode(json.dumps(event).encode()).event
        assert taken is not None
        state, outputs = grader.step(state, taken)
        said += [alert.to_wire() for alert in outputs.alerts]
    graded = cli("grade", "-", stdin=lines(*FEVER)).objects
    assert graded == said
    assert graded[0]["ruleset"]["name"] == "ward-7"
    assert graded[0]["ruleset"]["hash"] != load_ruleset().hash


def test_every_command_that_takes_a_ruleset_has_the_same(cli: Cli, chosen: Path) -> None:
    assert "site-1" in cli("guidance", "--topic", "supportive", "--grade", "1").out
    (down,) = cli("rules", "show", "parameters.down_s", "--json").objects
    assert (down["value"], down["source"]) == (5400, "Ward policy 7")
    explained = cli("explain", "p-1", "-", "--json", stdin=lines(*FEVER)).objects[0]
    assert explained["ruleset"]["name"] == "ward-7"
    assert cli("assess", "-", stdin=lines(*FEVER)).code == 0
    assert cli("scales").code == 0
    assert cli("products").code == 0


def test_the_option_wins(
    cli: Cli, ward: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORMWATCH_RULESET", str(tmp_path / "nowhere.toml"))
    (alert,) = cli("grade", "-", "--ruleset", ward, stdin=lines(*FEVER)).clinical
    assert alert["ruleset"]["name"] == "ward-7"


@pytest.mark.parametrize("command", ["grade", "assess", "scales", "products", "guidance"])
def test_a_setting_that_cannot_be_used_is_status_2(
    cli: Cli, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (command, "-") if command in ("grade", "assess") else (command,)
    monkeypatch.setenv("STORMWATCH_RULESET", str(tmp_path / "nowhere.toml"))
    result = cli(*words, stdin=lines(*FEVER))
    assert result.code == 2
    assert "nowhere.toml cannot be used" in result.err
    monkeypatch.setenv("STORMWATCH_CONFIG", str(tmp_path / "none.toml"))
    result = cli(*words, stdin=lines(*FEVER))
    assert result.code == 2
    assert "these settings cannot be used" in result.err
    assert "Traceback" not in result.err


def test_config_is_the_settings_of_a_command_that_takes_one(
    cli: Cli, ward: Path, tmp_path: Path
) -> None:
    """`explain --config FILE` reads no other file, so the folder's ruleset is not its own."""
    (tmp_path / "stormwatch.toml").write_text(f'ruleset = "{ward}"\n', "utf-8")
    plain = tmp_path / "plain.toml"
    plain.write_text("partitions = 4\n", "utf-8")
    words = ("explain", "p-1", "-", "--json", "--config", plain)
    (answer,) = cli(*words, stdin=lines(*FEVER)).objects
    assert answer["ruleset"]["hash"] == load_ruleset().hash


def test_settings_of_other_things_do_not_matter(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMWATCH_PARTITIONS", "many")
    assert cli("grade", "-", stdin=lines(*FEVER)).code == 0
