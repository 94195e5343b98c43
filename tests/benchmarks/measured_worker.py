"""A worker that tells what an event costs it, by part: run by `worker_cpu.py` in place of one.

CPU seconds of the process between two records of the topic, and of that what the main thread spent
in decoding, in the engine, and in working out and encoding what is stored. The rest is the shell.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
import time
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stream.worker import batch
from stream.worker.__main__ import main
from stream.worker.agent import Rounds
from stream.worker.grader import RulesetGrader
from stream.worker.ward import Ward

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, LAST, TARGET = (os.environ[f"MEASURED_{name}"] for name in ("FIRST", "LAST", "REPORT"))
SPENT = {"decode": 0.0, "engine": 0.0, "state": 0.0}


def timed(part: str, function: Callable[..., Any], one_in: int) -> Callable[..., Any]:
    """Times one call in so many, as the clock itself takes its microseconds."""
    turn = itertools.count()

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if next(turn) % one_in:
            return function(*args, **kwargs)
        start = time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            SPENT[part] += one_in * (time.thread_time() - start)

    return call


class Meter:
    """Begins once FIRST records are worked off, and reports once LAST are."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.done = self.rounds = 0
        self.told = False
        self.began: tuple[int, float, float, dict[str, float]] | None = None
        self.work = work

    async def __call__(self, rounds: Any, producer: Any, records: Any) -> None:
        await self.work(rounds, producer, records)
        self.done += len(records)
        self.rounds += 1
        if self.began is None:
            if self.done >= int(FIRST):
                self.began = self.done, time.process_time(), time.monotonic(), dict(SPENT)
                self.rounds = 0
        elif self.done >= int(LAST) and not self.told:
            self.told = True
            self.report(*self.began)

    def report(self, done: int, cpu: float, wall: float, spent: dict[str, float]) -> None:
        count = self.done - done
        parts = {name: (SPENT[name] - spent[name]) / count * 1e6 for name in SPENT}
        total = (time.process_time() - cpu) / count * 1e6
        report = {
            "events": count,
            "total": total,
            **parts,
            "shell": total - sum(parts.values()),
            "per_s": count / (time.monotonic() - wall),
            "a_round": count / max(1, self.rounds),
            "collections": [generation["collections"] for generation in gc.get_stats()],
        }
        Path(TARGET + ".new").write_text(json.dumps(report), "utf-8")
        Path(TARGET + ".new").rename(TARGET)


if __name__ == "__main__":
    batch.decode = timed("decode", batch.decode, 7)
    RulesetGrader.step = timed("engine", RulesetGrader.step, 7)  # type: ignore[method-assign]
    for owner, name in ((batch.Batch, "plan"), (Ward, "writes"), (Ward, "take_in")):
        setattr(owner, name, timed("state", getattr(owner, name), 1))
    meter = Meter(Rounds.work)

    async def work(rounds: Any, producer: Any, records: Any) -> None:
        await meter(rounds, producer, records)

    Rounds.work = work  # type: ignore[method-assign]
    sys.exit(main())
