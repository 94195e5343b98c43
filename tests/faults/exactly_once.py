"""Faust's exactly-once mode, measured on Apache Kafka beside at-least-once with our order of sends.

    python tests/faults/exactly_once.py [--events 20000] [--runs 3] [--seed 1]

Starts a broker of its own (Java and Maven), and workers as processes: an app of the worker's shape
with raw topics, a table, an alert for every fifth event of a patient, and the repairs of
`stream.worker.faust_repairs`. It prints how long a start takes, events a second, and what is in the
alerts and in the table's changelog, read as committed, after `kill -9`. Takes about ten minutes;
the verdict is in `stream/worker/FAUST.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from brokers import apache_kafka, delete_topics
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from stream.worker.unsettled import places_of

PARTITIONS = 4
PATIENTS = 200
EVERY = 5
RAW = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
PATIENCE_S = 120
VARIANTS = ("at_least_once", "exactly_once", "exactly_once, alerts consumed")


class State(NamedTuple):
    """Of one patient: events counted, and the offset of the last."""

    count: int
    offset: int

    @classmethod
    def of(cls, stored: bytes | None) -> State:
        return cls(*map(int, stored.split(b":"))) if stored else cls(0, -1)

    def to_bytes(self) -> bytes:
        return b"%d:%d" % self


def worker(bootstrap: str, name: str, variant: str, home: str) -> None:
    """One worker, in its own process; says `ready` and then `done N` as it works events off."""
    import faust

    from stream.worker.committing import MarkingConsumer
    from stream.worker.faust_recovery import OwnChangelogTable, SafeTableManager
    from stream.worker.faust_repairs import QuietMonitor, SettledTransport

    class MarkingTransport(SettledTransport):
        Consumer = MarkingConsumer

    guarantee = variant.partition(",")[0]
    app = faust.App(
        name, broker=f"kafka://{bootstrap}", store="memory://", datadir=home, web_enabled=False,
        topic_partitions=PARTITIONS, topic_disable_leader=True, topic_allow_declare=False,
        worker_redirect_stdouts=False, autodiscover=False, processing_guarantee=guarantee,
        producer_linger=0.005,
        producer_max_batch_size=262_144, producer_request_timeout=30.0, broker_commit_interval=0.5,
        broker_session_timeout=6.0, broker_heartbeat_interval=1.5, broker_max_poll_records=2000,
        stream_buffer_maxsize=4096, Table=OwnChangelogTable, TableManager=SafeTableManager,
        Monitor=QuietMonitor, cython_optimizations=True,
    )  # fmt: skip
    app.transport = app.producer_transport = MarkingTransport(app.conf.broker_consumer, app)
    source, alerts = app.topic(f"{name}-source", **RAW), app.topic(f"{name}-alerts", **RAW)
    table = app.Table("counts", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
    handled = [0]

    async def count(stream: Any) -> None:
        async for events in stream.noack_take(500, within=0.05):
            states: dict[bytes, State] = {}
            said = []
            for event in events:
                message = event.message
                old = states.get(event.key) or State.of(table.data.data.get(event.key))
                if message.offset <= old.offset:
                    continue  # taken in before a crash that came before the commit
                states[event.key] = new = State(old.count + 1, message.offset)
                if new.count % EVERY == 0:
                    alert = b"%s:%d" % (event.key, new.count)
                    said.append((event.key, alert, message.partition))
            homes = {event.key: event.message.partition for event in events}
            sent = [await alerts.send(key=k, value=v, partition=p) for k, v, p in said]
            await asyncio.gather(*sent)
            writes = {key: state.to_bytes() for key, state in states.items()}
            await asyncio.gather(
                *[table.send_changelog(homes[key], key, value) for key, value in writes.items()]
            )
            table.data.data.update(writes)
            for event in events:
                app.consumer.ack(event.message)
            app.consumer.settle(places_of(event.message for event in events))
            handled[0] += len(events)
            print("done", handled[0], flush=True)

    async def read_alerts(stream: Any) -> None:
        async for event in stream.noack().events():
            app.consumer.ack(event.message)
            app.consumer.settle(places_of([event.message]))

    app.agent(source, name="count")(count)
    if variant.endswith("alerts consumed"):
        app.agent(alerts, name="read_alerts")(read_alerts)
    app.tables.on_ready = lambda: print("ready", flush=True)  # type: ignore[attr-defined]
    running = faust.Worker(app, loglevel="warning", quiet=True)
    running.spinner = None
    running.execute_from_commandline()


class Process:
    """A worker, what it says, and when it first said it."""

    all: ClassVar[list[Process]] = []

    def __init__(self, bootstrap: str, name: str, variant: str, home: str) -> None:
        self.started, self.ready, self.handled = time.monotonic(), 0.0, 0
        self.first = self.last = self.cpu_ready_s = 0.0
        self.log = Path(home) / f"{uuid.uuid4().hex[:6]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, __file__, "--worker", bootstrap, name, variant, home],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        Process.all.append(self)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            now = time.monotonic()
            if line.startswith("ready"):
                self.ready = self.ready or now
                self.cpu_ready_s = self.cpu_ready_s or self.cpu_s()
            elif line.startswith("done"):
                self.first, self.last = self.first or now, now
                self.handled = int(line.split()[1])

    def cpu_s(self) -> float:
        """Of the process so far, as Linux counts it: a busy machine slows it, and costs no more."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait(self, happens: Any, seconds: float = PATIENCE_S) -> bool:
        deadline = time.monotonic() + seconds
        while not happens():
            if time.monotonic() > deadline or self.process.poll() is not None:
                return False
            time.sleep(0.02)
        return True

    def end(self, *, kill: bool = False) -> int:
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def complaint(self) -> str:
        lines = [x for x in self.log.read_text().splitlines() if "Error" in x or "rror:" in x]
        return lines[-1][:160] if lines else "(nothing)"


def prepare(bootstrap: str, name: str, events: int) -> Counter[bytes]:
    """Topics with all the events in them; how many there are of each patient."""
    names = [f"{name}-source", f"{name}-alerts", f"{name}-counts-changelog"]
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.create_topics(
            [NewTopic(n, num_partitions=PARTITIONS, replication_factor=1) for n in names]
        )
    sent: Counter[bytes] = Counter()
    with KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=20) as producer:
        for n in range(events):
            key = b"p%03d" % (n * 7919 % PATIENTS)
            sent[key] += 1
            producer.send(names[0], key=key, value=b"x" * 150)
        producer.flush()
    return sent


def committed_records(bootstrap: str, topic: str) -> list[tuple[bytes, bytes]]:
    """What a reader that is isolated from open and aborted transactions gets."""
    found: list[tuple[bytes, bytes]] = []
    with KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed") as consumer:
        parts = [TopicPartition(topic, p) for p in range(PARTITIONS)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends, deadline = consumer.end_offsets(parts), time.monotonic() + 30
        while any(consumer.position(p) < end for p, end in ends.items()):
            if time.monotonic() > deadline:
                break  # an open transaction hides the rest
            for batch in consumer.poll(timeout_ms=500).values():
                found += [(record.key, record.value) for record in batch]
    return found


def stands(bootstrap: str, name: str) -> int:
    """Sum of the committed source offsets; transactions' markers are not in the source."""
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        offsets = admin.list_group_offsets(name)[name]
    return sum(
        o.offset for tp, o in offsets.items() if tp.topic == f"{name}-source" and o.offset > 0
    )


@dataclass
class Row:
    """What was measured of one variant."""

    variant: str
    starts_s: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    kills: list[dict[str, Any]] = field(default_factory=list)


def throughput(bootstrap: str, row: Row, events: int, home: str) -> None:
    name = f"e{uuid.uuid4().hex[:8]}"
    prepare(bootstrap, name, events)
    process = Process(bootstrap, name, row.variant, home)
    if process.wait(lambda: process.handled >= events):
        row.starts_s.append(process.ready - process.started)
        row.rates.append(events / (process.last - process.ready))
        row.cpu_s.append(1000 * (process.cpu_s() - process.cpu_ready_s) / events)
    else:
        row.failures.append(f"{process.handled} of {events} handled; {process.complaint()}")
    process.end(kill=process.process.poll() is None and process.handled < events)
    delete_topics(bootstrap, name)


def killed(bootstrap: str, row: Row, events: int, home: str, chance: random.Random) -> None:
    """Three kills at random moments of the work, then to the end."""
    name = f"k{uuid.uuid4().hex[:8]}"
    sent = prepare(bootstrap, name, events)
    expected = {b"%s:%d" % (k, n) for k, c in sent.items() for n in range(EVERY, c + 1, EVERY)}
    back_s, exits = [], []
    for turn in range(4):
        begun = time.monotonic()
        process = Process(bootstrap, name, row.variant, home)
        if not process.wait(lambda p=process: p.handled > 0, 60):
            exits.append(process.end(kill=True))
            row.failures.append(f"after kill {turn}: {process.complaint()}")
            continue
        if turn:
            back_s.append(process.first - begun)
        if turn < 3:
            time.sleep(chance.uniform(0.05, 0.6))
            process.end(kill=True)
            continue
        process.wait(lambda: stands(bootstrap, name) >= events, 60)
        time.sleep(2)
        exits.append(process.end())
    alerts = [value for _, value in committed_records(bootstrap, f"{name}-alerts")]
    table = dict(committed_records(bootstrap, f"{name}-counts-changelog"))
    row.kills.append(
        {
            "expected": len(expected),
            "read": len(alerts),
            "duplicates": len(alerts) - len(set(alerts)),
            "lost": len(expected - set(alerts)),
            "invented": len(set(alerts) - expected),
            "state_off_by": sum(abs(State.of(table.get(k)).count - n) for k, n in sent.items()),
            "committed": stands(bootstrap, name),
            "of": events,
            "back_s": [round(s, 1) for s in back_s],
            "exits": exits,
        }
    )
    delete_topics(bootstrap, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rows = [Row(variant) for variant in VARIANTS]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # no worker is left behind
    try:
        measure(rows, chosen)
    finally:
        for process in Process.all:
            process.process.kill()
    show(rows, chosen)


def measure(rows: list[Row], chosen: argparse.Namespace) -> None:
    chance = random.Random(chosen.seed)
    with apache_kafka(why="exactly_once") as broker, tempfile.TemporaryDirectory() as home:
        for _ in range(chosen.runs):
            for row in rows:  # in turns: the machine is noisy
                throughput(broker.bootstrap, row, chosen.events, home)
        for _ in range(chosen.runs):
            for row in rows:
                killed(broker.bootstrap, row, chosen.events, home, chance)


def show(rows: list[Row], chosen: argparse.Namespace) -> None:
    print(f"{os.cpu_count()} cores, {chosen}")
    for row in rows:
        print(f"\n{row.variant}")
        if row.rates:
            print(f"  events/s: {', '.join(f'{rate:,.0f}' for rate in row.rates)}")
            beside = [mine / first for mine, first in zip(row.rates, rows[0].rates, strict=False)]
            print(f"  beside the first, run by run: {', '.join(f'{x:.2f}' for x in beside)}")
            print(f"  CPU s for 1,000 events: {', '.join(f'{s:.2f}' for s in row.cpu_s)}")
            print(f"  start to ready, s: {', '.join(f'{s:.1f}' for s in row.starts_s)}")
        for kill in row.kills:
            print(f"  after kills: {json.dumps(kill)}")
        for failure in row.failures:
            print(f"  FAILED: {failure}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:6])
    else:
        main()
