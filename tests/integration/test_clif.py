"""Real ICU stays through the broker: the alerts are, id by id, those of `stormwatch grade`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workers import Process, read, read_when

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers import Topics

FIXTURE = Path(__file__).parents[1] / "data" / "clif"
WHOLE = Path(__file__).parents[3] / "shared" / "data" / "clif_demo"


def stormwatch(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STORMWATCH_")}
    environment |= {f"STORMWATCH_{key.upper()}": value for key, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "stream.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done


@pytest.mark.parametrize(
    "folder",
    [
        FIXTURE,
        pytest.param(
            WHOLE,
            marks=pytest.mark.skipif(not WHOLE.is_dir(), reason="the CLIF demo set is not here"),
        ),
    ],
    ids=["fixture", "whole"],
)
def test_clif_through_the_broker(
    folder: Path,
    topics: Callable[..., Topics],
    start: Callable[..., Process],
    tmp_path: Path,
) -> None:
    mine = topics()
    worker = start(mine, ticks="wall").ready()  # data of another century: ticks fire nothing
    replayed = stormwatch(
        *("replay", str(folder), "--format", "clif"),
        bootstrap_servers=mine.bootstrap,
        topic_prefix=mine.prefix,
        partitions="4",
    )
    file = tmp_path / "events.jsonl"
    stormwatch("replay", str(folder), "--format", "clif", "--to-file", str(file))
    refused = tmp_path / "refused.jsonl"
    graded = stormwatch("grade", str(file), "--deadletter", str(refused)).stdout.splitlines()
    records = read_when(mine, "alerts", len(graded), seconds=120)
    said = sorted(record.value.decode() for record in records)
    assert said == sorted(graded)
    assert len({json.loads(line)["alert_id"] for line in graded}) == len(graded)

    def order(lines: list[str]) -> dict[str, list[str]]:
        by: dict[str, list[str]] = {}
        for line in lines:
            alert = json.loads(line)
            by.setdefault(alert["patient_id"], []).append(alert["alert_id"])
        return by

    assert order([record.value.decode() for record in records]) == order(graded)
    # every row of every table has one outcome, and the outcomes add up (the command says so)
    assert "= rows read" in replayed.stdout + replayed.stderr
    # what was set aside on the way is in the dead letters: the engine's and the gateway's
    dead = [json.loads(record.value) for record in read(mine, "deadletter")]
    by_engine = [item for item in dead if item["topic"] is not None]
    assert len(by_engine) == len(refused.read_text("utf-8").splitlines())
    assert worker.end() == 0
