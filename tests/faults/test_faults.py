"""Workers and a broker of Apache Kafka are hurt: nothing is lost, nothing counts twice.

The long form of the second test is `stormwatch soak`; README.md beside this file has its result.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaAdminClient

from stream.settings import load_settings
from stream.soak.faults import POINTS, Fault, Kind, Side, Step
from stream.soak.trial import Plan, Trial

from .conftest import KAFKA_SH

if TYPE_CHECKING:
    from pathlib import Path

    from stream.soak.cluster import Cluster
    from stream.soak.trial import Result

SESSION_S = 2.0
AHEAD = 500
FREEZES = ((Step.ALERT, Side.AFTER), (Step.WINDOWS, Side.AFTER), (Step.COMMIT, Side.BEFORE))


def run(plan: Plan, cluster: Cluster, folder: Path) -> Result:
    """A run, with what it says as the story of a failure."""
    settings = load_settings(partitions=4, hash_key="k" * 32, batch_max_events=100)
    result = Trial(plan, settings, folder, cluster=cluster, say=print).run()
    assert result.verdict.kept, "\n".join(map(str, result.verdict.damages[:20]))
    counts = result.verdict.counts
    assert counts["records"] >= plan.events
    assert counts["alerts"] > 20
    assert plan.live or counts["dead letters"] > 5
    return result


@pytest.mark.broker
@pytest.mark.timeout(600)
def test_every_step_of_the_batch_may_be_the_last(cluster: Cluster, tmp_path: Path) -> None:
    """Killed before and after each; stopped there for longer than the session, and back."""
    events = 4_200
    # Windows are forgotten now and then; so these two have the whole feed before them.
    points = sorted(POINTS, key=lambda point: point[0] is not Step.TOMBSTONE)
    wanted = [(Kind.CRASH, point) for point in points]
    wanted[6:6] = [(Kind.FREEZE, point) for point in FREEZES]
    faults = tuple(
        Fault(
            kind,
            at=500 + number * 160,
            target=number,
            seconds=2.5 * SESSION_S,
            step=step,
            side=side,
            nth=1 + number % 2,
        )
        for number, (kind, (step, side)) in enumerate(wanted)
    )
    plan = Plan(41, faults, events, workers=3, session_s=SESSION_S, ahead=AHEAD)
    result = run(plan, cluster, tmp_path)
    # On a busy machine a step may not come within the time it is waited for.
    assert len(result.missed) <= 2, result.missed
    assert result.verdict.counts["alerts repeated"] > 0


@pytest.mark.broker
@pytest.mark.timeout(600)
def test_a_seeded_mix_of_faults_by_the_command(cluster: Cluster, tmp_path: Path) -> None:
    """On brokers of the command's own, which are hurt as well, and then on those of others."""
    own = soak(tmp_path, "--seed", "55", "--kafka", KAFKA_SH, "--faults", "7", "--events", "2500")
    assert own["kept"]
    done = own["faults"]["done"]
    assert {"add", "broker-kill", "stop", "freeze after alert", "crash after commit"} <= done.keys()
    assert own["counts"]["alerts"] > 20
    theirs = soak(
        tmp_path, "--seed", "9", "--bootstrap", cluster.bootstrap, "--faults", "1",
        "--events", "1000", "--only", "kill",
    )  # fmt: skip
    assert theirs["kept"]
    assert theirs["faults"]["done"] == {"kill": 1}
    with KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
        assert not [name for name in admin.list_topics() if name.startswith("soak-9-")]


def soak(folder: Path, *words: object) -> Any:
    """`stormwatch soak`, three workers on four partitions; its JSON. The seed comes first."""
    result = folder / "soak.json"
    done = subprocess.run(
        [sys.executable, "-m", "stream.cli", "soak", "--workers", "3", "--set", "partitions=4",
         "--json", result, *map(str, words)],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert done.stdout.startswith(f"seed {words[1]}:")
    return json.loads(result.read_text())


@pytest.mark.broker
@pytest.mark.timeout(300)
def test_clocks_that_jump_make_nobody_s_timers_run_out(cluster: Cluster, tmp_path: Path) -> None:
    """In real time and with ticks: an hour ahead, an hour back, and a kill between."""
    faults = (
        Fault(Kind.CLOCK, at=120, seconds=3600.0),
        Fault(Kind.KILL, at=300),
        Fault(Kind.CLOCK, at=320, seconds=-3600.0),
    )
    plan = Plan(43, faults, 600, workers=1, session_s=SESSION_S, ahead=AHEAD, live=True)
    assert run(plan, cluster, tmp_path).done == list(faults)
