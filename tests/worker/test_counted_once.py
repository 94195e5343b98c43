"""Every event counts once, wherever a worker ends: minutes that are thinned, a past that is folded.

What a thinned minute forgets are ids too, so that it cannot be told from the events alone whether
one of them was there before.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from stream.gateways.bundling import bundled
from stream.rules import load_ruleset
from stream.worker.grader import RulesetGrader
from stream.worker.records import SourceRecord
from tests.worker.harness import BrokerDownError, Worker, record
from tests.worker.ward_events import START, event, lines

BATCH = 16


def dense(seconds: int = 160) -> list[SourceRecord]:
    """Two patients of whom a set of readings comes nearly each second, later on in bundles."""
    dice = random.Random(7)
    events = [
        event("therapy", f"{p}-t", p, START, product="axi-cel", therapy_class="car_t")
        for p in ("p00", "p01")
    ]
    for second in range(1, seconds):
        at = START + timedelta(seconds=second + dice.choice([0, 0, 0, -50, -150]) % max(1, second))
        patient = dice.choice(["p00", "p01"])
        readings = [
            {"signal": "temperature", "value": round(dice.uniform(37.2, 39.4), 1), "unit": "Cel"},
            {"signal": "systolic_bp", "value": dice.randint(78, 130), "unit": "mm[Hg]"},
            {"signal": "spo2", "value": dice.randint(86, 99), "unit": "%"},
        ]
        events.append(event("vitals", f"{patient}-{second}", patient, at, readings=readings))
    half = len(events) // 2
    raw = [*lines(events[:half]), *bundled(events[half:], within_s=4)]
    return [record(value, offset) for offset, value in enumerate(raw)]


RECORDS = dense()
FOLDING = replace(load_ruleset(), keep_facts=10, max_facts=14, fold_slack=2, fold_stride=60_000_000)
"""A past that is folded while the events of two batches come."""


def said(worker: Worker) -> list[tuple[bytes | None, bytes | None]]:
    """The alerts, each once, in the order in which they first came."""
    return list(dict.fromkeys((k, v) for t, k, v in worker.broker.acknowledged if t == "alerts"))


def letters(worker: Worker) -> set[tuple[int, str]]:
    return {(one["offset"], one["reason"]) for one in worker.broker.values("deadletter")}


@pytest.fixture(scope="module", params=["as published", "folding"])
def straight(request: pytest.FixtureRequest) -> Worker:
    """A worker that nothing happens to."""
    ruleset = load_ruleset() if request.param == "as published" else FOLDING
    worker = Worker(RulesetGrader(ruleset))
    worker.work(RECORDS, BATCH)
    return worker


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_read_again_counts_once(straight: Worker, seed: int) -> None:
    """The broker goes away at any acknowledgement; commits are behind by any number of batches."""
    dice = random.Random(seed)
    worker = Worker(straight.grader)
    committed = at = 0
    while at < len(RECORDS):
        if dice.random() < 0.5:
            worker.broker.down_at = dice.choice(["alerts", "deadletter", "status", "wc", "pc"])
            worker.broker.allow = dice.randint(0, 3)
        try:
            worker.work(RECORDS[at : at + BATCH], BATCH)
        except BrokerDownError:
            at = committed
        else:
            at += BATCH
            if dice.random() < 0.5:
                committed = at
            if dice.random() < 0.2:
                at = committed
            else:
                continue
        worker.broker.down_at = None
        worker.restart()
    assert said(worker) == said(straight)
    assert letters(worker) == letters(straight)
    for key in straight.rounds.ward:
        assert worker.rounds.ward.state(key) == straight.rounds.ward.state(key)
    worker.restart()
    for key in straight.rounds.ward:
        assert worker.rounds.ward.state(key) == straight.rounds.ward.state(key)


@pytest.mark.parametrize("seed", range(8))
def test_states_that_are_written_late_lose_nothing(straight: Worker, seed: int) -> None:
    """Only what is committed is not read again: first offsets that nothing before is open of."""
    dice = random.Random(seed)
    worker = Worker(straight.grader, write_after=dice.choice([3.0, 10.0, 60.0]))
    committed = dict.fromkeys({one.partition for one in RECORDS}, 0)
    left = RECORDS
    while left:
        if dice.random() < 0.3:
            worker.broker.down_at = dice.choice(["alerts", "deadletter", "status", "wc", "pc"])
            worker.broker.allow = dice.randint(0, 3)
        try:
            worker.work(left[:BATCH], BATCH)
        except BrokerDownError:
            died = True
        else:
            died = dice.random() < 0.2
            left = left[BATCH:]
        worker.now += 1.0
        for partition, ledger in worker.ledgers.items():
            committed[partition] = ledger.committable or committed[partition]
        if died:
            worker.broker.down_at = None
            worker.restart()
            left = [one for one in RECORDS if one.offset >= committed[one.partition]]
    assert said(worker) == said(straight)
    assert letters(worker) == letters(straight)
    worker.broker.down_at = None
    asyncio.run(worker.rounds.writer.write_all(worker.broker))
    for partition, ledger in worker.ledgers.items():
        last = max(one.offset for one in RECORDS if one.partition == partition)
        assert ledger.committable == last + 1
    worker.restart()
    for key in straight.rounds.ward:
        assert worker.rounds.ward.state(key) == straight.rounds.ward.state(key)


def test_states_are_written_together_and_those_alerted_about_at_once() -> None:
    worker = Worker(write_after=10.0)
    writes = []
    for first in range(0, len(RECORDS), 2):
        worker.work(RECORDS[first : first + 2])
        worker.now += 1.0
        writes.append(sum(topic == "pc" for topic, *_ in worker.broker.acknowledged))
    alerts = len([value for topic, _, value in worker.broker.acknowledged if topic == "alerts"])
    assert writes[0] == 0
    assert len(writes) / 10 <= writes[-1] <= 2 * (len(writes) / 10 + 1) + alerts
