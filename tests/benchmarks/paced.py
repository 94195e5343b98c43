"""A run at a rate: what became of its events, as a whole or stretch by stretch of its time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.benchmarks.gauge import rate_between
from tests.benchmarks.spread import percentile
from tests.benchmarks.ward import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.benchmarks.gauge import Sample
    from tests.benchmarks.oracle import Said
    from tests.benchmarks.ward import Event


class Read(NamedTuple):
    """An alert, when the broker had it and when it was here, seconds since 1970."""

    said: Said
    stored: float
    arrived: float


class Written(NamedTuple):
    """A record of a changelog: when it was sent, seconds since 1970, and its bytes."""

    at: float
    size: int


class Paced(NamedTuple):
    """Events with when each was sent, the alerts that were read, and the event each was due to."""

    rate: float
    events: Sequence[Event]
    stamps: Sequence[float]
    read: Sequence[Read]
    causes: Mapping[Said, int]

    def figures(self, begin: float = 0.0, end: float = math.inf) -> dict[str, Any]:
        """Of the events sent from `begin` until before `end`, seconds since 1970."""
        sent = [n for n, stamp in enumerate(self.stamps) if begin <= stamp < end]
        chosen = range(sent[0], sent[-1] + 1) if sent else range(0)
        arrived, stored = [], []
        for said, in_log, here in self.read:
            cause = self.causes.get(said)
            if cause is not None and cause in chosen:
                arrived.append((here - self.stamps[cause]) * 1000)
                stored.append((in_log - self.stamps[cause]) * 1000)
        due = (len(chosen) - 1) / self.rate
        return {
            "rate": self.rate, "messages": len(chosen), "alerts": len(arrived),
            "readings": sum(self.events[n].readings for n in chosen),
            "sender_late_s": self.stamps[sent[-1]] - self.stamps[sent[0]] - due if sent else 0.0,
            **_percentiles(arrived, ""), **_percentiles(stored, "stored_"),
            "arrived_ms": [round(each, 1) for each in arrived],
        }  # fmt: skip


def stretches(
    run: Paced,
    written: Sequence[Written],
    cpu: Sequence[Sample],
    grown: int | None,
    lead_s: float,
    stretch_s: float,
) -> Iterator[dict[str, Any]]:
    """The figures of each whole stretch after the lead, with what was written during it.

    `written`: all records of the changelogs since before the run; `grown`: the bytes that these
    took on disk, None where unknown. What the disk has beyond keys and values is shared out among
    the stretches as these weigh.
    """
    whole = sum(each.size for each in written)
    framing = max(1.0, (grown or 0) / whole) if whole else 1.0
    over = run.stamps[-1] + 1 / run.rate  # the last event has its share of the time, too
    for number in range(int((over - run.stamps[0] - lead_s) / stretch_s + 0.01)):
        begin = run.stamps[0] + lead_s + number * stretch_s
        end = begin + stretch_s
        found = run.figures(begin, end)
        until = min(end, run.stamps[-1])
        sizes = [each.size for each in written if begin <= each.at < end]
        changelog = {
            "records": len(sizes), "bytes": sum(sizes),
            "disk": None if grown is None else round(sum(sizes) * framing),
        }  # fmt: skip
        yield {
            **found,
            "seconds": stretch_s,
            "cores": rate_between(cpu, begin, until),
            "changelog": weighed(changelog, found),
        }


def weighed(changelog: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """The changelogs' growth, as a whole and for each reading and snapshot of the run."""
    heaviest = max(changelog["bytes"], changelog["disk"] or 0)
    per_reading = heaviest / run["readings"] if run["readings"] else 0.0
    return {**changelog, "per_reading": per_reading, "per_snapshot": per_reading * SIGNALS}


def _percentiles(milliseconds: list[float], before: str) -> dict[str, float | None]:
    if not milliseconds:
        return dict.fromkeys(f"{before}{name}_ms" for name in ("p50", "p99", "max"))
    return {
        f"{before}p50_ms": percentile(milliseconds, 0.5),
        f"{before}p99_ms": percentile(milliseconds, 0.99),
        f"{before}max_ms": max(milliseconds),
    }
