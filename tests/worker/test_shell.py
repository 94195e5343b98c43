"""Metrics, ticks, the endpoint and the topics' check: the shell around the rounds."""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import ConsumerStoppedError, NoError, UnknownMemberIdError
from faust.types import TP
from prometheus_client import generate_latest

from stream.engine.outputs import Outcome
from stream.metric_labels import OUTCOMES
from stream.metrics import METRICS, Metrics
from stream.worker.clock import SteadyClock
from stream.worker.lease import Lease, LeaseLostError
from stream.worker.ticks import Ticker, forever, is_live, tick_value
from tests.worker.harness import NOW, FakeBroker, Worker, record
from tests.worker.ward_events import lines, ward


def test_every_metric_is_documented_and_every_documented_one_is_there() -> None:
    metrics = Metrics()
    metrics.build.info({"version": "1", "engine_version": "1"})
    metrics.ruleset.info({"name": "n", "version": "1", "hash": "h"})
    shown = {
        line.split()[2] for line in generate_latest(metrics.registry).decode().splitlines()
        if line.startswith("# TYPE")
    }  # fmt: skip
    assert shown == {spec.name for spec in METRICS}


@pytest.mark.parametrize("spec", METRICS, ids=lambda spec: spec.name)
def test_names_and_labels(spec: Any) -> None:
    assert spec.name.startswith("stormwatch_")
    assert spec.help.endswith(".")
    assert "patient" not in spec.labels
    if spec.kind == "counter":
        assert spec.name.endswith("_total")
    if spec.unit == "seconds":
        assert spec.name.endswith("_seconds")


def test_outcomes_are_those_of_the_engine() -> None:
    assert set(OUTCOMES) == {outcome.value for outcome in Outcome}


def test_metrics_name_no_patient() -> None:
    worker = Worker()
    worker.work([record(raw) for raw in lines(ward(3))])
    text = generate_latest(worker.metrics.registry).decode()
    assert "p00" not in text
    assert 'stormwatch_events_total{outcome="accepted",topic="vitals"}' in text
    assert 'stormwatch_grade_changes_total{from_grade="0",to_grade="4"} 0.0' in text


@pytest.mark.parametrize(
    ("lags", "seen", "live"),
    [
        ({"vitals": 0, "care": 0}, {}, True),
        ({"vitals": 9, "care": 0}, {}, False),
        ({"vitals": 9, "care": 0}, {"vitals": NOW - 1}, True),
        ({"vitals": 9, "care": 0}, {"vitals": NOW - 3600}, False),
        ({"vitals": 0, "care": 2}, {"vitals": NOW, "care": NOW - 60}, False),
    ],
)
def test_the_clock_speaks_only_for_what_is_read(
    lags: dict[str, int], seen: dict[str, float], live: bool
) -> None:
    assert is_live(lags, seen, NOW, 5.0) is live


def test_one_tick_for_each_live_partition() -> None:
    worker, broker = Worker(), FakeBroker()
    tps = {TP(topic, p) for topic in ("vitals", "care", "ticks") for p in (0, 1)}
    behind = TP("care", 1)

    async def extents(asked: Any) -> Any:
        return dict.fromkeys(asked, 0), {tp: 7 if tp == behind else 3 for tp in asked}

    lease = Lease(10)
    lease.heard(NoError, time.monotonic())
    consumer = SimpleNamespace(
        assignment=lambda: tps, extents=extents, settled_offset=lambda _tp: 3, lease=lease
    )
    app = SimpleNamespace(
        consumer=consumer, producer=broker, rebalancing=False, consumer_generation_id=1
    )
    topics = ("vitals", "care", "ticks")
    clock = SteadyClock(lambda: 1_772_366_400.1239, lambda: 0.0)
    ticker = Ticker(worker.rounds, worker.metrics, topics, 1.0, ticks=True, clock=clock)
    asyncio.run(ticker.round(app))
    ((topic, key, value, partition, _),) = broker.sent
    assert (topic, key, partition) == ("ticks", None, 0)
    assert json.loads(value or b"") == {"type": "tick", "time": "2026-03-01T12:00:00.123000Z"}
    assert worker.metrics.lag.labels("care", "1")._value.get() == 4
    assert 0 < worker.metrics.lease._value.get() <= 9
    lease.heard(UnknownMemberIdError, time.monotonic())
    with pytest.raises(LeaseLostError):
        asyncio.run(ticker.round(app))
    assert len(broker.sent) == 1
    consumer.lease = Lease(10)
    silent = Ticker(worker.rounds, worker.metrics, topics, 1.0, ticks=False)
    asyncio.run(silent.round(app))
    assert len(broker.sent) == 1


@pytest.mark.parametrize("stopping", [True, False])
def test_a_round_of_ticks_that_the_end_cuts_off_is_no_crash(stopping: bool) -> None:
    """The clients are closed one after the other; a look may still be under way."""
    crashes: list[BaseException] = []
    app = SimpleNamespace(should_stop=False)

    async def run(_app: Any) -> None:
        app.should_stop = stopping
        raise ConsumerStoppedError

    async def crash(error: BaseException) -> None:
        crashes.append(error)

    app.crash = crash
    ticker: Any = SimpleNamespace(run=run)
    asyncio.run(forever(ticker, app))
    assert bool(crashes) is not stopping


def test_a_tick_is_what_the_edge_takes() -> None:
    worker = Worker()
    worker.work([record(tick_value(NOW), key=None, topic="ticks")])
    assert worker.metrics.events.labels("ticks", "tick")._value.get() == 1
