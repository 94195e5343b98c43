"""The clinical vectors through the command line, as a hospital would run it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.flags import Flag

VECTORS = Path(__file__).parent / "vectors"
CHECKER = Path(__file__).parents[2] / "shared" / "clinical" / "check_vectors.py"
STORMWATCH = [sys.executable, "-m", "stream.cli"]

Json = dict[str, Any]


def load(name: str) -> Json:
    document: Json = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    return document


def stormwatch(*arguments: str, events: list[Json] | None = None) -> list[Json]:
    feed = "".join(json.dumps(event) + "\n" for event in events or [])
    done = subprocess.run(
        [*STORMWATCH, *arguments], input=feed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assessed(document: Json) -> dict[str, Json]:
    events = [event for case in document["cases"] for event in case["events"]]
    events.sort(key=lambda e: datetime.fromisoformat(e.get("received_at", e["time"])))
    answers = stormwatch("assess", "-", "--at", document["at"], events=events)
    return {answer["patient_id"]: answer for answer in answers}


@pytest.fixture(scope="module")
def snapshots() -> dict[str, Json]:
    return assessed(load("astct_snapshots"))


@pytest.fixture(scope="module")
def other_scales() -> dict[str, Json]:
    return assessed(load("multi_scale"))


@pytest.fixture(scope="module")
def neurological() -> dict[str, Json]:
    return assessed(load("icans"))


def technical(flag: str) -> bool:
    return Flag(flag).technical


@pytest.mark.parametrize("case", load("astct_snapshots")["cases"], ids=lambda case: case["id"])
def test_snapshot(case: Json, snapshots: dict[str, Json]) -> None:
    answer, expect = snapshots[case["id"]], case["expect"]
    assert answer["raw_grade"] == expect["raw_grade"]
    assert answer["candidate_grade"] == expect["candidate_grade"]
    allowed = set(expect.get("flags_allowed", ()))
    grading = {flag for flag in answer["flags"] if not technical(flag)} - allowed
    assert grading == set(expect["flags"])


@pytest.mark.parametrize("case", load("multi_scale")["cases"], ids=lambda case: case["id"])
def test_other_scales(case: Json, other_scales: dict[str, Json]) -> None:
    """Equal, where the wording allows one grade; where it allows several, all of them are said."""
    scales = other_scales[case["id"]]["scales"]
    said = {name: [g] if isinstance(g, int) else g for name, g in scales.items()}
    assert {name: said[name] for name in case["expect"]} == case["expect"]


@pytest.mark.parametrize("case", load("icans")["cases"], ids=lambda case: case["id"])
def test_icans(case: Json, neurological: dict[str, Json]) -> None:
    assert neurological[case["id"]]["icans"] == case["expect"]["icans"]


@pytest.mark.parametrize("case", load("formulas")["cases"], ids=lambda case: case["id"])
def test_formula(case: Json) -> None:
    pairs = [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in case["inputs"].items()
    ]
    (answer,) = stormwatch("score", case["function"], *pairs)
    assert answer["value"] == pytest.approx(case["result"], abs=case["tolerance"], rel=0)


@pytest.mark.parametrize("case", load("astct_timelines")["cases"], ids=lambda case: case["id"])
def test_timeline(case: Json) -> None:
    emitted = stormwatch("grade", "-", events=case["events"])
    for family in (("grade.changed", "grade.revised"), ("candidate.raised", "candidate.closed")):
        wanted = [want for want in case["expect"] if want["type"] in family]
        got = [alert for alert in emitted if alert["type"] in family]
        assert [alert["type"] for alert in got] == [want["type"] for want in wanted]
        for want, alert in zip(wanted, got, strict=True):
            fits(want, alert, emitted)
    for want in case["expect"]:
        if want["type"] in ("signal.lost", "reminder", "icans.changed"):
            same = [a for a in emitted if a["type"] == want["type"]]
            assert any(a["effective_time"] == want["effective_time"] for a in same), want
    for never in case.get("forbid", ()):
        assert not [a for a in emitted if never.items() <= a.items()]


def fits(want: Json, alert: Json, emitted: list[Json]) -> None:
    for field, value in want.items():
        got = alert[field]
        if field == "flags":
            assert set(value) <= set(got)
        elif field == "history":
            assert value == got
        elif field == "supersedes":
            old = next(a for a in emitted if a["alert_id"] == got)
            assert value.items() <= old.items()
        else:
            assert got == value, (field, alert)


@pytest.mark.skipif(
    not CHECKER.exists(), reason="the independent checker is not beside the project"
)
@pytest.mark.parametrize(
    "name", ["astct_snapshots", "astct_timelines", "multi_scale", "icans", "formulas"]
)
def test_the_independent_checker_agrees(name: str) -> None:
    done = subprocess.run(
        [
            *(sys.executable, str(CHECKER), "--vectors", str(VECTORS), "--only", name),
            *("--command", f"{sys.executable} -m stream.cli"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(", 0 failed")
