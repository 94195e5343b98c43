"""Where a run takes place: topics of its own, and what its workers are told."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from stream import topics
from stream.settings import PREFIX
from stream.soak.records import client_arguments
from stream.worker.preflight import changelogs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream.settings import Settings
    from stream.soak.cluster import Cluster

SOURCE = "vitals"
"""All events go through one topic: the log's order is then each patient's order."""
OTHER_SOURCES = ("care", "ticks")
COMPACTED = {"segment.ms": "15000", "max.compaction.lag.ms": "15000", "segment.bytes": "1048576"}
"""For the changelogs: with faults every few seconds, a long tail would be read back each time."""


class Site:
    """A run's names on the brokers of `settings`, or on those of `cluster`."""

    def __init__(self, settings: Settings, seed: int, cluster: Cluster | None) -> None:
        mark = f"soak-{seed}-{secrets.token_hex(3)}"  # nothing of a real ward may be touched
        told = {"topic_prefix": f"{mark}.", "application_id": mark}
        own = (
            {"bootstrap_servers": cluster.bootstrap, "replication_factor": cluster.nodes}
            if cluster
            else {}
        )
        self.settings = settings.model_copy(update=told | own)

    def name(self, topic: str) -> str:
        """A topic's full name."""
        return self.settings.topic_prefix + topic

    @property
    def sources(self) -> tuple[str, ...]:
        """Full names of all topics that the workers read."""
        return tuple(map(self.name, (SOURCE, *OTHER_SOURCES)))

    @property
    def changelogs(self) -> tuple[str, ...]:
        """Full names of the topics that hold the patients and the windows."""
        return changelogs(self.settings.application_id)

    def make_topics(self) -> None:
        """Raises TopicsError."""
        settings = self.settings
        specs = [
            replace(spec, configs={**spec.configs, **COMPACTED})
            if spec.name in self.changelogs
            else spec
            for spec in topics.plan(
                settings.partitions,
                settings.replication_factor,
                settings.topic_prefix,
                self.changelogs,
            )
        ]
        report = topics.create(
            settings.bootstrap_servers, specs, settings.kafka_python_security(), timeout_s=10.0
        )
        if fatal := [problem.text for problem in report.problems if problem.fatal]:
            raise topics.TopicsError("\n".join(fatal))

    def delete_topics(self) -> None:
        """Those of the run, also if they are only half made; never raises."""
        from kafka import KafkaAdminClient  # noqa: PLC0415 - slow to import
        from kafka.errors import KafkaError  # noqa: PLC0415

        mark = self.settings.application_id
        with suppress(KafkaError, OSError):
            admin = KafkaAdminClient(bootstrap_timeout_ms=5000, **client_arguments(self.settings))
            try:
                ours = [name for name in admin.list_topics() if name.startswith(mark)]
                admin.delete_topics(ours, raise_errors=False)
            finally:
                admin.close()

    def environment(self, told: Mapping[str, str]) -> dict[str, str]:
        """The workers': the run's settings and what they are `told`, whatever else is set here."""
        given = json.loads(self.settings.model_dump_json(exclude_none=True))
        for secret in ("hash_key", "sasl_password"):
            value = getattr(self.settings, secret)
            if value is not None:
                given[secret] = value.get_secret_value()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        given |= told
        return environment | {PREFIX + name.upper(): str(value) for name, value in given.items()}
