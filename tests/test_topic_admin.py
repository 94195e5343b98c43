"""A topic that one broker knows already and the next does not yet."""

from __future__ import annotations

from typing import Any, cast

import pytest
from kafka import KafkaAdminClient

from stream import topic_admin
from stream.topic_admin import found_by_any


class Cluster:
    """Answers as a cluster of which each broker has heard of other topics, asked in turn."""

    def __init__(self, *known: set[str]) -> None:
        self.known = list(known)
        self.asked = 0

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        known = self.known[self.asked % len(self.known)]
        self.asked += 1
        part = {"replica_nodes": [1]}
        return [
            {"name": name, "error_code": 0 if name in known else 3, "partitions": [part]}
            for name in names
        ]

    def describe_configs(self, *_: object, **__: object) -> dict[str, Any]:
        return {}


def names(cluster: Cluster, *wanted: str) -> set[str]:
    return set(found_by_any(cast("KafkaAdminClient", cluster), wanted))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_admin, "_ASK_AGAIN_S", 0.0)


def test_what_one_broker_has_not_heard_of_is_asked_for_again() -> None:
    assert names(Cluster(set(), {"vitals"}), "vitals") == {"vitals"}


def test_what_one_broker_knew_is_not_forgotten() -> None:
    assert names(Cluster({"vitals"}, {"alerts"}), "vitals", "alerts") == {"vitals", "alerts"}


def test_a_topic_that_no_broker_knows_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_admin, "_NEWS_S", 0.05)
    cluster = Cluster({"vitals"}, {"vitals"})
    assert names(cluster, "vitals", "alerts") == {"vitals"}
    assert cluster.asked > 2
