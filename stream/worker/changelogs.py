"""Which records of the changelogs the tables hold, and which came from somebody else.

A partition's changelog has one writer, its owner; so the records that an owner writes follow each
other without a hole. A hole is another writer's record: that of a zombie (`stream.worker.lease`
keeps them to what was already in a socket's buffer), or one that the client sent twice. Whoever
reads the changelog next would take it for the newest state. So the owner, who has the newest,
writes what the record was about once more, behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faust.types import TP

from stream.worker.faust_repairs import delivered
from stream.worker.marks import BARRIER
from stream.worker.records import Send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from stream.worker.faust_repairs import Producer
    from stream.worker.ward import Ward


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one partition, from `first` up to but without `end`."""

    tp: TP
    first: int
    end: int


class ChangelogPositions:
    """The next offset of each changelog partition that the tables do not hold yet."""

    def __init__(self) -> None:
        self.next: dict[TP, int] = {}
        self.reached: dict[TP, int] = {}
        """How far each log is known to reach, whoever owns it: what was acknowledged or read lies
        before. Never forgotten, as `next` is: a log does not become shorter."""
        self.foreign = 0
        """How many foreign records were found since the start."""

    def restored(self, tp: TP, position: int) -> None:
        """The tables hold everything before `position`."""
        self.next[tp] = position
        self._reaches(tp, position)

    def revoked(self, tp: TP) -> None:
        """Another owner writes it from now on."""
        self.next.pop(tp, None)

    def keep(self, partitions: AbstractSet[int]) -> None:
        """The tables hold nothing of all other partitions."""
        for tp in [tp for tp in self.next if tp.partition not in partitions]:
            del self.next[tp]

    def wrote(self, acknowledged: Iterable[tuple[TP, int]]) -> list[Span]:
        """Note our own records by partition and offset; returns the holes between them."""
        holes = []
        for tp, offset in sorted(acknowledged):
            self._reaches(tp, offset + 1)
            expected = self.next.get(tp)
            if expected is None or offset < expected:
                continue  # not ours to judge: an unknown offset, or a retried send's first copy
            if offset > expected:
                holes.append(self._hole(tp, expected, offset))
            self.next[tp] = offset + 1
        return holes

    def ends(self, found: Mapping[TP, int]) -> list[Span]:
        """Look at the ends of the logs while nothing of ours is under way; returns the holes."""
        holes = []
        for tp, end in sorted(found.items()):
            self._reaches(tp, end)
            expected = self.next.get(tp)
            if expected is not None and end > expected:
                holes.append(self._hole(tp, expected, end))
                self.next[tp] = end
        return holes

    def _reaches(self, tp: TP, end: int) -> None:
        self.reached[tp] = max(end, self.reached.get(tp, 0))

    def _hole(self, tp: TP, first: int, end: int) -> Span:
        self.foreign += end - first
        return Span(tp, first, end)


class Changelogs:
    """The two changelogs as their owner writes them; see the module.

    `read` gives the records of a span, or None where it cannot; it is asked for those of others.
    """

    def __init__(
        self,
        ward: Ward,
        topics: tuple[str, str],
        positions: Callable[[], ChangelogPositions],
        read: Callable[[Span], Awaitable[Sequence[Any] | None]],
    ) -> None:
        self.ward = ward
        self.patients, self.windows = topics
        self._positions, self._read = positions, read

    @property
    def positions(self) -> ChangelogPositions:
        """Where the tables stand; the recovery's own."""
        return self._positions()

    async def write(
        self, producer: Producer, topic: str, items: Iterable[tuple[bytes, bytes | None]]
    ) -> list[Span]:
        """Send records of one table, each to its patient's partition; returns others' spans."""
        window = topic == self.windows
        sends = [Send(topic, key, value, self.ward.home(key, window)) for key, value in items]
        answers = await delivered(producer, sends)
        return self.positions.wrote(
            (TP(topic, answer.partition), answer.offset) for answer in answers
        )

    async def mend(self, producer: Producer, spans: Iterable[Span]) -> list[Span]:
        """Write what the tables hold of everything that others' records are about.

        In the order of a batch: windows, then records, then what is gone. Returns the spans that
        could not be read, as after a rebalance, and are still ours: they have to be mended later.
        """
        waiting, left = [span for span in spans if span.tp in self.positions.next], []
        while waiting:
            keys: dict[str, set[bytes]] = {self.windows: set(), self.patients: set()}
            for span in waiting:
                records = await self._read(span)
                if records is None:
                    left.append(span)
                    continue
                keys[span.tp.topic] |= {
                    record.key for record in records if record.key not in {None, BARRIER}
                }
            waiting = []
            held = {
                topic: {key: self.ward.stored(key, topic == self.windows) for key in sorted(mine)}
                for topic, mine in keys.items()
            }
            for gone in (False, True):
                for topic, values in held.items():
                    chosen = [(k, v) for k, v in values.items() if (v is None) is gone]
                    waiting += await self.write(producer, topic, chosen)
        return [span for span in left if span.tp in self.positions.next]
