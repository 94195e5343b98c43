"""Fixtures of every test that needs a broker."""

from __future__ import annotations

import signal
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from brokers import (
    VARIABLE,
    Broker,
    BrokerNotStarted,
    Topics,
    apache_kafka,
    apache_missing,
    chosen_broker,
    embedded,
    fresh_topics,
)
from workers import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
USED: pytest.StashKey[list[str]] = pytest.StashKey()


class TopicsFactory(Protocol):
    """What the fixture ``topics`` gives: call it, as often as needed, for topics of one's own."""

    def __call__(
        self,
        n_partitions: int = 4,
        replication: int | None = None,
        changelogs: tuple[str, ...] = (),
    ) -> Topics: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("broker")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.get(USED, []):
        terminalreporter.write_line(f"broker of the integration tests: {line}")


def _note(config: pytest.Config, broker: Broker) -> Broker:
    lines = config.stash.setdefault(USED, [])
    line = f"{broker.kind}, {broker.nodes} node(s), at {broker.bootstrap} ({broker.why})"
    if line not in lines:
        lines.append(line)
    return broker


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """The session's broker: ``.bootstrap``, ``.kind``, ``.why``."""
    try:
        with chosen_broker() as chosen:
            yield _note(pytestconfig, chosen)
    except BrokerNotStarted as error:
        pytestconfig.stash.setdefault(USED, []).append(f"NONE: {error}")
        pytest.fail(f"no broker for the integration tests: {error}", pytrace=False)


@pytest.fixture(scope="session")
def broker_of(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config
) -> Iterator[Callable[[str], Broker]]:
    """``broker_of("embedded")`` and ``broker_of("apache-kafka")``: one of each kind a session."""
    with ExitStack() as stack:
        started: dict[str, Broker] = {}

        def of(kind: str) -> Broker:
            session: Broker = request.getfixturevalue("broker")
            if session.kind == kind or (session.kind == "external" and kind == "apache-kafka"):
                return session
            if kind not in started:
                if kind == "apache-kafka":
                    if (reason := apache_missing()) or session.kind == "embedded":
                        pytest.skip(f"no Apache Kafka: {reason or session.why}")
                    started[kind] = stack.enter_context(apache_kafka())
                else:
                    started[kind] = stack.enter_context(embedded(why="tests of both kinds"))
                _note(pytestconfig, started[kind])
            return started[kind]

        yield of


@pytest.fixture(params=["apache-kafka", "embedded"])
def any_broker(request: pytest.FixtureRequest, broker_of: Callable[[str], Broker]) -> Broker:
    """Runs the test on each kind of broker that can be run here."""
    return broker_of(request.param)


@pytest.fixture
def all_brokers(broker_of: Callable[[str], Broker]) -> list[Broker]:
    """One of each kind that can be run here, for a test that plays on all of them at once."""
    found = [broker_of("embedded")]
    with suppress(pytest.skip.Exception):
        found.append(broker_of("apache-kafka"))
    return found


@pytest.fixture(scope="session")
def three_brokers(broker: Broker, pytestconfig: pytest.Config) -> Iterator[Broker]:
    """Three Apache Kafka brokers; the test is skipped where the session has no Apache Kafka."""
    if broker.kind != "apache-kafka":
        pytest.skip(f"needs Apache Kafka ({VARIABLE}): {broker.why}")
    with apache_kafka(3, why="tests of replication") as cluster:
        yield _note(pytestconfig, cluster)


@pytest.fixture
def topics(broker: Broker) -> Iterator[TopicsFactory]:
    """``topics(n_partitions=4)``: new topics on the session's broker, deleted after the test."""
    with ExitStack() as stack:

        def make(
            n_partitions: int = 4,
            replication: int | None = None,
            changelogs: tuple[str, ...] = (),
        ) -> Topics:
            return stack.enter_context(fresh_topics(broker, n_partitions, replication, changelogs))

        yield make


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    with ExitStack() as stack:

        def begin(topics: Topics, name: str = "w1", **settings: str) -> Process:
            process = Process(topics, tmp_path, name, **settings)
            stack.callback(process.end, signal.SIGKILL)
            return process

        yield begin
