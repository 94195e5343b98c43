"""Charts of workers that stand still, and of those that only look like it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stream.metric_labels import PARTS as METRIC_PARTS
from stream.worker.observation import Observation, Place
from stream.worker.progress import PARTS, Part, Progress, ProgressPolicy, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY = ProgressPolicy(
    stall_s=30, recovery_s=120, brokers_s=25, commit_s=30, ticker_s=30, dead_s=5, away_s=5
)
CALM = Place(first=0, end=7, settled=7, position=7, committed=7, under_way=0)
VITALS = ("vitals", 3)


def well(second: int) -> Observation:
    """A worker with nothing to do, and brokers that answer."""
    return Observation(
        answers=second, rounds=second, places={VITALS: CALM, ("care", 0): CALM}, restored=100
    )


def ends(course: Callable[[int], Observation], seconds: int = 400) -> tuple[Part, int] | None:
    """The first verdict and its second, of a worker that is looked at once a second."""
    progress = Progress(POLICY)
    for second in range(seconds):
        stuck = verdict(progress.look(course(second), second))
        if stuck is not None:
            return stuck.part, second
    return None


def places(**changes: int | None) -> dict[tuple[str, int], Place]:
    """One partition is as said, its neighbour is well."""
    return {VITALS: replace(CALM, **changes), ("care", 0): CALM}


def test_parts_have_their_own_exit_codes_and_labels() -> None:
    codes = [spec.exit_code for spec in PARTS.values()]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= set(range(71, 100))
    assert set(PARTS) == set(Part)
    assert tuple(part.value for part in Part) == METRIC_PARTS


def test_a_worker_with_nothing_to_do_is_not_stuck() -> None:
    assert ends(well) is None
    assert ends(lambda second: replace(well(second), places={})) is None  # rightly empty


@pytest.mark.parametrize(
    ("part", "second", "changes"),
    [
        (Part.MAIN_LOOP, 30, {"main_loop": False}),
        (Part.CONSUMER_LOOP, 30, {"consumer_loop": False}),
        (Part.BROKERS, 25, {"answers": 0}),
        (Part.FETCHER, 5, {"fetching": False}),
        (Part.AGENT, 5, {"agent": False}),
        (Part.PRODUCER, 30, {"oldest_send": (17, "alerts")}),
        (Part.TICKER, 30, {"rounds": 9}),
        (Part.ASSIGNMENT, 120, {"ready": False, "joined": False}),
        (Part.RECOVERY, 120, {"ready": False}),
        (Part.COORDINATOR, 0, {"error": "x", "coordinator_ended": True}),
        (Part.COORDINATOR, 4, {"error": "UnknownError()"}),
    ],
)
def test_each_part_that_stands_still_is_found(
    part: Part, second: int, changes: dict[str, object]
) -> None:
    assert ends(lambda s: replace(well(s), **changes)) == (part, second)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"end": 90, "under_way": 5, "position": 12},
        {"end": 90},
        {"end": 90, "position": 90},  # read, and never handed to the agent
        {"end": 90, "settled": None, "position": None},
    ],
    ids=["held by the agent", "not fetched", "lost on the way", "nothing yet"],
)
def test_one_stuck_partition_among_healthy_ones_is_found(changes: dict[str, int | None]) -> None:
    def course(second: int) -> Observation:
        neighbour = replace(CALM, end=second + 9, settled=second + 7, committed=second + 7)
        return replace(well(second), places=places(**changes) | {("care", 1): neighbour})

    assert ends(course) == (Part.PARTITION, 30)


def test_the_partition_is_named() -> None:
    progress = Progress(POLICY)
    for second in (0, 40):
        seen = replace(well(second), places=places(end=90))
        standings = {s.part: s for s in progress.look(seen, second)}
    assert standings[Part.PARTITION].about == "vitals/3, settled 7 of 90"


@pytest.mark.parametrize(
    "changes",
    [
        {"end": 8, "position": 8},  # a transaction's marker
        {"first": 90, "end": 90, "position": 90},  # the log was cut while nobody read
        {"first": 90, "end": 90, "position": None, "settled": None, "committed": None},
        {"end": 90, "led": False},  # its leader is away: no worker can move it
    ],
)
def test_a_partition_with_nothing_to_settle_is_not_stuck(changes: dict[str, int | None]) -> None:
    assert ends(lambda second: replace(well(second), places=places(**changes))) is None


def test_a_slow_partition_is_not_stuck() -> None:
    def course(second: int) -> Observation:
        done = 7 + second // 20
        return replace(well(second), places=places(end=900, settled=done, committed=done))

    assert ends(course) is None


def test_a_commit_that_stands_still_is_found_while_records_are_settled() -> None:
    def course(second: int) -> Observation:
        moving = places(end=9 + second, settled=8 + second, position=9 + second, committed=7)
        return replace(well(second), places=moving)

    assert ends(course) == (Part.COMMIT, 30)


def test_a_long_recovery_that_advances_is_not_stuck() -> None:
    assert ends(lambda s: replace(well(s), ready=False, restored=s // 60), 4000) is None


def test_rebalances_without_end_are_no_progress() -> None:
    """Each begins the same restore anew, and none gets further."""

    def course(second: int) -> Observation:
        return replace(well(second), ready=False, joined=second % 10 > 5, restored=second % 10)

    found = ends(course)
    assert found is not None
    assert found[1] <= 130


def test_the_cause_is_named_though_its_consequence_was_noticed_first() -> None:
    def course(second: int) -> Observation:
        return replace(well(second), rounds=min(second, 3), consumer_loop=second < 6)

    assert ends(course) == (Part.CONSUMER_LOOP, 33)


def test_brokers_that_are_away_are_not_held_against_other_parts() -> None:
    """Back within the time; what stands still meanwhile has the rest of its own left."""

    def course(second: int) -> Observation:
        away = 10 <= second < 30
        return replace(
            well(second),
            answers=10 if away else second,
            rounds=min(second, 10) if second < 50 else second,
            oldest_send=(1, "alerts") if 10 <= second < 50 else None,
            places=places(end=90) if 10 <= second < 50 else places(),
        )

    assert ends(course) is None


def test_brokers_that_come_and_go_do_not_hide_a_stuck_part() -> None:
    def course(second: int) -> Observation:
        away = second % 20 > 10
        return replace(well(second), answers=0 if away else second, places=places(end=90))

    found = ends(course)
    assert found is not None
    assert found[0] is Part.PARTITION
    assert found[1] < 60


def test_slow_settings_get_slow_limits() -> None:
    policy = ProgressPolicy.of(30, 120, 25, commit_interval_s=300, tick_interval_s=60)
    assert (policy.commit_s, policy.ticker_s, policy.stall_s) == (900, 180, 30)


def test_what_is_worked_off_and_not_written_yet_is_progress_for_a_while() -> None:
    """The states of many records are written at once; but they have to be written."""

    def busy(second: int) -> Observation:
        working = places(settled=0, end=1000, position=900, under_way=900, held=second)
        return replace(well(second), places=working)

    assert ends(busy, 90) is None
    assert ends(busy) == (Part.PARTITION, 91)

    def idle(second: int) -> Observation:
        return replace(well(second), places=places(settled=0, position=7, under_way=7, held=7))

    assert ends(idle) == (Part.PARTITION, 30)


def test_a_partition_in_a_backlog_may_wait_longer_for_its_turn() -> None:
    """The sickest go first; but a partition whose turn never comes is found."""

    def backlog(second: int) -> Observation:
        waiting = places(settled=0, end=9000, position=600, under_way=600)
        return replace(well(second), in_backlog=500 * second, places=waiting)

    assert ends(backlog, 89) is None
    assert ends(backlog) == (Part.PARTITION, 91)

    def halted(second: int) -> Observation:
        return replace(backlog(second), in_backlog=7)  # nobody is worked off

    assert ends(halted) == (Part.PARTITION, 30)
