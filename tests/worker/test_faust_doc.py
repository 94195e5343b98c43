"""The page about Faust's faults names tests that exist, and the release that is installed."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "stream" / "worker" / "FAUST.md").read_text("utf-8")
TESTS = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests" / "integration").glob("*.py"))


def test_every_fault_names_a_test_that_exists() -> None:
    faults = re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]
    assert len(faults) >= 10
    for fault in faults:
        named = re.findall(r"`(test_\w+)`", fault)
        assert named, fault.splitlines()[0]
        for name in named:
            assert f"def {name}(" in TESTS, name


def test_the_release_is_the_one_that_runs() -> None:
    assert f"faust-streaming {version('faust-streaming')}" in TEXT


def test_files_that_are_named_are_there() -> None:
    for name in re.findall(r"`((?:stream|tests)/[\w./]+\.\w+)`", TEXT):
        assert (ROOT / name).is_file(), name
