"""Kafka's admin API, as the topics need it: connect with a reason when it fails, look, close."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

Security = Mapping[str, Any]
"""Client settings by kafka-python's names: ``security_protocol``, ``sasl_mechanism``, ..."""

_CLIENT_ID: Final = "stormwatch-topics"
_NEWS_S: Final = 1.0
_ASK_AGAIN_S: Final = 0.2


class TopicsError(Exception):
    """The topics could not be looked at or made; the text is meant for a person."""


class BrokerUnreachable(TopicsError):  # noqa: N818  # it names the fact
    """No Kafka broker answered at the addresses given."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as it is. Settings that may not be read are absent from ``configs``."""

    partitions: int
    replication: int
    configs: Mapping[str, str] = field(hash=False)


def found(admin: KafkaAdminClient, names: Iterable[str]) -> dict[str, TopicState]:
    """Those of the named topics that exist, as they are."""
    from kafka.admin import ConfigResource, ConfigResourceType  # noqa: PLC0415

    described = [topic for topic in admin.describe_topics(list(names)) if topic["error_code"] == 0]
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in described]
    if not resources:
        return {}
    settings = admin.describe_configs(resources, config_filter="all").get("topic", {})
    return {
        topic["name"]: TopicState(
            partitions=len(topic["partitions"]),
            replication=min(len(part["replica_nodes"]) for part in topic["partitions"]),
            configs={
                key: entry["value"]
                for key, entry in settings.get(topic["name"], {}).items()
                if entry["value"] is not None
            },
        )
        for topic in described
    }


def found_by_any(admin: KafkaAdminClient, names: Iterable[str]) -> dict[str, TopicState]:
    """Those of the named topics that exist, those included that a broker has not heard of yet.

    A topic that was made a moment ago is known to one broker before it is to the next, and any
    may answer: what is missing is asked for again, for up to a second.
    """
    wanted = list(names)
    there = found(admin, wanted)
    deadline = time.monotonic() + _NEWS_S
    while len(there) < len(wanted) and time.monotonic() < deadline:
        time.sleep(_ASK_AGAIN_S)
        # What one broker knew is not forgotten when the next one does not.
        there |= found(admin, [name for name in wanted if name not in there])
    return there


@contextmanager
def connected(bootstrap: str, security: Security, timeout_s: float) -> Iterator[KafkaAdminClient]:
    """An admin client; whatever goes wrong while it is used comes out as a :class:`TopicsError`."""
    # Here, not above: the plan needs no client, and `stormwatch --help` must not wait for one.
    from kafka import KafkaAdminClient  # noqa: PLC0415
    from kafka.errors import KafkaConfigurationError, KafkaError  # noqa: PLC0415

    servers = [server.strip() for server in bootstrap.split(",")]
    if "proxy_url" not in security:
        _await_listener(servers, timeout_s)
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=servers,
            client_id=_CLIENT_ID,
            bootstrap_timeout_ms=int(timeout_s * 1000),
            **security,
        )
    except (KafkaConfigurationError, AssertionError, TypeError) as error:
        raise TopicsError(f"the Kafka client does not accept its settings: {error}") from None
    except (KafkaError, OSError) as error:
        raise BrokerUnreachable(
            f"{bootstrap} takes connections, but no Kafka broker answered within {timeout_s:g} s "
            f"({error}). Is it Kafka's client port, and do security protocol, certificates and "
            "password match the broker's?"
        ) from None
    try:
        yield admin
    except KafkaError as error:
        raise TopicsError(f"the broker at {bootstrap} did not do what was asked: {error}") from None
    finally:
        admin.close()


def _await_listener(servers: Sequence[str], timeout_s: float) -> None:
    """Wait until one of the addresses takes connections; the client's error is silent on why."""
    deadline = time.monotonic() + timeout_s
    while True:
        reasons = []
        for server in servers:
            host, _, port = server.rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s).close()
            except (OSError, ValueError) as error:
                reasons.append(f"{server}: {error}")
            else:
                return
        if time.monotonic() >= deadline:
            raise BrokerUnreachable(
                f"no Kafka broker could be reached within {timeout_s:g} s\n  "
                + "\n  ".join(reasons)
                + "\nIs it running, and is the address right (bootstrap_servers)?"
            )
        time.sleep(0.2)
