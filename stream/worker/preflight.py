"""Before anything is read: are the topics there, and do their partitions fit together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from stream import topics

if TYPE_CHECKING:
    from stream.settings import Settings

log = structlog.get_logger(__name__)

TABLES = ("patients", "windows")


class PreflightError(RuntimeError):
    """The worker must not start; the text says what to do."""


def changelogs(application_id: str) -> tuple[str, ...]:
    """The topics that hold a worker's tables, by Faust's naming."""
    return tuple(f"{application_id}-{table}-changelog" for table in TABLES)


def check_topics(settings: Settings) -> None:
    """Make the state topics where they are missing, then look at all of them.

    Raises PreflightError where patients would be graded by two workers or by none: a source topic
    is missing, or the numbers of partitions differ. Lesser problems are logged.
    """
    specs = topics.needed(
        "worker",
        settings.partitions,
        settings.replication_factor,
        settings.topic_prefix,
        changelogs(settings.application_id),
    )
    states = specs[-len(TABLES) :]
    servers, security = settings.bootstrap_servers, settings.kafka_python_security()
    try:
        problems = topics.check(servers, specs, security)
        if not any(problem.fatal and not _only(problem, states) for problem in problems):
            made = topics.create(servers, states, security)
            problems = [*topics.check(servers, specs, security), *made.problems]
    except (topics.BrokerUnreachable, topics.TopicsError) as error:
        raise PreflightError(str(error)) from error
    fatal = [problem.text for problem in problems if problem.fatal]
    if fatal:
        raise PreflightError("\n".join(fatal))
    for problem in problems:
        log.warning("topic", problem=problem.text, code=problem.code.value)


def _only(problem: topics.Problem, states: tuple[topics.TopicSpec, ...]) -> bool:
    """Missing state topics are ours to make."""
    names = {spec.name for spec in states}
    return problem.code is topics.ProblemCode.MISSING and names.issuperset(problem.topics)
