"""A record is settled once all its parts are worked off and the states they changed are written."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from stream.worker.unsettled import Place, Unsettled, places_of


class Record(NamedTuple):
    topic: str
    partition: int
    offset: int


def record(offset: int) -> Record:
    return Record("vitals" if offset % 3 else "ticks", offset % 2, offset)


PATIENTS = [b"a", b"b", b"c", b"d"]
PARTS = st.lists(st.sets(st.sampled_from(PATIENTS)), min_size=1, max_size=3)


def apart(parts: list[set[bytes]]) -> list[set[bytes]]:
    """A patient is in one part of a record only."""
    seen: set[bytes] = set()
    found = []
    for part in parts:
        found.append(part - seen)
        seen |= part
    return found


@given(st.lists(PARTS.map(apart), max_size=8), st.sets(st.sampled_from(PATIENTS)), st.data())
def test_nothing_is_settled_too_early_and_everything_in_the_end(
    log: list[list[set[bytes]]], unwritten: set[bytes], data: st.DataObject
) -> None:
    """`unwritten`: patients whose states a record may change; those of others stay as they are."""
    unsettled, settled = Unsettled(), list[Place]()
    waits: dict[Place, set[bytes]] = {}
    steps = [(offset, part) for offset, parts in enumerate(log) for part in parts]
    for number, (offset, part) in enumerate(steps):
        unsettled.touched([record(offset)], [part], unwritten)
        (place,) = places_of([record(offset)])
        waits.setdefault(place, set()).update(part & unwritten)
        if number + 1 == len(steps) or steps[number + 1][0] != offset:  # its last part
            now = unsettled.worked_off([place])
            assert now == ([] if waits[place] else [place])
            settled += now
        written = data.draw(st.sets(st.sampled_from(PATIENTS)))
        for each in unsettled.written(unsettled.taken(written)):
            assert not waits[each] - written
            settled.append(each)
        for left in waits.values():
            left.difference_update(written)
        assert len(unsettled) == sum(
            unsettled.held(t, p) for t in ("vitals", "ticks") for p in (0, 1)
        )
    settled += unsettled.written(unsettled.taken(PATIENTS))
    assert sorted(settled) == sorted(places_of(record(offset) for offset in range(len(log))))
    assert len(unsettled) == 0


def test_what_is_taken_before_it_is_touched_again_waits_for_the_next_write() -> None:
    unsettled = Unsettled()
    first, second = record(1), record(2)
    unsettled.touched([first], [[b"a"]], {b"a"})
    assert unsettled.worked_off(places_of([first])) == []
    under_way = unsettled.taken([b"a"])
    unsettled.touched([second], [[b"a"]], {b"a"})
    assert unsettled.worked_off(places_of([second])) == []
    assert unsettled.written(under_way) == places_of([first])
    assert unsettled.written(unsettled.taken([b"a"])) == places_of([second])
