"""The topics: which there are, how each is configured, how they are made and checked.

:func:`plan` is pure and says what is wanted. :func:`create` makes what is missing and never changes
what exists. :func:`check` compares a cluster with the plan, in words a person can act on.

Why every topic has ``message.timestamp.type=LogAppendTime``: Kafka counts retention and compaction
lag from the *record's* timestamp. With CreateTime a replay of last year's charts would be deleted
at the next look, a pump with a wrong clock could keep a segment for ever, and Kafka 4 refuses
records more than an hour ahead. When something happened to the patient stands in the event
(``time``, ``received_at``) and nowhere else; the record's timestamp says when the broker got it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from stream.topic_admin import (
    BrokerUnreachable,
    Security,
    TopicsError,
    TopicState,
    connected,
    found,
    found_by_any,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "BrokerUnreachable",
    "CreateReport",
    "Problem",
    "ProblemCode",
    "Security",
    "TopicSpec",
    "TopicState",
    "TopicsError",
    "check",
    "compare",
    "create",
    "needed",
    "plan",
    "undelivered",
]

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS

# The newest value of each key, for ever. Kafka never compacts the segment it is writing to, and
# keeps that one for a week by default: a busy changelog would be read in full at each restart.
_COMPACT: Final = {
    "cleanup.policy": "compact",
    "segment.ms": str(10 * _MINUTE_MS),
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": str(_HOUR_MS),
    "delete.retention.ms": str(_DAY_MS),
}

# Records far beyond the worker's limit are let in, so that they become dead letters with a reason
# instead of an error that only their producer sees; a dead letter holds them whole, in base64.
LARGEST_RECORD: Final = 5 * 1024 * 1024
LARGEST_LETTER: Final = 8 * 1024 * 1024
_LARGEST: Final = {
    "vitals": LARGEST_RECORD,
    "care": LARGEST_RECORD,
    "deadletter": LARGEST_LETTER,
}

# What strangers send is stored as it is read: the broker refuses a batch that would inflate beyond
# the largest record. A compressed one of five megabytes may hold five gigabytes, and whoever reads
# it has to hold them all. Costs disk; a site whose producers are all its own may set `producer`.
_AS_READ: Final = {"compression.type": "uncompressed"}
_STRANGERS: Final = frozenset({"vitals", "care", "ticks"})

# name -> (days kept, purpose); the order is that of the data's way.
_KEPT: Final = {
    "vitals": (
        7,
        "high-rate measurements in; kept well beyond the 48 h of possible revision",
    ),
    "care": (90, "everything else in: therapy, drugs, oxygen, labs; kept for a whole treatment"),
    "ticks": (1, "the worker's own clock, one record per partition; old ones mean nothing"),
    "alerts": (365, "what was said, and why; kept for audit and burden reports"),
    "deadletter": (90, "what could not be taken, with its original bytes, until somebody looks"),
    "audit": (365, "what the router sent, to whom, when, and what was answered"),
}

# What a program does not start without; a worker's changelogs come on top.
_NEEDED: Final = {
    "worker": ("vitals", "care", "ticks", "alerts", "deadletter", "status"),
    "router": ("alerts", "status", "care", "audit"),
}

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_ALREADY_EXISTS: Final = 36


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it is wanted. ``configs`` are Kafka's topic settings, as text."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str] = field(hash=False)
    purpose: str


class ProblemCode(StrEnum):
    """What may be wrong with a topic."""

    MISSING = "missing"
    PARTITIONS_DIFFER = "partitions_differ"
    PARTITIONS_UNWANTED = "partitions_unwanted"
    CLEANUP_POLICY = "cleanup_policy"
    REPLICATION = "replication"
    RETENTION = "retention"
    TIMESTAMP_TYPE = "timestamp_type"
    COMPRESSION = "compression"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to put right. ``fatal``: no worker may start; else it runs, with less safety."""

    code: ProblemCode
    topics: tuple[str, ...]
    text: str
    fatal: bool


@dataclass(frozen=True, slots=True)
class CreateReport:
    """What :func:`create` did: topics made, topics found, and what stood in the way."""

    created: tuple[str, ...]
    kept: tuple[str, ...]
    problems: tuple[Problem, ...]


def plan(
    partitions: int, replication: int, prefix: str = "", changelogs: tuple[str, ...] = ()
) -> tuple[TopicSpec, ...]:
    """All topics, each with ``partitions`` partitions: a patient has the same one in all of them.

    ``prefix`` goes before each name except those of ``changelogs``, the worker's state topics,
    which are full names. Raises ValueError for a number below 1 or a name that Kafka refuses.
    """
    if partitions < 1 or replication < 1:
        raise ValueError(
            f"partitions and replication must be at least 1, not {partitions} and {replication}"
        )
    common = {
        "message.timestamp.type": "LogAppendTime",
        # A write counts once most copies have it: with three, any one broker may be lost.
        "min.insync.replicas": str(replication // 2 + 1 if replication > 2 else 1),
    }

    def spec(name: str, configs: Mapping[str, str], purpose: str) -> TopicSpec:
        if not _NAME.fullmatch(name) or name in {".", ".."}:
            raise ValueError(
                f"{name!r} is no topic name: 1 to 249 of letters, digits, '.', '_' and '-'"
            )
        return TopicSpec(
            name, partitions, replication, MappingProxyType(common | dict(configs)), purpose
        )

    kept = (
        spec(
            prefix + name,
            {
                "cleanup.policy": "delete",
                "retention.ms": str(days * _DAY_MS),
                **({"max.message.bytes": str(_LARGEST[name])} if name in _LARGEST else {}),
                **(_AS_READ if name in _STRANGERS else {}),
            },
            purpose,
        )
        for name, (days, purpose) in _KEPT.items()
    )
    status = spec(prefix + "status", _COMPACT, "the newest state of each patient, for boards")
    states = (
        spec(name, _COMPACT, "a worker's tables, read back when it starts") for name in changelogs
    )
    return (*kept, status, *states)


def needed(
    program: Literal["worker", "router"],
    partitions: int,
    replication: int,
    prefix: str = "",
    changelogs: tuple[str, ...] = (),
) -> tuple[TopicSpec, ...]:
    """Those topics of :func:`plan` without which a program does not start."""
    names = {*(prefix + name for name in _NEEDED[program]), *changelogs}
    specs = plan(partitions, replication, prefix, changelogs)
    return tuple(spec for spec in specs if spec.name in names)


def undelivered(
    partitions: int, replication: int, prefix: str, names: Iterable[str]
) -> tuple[TopicSpec, ...]:
    """The dead-letter topics of a router's routes: kept and sized as `deadletter`."""
    pattern = next(
        spec for spec in plan(partitions, replication, prefix) if spec.name == prefix + "deadletter"
    )
    purpose = "what a route could not deliver, with its original bytes"
    return tuple(replace(pattern, name=prefix + name, purpose=purpose) for name in names)


def compare(specs: Sequence[TopicSpec], found: Mapping[str, TopicState]) -> list[Problem]:
    """What is wrong with the topics found, fatal problems first; pure. Others are not ours."""
    problems = [
        Problem(
            ProblemCode.MISSING,
            (spec.name,),
            f"topic {spec.name!r} is missing (or this user may not see it): "
            "create it with `stormwatch topics create`",
            fatal=True,
        )
        for spec in specs
        if spec.name not in found
    ]
    problems += _partition_problems(specs, found)
    for spec in specs:
        if state := found.get(spec.name):
            problems += _topic_problems(spec, state)
    return sorted(problems, key=lambda problem: not problem.fatal)


def create(
    bootstrap: str,
    specs: Sequence[TopicSpec],
    security: Security = MappingProxyType({}),
    *,
    timeout_s: float = 10.0,
) -> CreateReport:
    """Make the topics that are missing; change nothing that exists.

    Where the partitions of existing topics would not fit the new ones, nothing is made: a wrong
    number cannot be put right afterwards. Raises :class:`BrokerUnreachable`, :class:`TopicsError`.
    """
    with connected(bootstrap, security, timeout_s) as admin:
        there = found(admin, [spec.name for spec in specs])
        kept = tuple(spec.name for spec in specs if spec.name in there)
        missing = [spec for spec in specs if spec.name not in there]
        if conflicts := _partition_problems(specs, there):
            return CreateReport((), kept, tuple(conflicts))
        if not missing:
            return CreateReport((), kept, ())
        wanted = {
            spec.name: {
                "num_partitions": spec.partitions,
                "replication_factor": spec.replication,
                "configs": dict(spec.configs),
            }
            for spec in missing
        }
        answers = admin.create_topics(wanted, raise_errors=False)["topics"]
        created = tuple(answer["name"] for answer in answers if answer["error_code"] == 0)
        # Somebody else made it at the same moment: as good as ours, and `check` compares it.
        kept += tuple(a["name"] for a in answers if a["error_code"] == _ALREADY_EXISTS)
        refused = tuple(
            _refusal(answer)
            for answer in answers
            if answer["error_code"] not in {0, _ALREADY_EXISTS}
        )
        admin.wait_for_topics([*created, *kept], timeout_ms=timeout_s * 1000)
    return CreateReport(created, kept, refused)


def check(
    bootstrap: str,
    specs: Sequence[TopicSpec],
    security: Security = MappingProxyType({}),
    *,
    timeout_s: float = 10.0,
) -> list[Problem]:
    """What is wrong with a cluster's topics, fatal problems first; empty when all is well.

    Raises :class:`BrokerUnreachable` and :class:`TopicsError`.
    """
    with connected(bootstrap, security, timeout_s) as admin:
        return compare(specs, found_by_any(admin, [spec.name for spec in specs]))


def _partition_problems(
    specs: Sequence[TopicSpec], found: Mapping[str, TopicState]
) -> list[Problem]:
    counts = {spec.name: found[spec.name].partitions for spec in specs if spec.name in found}
    if len(set(counts.values())) > 1:
        listing = "\n".join(f"  {name}: {count}" for name, count in counts.items())
        return [
            Problem(
                ProblemCode.PARTITIONS_DIFFER,
                tuple(counts),
                "these topics must have the same number of partitions, so that one worker has all "
                f"of a patient's records, but have:\n{listing}\n"
                "Kafka moves no record when a topic grows, so adding partitions does not mend it. "
                "Stop the workers, then delete the topics that differ (their records are lost; "
                "copy what is needed first) and run `stormwatch topics create`, or choose a new "
                "topic_prefix and application_id and replay into it",
                fatal=True,
            )
        ]
    odd = [spec for spec in specs if counts.get(spec.name, spec.partitions) != spec.partitions]
    if not odd:
        return []
    have, want = counts[odd[0].name], odd[0].partitions
    return [
        Problem(
            ProblemCode.PARTITIONS_UNWANTED,
            tuple(spec.name for spec in odd),
            f"the topics ({', '.join(counts)}) have {have} partitions, the settings say {want}: "
            f"set partitions = {have}; the number is fixed once topics exist",
            fatal=True,
        )
    ]


def _topic_problems(spec: TopicSpec, state: TopicState) -> Iterator[Problem]:
    def problem(code: ProblemCode, text: str, *, fatal: bool = False) -> Problem:
        return Problem(code, (spec.name,), f"topic {spec.name!r} {text}", fatal=fatal)

    policy, wanted = state.configs.get("cleanup.policy"), spec.configs["cleanup.policy"]
    if policy is not None and {part.strip() for part in policy.split(",")} != {wanted}:
        loss = (
            "it would forget the state of patients"
            if wanted == "compact"
            else "it would keep only a patient's newest record"
        )
        yield problem(
            ProblemCode.CLEANUP_POLICY,
            f"has cleanup.policy={policy}: {loss}. Set it to {wanted!r}",
            fatal=True,
        )
    if state.replication < spec.replication:
        yield problem(
            ProblemCode.REPLICATION,
            f"has {state.replication} copies, wanted are {spec.replication}: "
            "raise it with kafka-reassign-partitions.sh, or lower replication_factor",
        )
    kept, least = state.configs.get("retention.ms"), spec.configs.get("retention.ms")
    if kept is not None and least is not None and -1 < int(kept) < int(least):
        yield problem(
            ProblemCode.RETENTION,
            f"keeps its records for {_days(kept)}, wanted are {_days(least)}: "
            f"set retention.ms={least}",
        )
    stamp = state.configs.get("message.timestamp.type")
    if stamp is not None and stamp != spec.configs["message.timestamp.type"]:
        yield problem(
            ProblemCode.TIMESTAMP_TYPE,
            f"has message.timestamp.type={stamp}: replayed records with old timestamps are deleted "
            "early. Set it to LogAppendTime",
        )
    packed = state.configs.get("compression.type")
    if packed is not None and packed != spec.configs.get("compression.type", packed):
        yield problem(
            ProblemCode.COMPRESSION,
            f"has compression.type={packed}: a small batch may inflate to gigabytes in the worker. "
            "Set it to uncompressed, unless every producer is your own",
        )


def _days(milliseconds: str) -> str:
    return f"{int(milliseconds) / _DAY_MS:.3g} days"


def _refusal(answer: Mapping[str, Any]) -> Problem:
    advice = {
        29: "the user may not create it: grant Create on the topic, or have it created for you",
        31: "the user may not create it: grant Create on the cluster, or have it created for you",
        38: "the cluster has fewer brokers than replication_factor: lower it, or start more",
        44: "a policy of the cluster forbids it",
    }.get(answer["error_code"], "the broker refused it")
    from kafka.errors import for_code  # noqa: PLC0415

    detail = answer.get("error_message") or for_code(answer["error_code"]).__name__
    return Problem(
        ProblemCode.REFUSED,
        (answer["name"],),
        f"topic {answer['name']!r} was not created: {advice} ({detail})",
        fatal=True,
    )
