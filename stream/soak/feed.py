"""What is sent: a seeded mix of made-up stays, the demo's scripted courses and real ICU stays.

Pure: the same arguments give the same bytes. Patients come in wards, one ward after another, so
that the state of a long run stays small; a few residents are there from the first event to the
last, long enough for their past to be folded and their oldest windows to be forgotten.
"""

from __future__ import annotations

import heapq
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from stream.demo.answers import with_answers
from stream.demo.ward import load_ward
from stream.gateways.jsonl import encode
from stream.rules import load_ruleset
from stream.soak.stays import Event, stay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STAY_EVENTS = 400
WARD_STAYS = 12, 100
"""Fewest and most patients of a ward: one for each thousand events, within these."""
STAY_EVERY_S = (15, 20, 30)
"""Seconds between sets of readings: many events to a window of ten minutes."""
RESIDENT_SHARE = 0.05
RESIDENT_EVENTS = 1_200, 4_000
RESIDENT_EVERY_S = 300
RESIDENT_PRELUDE = 640
"""So many events of each resident come before all others: about when the first windows go."""
SCRIPTED_EVERY = 5
"""Every so many wards one is the demo's: its patients chart sparsely, which makes many windows."""
JUNK = (b"", b"{", b"[1, 2]", b'{"type": "vitals"}', b"\xff\xfe", b"null")


class Item(NamedTuple):
    """One record to send."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Disorder:
    """How the network garbles a feed. Shares of all events; `displacement` in records."""

    duplicates: float = 0.02
    reordered: float = 0.02
    displacement: int = 200
    junk: float = 0.001


def feed(seed: int, events: int, disorder: Disorder | None = None) -> Iterator[Item]:
    """At least `events` records (duplicates come on top), lazily, one ward in memory at a time."""
    dice = random.Random(f"feed {seed}")  # noqa: S311 - reproducible, not secret
    items = garbled(_ordered(seed, events), disorder or Disorder(), dice)
    return (item for _, item in zip(range(events), items, strict=False))


def _ordered(seed: int, events: int) -> Iterator[Item]:
    """Residents' first days, then wards, with the residents' further days among them."""
    least, usual = RESIDENT_EVENTS
    residents = max(1, round(events * RESIDENT_SHARE / usual))
    length = max(least, round(events * RESIDENT_SHARE / residents))
    dice = random.Random(f"residents {seed}")  # noqa: S311
    stays = [
        stay(f"soak-{seed}-r{number}", seed, length, RESIDENT_EVERY_S)
        for number in range(residents)
    ]
    yield from map(item, _merged([events[:RESIDENT_PRELUDE] for events in stays], dice))
    rest = list(_merged([events[RESIDENT_PRELUDE:] for events in stays], dice))
    every = max(1, (events - residents * RESIDENT_PRELUDE) // len(rest))
    fewest, most = WARD_STAYS
    for number, event in enumerate(_wards(seed, min(max(events // 1000, fewest), most))):
        if number % every == 0 and number // every < len(rest):
            yield item(rest[number // every])
        yield item(event)


def _wards(seed: int, beds: int) -> Iterator[Event]:
    ward = 0
    while True:
        name = f"soak-{seed}-w{ward}"
        dice = random.Random(name)  # noqa: S311
        if ward % SCRIPTED_EVERY == 1:
            stays = list(demo_stays(name).values())
        else:
            stays = [
                stay(f"{name}-p{number}", seed, STAY_EVENTS, dice.choice(STAY_EVERY_S))
                for number in range(beds)
            ]
        yield from _merged(stays, dice)
        ward += 1


def demo_stays(name: str) -> dict[str, list[Event]]:
    """The demo's ward, scripted and real patients, as patients of other names; alarms answered."""
    stays: dict[str, list[Event]] = {}
    events = map(json.loads, load_ward(None).events)
    renamed = [event | {"patient_id": f"{name}-{event['patient_id']}"} for event in events]
    for event in with_answers(renamed, load_ruleset(), 0):
        stays.setdefault(event["patient_id"], []).append(event)
    return stays


def _merged(stays: Sequence[Sequence[Event]], dice: random.Random) -> Iterator[Event]:
    """All stays from their beginnings to their ends at once; each keeps its own order."""

    def placed(number: int, events: Sequence[Event]) -> Iterator[tuple[float, int, int, Event]]:
        for index, event in enumerate(events):
            yield (index + dice.random()) / len(events), number, index, event

    streams = [list(placed(number, events)) for number, events in enumerate(stays)]
    return (event for _, _, _, event in heapq.merge(*streams, key=lambda place: place[:3]))


def garbled(items: Iterator[Item], disorder: Disorder, dice: random.Random) -> Iterator[Item]:
    """Some records come again later, some come later than they should, some are no events."""
    later: list[tuple[int, int, Item]] = []
    for number, one in enumerate(items):
        while later and later[0][0] <= number:
            yield heapq.heappop(later)[2]
        chance = dice.random()
        due = number + dice.randint(1, max(1, disorder.displacement))
        if chance < disorder.reordered:
            heapq.heappush(later, (due, number, one))
            continue
        yield one
        if chance < disorder.reordered + disorder.duplicates:
            heapq.heappush(later, (due, number, one))
        elif chance > 1 - disorder.junk:
            yield Item(one.key, dice.choice(JUNK))
    while later:
        yield heapq.heappop(later)[2]


def item(event: Event) -> Item:
    """An event as its record."""
    return Item(event["patient_id"].encode(), encode(event))
