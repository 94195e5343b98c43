"""The yardsticks: other programs on the same topic in the same run, one process each."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from tests.benchmarks.yardsticks.lap import Job

if TYPE_CHECKING:
    from brokers import Topics

ROOT = Path(__file__).parents[2]
WITHIN_S = 300


@dataclass(frozen=True, slots=True)
class Yardstick:
    """One of them: its module, its argument, the package that it needs, and what it does."""

    name: str
    module: str
    how: str
    package: str
    does: str
    group: str | None = None
    """The consumer group by whose committed offset it begins, where it takes no other word."""
    most: int | None = None
    """Messages at most, where more would take too long."""


YARDSTICKS = (
    Yardstick("aiokafka json", "aiokafka_loop", "json", "aiokafka", "decodes with json, no more"),
    Yardstick(
        "aiokafka orjson", "aiokafka_loop", "orjson", "orjson", "decodes with orjson, no more"
    ),
    Yardstick(
        "confluent json", "confluent_loop", "json", "confluent_kafka", "decodes with json, no more"
    ),
    Yardstick(
        "confluent orjson", "confluent_loop", "orjson", "orjson", "decodes with orjson, no more"
    ),
    Yardstick(
        "naive Faust", "faust_naive", "", "faust",
        "a Record and a table write per event; grades nothing", "naive",
    ),
    Yardstick(
        "Quix, stored", "quix_engine", "store", "quixstreams",
        "the same engine, the state in its store and changelog", "quix-store", 3_000,
    ),
    Yardstick(
        "Quix, in memory", "quix_engine", "memory", "quixstreams",
        "the same engine, states in memory only, a count in its store", "quix-memory",
    ),
    Yardstick(
        "Bytewax", "bytewax_engine", "", "bytewax",
        "the same engine, states in memory only; no changelog, no group",
    ),
)  # fmt: skip


class Silent(Exception):  # noqa: N818  # it names the fact
    """A yardstick gave no figures; the text says why."""


def absent(yardstick: Yardstick) -> str | None:
    """Why it cannot run here, or None."""
    if importlib.util.find_spec(yardstick.package) is not None:
        return None
    return f"{yardstick.package} is not installed (it may have no wheel for this Python)"


def measure(
    yardstick: Yardstick, topics: Topics, segment: tuple[dict[int, int], dict[int, int]], run: int
) -> dict[str, Any]:
    """One run over that part of the log. Raises Silent."""
    begin, end = segment
    if yardstick.most is not None:
        sixth = (sum(end.values()) - sum(begin.values())) // 6  # of a short run
        share = max(1, min(yardstick.most, sixth) // len(begin))
        end = {number: min(last, begin[number] + share) for number, last in end.items()}
    prefix = f"{topics.prefix}y{run}-"
    alerts = f"{topics.prefix}deadletter"  # a topic of ours that nobody compares
    told = Job(topics.bootstrap, topics.name("vitals"), begin, end, prefix, alerts)
    if yardstick.group is not None:
        _commit(told, prefix + yardstick.group)
    command = [sys.executable, "-m", f"tests.benchmarks.yardsticks.{yardstick.module}"]
    try:
        done = subprocess.run(
            [*command, json.dumps(asdict(told)), yardstick.how],
            cwd=ROOT, env=os.environ | {"PYTHONWARNINGS": "ignore"}, capture_output=True, text=True,
            check=False, timeout=WITHIN_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Silent(f"not done within {WITHIN_S} s") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise Silent(f"ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def _commit(told: Job, group: str) -> None:
    """The group begins where the job does."""
    with KafkaConsumer(
        bootstrap_servers=told.bootstrap, group_id=group, enable_auto_commit=False
    ) as consumer:
        consumer.assign([TopicPartition(told.topic, number) for number in told.begin])
        consumer.commit(
            {
                TopicPartition(told.topic, number): OffsetAndMetadata(offset, "", -1)
                for number, offset in told.begin.items()
            }
        )
