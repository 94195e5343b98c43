"""Order, patience and memory of a route: the pure parts, with a clock of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.router.breaker import Breaker, BreakerState
from stream.router.config import BreakerRule, Group, Inhibit
from stream.router.grouping import SLACK_S, Groups
from stream.router.ledger import Entry, Ledger, Partition
from stream.router.memory import Inhibition, Repetitions
from stream.router.message import Message
from stream.router.waiting import Item, Waiting
from tests.router.alarms import MONDAY, alert

NOBODY = Entry(Ledger(), Partition(0), 0, 0)


def item(number: int, patient: str = "p-1", priority: str = "medium", since: float = 0) -> Item:
    return Item(Message("r", (alert(number, patient, priority),), None), b"", (), since)


def order(waiting: Waiting, most: int = 100) -> list[int]:
    taken = []
    while (one := waiting.take(0, lambda _rank: waiting.flying < most)) is not None:
        taken.append(one.message.alerts[0].place.offset)
    return taken


def test_the_most_urgent_leaves_first_and_of_one_priority_the_oldest() -> None:
    waiting = Waiting()
    for number, priority in enumerate(("low", "medium", "high", "information", "high", "low")):
        waiting.add(item(number, f"p-{number}", priority))
    assert order(waiting) == [2, 4, 1, 0, 5, 3]


def test_one_patients_messages_follow_each_other_but_the_urgent_overtakes() -> None:
    waiting = Waiting()
    first, second = item(1), item(2)
    for one in (first, second, item(3, "p-2")):
        waiting.add(one)
    assert order(waiting) == [1, 3]  # the second waits for the first, not the other patient
    waiting.add(item(4, priority="high"))
    assert order(waiting) == [4]
    waiting.done(first)
    assert order(waiting) == []  # the urgent one is still under way
    assert len(waiting) == 3


def test_what_is_put_off_holds_nobody_up_and_comes_back() -> None:
    waiting = Waiting()
    late = item(1)
    waiting.add(late)
    assert order(waiting) == [1]
    waiting.put_off(late, until=5)
    waiting.add(item(2))
    assert order(waiting) == [2]
    assert waiting.due() == 5
    assert waiting.take(4.9, lambda _rank: True) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["high", "medium", "low"]))))
def test_everything_leaves_exactly_once(given_: list[tuple[int, str]]) -> None:
    waiting = Waiting()
    for number, (patient, priority) in enumerate(given_):
        waiting.add(item(number, f"p-{patient}", priority))
    taken = []
    while len(waiting):
        under_way = []
        while (one := waiting.take(0, lambda _rank: True)) is not None:
            under_way.append(one)
        assert under_way
        for one in under_way:
            taken.append(one.message.alerts[0].place.offset)
            waiting.done(one)
    assert sorted(taken) == list(range(len(given_)))


def test_what_is_removed_is_gone_and_counted() -> None:
    waiting = Waiting()
    for number in range(4):
        waiting.add(item(number, f"p-{number}", since=number))
    assert waiting.oldest() == 0
    assert len(waiting.remove(lambda one: one.since < 2)) == 2
    assert (len(waiting), waiting.oldest()) == (2, 2)
    assert order(waiting) == [2, 3]


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_through_to_see() -> None:
    breaker = Breaker(BreakerRule(failures=3, open_s=10, most_open_s=15))
    for _ in range(2):
        breaker.failed(0)
    breaker.answered()
    for _ in range(2):
        breaker.failed(0)
    assert breaker.allows(0)
    breaker.failed(0)
    assert (breaker.state, breaker.allows(9.9), breaker.allows(10)) == ("open", False, True)
    breaker.trying()
    assert not breaker.allows(10)  # one is enough
    breaker.failed(10)
    assert breaker.opens_until == 25  # twice as long, but no longer than the most
    breaker.trying()
    breaker.answered()
    assert breaker.state is BreakerState.CLOSED


def test_an_offset_is_committed_only_once_all_before_it_are_settled() -> None:
    ledger = Ledger()
    ledger.assign(0, 10)
    entries = [ledger.take(0, offset) for offset in (10, 11, 14)]
    assert all(entries)
    assert ledger.take(0, 11) is None  # read twice
    assert ledger.take(1, 0) is None  # not ours
    ledger.settle(entries[1])  # type: ignore[arg-type]
    assert ledger.committable() == {}
    ledger.settle(entries[0])  # type: ignore[arg-type]
    assert ledger.committable() == {0: 14}
    ledger.committed({0: 14})
    assert ledger.committable() == {}
    ledger.settle(entries[2])  # type: ignore[arg-type]
    assert ledger.committable() == {0: 15}


@given(st.permutations(range(12)), st.integers(0, 12))
def test_a_crash_at_any_moment_repeats_and_never_skips(settled: list[int], crash: int) -> None:
    ledger = Ledger()
    ledger.assign(0, 0)
    entries = [ledger.take(0, offset) for offset in range(12)]
    for offset in settled[:crash]:
        ledger.settle(entries[offset])  # type: ignore[arg-type]
    begin = ledger.committable().get(0, 0)
    assert set(range(begin)) <= set(settled[:crash])


def test_what_another_router_reads_now_settles_nothing_here() -> None:
    ledger = Ledger()
    ledger.assign(0, 0)
    old = ledger.take(0, 0)
    assert old is not None
    ledger.revoke({0})
    ledger.assign(0, 0)
    assert not ledger.holds(old)
    again = ledger.take(0, 0)
    ledger.settle(old)
    assert ledger.committable() == {}
    ledger.settle(again)  # type: ignore[arg-type]
    assert ledger.committable() == {0: 1}


def numbers(groups: list[list[tuple[object, Entry]]]) -> list[list[int]]:
    return [[one.place.offset for one, _ in group] for group in groups]  # type: ignore[attr-defined]


def test_a_window_gathers_one_patients_alerts_and_the_urgent_ends_it() -> None:
    groups, wall = Groups(Group(window_s=30)), int(MONDAY.timestamp() * 1000)

    def add(number: int, after_s: float, priority: str = "low", patient: str = "p-1") -> object:
        one = alert(number, patient, priority, after_s)
        return numbers(groups.add(one, NOBODY, after_s, wall + int(after_s * 1000)))  # type: ignore[arg-type]

    assert add(1, 0) == []
    assert add(2, 30) == []
    assert add(3, 10, patient="p-2") == []
    assert add(4, 31) == [[1, 2]]  # beyond the window: the next one begins
    assert add(5, 32, "high") == [[4, 5]]
    assert numbers(groups.over(40 + SLACK_S)) == [[3]]  # type: ignore[arg-type]
    assert len(groups) == 0


def test_a_backlog_makes_the_same_groups_as_live() -> None:
    """By the records' times: whoever reads them late makes the same messages again."""
    live, late = Groups(Group(window_s=10)), Groups(Group(window_s=10))
    moments = [0, 4, 9, 11, 30, 31]
    wall = int(MONDAY.timestamp() * 1000)
    made: dict[str, list[list[int]]] = {"live": [], "late": []}
    for number, moment in enumerate(moments):
        one = alert(number, priority="low", after_s=moment)
        made["live"] += numbers(live.over(moment))  # type: ignore[arg-type]
        made["live"] += numbers(live.add(one, NOBODY, moment, wall + moment * 1000))  # type: ignore[arg-type]
        made["late"] += numbers(late.add(one, NOBODY, 500, wall + 3_600_000))  # type: ignore[arg-type]
    made["live"] += numbers(live.over(999))  # type: ignore[arg-type]
    made["late"] += numbers(late.over(999))  # type: ignore[arg-type]
    assert made["live"] == made["late"] == [[0, 1, 2], [3], [4, 5]]


def test_the_greater_keeps_the_lesser_back_and_never_the_other_way() -> None:
    inhibition = Inhibition(Inhibit(within_s=60))
    grade_four = alert(1, priority="high", after_s=0)
    assert inhibition.by(grade_four) is None
    assert inhibition.by(alert(2, priority="low", after_s=30)) is grade_four
    assert inhibition.by(alert(3, priority="high", after_s=31)) is None
    assert inhibition.by(alert(4, "p-2", "low", after_s=32)) is None  # another patient
    assert inhibition.by(alert(5, priority="low", after_s=91.1)) is None  # too long ago
    assert inhibition.by(alert(6, priority="high", after_s=92)) is None


def test_a_repetition_is_the_same_id_with_the_same_bytes_further_on() -> None:
    memory = Repetitions(most=2)
    assert not memory.seen(alert(1, after_s=0))
    assert not memory.seen(alert(1))  # the same record, read again after a rebalance
    again = alert(1)
    further = type(again)(**{name: getattr(again, name) for name in again.__slots__} | {
        "place": type(again.place)("alerts", 0, 99, again.place.timestamp)})  # fmt: skip
    assert memory.seen(further)
    other = alert(1, to_grade=4)
    assert not memory.seen(other)
    for number in (2, 3):
        memory.seen(alert(number))
    assert not memory.seen(further), "forgotten: the memory is bounded"


@pytest.mark.parametrize("count", [1, 3])
def test_a_message_has_the_same_id_when_it_is_made_again(count: int) -> None:
    first, again = (
        Message("r", tuple(alert(n) for n in range(count)), place) for place in ("a", None)
    )
    assert first.message_id == again.message_id
    assert first.message_id != Message("other", first.alerts, None).message_id
