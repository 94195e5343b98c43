"""How far the changelogs reached, told where their next reader will look: in commits and records.

Whoever restores a table asks the partition's leader for the end of its changelog. A broker that was
deposed and does not know it yet (it was stopped, or cut off) answers with an older one. So the
owner of a partition leaves word of how far each changelog was acknowledged:

- with every commit of a source offset, in Kafka's metadata of it: the states of all records before
  the offset lie before these ends;
- with every record of one changelog, in a header: how far the other one was when it was sent. The
  windows are written before the record that speaks of them, and are forgotten after it: two logs of
  which one was read short of the other would be a state that never was, and as the record knows how
  far its patient is in the source topics, what is missing would not be applied again.

A reader who holds all that these ask for holds what a crash at some moment would have left.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from faust.types import TP

VERSION = 1
"""Of the metadata. A later one is one that this version cannot read: nothing is known then."""
HEADER = "end."
"""Before the name of the other table."""


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


def headers_of(ends: Mapping[str, int]) -> list[tuple[str, bytes]] | None:
    """The headers of a record of one table: the next offset of each other table's changelog."""
    return [(HEADER + table, b"%d" % end) for table, end in sorted(ends.items())] or None


def ends_in(headers: Mapping[str, bytes] | Iterable[tuple[str, bytes]] | None) -> dict[str, int]:
    """The ends that a record tells of, by table; none where its writer told of none."""
    return {
        name.removeprefix(HEADER): int(value)
        for name, value in dict(headers or ()).items()
        if name.startswith(HEADER) and value.isdigit()
    }


def short_of(floors: Mapping[TP, int], ends: Mapping[TP, int]) -> dict[TP, tuple[int, int]]:
    """Of each log that ends before it was known to reach: the end it has, and the one it had."""
    return {tp: (end, floors[tp]) for tp, end in sorted(ends.items()) if end < floors.get(tp, 0)}


def told(short: Mapping[TP, tuple[int, int]]) -> str:
    """Which logs end too early, and where; empty where none does."""
    return ", ".join(
        f"{tp.topic}/{tp.partition} ends at {end}, and was acknowledged up to {floor}"
        for tp, (end, floor) in short.items()
    )
