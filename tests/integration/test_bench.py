"""The benchmark's harness end to end: a tiny case on the session's broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.plan import Case, Plan
from tests.benchmarks.run import measured_on
from tests.benchmarks.tables import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from brokers import Broker


def test_a_tiny_case_is_measured_and_its_alerts_are_the_engine_s(
    broker_of: Callable[[str], Broker], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = {"session_timeout_s": "6", "state_interval_s": "0.5", "ticks": "wall"}
    monkeypatch.setattr("tests.benchmarks.crew.SETTINGS", quick)
    plan = Plan((Case(20, 3600, 1),), 1, 1000, 1.0, 1, yardsticks=False, stretches=2, stretch_s=2)
    found = measured_on(broker_of("apache-kafka"), plan)
    assert found["void"] == []
    (result,) = found["cases"]
    (run,) = result["throughput"]
    assert run["messages"] == 1000
    assert run["messages_s"] > 0
    assert run["cpu_s"] > 0
    assert run["alerts"] > 0
    assert run["changelog"]["bytes"] > 0
    (recovery,) = result["recovery"]
    assert recovery["records"] > 0
    assert [run["messages"] for run in result["real_time"]] == [40, 40]
    assert all(run["changelog"]["per_snapshot"] > 0 for run in result["real_time"])
    assert 0 < result["memory_kb"]["ready"] <= result["memory_kb"]["at_rest"]
    (sustained,) = result["sustained"]
    assert sustained["messages_s"] > 0
    assert sustained["behind_last"] >= 0
    assert [len(runs) for runs in result["latency"].values()] == [1, 1, 1]
    assert tables(found)["throughput"].rows
