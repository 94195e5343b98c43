"""Every command's help, exit codes, and what is said where something is wrong."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import typer

from stream.cli import app as commands
from stream.cli.demo import _seconds
from stream.cli.exits import CommandError

from .conftest import Result

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli

NAMES = [
    ("demo",),
    ("grade",),
    ("assess",),
    ("explain",),
    ("score",),
    ("scales",),
    ("products",),
    ("guidance",),
    ("rules",),
    ("rules", "check"),
    ("rules", "diff"),
    ("rules", "show"),
    ("worker",),
    ("topics",),
    ("topics", "create"),
    ("topics", "check"),
    ("replay",),
    ("tail",),
    ("soak",),
    ("bench",),
    ("config",),
    ("schemas",),
    ("schemas", "list"),
    ("schemas", "show"),
    ("schemas", "write"),
    ("schemas", "check"),
]
NOBODY = "127.0.0.1:1"


def test_the_root_s_help_names_every_command_and_exit_status(cli: Cli) -> None:
    result = cli("--help")
    assert result.code == 0
    for name, *_rest in NAMES:
        assert re.search(rf"\b{name}\b", result.out)
    for status in ("0", "1", "2", "3", "130"):
        assert re.search(rf"^ *{status}  \w", result.out, re.MULTILINE)
    assert "not for clinical use" in result.out


@pytest.mark.parametrize("name", NAMES, ids=" ".join)
def test_help_begins_with_a_sentence_and_shows_examples(cli: Cli, name: tuple[str, ...]) -> None:
    result = cli(*name, "--help")
    assert result.code == 0
    assert f"Usage: stormwatch {' '.join(name)}" in result.out
    if name not in {("topics",), ("schemas",), ("rules",)}:
        assert "Examples:" in result.out
        assert f"stormwatch {' '.join(name)}" in result.out.split("Examples:")[1]


def test_examples_are_words_that_the_commands_take() -> None:
    """The options of the examples exist: the help of each command knows them."""
    group = typer.main.get_command(commands.app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        known = {option for parameter in command.params for option in parameter.opts}
        for line in (command.epilog or "").splitlines():
            if f"stormwatch {name}" not in line:
                continue
            words = [word for word in shlex.split(line) if word.startswith("--")]
            assert set(words) <= known, line


def test_unknown_commands_and_options_are_usage_errors(cli: Cli) -> None:
    assert cli("grad").code == 2
    assert cli("grade", "--loud", "-").code == 2
    assert cli("tail", "vitals").code == 2
    assert cli("replay", "x.jsonl", "--format", "xml").code == 2
    assert cli("soak", "--brokers", "2").code == 2
    assert cli("soak", "--kafka", "no/such/kafka.sh").code == 2
    assert "expected some of kill" in cli("soak", "--only", "kill,dance").err
    assert "somebody else" in cli("soak", "--only", "broker-kill").err


WITHOUT_BROKER = {
    "worker": ("worker",),
    "tail": ("tail",),
    "topics create": ("topics", "create"),
    "topics check": ("topics", "check"),
    "replay": ("replay", "-"),
    "demo": ("demo", "--for", "5s"),
    "soak": ("soak",),
}


@pytest.fixture(scope="module")
def without_broker(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """How each program ends that finds no broker; side by side, as each waits for it first."""
    folder = tmp_path_factory.mktemp("nobody")
    kept = {name: text for name, text in os.environ.items() if not name.startswith("STORMWATCH_")}

    def end(words: tuple[str, ...]) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "stream.cli", *words, "--bootstrap", NOBODY],
            input=b'{"type":"tick"}\n',
            capture_output=True,
            timeout=120,
            check=False,
            cwd=folder,
            env={**kept, "COLUMNS": "100", "TERM": "dumb"},
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    with ThreadPoolExecutor(len(WITHOUT_BROKER)) as pool:
        return dict(zip(WITHOUT_BROKER, pool.map(end, WITHOUT_BROKER.values()), strict=True))


@pytest.mark.parametrize("name", WITHOUT_BROKER)
def test_no_broker_is_status_3_in_plain_words(without_broker: dict[str, Result], name: str) -> None:
    result = without_broker[name]
    assert result.code == 3
    assert NOBODY in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("name", ["worker", "tail", "config", "replay", "topics"])
def test_wrong_settings_are_status_2_in_plain_words(cli: Cli, name: str) -> None:
    words = {"replay": ("replay", "-"), "topics": ("topics", "check")}.get(name, (name,))
    result = cli(*words, "--set", "partitions=many", "--bootstrap", "nowhere")
    assert result.code == 2
    assert "partitions (command line): 'many'" in result.err
    assert "bootstrap_servers (command line): 'nowhere'" in result.err


def test_set_takes_any_setting_but_no_secret(cli: Cli) -> None:
    rows = [row.split() for row in cli("config", "--set", "partitions=4").out.splitlines()]
    assert ["partitions", "4", "command", "line"] in rows
    result = cli("config", "--set", "sasl_password=secret")
    assert result.code == 2
    assert "STORMWATCH_SASL_PASSWORD" in result.err
    assert cli("config", "--set", "partitions").code == 2


def test_config_shows_values_and_origins(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ward.toml").write_text("topic_prefix = 'ward7.'\n")
    monkeypatch.setenv("STORMWATCH_PARTITIONS", "16")
    monkeypatch.setenv("STORMWATCH_PARTITON", "16")
    monkeypatch.setenv("STORMWATCH_HASH_KEY", "nobody may see this one")
    result = cli("config", "--config", "ward.toml", "--bootstrap", "kafka:9092")
    rows = {line.split()[0]: line for line in result.out.splitlines()}
    assert re.search(r"16 +environment STORMWATCH_PARTITIONS", rows["partitions"])
    assert re.search(r"ward7\. +file ward\.toml", rows["topic_prefix"])
    assert re.search(r"kafka:9092 +command line", rows["bootstrap_servers"])
    assert "********" in rows["hash_key"]
    assert "nobody may see" not in result.out
    assert "STORMWATCH_PARTITON is no setting" in result.err
    described = cli("config", "--describe").out
    assert "Partitions of every keyed topic" in described
    first = cli("config", "--json").objects[0]
    assert set(first) == {"setting", "value", "origin", "meaning"}


def test_schemas(cli: Cli, tmp_path: Path) -> None:
    assert "grade.changed" in cli("schemas", "list").out
    assert '"$schema"' in cli("schemas", "show", "vitals").out
    result = cli("schemas", "show", "vital")
    assert (result.code, "did you mean vitals?" in result.err) == (2, True)
    folder = tmp_path / "contract"
    assert cli("schemas", "write", folder).code == 0
    assert cli("schemas", "check", folder).code == 0
    (folder / "vitals.schema.json").write_text("{}")
    result = cli("schemas", "check", folder)
    assert result.code == 1
    assert "vitals.schema.json is not what the models say" in result.err
    assert cli("schemas", "check").code == 0


def test_replay_to_a_file_accounts_for_every_row(cli: Cli, tmp_path: Path) -> None:
    folder = commands.__file__.replace("stream/cli/app.py", "tests/data/clif")
    written, refused = tmp_path / "out.jsonl", tmp_path / "refused.jsonl"
    result = cli(*("replay", folder, "--limit", "1", "--to-file", written, "--deadletter", refused))
    assert result.code == 0
    assert "= rows read" in result.err
    count = len(written.read_bytes().splitlines())
    assert f"{count} events written to {written}" in result.err
    graded = cli("grade", written)
    assert graded.code == 0
    one = tmp_path / "one.jsonl"
    patient = written.read_text().split('"patient_id":"')[1].split('"')[0]
    assert cli("replay", written, "--patients", patient, "--to-file", one).code == 0
    assert one.read_bytes() == written.read_bytes()


def test_replay_of_what_is_not_there(cli: Cli, tmp_path: Path) -> None:
    result = cli("replay", "nowhere.jsonl", "--to-file", tmp_path / "x")
    assert (result.code, "cannot read nowhere.jsonl" in result.err) == (2, True)
    result = cli("replay", tmp_path, "--to-file", tmp_path / "x")
    assert (result.code, "not a CLIF folder" in result.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("2m", 120), ("90", 90), ("1.5min", 90), ("1h", 3600)]
)
def test_times_of_the_demo(text: str, seconds: float) -> None:
    assert _seconds(text) == seconds


@pytest.mark.parametrize("text", ["soon", "0s", "-5s", "", "30x"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(CommandError):
        _seconds(text)
