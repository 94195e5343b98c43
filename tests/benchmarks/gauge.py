"""What a running worker is read off while events are sent to it, and the rates that follow."""

from __future__ import annotations

import statistics
import threading
import time
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EVERY_S = 0.5
LEAD_S = 2.0
"""Left out at the beginning of a sustained run: the backlog builds up."""
LEAST_S = 4.0
"""A sustained run is no shorter, its lead not counted: a batch is 500 events."""
OFFERED = 1.2
"""What is offered: so many times what the worker takes from a preloaded topic."""
DRY_S = 0.25
"""A worker that is behind by less work than this may have waited for the sender."""


class Sample(NamedTuple):
    """A count that only grows, and when it was read, seconds since 1970."""

    at: float
    count: float


class Gauge:
    """`with Gauge(read) as gauge`: a thread reads a count now and then into `samples`."""

    def __init__(self, read: Callable[[], float], every_s: float = EVERY_S) -> None:
        self.samples: list[Sample] = []
        self._read, self._every_s = read, every_s
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gauge", daemon=True)

    def __enter__(self) -> Self:
        self._take()
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if kind is None:
            if self._error is not None:
                raise self._error
            self._take()

    def _run(self) -> None:
        try:
            while not self._over.wait(self._every_s):
                self._take()
        except BaseException as error:  # noqa: BLE001 - raised where the gauge is left
            self._error = error

    def _take(self) -> None:
        count = self._read()
        self.samples.append(Sample(time.time(), count))


def count_at(samples: Sequence[Sample], moment: float) -> float:
    """The count at a moment between two samples. Raises ValueError where none are around it."""
    for before, after in pairwise(samples):
        if before.at <= moment <= after.at:
            share = (moment - before.at) / (after.at - before.at) if after.at > before.at else 1.0
            return before.count + share * (after.count - before.count)
    raise ValueError(f"no samples around {moment}")


def rate_between(samples: Sequence[Sample], begin: float, end: float) -> float:
    """How much the count grew a second. Raises ValueError where no samples are around."""
    return (count_at(samples, end) - count_at(samples, begin)) / (end - begin)


def sustained(
    samples: Sequence[Sample], stamps: Sequence[float], lead_s: float = LEAD_S
) -> dict[str, Any]:
    """What was worked off a second while the sender was sending, without the lead.

    `samples` count the events worked off, from before the first one was sent until after the last;
    `stamps` say when each was sent. `at_least`: at some moment the worker had next to nothing left
    to do, and could have taken more. Raises ValueError where less than the lead was sent.
    """
    begin, end = stamps[0] + lead_s, stamps[-1]
    if end <= begin:
        raise ValueError(f"sent for {end - stamps[0]:.1f} s, of which {lead_s:.1f} are the lead")
    seconds, first = end - begin, samples[0].count
    moments = [begin, *(each.at for each in samples if begin < each.at < end), end]
    behind = [bisect_right(stamps, at) - (count_at(samples, at) - first) for at in moments]
    rate = rate_between(samples, begin, end)
    return {
        "seconds": seconds, "messages_s": rate,
        "offered_s": (bisect_right(stamps, end) - bisect_right(stamps, begin)) / seconds,
        "behind_least": min(behind), "behind_last": behind[-1],
        "at_least": min(behind) < DRY_S * rate,
    }  # fmt: skip


def bounded(runs: Sequence[dict[str, Any]]) -> bool:
    """Whether the median of sustained runs is a lower bound only: a run of the lower half is."""
    middle = statistics.median_high([run["messages_s"] for run in runs])
    return any(run["at_least"] and run["messages_s"] <= middle for run in runs)
