"""Tables restored up to where the last commit says that the changelogs were: that is not enough.

With each patient's record stands how far it is in the source topics. A log of windows of which the
end was not seen, beside records that were, is a state that never was: what it lacks is taken for
applied. So the whole of both logs has to be read, which a barrier makes sure of
(`stream.worker.marks`).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from faust.types import TP

from stream.worker.grader import RulesetGrader
from tests.worker.harness import Worker
from tests.worker.test_counted_once import BATCH, FOLDING, RECORDS, said

if TYPE_CHECKING:
    from collections.abc import Mapping

TOPICS = ("pc", "wc")
SEEDS = range(12)


class Left(NamedTuple):
    """What a worker that is gone has left: its logs, and its last commit."""

    worker: Worker
    logs: Mapping[TP, list[tuple[bytes, bytes | None]]]
    committed: Mapping[int, int]
    marks: Mapping[TP, int]


@pytest.fixture(scope="module")
def straight() -> Worker:
    """A worker that nothing happens to."""
    worker = Worker(RulesetGrader(FOLDING))
    worker.work(RECORDS, BATCH)
    return worker


def worked(straight: Worker, dice: random.Random) -> Left:
    worker = Worker(straight.grader, write_after=dice.choice([0.0, 3.0, 10.0]))
    worker.own_everything()
    committed = dict.fromkeys({one.partition for one in RECORDS}, 0)
    marks = {TP(topic, partition): 0 for topic in TOPICS for partition in committed}
    for first in range(0, len(RECORDS) * dice.randint(3, 9) // 10, BATCH):
        worker.work(RECORDS[first : first + BATCH], BATCH)
        worker.now += 1.0
        if dice.random() < 0.3:
            for partition, ledger in worker.ledgers.items():
                committed[partition] = ledger.committable or committed[partition]
            marks |= worker.rounds.changelogs.positions.reached
    logs: dict[TP, list[tuple[bytes, bytes | None]]] = {tp: [] for tp in marks}
    for topic, key, value, partition, _ in worker.broker.sent:
        if topic in TOPICS:
            assert key is not None
            logs[TP(topic, partition or 0)].append((key, value))
    return Left(worker, logs, committed, marks)


def counts_once(straight: Worker, left: Left, ends: Mapping[TP, int]) -> bool:
    """Whether the next owner comes to the very history and alerts, with what it has read."""
    heir = Worker(straight.grader)
    heir.broker.acknowledged = [
        (tp.topic, key, value) for tp, end in ends.items() for key, value in left.logs[tp][:end]
    ]
    heir.restart()
    heir.work([one for one in RECORDS if one.offset >= left.committed[one.partition]], BATCH)
    same = all(
        heir.rounds.ward.state(key) == straight.rounds.ward.state(key)
        for key in straight.rounds.ward
    )
    return same and list(dict.fromkeys([*said(left.worker), *said(heir)])) == said(straight)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_whole_of_both_logs_is(straight: Worker, seed: int) -> None:
    left = worked(straight, random.Random(seed))
    assert counts_once(straight, left, {tp: len(log) for tp, log in left.logs.items()})


def test_what_the_last_commit_tells_of_is_not(straight: Worker) -> None:
    """Each log read to somewhere between what was told with the commit, and its end."""
    kept = []
    for seed in SEEDS:
        dice = random.Random(seed)
        left = worked(straight, dice)
        ends = {tp: dice.randint(left.marks[tp], len(log)) for tp, log in left.logs.items()}
        kept.append(counts_once(straight, left, ends))
    assert not all(kept)
