"""Brokers for tests: Apache Kafka where it can be run, else the embedded one; and topics on them.

``STORMWATCH_TEST_BROKER`` chooses: ``apache`` (fails if it cannot be run), ``embedded``, or the
HOST:PORT of a running broker. Brokers started here end with the test session, however that ends.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
import uuid
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

with warnings.catch_warnings():
    # kafka-python 3.0.12 reads its own schemas with a function that Python 3.11 deprecates (only).
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaAdminClient

from stream.broker import EmbeddedBroker, answers_kafka
from stream.topics import TopicSpec, create, plan

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "STORMWATCH_TEST_BROKER"
KAFKA_SH = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka.sh"
NAMES = ("vitals", "care", "ticks", "alerts", "deadletter", "status", "audit")

Kind = Literal["apache-kafka", "embedded", "external"]


class BrokerNotStarted(Exception):  # noqa: N818  # it names the fact
    """A broker that was asked for did not start; the text holds its own words."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker: its address, what it is, and why it was this one."""

    bootstrap: str
    kind: Kind
    why: str
    nodes: int = 1
    home: Path | None = None  # Apache Kafka only: broker-1/pid, broker-1/server.log, ...


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of one test, under a prefix of their own."""

    broker: Broker
    prefix: str
    specs: tuple[TopicSpec, ...]

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap

    def name(self, topic: str) -> str:
        """The full name of one of ``NAMES``."""
        assert topic in NAMES, topic
        return self.prefix + topic


@contextmanager
def chosen_broker() -> Iterator[Broker]:
    """The broker that the environment asks for, or the best that this machine can run."""
    choice = os.environ.get(VARIABLE, "").strip()
    if choice == "apache":
        with apache_kafka(why=f"{VARIABLE}=apache") as broker:
            yield broker
    elif choice == "embedded":
        with embedded(why=f"{VARIABLE}=embedded") as broker:
            yield broker
    elif choice:
        host, _, port = choice.split(",")[0].rpartition(":")
        if not host or not port.isdigit():
            raise BrokerNotStarted(f"{VARIABLE}={choice!r}: give apache, embedded or HOST:PORT")
        if not answers_kafka(host, int(port), timeout_s=10):
            raise BrokerNotStarted(f"{VARIABLE}={choice}: no Kafka broker answers there")
        yield Broker(choice, "external", f"{VARIABLE}={choice}")
    else:
        with _best_broker() as broker:
            yield broker


@contextmanager
def _best_broker() -> Iterator[Broker]:
    reason = apache_missing()
    if reason is None:
        try:
            home, bootstrap = _start_apache(1)
        except BrokerNotStarted as error:
            reason = f"Apache Kafka did not start: {str(error).splitlines()[-1]}"
        else:
            try:
                yield Broker(bootstrap, "apache-kafka", "mvn and java are here", home=home)
            finally:
                _stop_apache(home)
            return
    with embedded(why=reason) as broker:
        yield broker


def apache_missing() -> str | None:
    """Why Apache Kafka cannot be run here, or None if it seems it can."""
    absent = [program for program in ("java", "mvn", "bash") if shutil.which(program) is None]
    return f"no {' and no '.join(absent)} on PATH" if absent else None


@contextmanager
def apache_kafka(nodes: Literal[1, 3] = 1, *, why: str = "asked for") -> Iterator[Broker]:
    """Apache Kafka, one broker or three, with empty data. Raises :class:`BrokerNotStarted`."""
    home, bootstrap = _start_apache(nodes)
    try:
        yield Broker(bootstrap, "apache-kafka", why, nodes, home)
    finally:
        _stop_apache(home)


@contextmanager
def embedded(*, why: str = "asked for") -> Iterator[Broker]:
    """The demo's embedded broker."""
    with EmbeddedBroker() as broker:
        yield Broker(broker.bootstrap, "embedded", why)


@contextmanager
def fresh_topics(
    broker: Broker,
    n_partitions: int = 4,
    replication: int | None = None,
    changelogs: tuple[str, ...] = (),
) -> Iterator[Topics]:
    """The planned topics under a new prefix (which ``changelogs`` get too); deleted afterwards."""
    prefix = f"t-{uuid.uuid4().hex[:10]}."
    names = tuple(prefix + name for name in changelogs)
    specs = plan(n_partitions, replication or broker.nodes, prefix, names)
    report = create(broker.bootstrap, specs, timeout_s=30)
    assert not report.problems, "\n".join(problem.text for problem in report.problems)
    try:
        yield Topics(broker, prefix, specs)
    finally:
        delete_topics(broker.bootstrap, prefix)


def delete_topics(bootstrap: str, prefix: str) -> None:
    """Delete every topic whose name begins with ``prefix``, those that a test made itself too."""
    assert prefix
    with KafkaAdminClient(bootstrap_servers=bootstrap.split(",")) as admin:
        ours = [name for name in admin.list_topics() if name.startswith(prefix)]
        if ours:
            admin.delete_topics(ours, raise_errors=False)


def _start_apache(nodes: int) -> tuple[Path, str]:
    if reason := apache_missing():
        raise BrokerNotStarted(reason)
    home = Path(tempfile.mkdtemp(prefix="stormwatch-kafka-"))
    complaint = ""
    for _ in range(3):  # a port may be taken between our look and Kafka's
        command: list[str | Path] = [
            KAFKA_SH,
            "start",
            "--brokers",
            str(nodes),
            "--port",
            str(_free_ports(2 * nodes)),
        ]
        command += ["--dir", home, "--with", str(os.getpid())]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,  # the first time, Maven fetches the jars
        )
        if done.returncode == 0:
            return home, done.stdout.rpartition("bootstrap=")[2].strip()
        complaint = done.stderr.strip()
        if "is taken" not in complaint and "Address already in use" not in complaint:
            break
    _stop_apache(home)
    raise BrokerNotStarted(complaint or "kafka.sh failed without a word")


def _stop_apache(home: Path) -> None:
    subprocess.run(
        [KAFKA_SH, "stop", "--wipe", "--dir", home], capture_output=True, check=False, timeout=120
    )
    shutil.rmtree(home, ignore_errors=True)


def _free_ports(count: int) -> int:
    """The first of ``count`` free consecutive ports, below those the system gives out itself."""
    # At random, so that two test runs that start together seldom look at the same ports.
    for first in random.sample(range(20_000, 32_000 - count), 100):
        probes = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
    raise BrokerNotStarted(f"found no {count} free consecutive ports between 20000 and 32000")
