"""A flood of dead letters: how many are sent, and the one letter that stands for the others.

What is set aside beyond the limit is not sent, it is summed up: each batch sends one letter of
the reason `flood` for each source partition, with how many of each reason, and the offsets at which
the records still lie in their topic. So nothing is set aside without a letter or a number.

A partition's letters are limited, and within it those of one record key: a broken device silences
nobody else's letters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.engine.events import Micros
    from stream.worker.records import SourceRecord

MINUTE: Micros = 60_000_000
SHARE = 4
"""One key may use up one part in so many of its partition's letters."""
WEIGHT_BYTES = 64 * 1024
"""A large letter counts for several: one for each so many bytes begun."""


@dataclass(slots=True)
class _Minute:
    """What one source partition was granted since a minute began."""

    since: Micros
    used: int = 0
    by_key: dict[bytes | None, int] = field(default_factory=dict)


class FloodGate:
    """Grants letters by source partition and key; knows nothing of what a letter says."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._share = max(1, per_minute // SHARE)
        self._minutes: dict[tuple[str, int], _Minute] = {}

    def grants(self, record: SourceRecord, now: Micros) -> bool:
        """Whether this record may have a letter of its own; counts it if so."""
        minute = self._minutes.setdefault((record.topic, record.partition), _Minute(now))
        if not 0 <= now - minute.since < MINUTE:
            minute.since, minute.used = now, 0
            minute.by_key.clear()
        mine = minute.by_key.get(record.key, 0)
        if minute.used >= self.per_minute or mine >= self._share:
            return False
        weight = 1 + len(record.value or b"") // WEIGHT_BYTES
        minute.used += weight
        minute.by_key[record.key] = mine + weight
        return True


@dataclass(slots=True)
class Withheld:
    """What one batch set aside of one source partition without letters of their own."""

    reasons: Counter[str] = field(default_factory=Counter)
    offsets: list[int] = field(default_factory=list)

    def add(self, reason: str, offset: int) -> None:
        """One more."""
        self.reasons[reason] += 1
        self.offsets.append(offset)

    def spans(self) -> list[tuple[int, int]]:
        """First and last offset of each unbroken run."""
        return list(_spans(sorted(set(self.offsets))))


def _spans(offsets: list[int]) -> Iterator[tuple[int, int]]:
    first = last = offsets[0]
    for offset in offsets[1:]:
        if offset > last + 1:
            yield first, last
            first = offset
        last = offset
    yield first, last
