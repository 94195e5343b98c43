"""A batch from bytes to acknowledged sends, over a broker that only records."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat

from schemas.deadletter import DeadLetter
from stream.engine import Tick
from stream.intake.plain_shapes import decode_record
from stream.rules import load_ruleset
from stream.worker.grader import RulesetGrader
from stream.worker.partitions import partition_of
from stream.worker.records import SourceRecord
from tests.worker.harness import NOW, PARTITIONS, BrokerDownError, Worker, offline, record
from tests.worker.ward_events import START, event, lines, ward

EVENTS = lines(ward())
RECORDS = [record(raw, offset) for offset, raw in enumerate(EVENTS)]
EXPECTED = offline(EVENTS)


def alerts_of(worker: Worker) -> list[bytes]:
    return [v for t, _, v in worker.broker.acknowledged if t == "alerts" and v is not None]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_alerts_are_those_of_the_files_however_the_log_is_cut(size: int) -> None:
    worker = Worker()
    worker.work(RECORDS, size)
    assert alerts_of(worker) == EXPECTED
    assert len(EXPECTED) > 20


def test_what_was_said_survives_a_restart_at_every_batch() -> None:
    worker = Worker()
    for first in range(0, len(RECORDS), 40):
        worker.work(RECORDS[first : first + 40])
        worker.restart()
    assert alerts_of(worker) == EXPECTED


@pytest.mark.parametrize("topic", ["alerts", "deadletter", "status", "wc", "pc"])
@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_a_broker_that_goes_away_leads_to_the_same_alerts(topic: str, allowed: int) -> None:
    """Whatever was acknowledged before: after a restart the batch comes again, from old state."""
    poison = [record(b"{", 9_000 + n) for n in range(5)]
    records = [*RECORDS[:200], *poison, *RECORDS[200:]]
    worker = Worker()
    worker.work(records[:150])
    worker.broker.down_at, worker.broker.allow = topic, allowed
    before = dict(worker.rounds.ward._patients), dict(worker.rounds.ward._windows)
    with pytest.raises(BrokerDownError):
        worker.work(records[150:])
    after = dict(worker.rounds.ward._patients), dict(worker.rounds.ward._windows)
    assert after == before, "the tables changed before everything was acknowledged"
    worker.broker.down_at = None
    worker.restart()
    worker.work(records[150:])
    said = alerts_of(worker)
    distinct = list(dict.fromkeys(said))
    assert distinct == EXPECTED
    ids = [json.loads(alert)["alert_id"] for alert in distinct]
    assert len(set(ids)) == len(ids), "one id, two contents"


def test_order_of_the_acknowledgements() -> None:
    """The fake refuses a send of one kind while another is open, except among outputs."""
    worker = Worker()
    worker.work([*RECORDS, record(b"{")])
    topics = [topic for topic, *_ in worker.broker.acknowledged]
    outputs = [i for i, t in enumerate(topics) if t in {"alerts", "deadletter", "status"}]
    windows = [i for i, t in enumerate(topics) if t == "wc"]
    records = [i for i, t in enumerate(topics) if t == "pc"]
    assert max(outputs) < min(windows) < max(windows) < min(records)


def test_one_write_for_each_key_of_a_batch() -> None:
    worker = Worker()
    worker.work(RECORDS)
    for topic in ("pc", "wc"):
        keys = [key for t, key, _ in worker.broker.acknowledged if t == topic]
        assert len(keys) == len(set(keys))


def test_state_goes_to_the_partition_of_the_patient() -> None:
    worker = Worker()
    worker.work(RECORDS)
    for topic, key, _, partition, _ in worker.broker.sent:
        if topic in {"pc", "wc"}:
            patient = key if topic == "pc" else (key or b"")[:-9]
            assert partition == partition_of(patient or b"", PARTITIONS)


def test_a_repeated_batch_changes_nothing_and_says_nothing() -> None:
    worker = Worker()
    worker.work(RECORDS)
    state = worker.broker.table("pc"), worker.broker.table("wc")
    worker.broker.acknowledged = [a for a in worker.broker.acknowledged if a[0] in {"pc", "wc"}]
    worker.restart()
    worker.work(RECORDS[-100:])
    assert alerts_of(worker) == []
    assert worker.broker.table("wc") == state[1]


GOOD = json.loads(EVENTS[-30])
BAD: dict[str, tuple[SourceRecord, str]] = {
    "tombstone": (record(None, key=b"p00"), "tombstone"),
    "not json": (record(b"{no"), "not_json"),
    "not utf-8": (record(b'{"a":"\xff"}'), "not_utf8"),
    "empty": (record(b""), "empty"),
    "a list": (record(b"[]"), "not_an_object"),
    "too large": (record(b" " * 300_000), "too_large"),
    "key of another": (record(json.dumps(GOOD).encode(), key=b"somebody"), "key_mismatch"),
    "no key": (record(json.dumps(GOOD).encode(), key=None), "key_mismatch"),
    "a tick among the events": (
        record(b'{"type":"tick","time":"2026-03-01T10:00:00Z"}', key=None), "tick_not_accepted",
    ),
    "an event among the ticks": (record(json.dumps(GOOD).encode(), topic="ticks"), "unknown_type"),
    "a tick of tomorrow": (
        record(b'{"type":"tick","time":"2999-01-01T00:00:00Z"}', key=None, topic="ticks"),
        "time_in_future",
    ),
    "partition of another": (
        record(
            json.dumps(GOOD).encode(),
            partition=(partition_of(GOOD["patient_id"].encode(), PARTITIONS) + 1) % PARTITIONS,
        ),
        "wrong_partition",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_records_become_dead_letters_and_block_nothing(name: str) -> None:
    bad, reason = BAD[name]
    bad = replace(bad, offset=4_711)
    worker = Worker()
    worker.work([*RECORDS[:100], bad, *RECORDS[100:]])
    assert alerts_of(worker) == EXPECTED
    (letter,) = worker.broker.values("deadletter")
    assert letter["reason"] == reason
    DeadLetter.model_validate(letter)
    assert (letter["topic"], letter["partition"], letter["offset"]) == (
        bad.topic, bad.partition, 4_711,
    )  # fmt: skip
    if bad.value is None:
        assert letter["value_base64"] is None
    else:
        assert base64.b64decode(letter["value_base64"]) == bad.value
    assert worker.metrics.dead.labels(reason)._value.get() == 1


def test_a_bad_reading_is_set_aside_alone() -> None:
    raw = event(
        "vitals", "x1", "p00", START,
        readings=[
            {"signal": "temperature", "value": 38.4, "unit": "K"},
            {"signal": "heart_rate", "value": 80, "unit": "/min"},
        ],
    )  # fmt: skip
    worker = Worker()
    worker.work([record(json.dumps(raw).encode())])
    (letter,) = worker.broker.values("deadletter")
    assert letter["event_id"] == "x1"
    assert worker.metrics.events.labels("vitals", "accepted")._value.get() == 1


class Faulty(RulesetGrader):
    def step(self, state: Any, event: Any) -> Any:
        if getattr(event, "event_id", "") == "p01-v60":
            raise ZeroDivisionError("secret of a chart")
        return super().step(state, event)


def test_an_engine_that_raises_stops_nobody_elses_grading(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = Worker(Faulty(load_ruleset()))
    worker.work(RECORDS)
    (letter,) = worker.broker.values("deadletter")
    assert (letter["reason"], letter["event_id"]) == ("internal", "p01-v60")
    others = [a for a in EXPECTED if json.loads(a)["patient_id"] != "p01"]
    assert [a for a in alerts_of(worker) if json.loads(a)["patient_id"] != "p01"] == others


class Exhausted(RulesetGrader):
    def step(self, state: Any, event: Any) -> Any:
        if getattr(event, "event_id", "") == "p01-v60":
            raise MemoryError
        return super().step(state, event)


def test_a_machine_without_memory_ends_the_worker_and_loses_no_record() -> None:
    """The record is good: it must be read again by a process that has memory."""
    worker = Worker(Exhausted(load_ruleset()))
    with pytest.raises(MemoryError):
        worker.work(RECORDS)
    assert worker.broker.acknowledged == []


def test_a_decoder_that_raises_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(raw: bytes) -> Any:
        if raw == b"poison":
            raise ArithmeticError
        return decode_record(raw)

    monkeypatch.setattr("stream.intake.plain.decode_record", broken)
    worker = Worker()
    worker.work([*RECORDS[:50], record(b"poison", 4_711), *RECORDS[50:]])
    (letter,) = worker.broker.values("deadletter")
    assert (letter["reason"], letter["offset"]) == ("internal", 4_711)
    assert alerts_of(worker) == EXPECTED


def test_a_tick_moves_the_patients_of_its_partition_only() -> None:
    worker = Worker()
    worker.work(RECORDS)
    home = partition_of(b"p00", PARTITIONS)
    due = dict(worker.rounds.ward.due(home))
    assert due
    worker.broker.acknowledged.clear()
    late = max(due.values()) + 1
    tick = json.dumps({"type": "tick", "time": "2026-03-03T00:00:00Z"}).encode()
    worker.work([SourceRecord("ticks", home, 0, NOW, None, tick)])
    patients = {alert["patient_id"] for alert in worker.broker.values("alerts")}
    assert patients == {key.decode() for key in due}
    engine = RulesetGrader(load_ruleset())
    fresh = Worker()
    fresh.work(RECORDS)
    for key in due:
        state = fresh.rounds.ward.state(key)
        assert state is not None
        _, outputs = engine.step(state, Tick(1_772_496_000_000_000))
        mine = [a for a in alerts_of(worker) if json.loads(a)["patient_id"] == key.decode()]
        assert mine == [alert.to_bytes() for alert in outputs.alerts]
    assert late > 0


def test_alerts_carry_cloudevents_headers_and_no_patient_in_them() -> None:
    worker = Worker()
    worker.work(RECORDS)
    sent = [s for s in worker.broker.sent if s[0] == "alerts"]
    for _, key, value, _, headers in sent:
        alert = json.loads(value or b"")
        read = from_binary_event(
            KafkaMessage(headers=dict(headers), key=key, value=value or b""), JSONFormat()
        )
        assert read.get_id() == alert["alert_id"]
        assert read.get_type() == f"dev.stormwatch.{alert['type']}.v1"
        assert read.get_data() == alert
        assert key == alert["patient_id"].encode()
        assert alert["patient_id"] not in str(read.get_subject())


def test_status_is_published_when_it_changed_and_not_for_the_time_alone() -> None:
    worker = Worker()
    worker.work(RECORDS, 50)
    statuses = worker.broker.values("status")
    assert {status["patient_id"] for status in statuses} == {f"p{n:02}" for n in range(6)}
    newest: dict[str, Any] = {}
    for status in statuses:
        shown = {k: v for k, v in status.items() if k not in {"at", "updated"}}
        assert newest.get(status["patient_id"]) != shown
        newest[status["patient_id"]] = shown
