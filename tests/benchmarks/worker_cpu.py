"""What an event costs a worker, by part, in microseconds of CPU.

    STORMWATCH_TEST_BROKER=apache PYTHONPATH=.:tests/integration \
        python tests/benchmarks/worker_cpu.py --patients 200 --seconds 100 --runs 5

One worker, four partitions, a topic that is full before it starts: snapshots of seven signals, one
a second of each patient. Measured in the worker's process (`measured_worker.py`), from the second
tenth of the topic to the last; CPU time, so that others on the machine disturb it less than wall
time. "shell" is everything but decoding, the engine and what is worked out to be stored: Kafka's
client, Faust, the waiting room, the sends. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brokers import chosen_broker, fresh_topics
from kafka import KafkaProducer
from workers import Process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brokers import Broker, Topics

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
WORKER = Path(__file__).with_name("measured_worker.py")
GIVE_UP_S = 300.0
SIGNALS: tuple[tuple[str, float, float, str], ...] = (
    ("temperature", 36.8, 0.4, "Cel"), ("heart_rate", 70, 20, "/min"),
    ("respiratory_rate", 12, 6, "/min"), ("spo2", 95, 4, "%"), ("systolic_bp", 110, 20, "mm[Hg]"),
    ("diastolic_bp", 60, 20, "mm[Hg]"), ("mean_bp", 75, 20, "mm[Hg]"),
)  # fmt: skip


def snapshot(patient: str, second: int, dice: random.Random) -> dict[str, Any]:
    at = (START + timedelta(seconds=second)).isoformat()
    return {
        "type": "vitals", "event_id": f"{patient}-{second}", "patient_id": patient,
        "time": at, "received_at": at,
        "readings": [
            {"signal": name, "value": round(low + dice.random() * span, 1), "unit": unit}
            | ({"site": "core"} if name == "temperature" else {})
            for name, low, span, unit in SIGNALS
        ],
    }  # fmt: skip


def ward(patients: int, seconds: int) -> Iterator[dict[str, Any]]:
    """A therapy for each patient, and then a snapshot each second, all patients in turn."""
    dice = random.Random(1)
    at = START.isoformat()
    for number in range(patients):
        yield {
            "type": "therapy", "event_id": f"p{number}-t", "patient_id": f"p{number}",
            "time": at, "received_at": at, "product": "axi-cel", "therapy_class": "car_t",
        }  # fmt: skip
    for second in range(1, seconds):
        for number in range(patients):
            yield snapshot(f"p{number}", second, dice)


def fill(topics: Topics, patients: int, seconds: int) -> int:
    count = 0
    with KafkaProducer(
        bootstrap_servers=topics.bootstrap, acks="all", linger_ms=20, batch_size=262_144
    ) as producer:
        for event in ward(patients, seconds):
            key = event["patient_id"].encode()
            producer.send(topics.name("vitals"), key=key, value=json.dumps(event).encode())
            count += 1
        producer.flush()
    return count


def run(broker: Broker, patients: int, seconds: int) -> dict[str, Any]:
    """One worker over a topic of its own."""
    with tempfile.TemporaryDirectory() as home, fresh_topics(broker) as topics:
        count = fill(topics, patients, seconds)
        report = Path(home) / "report.json"
        measured = {"first": count // 10, "last": count * 19 // 20, "report": report}
        os.environ |= {f"MEASURED_{name.upper()}": str(value) for name, value in measured.items()}
        worker = Process(topics, Path(home), "w", (str(WORKER),))
        try:
            deadline = time.monotonic() + GIVE_UP_S
            while not report.exists():
                if worker.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(worker.log.read_text("utf-8")[-4000:])
                time.sleep(0.3)
            found: dict[str, Any] = json.loads(report.read_text("utf-8"))
            return found
        finally:
            worker.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    with chosen_broker() as broker:
        runs = []
        for _ in range(chosen.runs):
            runs.append(run(broker, chosen.patients, chosen.seconds))
            print(json.dumps(runs[-1]), flush=True)
    print("| | CPU us an event, median | least to most |\n|---|---|---|")
    for part in ("total", "engine", "decode", "state", "shell"):
        found = [one[part] for one in runs]
        print(f"| {part} | {statistics.median(found):.0f} | {min(found):.0f} to {max(found):.0f} |")


if __name__ == "__main__":
    main()
