"""A record as it is read from a source topic, and one that is to be sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from stream.engine.native import mypyc_attr
from stream.worker.triage import Call


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class SourceRecord:
    """A record of a source topic; `timestamp` in seconds, as Faust gives it.

    A tick may be for one patient `only`, or for all of its partition `but` some who had it.
    """

    topic: Final[str]
    partition: Final[int]
    offset: Final[int]
    timestamp: Final[float]
    key: Final[bytes | None]
    value: Final[bytes | None]
    only: Final[bytes | None]
    but: Final[frozenset[bytes]]

    def __init__(
        self,
        topic: str,
        partition: int,
        offset: int,
        timestamp: float,
        key: bytes | None,
        value: bytes | None,
        only: bytes | None = None,
        but: frozenset[bytes] = frozenset(),
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.only = only
        self.but = but


def source_records(calls: Iterable[Call]) -> list[SourceRecord]:
    """What a batch needs of the messages that are called: raw bytes, nothing decoded."""
    found = []
    for call in calls:
        message = call.message
        found.append(
            SourceRecord(
                message.topic,
                message.partition,
                message.offset,
                message.timestamp or 0.0,
                message.key,
                message.value,
                call.only,
                call.but,
            )
        )
    return found


class Send(NamedTuple):
    """A record to send; `partition` None lets the key decide."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: list[tuple[str, bytes]] | None = None
