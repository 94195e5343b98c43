"""How far the changelogs reach, whatever a broker says that was deposed and does not know it.

Whoever restores a table asks the partition's leader for the end of its changelog. A broker that was
stopped, or cut off, while another took over answers with an older end. Two things are known better:

- A record that the new owner writes itself, before it reads, and that is acknowledged by all
  replicas that count, lies behind everything that was acknowledged before: the barrier. No deposed
  leader can acknowledge it. It is a tombstone of a key that no table has, so nobody's state.
- Each commit of a source offset tells, in Kafka's metadata of it, how far each changelog was: the
  states of all records before the offset lie before these ends. A log that ends earlier than that
  was deleted, made anew or cut off, which no barrier could tell.

The barrier also fences: it names the generation of the group in which its writer became the owner.
Whoever finds one of a later generation than its own behind its own records was replaced, whatever
the coordinator says, and must write nothing more: what it holds is older.

What the commits tell would not do alone: the records of patients know how far they are in the
source topics, and windows that were written with them after the last commit would be missing and
not be applied again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stream.worker.records import Send

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from faust.types import TP

VERSION = 1
"""Of the metadata. A later one is one that this version cannot read: nothing is known then."""
BARRIER = b"\xffbarrier"
"""The key of barriers: no patient's, as it is no UTF-8, and too short for a window's."""


GENERATION = "generation"
"""Name of the header that tells a barrier's generation."""


def barrier(log: TP, generation: int) -> Send:
    """The record that whoever becomes a changelog's owner writes first."""
    header = GENERATION, str(generation).encode()
    return Send(log.topic, BARRIER, None, log.partition, [header])


def latest_owner(records: Iterable[Any]) -> int:
    """The latest generation that barriers among a changelog's records tell of; -1 where none does.

    As one of an earlier version, which told of none.
    """
    told = [
        value
        for record in records
        if record.key == BARRIER
        for name, value in record.headers or ()
        if name == GENERATION
    ]
    return max((int(value) for value in told if value.isdigit()), default=-1)


def metadata_of(ends: Mapping[str, int]) -> str:
    """The metadata of a commit: the next offset of each table's changelog, by table.

    Some 50 bytes; brokers take 4,096 (`offset.metadata.max.bytes`). Empty where no end is known.
    """
    if not ends:
        return ""
    return json.dumps({"v": VERSION, "ends": dict(ends)}, separators=(",", ":"), sort_keys=True)


def ends_of(metadata: str | None) -> dict[str, int]:
    """The ends that a commit tells of, by table; none where it was somebody else's.

    As of an earlier version, or of `kafka-consumer-groups.sh --reset-offsets`.
    """
    try:
        told = json.loads(metadata or "")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(told, dict) or told.get("v") != VERSION:
        return {}
    ends = told.get("ends")
    if not isinstance(ends, dict):
        return {}
    return {table: end for table, end in ends.items() if type(end) is int and end >= 0}


def short_of(floors: Mapping[TP, int], ends: Mapping[TP, int]) -> dict[TP, tuple[int, int]]:
    """Of each log that ends before it was known to reach: the end it has, and the one it had."""
    return {tp: (end, floors[tp]) for tp, end in sorted(ends.items()) if end < floors.get(tp, 0)}


def told(short: Mapping[TP, tuple[int, int]]) -> str:
    """Which logs end too early, and where; empty where none does."""
    return ", ".join(
        f"{tp.topic}/{tp.partition} ends at {end}, and was acknowledged up to {floor}"
        for tp, (end, floor) in short.items()
    )
