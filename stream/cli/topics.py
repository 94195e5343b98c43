"""`stormwatch topics`: make the topics, or see whether they are as they must be."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.brokers import TIMEOUT_S
from stream.cli.exits import BROKER, CommandError
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PrefixOption,
    SetOption,
    settings_from,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream.settings import Settings
    from stream.topics import Problem, TopicSpec

CREATE_EXAMPLES = (
    "stormwatch topics create",
    "stormwatch topics create --partitions 16 --replication 3 --bootstrap kafka:9092",
)
CHECK_EXAMPLES = ("stormwatch topics check --bootstrap kafka:9092",)

PartitionsOption = Annotated[
    int | None,
    typer.Option(
        "--partitions", metavar="N", help="Partitions of every topic.", show_default=False
    ),
]
ReplicationOption = Annotated[
    int | None,
    typer.Option("--replication", metavar="N", help="Copies of each topic.", show_default=False),
]


def create(
    *,
    partitions: PartitionsOption = None,
    replication: ReplicationOption = None,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """Make the topics that are missing, with their settings; change nothing that exists."""
    settings = settings_from(
        config_file,
        assign,
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
        partitions=partitions,
        replication_factor=replication,
    )
    specs = _specs(settings)

    def work() -> list[Problem]:
        from stream import topics

        report = topics.create(
            settings.bootstrap_servers,
            specs,
            settings.kafka_python_security(),
            timeout_s=TIMEOUT_S,
        )
        for name in report.created:
            print(f"created  {name}")
        for name in report.kept:
            print(f"kept     {name}")
        return list(report.problems)

    _judge(_asked(work))


def check(
    *,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """See whether all topics are there and set as they must be; say what to do where not."""
    settings = settings_from(
        config_file, assign, bootstrap_servers=bootstrap, topic_prefix=topic_prefix
    )
    specs = _specs(settings)

    def work() -> list[Problem]:
        from stream import topics

        return topics.check(
            settings.bootstrap_servers,
            specs,
            settings.kafka_python_security(),
            timeout_s=TIMEOUT_S,
        )

    if not _judge(_asked(work)):
        print(f"{len(specs)} topics at {settings.bootstrap_servers} are as they must be")


def _specs(settings: Settings) -> tuple[TopicSpec, ...]:
    from stream.topics import plan
    from stream.worker.preflight import changelogs

    return plan(
        settings.partitions,
        settings.replication_factor,
        settings.topic_prefix,
        changelogs(settings.application_id),
    )


def _asked(work: Callable[[], list[Problem]]) -> list[Problem]:
    from stream.topics import TopicsError

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # we say ourselves what went wrong
    try:
        return work()
    except TopicsError as error:
        raise CommandError(str(error), BROKER) from None


def _judge(problems: Iterable[Problem]) -> bool:
    """Tells of the problems; ends the command if a worker could not start with them."""
    fatal = []
    told = False
    for problem in problems:
        told = True
        word = "wrong" if problem.fatal else "could be better"
        print(f"{word}: {problem.text}", file=sys.stderr)
        if problem.fatal:
            fatal.append(problem)
    if fatal:
        raise CommandError("a worker would not start with these topics", BROKER)
    return told
