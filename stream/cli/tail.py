"""`stormwatch tail`: what comes out, as it comes."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stream.cli.brokers import reaching
from stream.cli.exits import BROKER, CommandError
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PatientOption,
    PrefixOption,
    SetOption,
    settings_from,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.settings import Settings

EXAMPLES = (
    "stormwatch tail",
    "stormwatch tail alerts --from-beginning --patient p-17 --json",
    "stormwatch tail audit --from-beginning",
    "stormwatch tail deadletter --from-beginning --until-idle 5",
)


def tail(
    *,
    topic: Annotated[
        Literal["alerts", "status", "deadletter", "audit"], typer.Argument(help="What to follow.")
    ] = "alerts",
    as_json: Annotated[
        bool, typer.Option("--json", help="The records as they are, one a line.")
    ] = False,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Also what is there already.")
    ] = False,
    until_idle: Annotated[
        float | None,
        typer.Option(
            "--until-idle",
            metavar="SECONDS",
            min=0.1,
            help="End after so long without a record; else at Ctrl-C.",
            show_default=False,
        ),
    ] = None,
    patient: PatientOption = None,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """Follow alerts, status, dead letters or deliveries, in lines for people or as JSON.

    It only looks: no consumer group is joined and no offset is committed.
    """
    settings = settings_from(
        config_file, assign, bootstrap_servers=bootstrap, topic_prefix=topic_prefix
    )
    show = _lines(topic)
    out = sys.stdout.buffer
    for key, value in follow(settings, topic, from_beginning, until_idle):
        if patient is not None and key != patient.encode():
            continue
        if as_json:
            out.write(value + b"\n")
        else:
            out.write((show(value) + "\n").encode())
        out.flush()


def follow(
    settings: Settings, topic: str, from_beginning: bool, until_idle: float | None
) -> Iterator[tuple[bytes | None, bytes]]:
    """Keys and values of a topic's records, tombstones left out, until nothing comes any more."""
    from kafka import KafkaConsumer, TopicPartition

    name = settings.topic_prefix + topic
    with reaching(settings) as arguments:
        consumer = KafkaConsumer(
            group_id=None, enable_auto_commit=False, allow_auto_create_topics=False, **arguments
        )
        try:
            partitions = consumer.partitions_for_topic(name)
            if not partitions:
                raise CommandError(
                    f"there is no topic {name} at {settings.bootstrap_servers}; "
                    "`stormwatch topics create` makes it",
                    BROKER,
                )
            assigned = [TopicPartition(name, number) for number in sorted(partitions)]
            consumer.assign(assigned)
            if from_beginning:
                consumer.seek_to_beginning(*assigned)
            else:
                consumer.seek_to_end(*assigned)
                for partition in assigned:  # the seek is lazy: without this, what comes
                    consumer.position(partition)  # before the first poll would be missed
            ends = consumer.end_offsets(assigned) if from_beginning else {}
            last = time.monotonic()
            while (
                until_idle is None
                or time.monotonic() - last < until_idle
                or any(consumer.position(partition) < end for partition, end in ends.items())
            ):
                wait = 0.5 if until_idle is None else min(0.5, until_idle)
                for records in consumer.poll(timeout_ms=int(wait * 1000)).values():
                    last = time.monotonic()
                    for record in records:
                        if record.value is not None:
                            yield record.key, record.value
        finally:
            consumer.close()


def _lines(topic: str) -> Any:
    from stream.sentences import alert_line, audit_line, deadletter_line, status_line

    line = {
        "alerts": alert_line,
        "status": status_line,
        "deadletter": deadletter_line,
        "audit": audit_line,
    }[topic]

    def show(value: bytes) -> str:
        try:
            document = json.loads(value)
        except ValueError:
            return repr(value)
        return line(document) if isinstance(document, dict) else repr(value)

    return show
