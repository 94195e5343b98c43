"""Arguments and files of any kind on the command line: an exit code, and never a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.cli import run
from stream.cli.exits import BROKER, FAILED, OK, USAGE

CODES = {OK, FAILED, USAGE, BROKER}
calm = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
TEXTS = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=12)
NUMBERS = st.sampled_from(
    ["", "nan", "inf", "-1", "0", "1e400", "1" + "0" * 400, "true", "½", "1_0"]
)
KEYS = [
    "ldh",
    "creatinine",
    "platelets",
    "crp",
    "temperature",
    "spo2",
    "norepinephrine",
    "weight_kg",
]


@calm
@given(
    st.sampled_from(["easix", "m_easix", "nee", "news2", "hscore", "tocilizumab_dose", "x"]),
    st.lists(st.tuples(st.sampled_from(KEYS) | TEXTS, NUMBERS | TEXTS), max_size=4),
)
def test_scores_of_anything(name: str, pairs: list[tuple[str, str]]) -> None:
    assert run(["score", "--", name, *(f"{key}={value}" for key, value in pairs)]) in CODES


@calm
@given(
    st.sampled_from([["grade"], ["assess"], ["explain", "p"], ["rules", "check"], ["config"]]),
    st.binary(max_size=80),
    st.sampled_from([[], ["--at"], ["--patient"], ["--ruleset"], ["--config"]]),
    TEXTS,
)
def test_files_and_options_of_anything(
    command: list[str], content: bytes, option: list[str], value: str
) -> None:
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "file"
        path.write_bytes(content)
        words = [*option, *([value] if option else [])]
        files = [] if command == ["config"] else [str(path)]
        assert run([*command, *words, *files]) in CODES


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
