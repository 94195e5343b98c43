"""Records of every evil kind on a real broker: each has its letter, and nothing waits behind it."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from faulty_worker import POISON
from kafka import KafkaProducer
from kafka.errors import KafkaError
from workers import PARTITIONS, Process, by_patient, expected, read, read_when, send, total

from tests.worker.ward_events import START, event, lines, ward

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers import Broker, Topics

MIB = 1024 * 1024
FUTURE_MS = 4_102_444_800_000  # the year 2100


SCRIPT = (str(Path(__file__).with_name("faulty_worker.py")),)


def evil(patient: str) -> list[tuple[str | None, dict[str, Any]]]:
    """Reason of the dead letter (None: the record is good) and the record."""
    key = patient.encode()

    def good(event_id: str, **fields: Any) -> bytes:
        return lines([{**event("oxygen", event_id, patient, START, device="room_air"), **fields}])[
            0
        ]

    return [
        ("tombstone", {"key": key, "value": None}),
        ("key_mismatch", {"key": None, "value": good("no-key"), "partition": 0}),
        ("key_mismatch", {"key": b"somebody", "value": good("other-key")}),
        ("key_mismatch", {"key": b"\xff" * 2000, "value": good("long-key")}),
        ("empty", {"key": key, "value": b""}),
        ("not_utf8", {"key": key, "value": b'{"type":"oxygen","source":"\xff\xfe"}'}),
        ("not_json", {"key": key, "value": b"\x00" * 1000}),
        ("not_json", {"key": key, "value": good("cut")[:-1]}),
        ("too_deep", {"key": key, "value": b"[" * 200_000}),
        ("too_large", {"key": key, "value": b" " * 300_000}),
        ("invalid_value", {"key": key, "value": good("twice")[:-1] + b',"device":"niv"}'}),
        ("not_finite", {"key": key, "value": good("nan", flow_lpm=float("nan"))}),
        ("invalid_value", {"key": key, "value": good("half", source="\ud800")}),
        ("invalid_value", {"key": key, "value": good("x" * 129)}),
        ("time_out_of_range", {"key": key, "value": good("old", time="0001-01-01T00:00:00Z")}),
        ("time_in_future", {"key": key, "value": good("far", time="2999-01-01T00:00:00Z")}),
        (
            "tick_not_accepted",
            {"key": key, "value": b'{"type":"tick","time":"2026-03-01T10:00:00Z"}'},
        ),
        ("internal", {"key": key, "value": good(POISON)}),
        (None, {"key": key, "value": good("\x1b[2J\r\n\x00\u202e")}),
        (None, {"key": key, "value": good("heads"), "headers": [("h" * 50, b"x" * 50)] * 5000}),
        (None, {"key": key, "value": good("epoch"), "timestamp_ms": 0}),
        (None, {"key": key, "value": good("stamp-2100"), "timestamp_ms": FUTURE_MS}),
    ]


def test_no_record_stops_what_comes_after_it(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    mine = topics(PARTITIONS)
    raw = lines(ward(6))
    worker = start(mine, "faulty", script=SCRIPT, deadletters_per_minute="10000").ready()
    send(mine, raw[:200])
    records = [each for n in range(4) for each in evil(f"evil-{n}")]
    records.append(("too_large", {"key": b"giant", "value": b" " * (4 * MIB)}))
    with KafkaProducer(
        bootstrap_servers=mine.bootstrap, acks="all", max_request_size=5 * MIB
    ) as producer:
        for _, record in records:
            producer.send(mine.name("vitals"), **record).get(20)
    send(mine, raw[200:])
    said = expected(raw)
    alerts = by_patient(read_when(mine, "alerts", total(said)))
    assert {patient: alerts[patient] for patient in said} == said
    reasons = [reason for reason, _ in records if reason is not None]
    letters = [json.loads(r.value) for r in read_when(mine, "deadletter", len(reasons))]
    assert Counter(letter["reason"] for letter in letters) == Counter(reasons)
    log = worker.log.read_text()
    assert worker.end() == 0
    assert "evil-0" not in log
    assert "\x1b" not in log


def test_a_small_batch_that_would_inflate_without_end_is_refused_by_the_broker(
    topics: Callable[..., Topics], start: Callable[..., Process], broker: Broker
) -> None:
    """60 MiB of blanks in 60 KiB: in gigabytes, it would take the memory of whoever reads it."""
    if broker.kind == "embedded":
        pytest.skip("the embedded broker stores what it is sent")
    mine = topics(PARTITIONS)
    worker = start(mine).ready()
    with KafkaProducer(
        bootstrap_servers=mine.bootstrap, acks="all", compression_type="gzip", retries=0,
        max_request_size=100 * MIB, batch_size=100 * MIB,
    ) as producer:  # fmt: skip
        with pytest.raises(KafkaError, match="TooLarge"):
            producer.send(mine.name("vitals"), key=b"p00", value=b" " * 60 * MIB).get(30)
        packed = producer.send(mine.name("vitals"), key=b"p00", value=lines(ward(1))[0])
        packed.get(30)
    deadline = time.monotonic() + 20
    accepted = f'outcome="accepted",topic="{mine.name("vitals")}"}} 1.0'
    while accepted not in worker.metrics:
        assert time.monotonic() < deadline, worker.metrics
        time.sleep(0.2)
    assert read(mine, "deadletter") == []
    assert worker.end() == 0
