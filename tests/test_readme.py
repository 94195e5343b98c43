"""The README cannot rot: its tables come from the code and its commands are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.readme import README, rendered

ROOT = README.parent
TEXT = README.read_text("utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
    for line in block.splitlines()
    if line.split("#")[0].strip()
]


def test_the_tables_are_those_of_the_code() -> None:
    assert rendered(TEXT) == TEXT, "run: python -m tests.readme"


def test_the_two_commands_are_the_first_ones_and_ci_runs_the_second() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]
    assert "exec make test" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS[:2])
def test_make_knows_the_command(command: str) -> None:
    done = subprocess.run(
        [*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "stormwatch demo" in done.stdout or "pytest" in done.stdout


def test_every_other_command_runs(tmp_path: Path) -> None:
    """In the order of the README, as a reader would type them."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in COMMANDS[2:]:
        assert command.startswith("stormwatch "), command
        done = subprocess.run(
            command.replace("/tmp/", f"{tmp_path}/"),
            shell=True,
            cwd=ROOT,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout.strip() or "--to-file" in command, command


def test_links_to_files_lead_somewhere() -> None:
    for name in re.findall(r"`((?:stream|schemas|tests|deploy)/[\w./]*)`", TEXT):
        assert (ROOT / name).exists(), name
