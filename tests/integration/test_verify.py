"""`stormwatch verify` over topics that real workers have written, whole and tampered with."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka import KafkaProducer
from workers import PARTITIONS, Process, expected, read, read_when, send, total

from stream.worker.codec import FORMAT
from stream.worker.partitions import partition_of
from stream.worker.preflight import changelogs
from stream.worker.run import EXIT_CRASHED
from tests.worker.ward_events import START, lines, ward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from brokers import Broker, Topics

OLD = Path(__file__).parents[1] / "data" / "state_format_2.json"


def verify(topics: Topics, *words: str, app: str = "") -> tuple[int, list[dict[str, Any]]]:
    """Exit status, and what was found; the summary is the last."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STORMWATCH_")}
    environment |= {
        "STORMWATCH_BOOTSTRAP_SERVERS": topics.bootstrap,
        "STORMWATCH_TOPIC_PREFIX": topics.prefix,
        "STORMWATCH_APPLICATION_ID": app or f"{topics.prefix}app",
        "STORMWATCH_PARTITIONS": str(PARTITIONS),
    }
    done = subprocess.run(
        [sys.executable, "-m", "stream.cli", "verify", "--json", "--show-patients", *words],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()] or [
        {"error": done.stderr}
    ]


def kinds(found: list[dict[str, Any]]) -> Counter[str]:
    return Counter(item["kind"] for item in found if item["type"] == "finding")


def copied(mine: Topics, theirs: Topics, topic: str, change: Callable[[list[Any]], None]) -> None:
    """A topic's records in another one, changed on the way, partition by partition."""
    by_partition: dict[int, list[Any]] = {}
    for record in read(mine, topic):
        by_partition.setdefault(record.partition, []).append(record)
    with KafkaProducer(bootstrap_servers=theirs.bootstrap) as producer:
        for partition, records in by_partition.items():
            change(records)
            for record in records:
                producer.send(theirs.name(topic), record.value, record.key, partition=partition)
        producer.flush()


def test_a_crash_is_consistent_and_three_ways_of_tampering_are_found(
    topics: Callable[..., Topics], start: Callable[..., Process], broker: Broker
) -> None:
    mine = topics(PARTITIONS)
    raw = lines(ward(6))
    dies = broker.kind != "embedded"  # which never evicts a member that died
    settings = {"session_timeout_s": "2"} if dies else {}
    worker = start(mine, **settings).ready()
    send(mine, raw[: len(raw) // 2])
    if dies:
        read_when(mine, "alerts", 3)
        assert worker.end(signal.SIGKILL) == -signal.SIGKILL
        worker = start(mine, "second", **settings).ready()
    send(mine, raw[len(raw) // 2 :])
    said = expected(raw)
    read_when(mine, "alerts", total(said))
    assert worker.end() == 0

    code, found = verify(mine, "--strict")
    assert code == 0, found
    assert found[-1]["consistent"]
    assert found[-1]["patients"] == 6
    assert found[-1]["alerts"] - found[-1]["repeats"] == total(said)

    # the same topics in a copy of which one alert is left out, one altered, and two are swapped
    left_out, altered, swapped = said["p00"][1], said["p01"][2], said["p02"][1:3]

    def tamper(records: list[Any]) -> None:
        for index in [n for n, r in enumerate(records) if r.value == left_out][::-1]:
            del records[index]
        places = [[n for n, r in enumerate(records) if r.value == v] for v in swapped]
        if all(places):
            one, other = places[0][0], places[1][0]
            records[one], records[other] = records[other], records[one]
        for index, record in enumerate(records):
            if record.value == altered:
                value = altered.replace(b'"priority":"', b'"priority":" ')
                records[index] = record.__class__(**{**vars_of(record), "value": value})

    theirs = topics(PARTITIONS)
    copied(mine, theirs, "vitals", lambda _records: None)
    copied(mine, theirs, "alerts", tamper)
    code, found = verify(theirs, app=f"{mine.prefix}app")
    assert code == 1
    assert kinds(found) == {"missing_alert": 1, "altered_alert": 1, "reordered": 1}
    ids = {item["kind"]: item["alert_ids"] for item in found if item["type"] == "finding"}
    assert ids["missing_alert"] == [json.loads(left_out)["alert_id"]]
    assert ids["altered_alert"] == [json.loads(altered)["alert_id"]]
    code, found = verify(theirs, "--patient", "p03", app=f"{mine.prefix}app")
    assert code == 0, found


def vars_of(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record._fields}


def of_today(event: dict[str, Any]) -> dict[str, Any]:
    """The event as a device sends it: about now, and without a word on when it was received."""
    moved = datetime.fromisoformat(event["time"]) - START + datetime.now(UTC) - timedelta(hours=2)
    return {**event, "time": moved.isoformat(), "received_at": None}


def test_nothing_is_called_wrong_while_workers_run_with_two_topics_and_ticks(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    mine = topics(PARTITIONS)
    worker = start(mine, ticks="wall", tick_interval_s="0.2").ready()
    raw = lines([of_today(event) for event in ward(6, minutes=150, every=4)])
    over = threading.Event()

    def feed() -> None:
        with KafkaProducer(bootstrap_servers=mine.bootstrap) as producer:
            for line in raw:
                event = json.loads(line)
                topic = mine.name("vitals" if event["type"] == "vitals" else "care")
                producer.send(topic, line, event["patient_id"].encode())
                time.sleep(0.02)
        over.set()

    sender = threading.Thread(target=feed)
    sender.start()
    looks = []
    while not over.is_set() or not looks:
        looks.append(verify(mine))
    sender.join()
    assert all(code == 0 for code, _ in looks), looks
    assert worker.end() == 0
    code, found = verify(mine)
    assert code == 0, found
    assert found[-1]["patients"] == 6


def answered_apart(values: Iterable[bytes]) -> list[str]:
    """The ids of all alerts but those about answers."""
    alerts = map(json.loads, values)
    return [a["alert_id"] for a in alerts if not a["type"].startswith("escalation.")]


def test_a_worker_goes_on_from_a_changelog_of_format_2(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    old = json.loads(OLD.read_text("utf-8"))
    before, after = ([text.encode() for text in old[part]] for part in ("before", "after"))
    app = "app"
    mine = topics(PARTITIONS, changelogs=changelogs(app))
    send(mine, before)
    with KafkaProducer(bootstrap_servers=mine.bootstrap) as producer:
        for topic, name in zip(changelogs(app), ("patients", "windows"), strict=True):
            for text, value in old[name].items():
                key = base64.b64decode(text)
                home = partition_of(key if name == "patients" else key[:-9], PARTITIONS)
                producer.send(mine.prefix + topic, base64.b64decode(value), key, partition=home)
        for text in old["alerts"]:
            key = json.loads(text)["patient_id"].encode()
            producer.send(mine.name("alerts"), text.encode(), key)
        producer.flush()
    worker = start(mine).ready()
    send(mine, after)
    # Nobody is asked to answer what had been said before there were alarms.
    whole = answered_apart(v for vs in expected([*before, *after]).values() for v in vs)
    deadline = time.monotonic() + 60
    while True:
        records = read_when(mine, "alerts", len(whole))
        if len(answered_apart(r.value for r in records)) >= len(whole):
            break
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert worker.end() == 0
    assert sorted(answered_apart(r.value for r in records)) == sorted(whole)

    code, found = verify(mine)
    assert code == 0, found
    assert {item["kind"] for item in found[:-1]} <= {"chain_begins", "not_decidable"}


def test_a_changelog_of_a_newer_version_is_refused_by_name(
    topics: Callable[..., Topics], start: Callable[..., Process]
) -> None:
    mine = topics(PARTITIONS, changelogs=changelogs("app"))
    raw = lines(ward(1))
    home = partition_of(b"p00", PARTITIONS)
    with KafkaProducer(bootstrap_servers=mine.bootstrap) as producer:
        patients = mine.prefix + changelogs("app")[0]
        producer.send(patients, bytes([FORMAT + 1]) + b" of tomorrow", b"p00", partition=home)
        producer.flush()
    send(mine, raw)
    worker = start(mine)
    assert worker.process.wait(60) == EXIT_CRASHED
    assert f"format {FORMAT + 1}, this version reads formats 2, 3, 4" in worker.log.read_text()
    assert read(mine, "alerts") == []
    code, found = verify(mine)
    assert code == 1
    assert kinds(found) == {"state_unreadable": 1}
