"""Statuses: said with alerts and before the state is written, never older than what is stored."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from stream.engine.outputs import rfc3339
from tests.worker.harness import BrokerDownError, Worker, record, records_in
from tests.worker.ward_events import lines, ward

RECORDS = [record(raw, offset) for offset, raw in enumerate(lines(ward()))]


def written(worker: Worker) -> None:
    asyncio.run(worker.rounds.writer.write_all(worker.broker))


def newest(worker: Worker) -> dict[bytes, dict[str, Any]]:
    return {key: json.loads(raw) for key, raw in worker.broker.table("status").items()}


def shown(status: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if name not in {"at", "updated"}}


def said_of(worker: Worker) -> dict[bytes, dict[str, Any]]:
    """What the statuses of the stored states are."""
    ward = worker.rounds.ward
    states = {key: ward.state(key) for key in records_in(worker.broker.table("pc"))}
    return {key: worker.grader.status(state) for key, state in states.items()}


def test_whatever_is_stored_its_status_was_said_before() -> None:
    worker = Worker(write_after=10.0)
    for place, one in enumerate(RECORDS):
        worker.now += 0.5
        worker.work([one])
        if place % 40 == 39:
            written(worker)
            told = {key: shown(status) for key, status in newest(worker).items()}
            assert told == {key: shown(status) for key, status in said_of(worker).items()}
    order = [topic for topic, *_ in worker.broker.acknowledged if topic in ("status", "pc")]
    assert order[0] == "status"
    assert len(worker.broker.values("status")) < len(RECORDS) * 2 / 3  # not with every event


def test_an_alert_and_its_status_are_said_together() -> None:
    worker = Worker(write_after=1e9)
    seen = 0
    for one in RECORDS:
        before = len(worker.broker.acknowledged)
        worker.work([one])
        sent = worker.broker.acknowledged[before:]
        alerts = [json.loads(raw) for topic, _, raw in sent if topic == "alerts" and raw]
        grades = [alert["to_grade"] for alert in alerts if alert["type"] == "grade.changed"]
        if grades:
            seen += 1
            (status,) = [json.loads(raw) for topic, _, raw in sent if topic == "status" and raw]
            assert status["grade"] == grades[-1]
    assert seen > 10


@pytest.mark.parametrize("cut", [90, 150, 210])
def test_after_a_crash_the_topic_comes_to_what_is_stored(cut: int) -> None:
    """What was said of events that the state has lost again is put right by the next status."""
    worker = Worker(write_after=10.0)
    worker.work(RECORDS[:cut])
    written(worker)
    worker.broker.down_at, worker.broker.allow = "wc", 0
    with pytest.raises(BrokerDownError):
        for one in RECORDS[cut : cut + 60]:
            worker.now += 1
            worker.work([one])
    worker.broker.down_at = None
    worker.restart()
    before = len(worker.broker.values("status"))
    worker.work(RECORDS[cut:])  # as one batch: what was between is never looked at
    written(worker)
    patients = {one.key for one in RECORDS[cut:]}
    again = worker.broker.values("status")[before:]
    assert {status["patient_id"].encode() for status in again} >= patients
    for key, status in said_of(worker).items():
        assert shown(newest(worker)[key]) == shown(status), key
        stored = records_in(worker.broker.table("pc"))[key]
        assert newest(worker)[key]["updated"] <= rfc3339(stored.clock)
