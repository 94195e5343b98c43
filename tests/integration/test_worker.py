"""The worker as a process on a real broker: what goes in, what comes out, and what a crash does."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer
from services import READY_S
from workers import (
    PARTITIONS,
    Process,
    by_patient,
    expected,
    read,
    read_when,
    send,
    total,
)

from stream.gateways.bundling import bundled
from stream.worker.partitions import partition_of
from stream.worker.run import EXIT_BROKER
from tests.worker.ward_events import lines, ward

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers import Broker, Topics


def test_alerts_are_the_files_byte_for_byte_and_poison_blocks_nothing(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    mine = topics(PARTITIONS)
    raw = lines(ward(8))
    worker = start(mine).ready()
    send(mine, raw[:150])
    vitals = mine.name("vitals")
    wrong = (partition_of(b"p00", PARTITIONS) + 1) % PARTITIONS
    with KafkaProducer(bootstrap_servers=mine.bootstrap) as producer:
        producer.send(vitals, key=b"p00", value=None)
        producer.send(vitals, key=b"p01", value=b"\xff\xfe{")
        producer.send(vitals, key=b"p02", value=b'{"type":"vitals"')
        producer.send(vitals, key=b"p03", value=b'{"type":"nothing","patient_id":"p03"}')
        producer.send(vitals, key=b"other", value=raw[-40])
        producer.send(vitals, key=b"p00", value=raw[0], partition=wrong)
        producer.send(vitals, key=b"p04", value=b" " * 300_000)
        producer.send(
            mine.name("ticks"), value=b'{"type":"tick","time":"2999-12-31T00:00:00Z"}', partition=0
        )
        producer.flush()
    send(mine, list(bundled(raw[150:], within_s=1800)))
    said = expected(raw)
    records = read_when(mine, "alerts", total(said))
    assert by_patient(records) == said
    for record in records:
        headers, alert = dict(record.headers), json.loads(record.value)
        assert headers["ce_id"].decode() == alert["alert_id"]
        assert headers["ce_type"].decode() == f"dev.stormwatch.{alert['type']}.v1"
        assert headers["ce_time"].decode() == alert["effective_time"]
        assert headers["content-type"] == b"application/json"
        assert alert["patient_id"] not in headers["ce_subject"].decode()
        assert record.partition == partition_of(record.key, PARTITIONS)
    letters = [json.loads(record.value) for record in read_when(mine, "deadletter", 8)]
    assert Counter(letter["reason"] for letter in letters) == Counter(
        ["tombstone", "not_utf8", "not_json", "unknown_type", "key_mismatch", "wrong_partition",
         "too_large", "time_in_future"]
    )  # fmt: skip
    statuses = {record.key: json.loads(record.value) for record in read(mine, "status")}
    assert statuses.keys() == {f"p{n:02}".encode() for n in range(8)}
    assert 'stormwatch_dead_letters_total{reason="tombstone"} 1.0' in worker.metrics
    assert "stormwatch_recovered 1.0" in worker.metrics
    log = worker.log.read_text()
    assert worker.end() == 0
    assert "p00" not in log
    assert "readings" not in log


def test_a_restart_with_a_backlog_neither_loses_nor_doubles(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    mine = topics(PARTITIONS)
    raw = lines(ward(10))
    parts = [raw[i : i + 200] for i in range(0, len(raw), 200)]
    for number, part in enumerate(parts):
        send(mine, part)  # the worker is away
        worker = start(mine, f"w{number}").ready()
        if number % 2:
            time.sleep(1.0)
        assert worker.end() == 0
    last = start(mine, "last").ready()
    said = expected(raw)
    records = read_when(mine, "alerts", total(said))
    assert by_patient(records) == said
    lag = [x for x in last.metrics.splitlines() if x.startswith("stormwatch_events_total")]
    assert lag
    assert last.end() == 0


def test_kill_minus_nine_gives_the_same_alerts(
    topics: Callable[..., Topics], start: Callable[..., Process], broker: Broker
) -> None:
    if broker.kind == "embedded":
        pytest.skip("the embedded broker never evicts a member that died")
    mine = topics(PARTITIONS)
    raw = lines(ward(10))
    settings = {"batch_max_events": "20", "batch_within_s": "0.02", "session_timeout_s": "2"}
    half = len(raw) // 2
    send(mine, raw[:half])
    for number in range(3):
        worker = start(mine, f"k{number}", **settings).ready()
        if number == 1:
            send(mine, raw[half:])
        time.sleep(0.15 + 0.2 * number)
        assert worker.end(signal.SIGKILL) == -signal.SIGKILL
    last = start(mine, "last", **settings).ready()
    said = expected(raw)
    found = by_patient(read_when(mine, "alerts", total(said)))
    # Repeats are allowed, with the same bytes; first appearances are in the engine's order.
    assert {patient: list(dict.fromkeys(values)) for patient, values in found.items()} == said
    assert last.end() == 0


def test_a_second_worker_takes_its_share_and_nothing_is_lost(
    topics: Callable[..., Topics], start: Callable[..., Process], broker: Broker
) -> None:
    if broker.kind == "embedded":
        pytest.skip("the embedded broker leaves JoinGroup unanswered where a busy member rejoins")
    mine = topics(PARTITIONS)
    raw = lines(ward(12))
    first = start(mine, "first").ready()
    sender = threading.Thread(
        target=lambda: [
            (send(mine, raw[i : i + 25]), time.sleep(0.2)) for i in range(0, len(raw), 25)
        ]
    )
    sender.start()
    second = start(mine, "second").ready()
    sender.join()
    said = expected(raw)
    assert by_patient(read_when(mine, "alerts", total(said))) == said
    shares = [
        float(line.split()[1])
        for worker in (first, second)
        for line in worker.metrics.splitlines()
        if line.startswith("stormwatch_assigned_partitions ")
    ]
    assert sum(shares) == PARTITIONS
    assert min(shares) >= 1
    assert first.end() == 0
    assert second.end() == 0


def test_who_stood_by_takes_over_with_the_same_alerts(
    topics: Callable[..., Topics], start: Callable[..., Process], broker: Broker
) -> None:
    if broker.kind == "embedded":
        pytest.skip("the embedded broker never evicts a member that died")
    mine = topics(PARTITIONS)
    raw = lines(ward(12))
    settings = {"standby_replicas": "1", "session_timeout_s": "2"}
    pair = [start(mine, name, **settings).ready() for name in ("first", "second")]
    half = len(raw) // 2
    send(mine, raw[:half])
    read_when(mine, "alerts", total(expected(raw[:half])))
    assert pair[0].end(signal.SIGKILL) == -signal.SIGKILL
    send(mine, raw[half:])
    said = expected(raw)
    found = by_patient(read_when(mine, "alerts", total(said)))
    assert {patient: list(dict.fromkeys(values)) for patient, values in found.items()} == said
    assert pair[1].end() == 0


def test_the_wall_clock_lets_timers_run_out_but_not_before_the_backlog_is_read(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    mine = topics(PARTITIONS)
    raw = lines(ward(3))
    send(mine, raw)
    worker = start(mine, ticks="wall", tick_interval_s="0.5").ready()
    said = expected(raw)

    def told_by_the_clock(values: list[bytes], patient: str) -> set[str]:
        return {json.loads(value)["type"] for value in values[len(said[patient]) :]}

    deadline = time.monotonic() + 60
    while True:
        found = by_patient(read_when(mine, "alerts", total(said) + 3))
        if all("signal.lost" in told_by_the_clock(v, patient) for patient, v in found.items()):
            break
        assert time.monotonic() < deadline
    # First all that the events say, as if no clock had run; then what only the clock says.
    assert {patient: values[: len(said[patient])] for patient, values in found.items()} == said
    assert worker.end() == 0


def test_a_worker_refuses_topics_that_do_not_fit(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    mine = topics(PARTITIONS)
    worker = start(mine, partitions="5")
    assert worker.process.wait(READY_S) == EXIT_BROKER
    assert "partitions" in worker.log.read_text()
    away = start(mine, "away", bootstrap_servers="127.0.0.1:1")
    assert away.process.wait(READY_S) == EXIT_BROKER
