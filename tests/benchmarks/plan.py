"""What is measured: the cases, how often, and how long."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

HOUR_S = 3600
DAY_S = 24 * HOUR_S
LOADS = (0.1, 0.5, 0.9)
"""Shares of the highest sustained rate at which latency is measured."""


class Void(Exception):  # noqa: N818  # it names the fact
    """A case says nothing: its alerts are not the engine's, or it could not be measured."""


@dataclass(frozen=True, slots=True)
class Case:
    """So many patients, who have been there so long, watched by so many workers."""

    patients: int
    stay_s: int
    workers: int

    @property
    def stay(self) -> str:
        """In words."""
        if self.stay_s >= DAY_S:
            return f"{self.stay_s // DAY_S} d"
        return f"{self.stay_s / HOUR_S:g} h"

    def __str__(self) -> str:
        plural = "s" if self.workers > 1 else ""
        return f"{self.patients:,} patients, {self.stay}, {self.workers} worker{plural}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run of the harness."""

    cases: tuple[Case, ...]
    runs: int
    messages: int
    latency_s: float
    seed: int
    yardsticks: bool = True
    stretches: int = 3
    stretch_s: float = 60.0
    """Of the run at 1 Hz: whole minutes, as a minute's first snapshots cost most."""

    least_s: int = 20
    """Of the ward's own time in one run: with less, most of it is the first event of each."""

    def segment(self, case: Case) -> int:
        """Messages of one measured run: of `least_s` to half an hour of the ward's time."""
        most = case.patients * HOUR_S // 2
        return min(max(self.messages, case.patients * self.least_s), most)

    @property
    def yardstick_case(self) -> Case:
        """The case on whose topic the yardsticks run: one worker, nearest to 1,000 patients."""
        return min(self.cases, key=lambda c: (c.workers, abs(c.patients - 1000), c.stay_s))


def crossed(patients: list[int], stays_s: list[int], workers: list[int]) -> tuple[Case, ...]:
    """Every number of patients with every stay and every number of workers."""
    return tuple(itertools.starmap(Case, itertools.product(patients, stays_s, workers)))
