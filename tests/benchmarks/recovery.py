"""How long patients are unwatched when their worker is killed, and what of it reading tables takes.

    PYTHONPATH=.:tests/integration python tests/benchmarks/recovery.py --patients 100 1000 10000

Two workers, Apache Kafka as `STORMWATCH_TEST_BROKER` says. Every patient has some hours behind
them; one worker is killed with -9; from then on one reading of fever is sent for each patient. Of
each run: seconds from the kill to the first alert of a patient who was the killed worker's (by the
broker's timestamp of the alert), what the survivor needed to read its tables, and a cold start:
both stopped, one started on the changelogs as they are. Figures are printed with their spread;
nothing is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brokers import chosen_broker, fresh_topics
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from workers import Process

from stream.worker.partitions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from brokers import Topics

PARTITIONS = 8
SESSION_S = 6.0
START = datetime(2026, 3, 1, 10, tzinfo=UTC)
GIVE_UP_S = 300.0


def patient(number: int) -> str:
    return f"b{number:05}"


def vitals(number: int, minute: int, temperature: float) -> dict[str, Any]:
    at = (START + timedelta(minutes=minute)).isoformat()
    return {
        "type": "vitals", "event_id": f"{patient(number)}-{minute}", "patient_id": patient(number),
        "time": at, "received_at": at,
        "readings": [
            {"signal": "temperature", "value": temperature, "unit": "Cel", "site": "core"},
            {"signal": "heart_rate", "value": 80 + number % 30, "unit": "/min"},
            {"signal": "spo2", "value": 97, "unit": "%"},
            {"signal": "systolic_bp", "value": 120, "unit": "mm[Hg]"},
        ],
    }  # fmt: skip


def history(patients: int, hours: int) -> Iterator[dict[str, Any]]:
    """A therapy and a reading each quarter of an hour, patient by patient within the hour."""
    for number in range(patients):
        at = START.isoformat()
        yield {
            "type": "therapy", "event_id": f"{patient(number)}-t", "patient_id": patient(number),
            "time": at, "received_at": at, "product": "axi-cel", "therapy_class": "car_t",
        }  # fmt: skip
    for minute in range(15, hours * 60, 15):
        for number in range(patients):
            yield vitals(number, minute, 36.8)


def send(topics: Topics, events: Iterable[dict[str, Any]]) -> None:
    with KafkaProducer(
        bootstrap_servers=topics.bootstrap, acks="all", linger_ms=20, batch_size=262_144
    ) as producer:
        for event in events:
            key = event["patient_id"].encode()
            producer.send(topics.name("vitals"), key=key, value=json.dumps(event).encode())
        producer.flush()


def metric(worker: Process, name: str) -> float:
    rows = [row.split() for row in worker.metrics.splitlines() if row.startswith(name)]
    return sum(float(value) for _, value in rows)


def wait_until(done: Any, what: str) -> None:
    give_up = time.monotonic() + GIVE_UP_S
    while not done():
        assert time.monotonic() < give_up, what
        time.sleep(0.2)


def caught_up(workers: list[Process]) -> bool:
    shares = [metric(worker, "stormwatch_assigned_partitions ") for worker in workers]
    lag = sum(metric(worker, "stormwatch_consumer_lag{") for worker in workers)
    ready = all(metric(worker, "stormwatch_recovered ") for worker in workers)
    return bool(sum(shares) == PARTITIONS and ready and lag == 0)


def partitions_of(worker: Process) -> set[int]:
    lines = [json.loads(x) for x in worker.log.read_text().splitlines() if '"recovered"' in x]
    return set(lines[-1]["partitions"])


def first_alert(topics: Topics, partitions: set[int]) -> float:
    """Seconds since 1970 of the first grade said in these partitions, by the broker."""
    with KafkaConsumer(bootstrap_servers=topics.bootstrap) as consumer:
        parts = [TopicPartition(topics.name("alerts"), number) for number in sorted(partitions)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        give_up = time.monotonic() + GIVE_UP_S
        while time.monotonic() < give_up:
            found = [
                record.timestamp / 1000
                for batch in consumer.poll(timeout_ms=500).values()
                for record in batch
                if json.loads(record.value)["type"] == "grade.changed"
            ]
            if found:
                return min(found)
    raise AssertionError("no grade was said of the killed worker's patients")


def changelog_records(topics: Topics) -> int:
    names = [f"{topics.prefix}app-{table}-changelog" for table in ("patients", "windows")]
    with KafkaConsumer(bootstrap_servers=topics.bootstrap) as consumer:
        parts = [TopicPartition(name, number) for name in names for number in range(PARTITIONS)]
        return sum(consumer.end_offsets(parts).values()) - sum(
            consumer.beginning_offsets(parts).values()
        )


def one_run(topics: Topics, home: Path, patients: int, hours: int, standbys: int) -> dict[str, Any]:
    settings = {
        "partitions": str(PARTITIONS), "session_timeout_s": str(SESSION_S),
        "standby_replicas": str(standbys),
    }  # fmt: skip
    with contextlib.ExitStack() as stack:

        def begin(name: str) -> Process:
            worker = Process(topics, home, name, **settings)
            stack.callback(worker.end, signal.SIGKILL)
            return worker

        pair = [begin("first"), begin("second")]
        for worker in pair:
            worker.ready()
        send(topics, history(patients, hours))
        wait_until(lambda: caught_up(pair), "the history was not read")
        killed, survivor = pair
        orphaned = partitions_of(killed)
        mine = [
            n for n in range(patients) if partition_of(patient(n).encode(), PARTITIONS) in orphaned
        ]
        killed.end(signal.SIGKILL)
        at = time.time()
        minutes = range(hours * 60, hours * 60 + 30, 10)
        send(topics, (vitals(n, minute, 39.2) for minute in minutes for n in mine))
        alert = first_alert(topics, orphaned)
        wait_until(lambda: caught_up([survivor]), "the survivor did not catch up")
        found = {
            "to first alert": alert - at,
            "rebalance and tables": metric(survivor, "stormwatch_recovery_seconds "),
            "tables": metric(survivor, "stormwatch_restore_seconds "),
            "changelog records": changelog_records(topics),
        }
        survivor.end()
        cold = begin("cold").ready()
        found["cold start"] = float(cold.line.rpartition("seconds=")[2])
        found["cold tables"] = metric(cold, "stormwatch_restore_seconds ")
        cold.end()
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--patients", type=int, nargs="+", default=[100, 1_000, 10_000])
    asked.add_argument("--runs", type=int, default=5)
    asked.add_argument("--hours", type=int, default=6)
    asked.add_argument("--standbys", type=int, nargs="+", default=[0, 1])
    chosen = asked.parse_args()
    with chosen_broker() as broker, tempfile.TemporaryDirectory() as folder:
        print(f"{broker.kind}, session {SESSION_S:g} s, {chosen.hours} h behind each patient")
        for patients in chosen.patients:
            for standbys in chosen.standbys:
                runs = []
                for number in range(chosen.runs):
                    changelogs = ("app-patients-changelog", "app-windows-changelog")
                    home = Path(folder) / f"{patients}-{standbys}-{number}"
                    home.mkdir()
                    with fresh_topics(broker, PARTITIONS, changelogs=changelogs) as topics:
                        runs.append(one_run(topics, home, patients, chosen.hours, standbys))
                print(f"{patients} patients, {standbys} standby")
                for name in runs[0]:
                    values = [run[name] for run in runs]
                    middle = statistics.median(values)
                    print(f"  {name:<22}{middle:10.2f}  ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
