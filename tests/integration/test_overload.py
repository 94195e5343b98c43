"""More than the worker can take: nothing is lost, memory is bounded, the sickest are not last."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaProducer
from workers import PARTITIONS, Process, by_patient, read, send

from stream.offline import OfflineEngine
from stream.rules import load_ruleset
from stream.worker.partitions import partition_of
from tests.worker.ward_events import START, event, lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers import Broker, Topics

SICK, WELL = 20, 60
MINUTES = 90
GIANTS_MB = 256
RSS_MB = 100
"""What a worker may need beyond its memory at rest: read ahead, in fetches, and in states."""


@pytest.fixture(autouse=True)
def _on_apache_kafka(broker: Broker) -> None:
    if broker.kind == "embedded":
        pytest.skip("not made for load: the broker would be measured")


def vitals(patient: str, minute: int, celsius: float) -> dict[str, Any]:
    return event(
        "vitals", f"{patient}-v{minute}", patient, START + timedelta(minutes=minute),
        readings=[
            {"signal": "temperature", "value": celsius, "unit": "Cel", "site": "oral"},
            {"signal": "systolic_bp", "value": 118, "unit": "mm[Hg]"},
            {"signal": "heart_rate", "value": 88, "unit": "/min"},
            {"signal": "spo2", "value": 97, "unit": "%"},
        ],
    )  # fmt: skip


def oxygen(patient: str, minute: int, device: str) -> dict[str, Any]:
    at = START + timedelta(minutes=minute)
    return event("oxygen", f"{patient}-o{minute}", patient, at, device=device)


def before(patient: str, *, sick: bool) -> list[dict[str, Any]]:
    """What is known of a patient before the flood: grade 3, or nothing wrong."""
    told = [
        event("therapy", f"{patient}-t", patient, START, product="x", therapy_class="car_t"),
        vitals(patient, 1, 39.0 if sick else 36.8),
    ]
    return [*told, oxygen(patient, 2, "high_flow_nasal_cannula")] if sick else told


def flood(patient: str, *, sick: bool, turn: int) -> list[dict[str, Any]]:
    """A reading a minute, and in one of these minutes the turn for the worse."""
    told = [vitals(patient, m, 39.0 if sick or m >= turn else 36.8) for m in range(3, MINUTES)]
    return [*told, oxygen(patient, turn, "bipap")] if sick else told


def rss_mb(process: Process) -> float:
    status = Path(f"/proc/{process.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1]) / 1024


def total(metrics: str, name: str) -> float:
    """The sum of a metric over its labels."""
    rows = (line.rsplit(" ", 1) for line in metrics.splitlines())
    return sum(float(value) for labels, value in rows if labels.startswith(name + "{"))


class Gauges(threading.Thread):
    """Looks at a worker's memory and lag twice a second."""

    def __init__(self, worker: Process) -> None:
        super().__init__(daemon=True)
        self.worker, self.rss, self.lags = worker, [rss_mb(worker)], [0.0]
        self.worked = 0.0
        self.over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.wait(0.5):
            self.rss.append(rss_mb(self.worker))
            metrics = self.worker.metrics
            self.worked = total(metrics, "stormwatch_events_total")
            self.lags.append(total(metrics, "stormwatch_consumer_lag"))

    def wait_for(self, events: int, seconds: float) -> None:
        """Until so many events are worked off and the lag is 0 again."""
        end = time.monotonic() + seconds
        while self.worked < events or self.lags[-1] > 0:
            assert time.monotonic() < end, (self.worked, self.lags)
            time.sleep(0.25)


def test_overload(topics: Callable[..., Topics], start: Callable[..., Process]) -> None:
    mine = topics(PARTITIONS)
    people = {f"s{n:02}": True for n in range(SICK)} | {f"w{n:02}": False for n in range(WELL)}
    known = lines([each for p, sick in people.items() for each in before(p, sick=sick)])
    coming = [
        each
        for n, (patient, sick) in enumerate(people.items())
        for each in flood(patient, sick=sick, turn=10 + n * 37 % (MINUTES - 20))
    ]
    raw = lines(sorted(coming, key=lambda each: (each["time"], each["patient_id"])))

    engine, causes, said = OfflineEngine(load_ruleset()), {}, {}
    for number, line in enumerate([*known, *raw]):
        for alert in engine.take(line).alerts:
            causes[alert.alert_id] = number - len(known)
            said.setdefault(alert.patient_id, []).append(alert.to_bytes())

    worker = start(mine, tick_interval_s="0.5").ready()
    send(mine, known)
    gauges = Gauges(worker)
    gauges.wait_for(len(known), 20)
    at_rest = rss_mb(worker)
    with KafkaProducer(
        bootstrap_servers=mine.bootstrap, acks="all", linger_ms=20, batch_size=200_000
    ) as producer:
        begin = time.monotonic()
        keys = [json.loads(line)["patient_id"].encode() for line in raw]
        futures = [
            producer.send(mine.name("vitals"), key=key, value=line)
            for key, line in zip(keys, raw, strict=True)
        ]
        producer.flush()
        fed_s = time.monotonic() - begin
    appended = [future.get(10).timestamp for future in futures]
    gauges.wait_for(len(known) + len(raw), 90)
    worked_s = time.monotonic() - begin
    gauges.over.set()
    gauges.join()

    alerts = read(mine, "alerts")
    assert by_patient(alerts) == said
    delays: dict[bool, dict[int, float]] = {True: {}, False: {}}
    for record in alerts:
        cause = causes[json.loads(record.value)["alert_id"]]
        if cause >= 0:
            late = (record.timestamp - appended[cause]) / 1000
            delays[people[record.key.decode()]][cause] = late
    # In a backlog that grows whoever comes later waits longer: each is compared with a neighbour.
    ahead = [
        delays[False][min(delays[False], key=lambda other: abs(other - cause))] - late
        for cause, late in delays[True].items()
    ]
    print(
        f"{len(raw)} events fed in {fed_s:.1f} s, worked off in {worked_s:.1f} s;"
        f" lag up to {max(gauges.lags):.0f}; memory {at_rest:.0f} MB at rest,"
        f" {max(gauges.rss):.0f} at most; alerts after"
        f" {statistics.median(delays[True].values()):.1f} s for the sickest,"
        f" {statistics.median(ahead):.1f} s before those of others at the same place of the log"
    )
    assert len(delays[True]) >= SICK
    assert len(delays[False]) >= WELL
    assert max(gauges.lags) > len(raw) / 4
    assert max(gauges.rss) < at_rest + RSS_MB
    assert statistics.median(ahead) >= 0
    assert worker.end() == 0


def test_a_broken_device_delays_nobody_in_another_partition(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    """Three partitions of four are flooded; a patient of the fourth turns worse meanwhile."""
    mine = topics(PARTITIONS)
    home = partition_of(b"s00", PARTITIONS)
    noisy = [n for n in (f"noise-{n}" for n in range(40)) if partition_of(n.encode(), 4) != home]
    known = lines(before("s00", sick=True))
    noise = [
        json.dumps({**vitals(patient, 1, 36.8), "event_id": f"{patient}-{n}"}).encode()
        for n in range(200)
        for patient in noisy[:24]
    ]
    worker = start(mine, tick_interval_s="0.5").ready()
    send(mine, known)
    gauges = Gauges(worker)
    gauges.wait_for(len(known), 20)
    send(mine, noise)
    flooded = time.monotonic()
    send(mine, lines([oxygen("s00", 10, "bipap")]))
    sent = time.time()
    gauges.wait_for(len(known) + len(noise) + 1, 90)
    took = time.monotonic() - flooded
    gauges.over.set()
    gauges.join()
    worse = [r for r in read(mine, "alerts") if r.key == b"s00" and b'"to_grade":4' in r.value]
    delay = worse[0].timestamp / 1000 - sent
    print(f"flood worked off in {took:.1f} s, the alert came after {delay:.1f} s")
    assert delay < max(2.0, took / 2)
    assert worker.end() == 0


def test_a_backlog_of_giants_stays_within_memory(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    """A record may have 256 KiB, a topic's limit is 5 MiB; all of these are refused."""
    mine = topics(PARTITIONS)
    giants = [b"[" * 262_144] * 700 + [b" " * 4_900_000] * 30
    asyncio.run(fill(mine, giants))
    worker = start(mine, tick_interval_s="0.5").ready()
    gauges = Gauges(worker)
    gauges.wait_for(len(giants), 90)
    gauges.over.set()
    gauges.join()
    size = sum(map(len, giants)) / 1_000_000
    print(f"a backlog of {size:.0f} MB: memory {max(gauges.rss):.0f} MB at most")
    assert max(gauges.rss) < GIANTS_MB
    assert worker.end() == 0


async def fill(topics: Topics, values: list[bytes]) -> None:
    """Send large records (aiokafka's checksums are not in Python)."""
    async with AIOKafkaProducer(
        bootstrap_servers=topics.bootstrap, max_request_size=5_000_000
    ) as producer:
        for number, value in enumerate(values):
            await producer.send(topics.name("vitals"), value, key=b"giant-%d" % (number % 40))
