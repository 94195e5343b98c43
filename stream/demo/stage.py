"""What the demo plays on: a broker with the demo's topics, and what its worker is told."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stream import topics
from stream.broker import EmbeddedBroker, EmbeddedBrokerError
from stream.demo.worker import metrics_port
from stream.settings import PREFIX, Settings
from stream.worker.preflight import changelogs

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

PARTITIONS = 4
METRICS_PORT = 9108


class DemoError(RuntimeError):
    """The demo cannot go on; the text says why and what to do."""


class BrokerGoneError(DemoError):
    """No broker answers, or it is not as the demo needs it."""


def open_broker(stack: ExitStack, own: Settings | None, say: Callable[[str], None]) -> Settings:
    """Settings for a broker that answers and has the demo's topics.

    `own`: the user's settings, None for the embedded broker. What is made is undone by `stack`.
    Raises DemoError.
    """
    if own is None:
        try:
            server = stack.enter_context(EmbeddedBroker())
        except EmbeddedBrokerError as error:
            raise DemoError(str(error)) from None
        # Defaults only: neither the environment nor a file has a say here.
        settings = Settings.model_construct(bootstrap_servers=server.bootstrap)
    else:
        mark = f"demo-{secrets.token_hex(3)}"  # nothing of a real ward may be touched
        settings = own.model_copy(
            update={"topic_prefix": f"{mark}.", "application_id": f"stormwatch-{mark}"}
        )
    settings = settings.model_copy(update={"partitions": PARTITIONS})
    specs = topics.plan(
        PARTITIONS,
        settings.replication_factor,
        settings.topic_prefix,
        changelogs(settings.application_id),
    )
    try:
        report = topics.create(
            settings.bootstrap_servers, specs, settings.kafka_python_security(), timeout_s=5.0
        )
    except topics.TopicsError as error:
        raise BrokerGoneError(str(error)) from None
    if own is not None:
        stack.callback(_delete_topics, settings, [spec.name for spec in specs])
    if fatal := [problem.text for problem in report.problems if problem.fatal]:
        raise BrokerGoneError("\n".join(fatal))
    whose = "embedded broker" if own is None else "your broker"
    say(f"{whose} at {settings.bootstrap_servers}, {len(specs)} topics made")
    return settings


def client_arguments(settings: Settings) -> dict[str, Any]:
    """Arguments of kafka-python's clients."""
    servers = settings.bootstrap_servers.split(",")
    return {"bootstrap_servers": servers, **settings.kafka_python_security()}


def worker_environment(settings: Settings, folder: Path, *, own: bool) -> dict[str, str]:
    """The worker's environment; of the user's own settings only where the broker is theirs too."""
    told = {
        "bootstrap_servers": settings.bootstrap_servers,
        "topic_prefix": settings.topic_prefix,
        "application_id": settings.application_id,
        "partitions": settings.partitions,
        "replication_factor": settings.replication_factor,
        "ticks": "off",  # so that it says the same, id by id, each time
        "commit_interval_s": 0.5,
        "metrics_host": "127.0.0.1",
        "metrics_port": metrics_port(METRICS_PORT),
        "data_dir": folder / "data",
        "log_format": "console",
    }
    if settings.ruleset is not None:
        told["ruleset"] = settings.ruleset.absolute()
    return {
        name: value for name, value in os.environ.items() if own or not name.startswith(PREFIX)
    } | {PREFIX + name.upper(): str(value) for name, value in told.items()}


def worker_folder(folder: Path, *, own: bool) -> Path:
    """Where the worker runs: away from a stormwatch.toml that is not meant for the demo."""
    return Path.cwd() if own else folder


def _delete_topics(settings: Settings, names: list[str]) -> None:
    from kafka import KafkaAdminClient  # noqa: PLC0415 - only with a broker of one's own
    from kafka.errors import KafkaError  # noqa: PLC0415

    with suppress(KafkaError, OSError):
        admin = KafkaAdminClient(bootstrap_timeout_ms=5000, **client_arguments(settings))
        try:
            admin.delete_topics(names)
        finally:
            admin.close()
