"""Talking to brokers from a command: quiet clients, and plain words where nobody answers."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stream.cli.exits import BROKER, CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.settings import Settings

TIMEOUT_S = 5.0


@contextmanager
def reaching(settings: Settings) -> Iterator[dict[str, Any]]:
    """Gives the arguments of a kafka-python client; ends the command where no broker answers."""
    from kafka.errors import KafkaError

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # we say ourselves what went wrong
    try:
        yield {
            "bootstrap_servers": settings.bootstrap_servers.split(","),
            "bootstrap_timeout_ms": int(TIMEOUT_S * 1000),
            **settings.kafka_python_security(),
        }
    except KafkaError as error:
        raise CommandError(
            f"no Kafka broker serves us at {settings.bootstrap_servers}: {error}\n"
            "  Is it running, and is the address right? --bootstrap HOST:PORT or the setting "
            "bootstrap_servers names it. `stormwatch demo` brings its own.",
            BROKER,
        ) from None
