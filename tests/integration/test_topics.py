"""Making and checking topics on real brokers."""

from __future__ import annotations

import socket
import threading
import uuid
from typing import TYPE_CHECKING

import pytest
from brokers import Broker, delete_topics, fresh_topics
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from stream.topics import (
    BrokerUnreachable,
    ProblemCode,
    TopicsError,
    check,
    create,
    plan,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import TopicsFactory


@pytest.fixture
def prefix(any_broker: Broker) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:10]}."
    yield name
    delete_topics(any_broker.bootstrap, name)


def make(broker: Broker, name: str, partitions: int, **configs: str) -> None:
    """A topic as somebody else would have made it."""
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        topic = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
        admin.create_topics({name: topic}, wait_for_metadata=True)


def settings_of(broker: Broker, name: str) -> dict[str, str]:
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        answer = admin.describe_configs([resource], config_filter="all")["topic"][name]
        return {key: entry["value"] for key, entry in answer.items()}


def test_create_makes_the_plan_and_check_agrees(any_broker: Broker, prefix: str) -> None:
    specs = plan(3, 1, prefix, (prefix + "app-patients-changelog",))
    assert {p.code for p in check(any_broker.bootstrap, specs)} == {ProblemCode.MISSING}
    report = create(any_broker.bootstrap, specs)
    assert set(report.created) == {spec.name for spec in specs}
    assert (report.kept, report.problems) == ((), ())
    assert check(any_broker.bootstrap, specs) == []
    for spec in specs:
        held = settings_of(any_broker, spec.name)
        assert {key: held.get(key) for key in spec.configs} == dict(spec.configs)


def test_create_again_does_nothing(any_broker: Broker, prefix: str) -> None:
    specs = plan(2, 1, prefix)
    create(any_broker.bootstrap, specs)
    report = create(any_broker.bootstrap, specs)
    assert report.created == ()
    assert set(report.kept) == {spec.name for spec in specs}
    assert report.problems == ()


def test_create_adds_what_is_missing_and_changes_nothing_else(
    any_broker: Broker, prefix: str
) -> None:
    make(any_broker, prefix + "vitals", 2, **{"retention.ms": "43200000"})
    specs = plan(2, 1, prefix)
    report = create(any_broker.bootstrap, specs)
    assert report.kept == (prefix + "vitals",)
    assert prefix + "care" in report.created
    assert settings_of(any_broker, prefix + "vitals")["retention.ms"] == "43200000"
    codes = {problem.code for problem in check(any_broker.bootstrap, specs)}
    assert codes == {
        ProblemCode.RETENTION,
        ProblemCode.TIMESTAMP_TYPE,
        ProblemCode.COMPRESSION,
    }


def test_create_makes_nothing_beside_topics_of_another_size(
    any_broker: Broker, prefix: str
) -> None:
    make(any_broker, prefix + "vitals", 3)
    report = create(any_broker.bootstrap, plan(2, 1, prefix))
    assert report.created == ()
    assert [problem.code for problem in report.problems] == [ProblemCode.PARTITIONS_UNWANTED]
    make(any_broker, prefix + "care", 5)
    report = create(any_broker.bootstrap, plan(3, 1, prefix))
    assert [problem.code for problem in report.problems] == [ProblemCode.PARTITIONS_DIFFER]
    assert f"{prefix}vitals: 3" in report.problems[0].text
    assert f"{prefix}care: 5" in report.problems[0].text
    with KafkaAdminClient(bootstrap_servers=any_broker.bootstrap) as admin:
        assert sum(name.startswith(prefix) for name in admin.list_topics()) == 2


def test_a_changelog_that_is_not_compacted_is_found(any_broker: Broker, prefix: str) -> None:
    name = prefix + "app-patients-changelog"
    make(any_broker, name, 2, **{"cleanup.policy": "delete"})
    specs = plan(2, 1, prefix, (name,))
    create(any_broker.bootstrap, specs)
    problems = check(any_broker.bootstrap, specs)
    assert problems[0].code is ProblemCode.CLEANUP_POLICY
    assert problems[0].topics == (name,)


def test_two_programs_may_create_at_once(any_broker: Broker, prefix: str) -> None:
    specs = plan(4, 1, prefix)
    reports = []

    def run() -> None:
        reports.append(create(any_broker.bootstrap, specs, timeout_s=20))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.problems for report in reports] == [()] * 4
    made = [name for report in reports for name in report.created]
    assert sorted(made) == sorted(spec.name for spec in specs)
    assert check(any_broker.bootstrap, specs) == []


def test_more_copies_than_brokers_are_refused_in_words(broker: Broker) -> None:
    if broker.kind != "apache-kafka":
        pytest.skip("only Apache Kafka counts its brokers")
    name = f"t-{uuid.uuid4().hex[:10]}."
    report = create(broker.bootstrap, plan(2, 3, name))
    assert report.created == ()
    assert {problem.code for problem in report.problems} == {ProblemCode.REFUSED}
    assert "fewer brokers than replication_factor" in report.problems[0].text


def test_something_else_on_the_port_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(BrokerUnreachable, match="takes connections, but no Kafka broker"):
            check(address, plan(1, 1), timeout_s=1)


def test_unknown_client_settings_are_refused(broker: Broker) -> None:
    with pytest.raises(TopicsError, match="does not accept its settings"):
        check(broker.bootstrap, plan(1, 1), {"sasl_mechanisms": "PLAIN"})


def test_the_fixture_gives_topics_of_ones_own(topics: TopicsFactory) -> None:
    one, other = topics(n_partitions=2), topics(n_partitions=3, changelogs=("app-x-changelog",))
    assert one.prefix != other.prefix
    assert other.specs[-1].name == f"{other.prefix}app-x-changelog"
    assert check(one.bootstrap, one.specs) == []
    assert check(other.bootstrap, other.specs) == []


def test_three_brokers_keep_three_copies(three_brokers: Broker) -> None:
    assert len(three_brokers.bootstrap.split(",")) == 3
    with fresh_topics(three_brokers, 3) as topics:
        assert {spec.replication for spec in topics.specs} == {3}
        assert check(topics.bootstrap, topics.specs) == []
        assert settings_of(three_brokers, topics.name("vitals"))["min.insync.replicas"] == "2"
    with fresh_topics(three_brokers, 3, replication=1) as thin:
        problems = check(thin.bootstrap, plan(3, 3, thin.prefix))
        assert {problem.code for problem in problems} == {ProblemCode.REPLICATION}
