"""A seed is a run: the schedule and the feed come from it and from nothing else."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.offline import OfflineEngine
from stream.rules import load_ruleset
from stream.soak.faults import BROKER_KINDS, POINTS, STEP_KINDS, Kind
from stream.soak.feed import Disorder, Item, feed, garbled
from stream.soak.schedule import AWAY_EVERY, DECK, Wish, schedule

wishes = st.builds(
    Wish,
    seed=st.integers(0, 10**9),
    faults=st.integers(0, 300),
    events=st.integers(1_000, 10**6),
    workers=st.integers(1, 4),
    brokers=st.sampled_from([0, 1, 3]),
    only=st.none(),
)


@given(wishes)
def test_the_same_seed_gives_the_same_faults_in_the_order_of_the_feed(wish: Wish) -> None:
    faults = schedule(wish)
    assert faults == schedule(wish)
    assert len(faults) == wish.faults
    places = [fault.at for fault in faults]
    assert places == sorted(places)
    assert all(0 <= place < wish.events for place in places)
    assert all((fault.step is not None) == (fault.kind in STEP_KINDS) for fault in faults)


@given(wishes)
def test_brokers_of_others_are_left_alone(wish: Wish) -> None:
    if not wish.brokers:
        assert not {fault.kind for fault in schedule(wish)} & BROKER_KINDS


@given(st.integers(0, 10**9), st.sampled_from([1, 3]))
def test_two_hundred_faults_hold_every_kind_and_every_step(seed: int, brokers: int) -> None:
    faults = schedule(Wish(seed, 200, 10**6, 4, brokers))
    kinds = Counter(fault.kind for fault in faults)
    assert kinds.keys() == set(Kind)
    assert kinds[Kind.BROKERS_AWAY] == 200 // AWAY_EVERY
    assert kinds[Kind.CRASH] >= 200 * DECK[Kind.CRASH] // sum(DECK.values()) - DECK[Kind.CRASH]
    crashes = {(fault.step, fault.side) for fault in faults if fault.kind is Kind.CRASH}
    assert crashes == set(POINTS)


def test_only_the_kinds_asked_for_are_drawn() -> None:
    only = frozenset({Kind.TERM, Kind.BROKERS_AWAY})
    assert {f.kind for f in schedule(Wish(1, 120, 1000, 1, 3, only))} == only
    with pytest.raises(ValueError, match="somebody else"):
        schedule(Wish(1, 1, 1000, 1, 0, frozenset({Kind.BROKER_KILL})))


def test_other_seeds_give_other_runs() -> None:
    assert schedule(Wish(1, 20, 1000, 2)) != schedule(Wish(2, 20, 1000, 2))
    assert list(islice(feed(1, 1000), 50)) != list(islice(feed(2, 1000), 50))


def test_the_feed_is_reproducible_and_as_long_as_asked_for() -> None:
    items = list(feed(3, 3_000))
    assert items == list(feed(3, 3_000))
    assert len(items) == 3_000


def test_the_feed_holds_what_the_faults_need() -> None:
    """Alerts, dead letters, revisions, repeats, all patients' kinds, and windows to forget."""
    engine = OfflineEngine(load_ruleset())
    alerts: Counter[str] = Counter()
    seen: Counter[bytes] = Counter()
    refused = 0
    for item in feed(5, 9_000):
        answer = engine.take(item.value)
        alerts.update(alert.type for alert in answer.alerts)
        seen[item.value] += 1
        refused += bool(answer.rejections)
    assert alerts["grade.changed"] > 50
    assert alerts["grade.revised"] > 5
    assert refused > 20
    assert max(seen.values()) > 1
    folded = [s for s in engine.states.values() if s.record.base_until > 0]
    assert folded, "nobody stays long enough for a window to be forgotten"
    assert any("clif-" in patient for patient in engine.states)
    assert any("demo-" in patient for patient in engine.states)


def test_disorder_repeats_and_reorders_but_loses_nothing() -> None:
    calm = [Item(b"p", str(number).encode()) for number in range(4_000)]
    disorder = Disorder(duplicates=0.1, reordered=0.2, displacement=300, junk=0)
    wild = list(garbled(iter(calm), disorder, random.Random(9)))
    counts = Counter(wild)
    assert counts.keys() == set(calm)
    assert set(counts.values()) == {1, 2}
    assert 300 < counts.total() - len(counts) < 500
    shifts = [place - int(item.value) for place, item in enumerate(dict.fromkeys(wild))]
    assert 100 < max(shifts) <= 500
