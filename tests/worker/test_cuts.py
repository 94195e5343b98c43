"""Tables restored from changelogs of which the newest part was not seen: which of them are whole?

Every pair of pieces that a deposed leader might give, of two logs as a worker wrote them: read at
least as far as the last commit and each other's records ask for, they are what a crash would have
left, and every event counts once. Read short of that they are not.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from faust.types import TP

from stream.worker.grader import RulesetGrader
from stream.worker.marks import ends_in
from tests.worker.harness import Worker
from tests.worker.test_counted_once import BATCH, FOLDING, RECORDS, said

if TYPE_CHECKING:
    from collections.abc import Mapping

TOPICS = {"patients": "pc", "windows": "wc"}
SEEDS = range(12)


class Left(NamedTuple):
    """What a worker that is gone has left: its logs, and its last commit."""

    worker: Worker
    logs: Mapping[TP, list[tuple[bytes, bytes | None, Mapping[str, int]]]]
    """Key, value, and what the record tells of the other log, by offset."""
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
    marks = {TP(topic, partition): 0 for topic in TOPICS.values() for partition in committed}
    for first in range(0, len(RECORDS) * dice.randint(3, 9) // 10, BATCH):
        worker.work(RECORDS[first : first + BATCH], BATCH)
        worker.now += 1.0
        if dice.random() < 0.3:
            for partition, ledger in worker.ledgers.items():
                committed[partition] = ledger.committable or committed[partition]
            marks |= worker.rounds.changelogs.positions.reached
    logs: dict[TP, list[tuple[bytes, bytes | None, Mapping[str, int]]]] = {tp: [] for tp in marks}
    for topic, key, value, partition, headers in worker.broker.sent:
        if topic in TOPICS.values():
            assert key is not None
            logs[TP(topic, partition or 0)].append((key, value, ends_in(headers)))
    return Left(worker, logs, committed, marks)


def cut(left: Left, dice: random.Random, *, marks: bool, headers: bool) -> dict[TP, int]:
    """Where each log ends for its reader; raised to what the commit and the records ask for."""
    floors = left.marks if marks else dict.fromkeys(left.logs, 0)
    ends = {tp: dice.randint(min(floors[tp], len(log)), len(log)) for tp, log in left.logs.items()}
    before: dict[TP, int] = {}
    while headers and before != ends:
        before = dict(ends)
        for tp, end in before.items():
            for _, _, told in left.logs[tp][:end]:
                for table, needed in told.items():
                    other = TP(TOPICS[table], tp.partition)
                    ends[other] = max(needed, ends[other])
    return ends


def counts_once(straight: Worker, left: Left, ends: Mapping[TP, int]) -> bool:
    """Whether the next owner comes to the very history and alerts, with what it has read."""
    heir = Worker(straight.grader)
    heir.broker.acknowledged = [
        (tp.topic, key, value) for tp, end in ends.items() for key, value, _ in left.logs[tp][:end]
    ]
    heir.restart()
    heir.work([one for one in RECORDS if one.offset >= left.committed[one.partition]], BATCH)
    same = all(
        heir.rounds.ward.state(key) == straight.rounds.ward.state(key)
        for key in straight.rounds.ward
    )
    return same and list(dict.fromkeys([*said(left.worker), *said(heir)])) == said(straight)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_commit_and_records_ask_for_is_enough(straight: Worker, seed: int) -> None:
    dice = random.Random(seed)
    left = worked(straight, dice)
    for _ in range(4):
        ends = cut(left, dice, marks=True, headers=True)
        assert counts_once(straight, left, ends), ends


@pytest.mark.parametrize(("marks", "headers"), [(False, True), (True, False)])
def test_neither_alone_is(straight: Worker, marks: bool, headers: bool) -> None:
    kept = []
    for seed in SEEDS:
        dice = random.Random(seed)
        left = worked(straight, dice)
        kept.append(counts_once(straight, left, cut(left, dice, marks=marks, headers=headers)))
    assert not all(kept)
