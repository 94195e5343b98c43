"""What one fetch brought, in chunks that go through the worker as one: see `LeanConsumer`.

A chunk holds records of one partition number, of all topics: these are the patients' own order.
What is fetched of several topics together is merged by its timestamps. Between two partitions,
which have no patient in common, there is no order to keep.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from faust.types import TP

from stream.engine.native import mypyc_attr
from stream.worker.held import Held

CHUNK_RECORDS: Final = 500
"""Most records of a chunk: about a round's."""
CHUNK_BYTES: Final = 1024 * 1024
"""Most bytes of a chunk, where it is more than one record."""


@mypyc_attr(acyclic=True)
class Record:
    """A record as it was fetched; `timestamp` in seconds since 1970."""

    __slots__ = (
        "generation_id", "held", "key", "offset", "partition", "timestamp", "topic", "tp", "value",
    )  # fmt: skip

    def __init__(self, tp: TP, fetched: Any, generation_id: int, held: Held) -> None:
        self.tp: Final = tp
        self.topic: Final[str] = tp.topic
        self.partition: Final[int] = tp.partition
        self.offset: Final[int] = fetched.offset
        self.timestamp: Final[float] = (fetched.timestamp or 0) / 1000
        self.key: Final[bytes | None] = fetched.key
        self.value: Final[bytes | None] = fetched.value
        self.generation_id: Final = generation_id
        self.held: Final = held


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Chunk:
    """Records, their bytes, and the token that all of them hold."""

    records: Final[Sequence[Record]]
    size: Final[int]
    held: Final[Held]

    def __init__(self, records: Sequence[Record], size: int, held: Held) -> None:
        self.records = records
        self.size = size
        self.held = held


def offsets_of(records: Iterable[Record]) -> dict[TP, list[int]]:
    """By partition, in their order."""
    found: dict[TP, list[int]] = {}
    for record in records:
        offsets = found.get(record.tp)
        if offsets is None:
            offsets = found[record.tp] = []
        offsets.append(record.offset)
    return found


def chunks(
    fetched: Mapping[TP, Sequence[Any]],
    merged: Callable[[Any], Iterable[tuple[TP, Any]]],
    generation_id: int,
) -> Iterator[Chunk]:
    """Partition by partition; `merged` puts the records of several topics in one order."""
    partitions: dict[int, dict[TP, Sequence[Any]]] = defaultdict(dict)
    for tp, found in fetched.items():
        partitions[tp.partition][tp] = found
    for topics in partitions.values():
        ordered: Iterable[tuple[TP, Any]]
        if len(topics) > 1:
            ordered = merged(topics)
        else:
            ordered = [(tp, record) for tp, found in topics.items() for record in found]
        yield from _cut(ordered, generation_id)


def _cut(ordered: Iterable[tuple[TP, Any]], generation_id: int) -> Iterator[Chunk]:
    records: list[Record] = []
    size, held = 0, Held()
    for tp, fetched in ordered:
        more = len(fetched.key or b"") + len(fetched.value or b"")
        if records and (size + more > CHUNK_BYTES or len(records) == CHUNK_RECORDS):
            yield Chunk(records, size, held)
            records, size, held = [], 0, Held()
        records.append(Record(tp, fetched, generation_id, held))
        size += more
    if records:
        yield Chunk(records, size, held)
