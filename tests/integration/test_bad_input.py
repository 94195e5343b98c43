"""Every kind of bad record becomes a coded dead letter, and the worker goes on."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaProducer
from workers import PARTITIONS, Process, read_when

from schemas.deadletter import DeadLetter, ReasonCode
from stream.worker.partitions import partition_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers import Topics

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def at(hours: float) -> str:
    return (T0 + timedelta(hours=hours)).isoformat()


def vitals(event_id: str, readings: Any = None, **more: Any) -> dict[str, Any]:
    normal = [{"signal": "temperature", "value": 36.8, "unit": "Cel"}]
    return {
        "type": "vitals",
        "event_id": event_id,
        "patient_id": "p",
        "time": at(1),
        "readings": normal if readings is None else readings,
        **more,
    }


def one(event_id: str, **reading: Any) -> dict[str, Any]:
    return vitals(event_id, [{"signal": "temperature", "value": 37.0, "unit": "Cel", **reading}])


def raw(text: str) -> bytes:
    return text.encode()


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


FUTURE = (datetime.now(UTC) + timedelta(days=2)).isoformat()
NO_UNIT = vitals("no-unit", [{"signal": "temperature", "value": 38.5}])
NAN = '{"signal":"temperature","value":NaN,"unit":"Cel"}'
BAD: list[tuple[str, Any, set[str]]] = [
    ("not JSON", b"{nope", {"not_json"}),
    ("JSON of another shape", b'["a","b"]', {"not_an_object"}),
    ("a number", b"17", {"not_an_object"}),
    ("unknown type", vitals("a1") | {"type": "telepathy"}, {"unknown_type"}),
    ("no type", without(vitals("a2"), "type"), {"unknown_type", "missing_field"}),
    ("unknown field", vitals("a3", mood="good"), {"unknown_field"}),
    ("unknown signal", one("a4", signal="aura"), {"unknown_signal"}),
    ("unknown unit", one("a5", unit="furlong"), {"unknown_unit"}),
    ("unit of another signal", one("a6", unit="%"), {"unit_mismatch"}),
    ("missing unit", NO_UNIT, {"unit_missing"}),
    (
        "unknown device",
        without(vitals("a7"), "readings") | {"type": "oxygen", "device": "snorkel"},
        {"unknown_device"},
    ),
    ("NaN", raw(json.dumps(vitals("a8", [])).replace("[]", f"[{NAN}]")), {"not_finite"}),
    ("infinity", raw(json.dumps(one("a9")).replace("37.0", "1e999")), {"not_finite"}),
    ("a number as text", one("a10", value="38.5"), {"wrong_type"}),
    ("a time without offset", vitals("a11", time="2026-03-01T10:00:00"), {"time_without_offset"}),
    ("year 1", vitals("a12", time="0001-01-01T00:00:00Z"), {"time_out_of_range"}),
    ("year 9999", vitals("a13", time="9999-12-31T23:59:59Z"), {"time_out_of_range"}),
    ("two days ahead", vitals("a14", time=FUTURE), {"time_in_future"}),
    ("empty", b"", {"empty"}),
    ("huge", raw(json.dumps(vitals("a15", source="x" * 2_000_000))), {"too_large"}),
    ("not UTF-8", b'{"type":"vitals","event_id":"\xff\xfe"}', {"not_utf8"}),
    ("null", None, {"tombstone"}),
    (
        "10,000 readings",
        vitals("a16", [one("x")["readings"][0]] * 10_000),
        {"too_many_readings", "too_large"},
    ),
    (
        "retracted id never seen",
        without(vitals("a17"), "readings") | {"type": "retraction", "retracts": "ghost"},
        {"unknown_target"},
    ),
    ("replaced id never seen", vitals("a18", replaces="ghost"), {"unknown_target"}),
    ("the same id with other content", one("good-1", value=39.9), {"id_conflict"}),
    ("the same id at another time", vitals("good-1", time=at(1.5)), {"id_conflict"}),
    ("implausible", one("a19", value=385), {"implausible_value"}),
    ("no patient", without(vitals("a20"), "patient_id"), {"missing_field", "key_mismatch"}),
    ("a tick from outside", {"type": "tick", "time": at(2)}, {"tick_not_accepted"}),
]


def test_each_bad_record_becomes_a_dead_letter_and_nothing_else_is_lost(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    mine = topics(PARTITIONS)
    worker = start(mine).ready()
    home = partition_of(b"p", PARTITIONS)
    therapy = {
        "type": "therapy",
        "event_id": "t",
        "patient_id": "p",
        "time": at(0),
        "product": "tarlatamab",
        "therapy_class": "bispecific",
    }
    sent: list[bytes | None] = []
    with KafkaProducer(
        bootstrap_servers=mine.bootstrap, acks="all", max_request_size=4_000_000
    ) as producer:

        def put(value: Any, key: bytes = b"p", partition: int | None = None) -> None:
            data = json.dumps(value).encode() if isinstance(value, dict) else value
            sent.append(data)
            place = home if partition is None else partition
            producer.send(mine.name("vitals"), key=key, value=data, partition=place).get(20)

        put(therapy)
        put(vitals("good-1"))
        for _, value, _ in BAD:
            put(value)
        put(vitals("key", patient_id="p"), key=b"somebody-else")
        put(vitals("moved"), partition=(home + 1) % PARTITIONS)
        # one bad reading does not take the good ones of its event with it, nor the ones after it
        put(
            vitals(
                "mixed",
                [
                    {"signal": "temperature", "value": 38.5, "unit": "Cel"},
                    {"signal": "spo2", "value": 970, "unit": "%"},
                ],
                time=at(3),
            )
        )
    alerts = read_when(mine, "alerts", 1)
    assert [json.loads(a.value)["to_grade"] for a in alerts if b"grade.changed" in a.value] == [1]
    records = read_when(mine, "deadletter", len(BAD) + 3)
    letters = [json.loads(record.value) for record in records]
    by_offset = {
        (item["partition"], item["offset"]): item for item in letters if item["partition"] == home
    }
    for number, (name, _, codes) in enumerate(BAD):
        letter = by_offset[home, number + 2]
        assert letter["reason"] in codes, (name, letter["reason"], letter["detail"])
        assert letter["topic"] == mine.name("vitals")
        assert letter["advice"] == ReasonCode(letter["reason"]).advice
        assert letter["detail"]
        DeadLetter.model_validate(letter)
        value = sent[number + 2]
        if value is None:
            assert letter["value_base64"] is None
        else:
            assert base64.b64decode(letter["value_base64"]) == value
    reasons = [item["reason"] for item in letters]
    assert reasons.count("key_mismatch") >= 1
    assert reasons.count("wrong_partition") == 1
    assert sorted(reasons)[-1:] != []
    assert "implausible_value" in reasons
    metrics = worker.metrics
    assert 'stormwatch_dead_letters_total{reason="wrong_partition"} 1.0' in metrics
    assert worker.end() == 0


@pytest.mark.parametrize("value", [None, b"", b"{"])
def test_a_poison_record_does_not_block_its_partition(
    value: bytes | None, topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    mine = topics(1)
    worker = start(mine, partitions="1").ready()
    fever = vitals("v", [{"signal": "temperature", "value": 39.0, "unit": "Cel"}])
    therapy = {
        "type": "therapy",
        "event_id": "t",
        "patient_id": "p",
        "time": at(0),
        "product": "x",
        "therapy_class": "til",
    }
    with KafkaProducer(bootstrap_servers=mine.bootstrap, acks="all") as producer:
        for item in (therapy, value, value, fever):
            data = json.dumps(item).encode() if isinstance(item, dict) else item
            producer.send(mine.name("care"), key=b"p", value=data).get(20)
    alert = read_when_one(mine)[0]
    assert json.loads(alert.value)["to_grade"] == 1
    assert worker.end() == 0


def read_when_one(mine: Topics) -> list[Any]:
    from kafka import KafkaConsumer, TopicPartition

    with KafkaConsumer(bootstrap_servers=mine.bootstrap) as consumer:
        part = TopicPartition(mine.name("alerts"), 0)
        consumer.assign([part])
        consumer.seek_to_beginning(part)
        for _ in range(60):
            for batch in consumer.poll(timeout_ms=500).values():
                return list(batch)
    raise AssertionError("no alert")
