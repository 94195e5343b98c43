"""`stormwatch bench` as a person calls it; what it measures has tests of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.page import RESULTS

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli


def test_results_are_shown_without_measuring(cli: Cli) -> None:
    shown = cli("bench", "--from", RESULTS)
    assert shown.code == 0
    for title in ("Targets", "Throughput", "From produce to alert", "Changelogs", "Recovery"):
        assert title in shown.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--patients", "10,many"], "--patients 10,many: expected whole numbers"),
        (["--workers", "0"], "--workers 0: expected whole numbers"),
        (["--from", "nowhere.json"], "cannot read nowhere.json"),
        (["--quick", "--json", "no/folder/here.json"], "cannot write no/folder/here.json"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(cli: Cli, words: list[str], complaint: str) -> None:
    refused = cli("bench", *words)
    assert refused.code == 2
    assert complaint in refused.err


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_a_file_that_holds_no_results_is_refused(cli: Cli, tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    refused = cli("bench", "--from", tmp_path / "other.json")
    assert refused.code == 2
    assert "is no result of `bench --json`" in refused.err
