"""A seed gives a schedule of faults: pure, so that whoever has the seed has the run."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from stream.soak.faults import BROKER_KINDS, POINTS, STEP_KINDS, Fault, Kind, Side

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_T = TypeVar("_T")

DECK = {
    Kind.CRASH: 9,
    Kind.KILL: 5,
    Kind.FREEZE: 3,
    Kind.TERM: 2,
    Kind.STOP: 2,
    Kind.ADD: 2,
    Kind.REMOVE: 2,
    Kind.SLOW: 2,
    Kind.CLOCK: 2,
    Kind.BROKER_KILL: 2,
    Kind.BROKER_PAUSE: 1,
}
"""How often each kind comes in one round; the long outage comes once in `AWAY_EVERY` faults."""
AWAY_EVERY = 100
AWAY_S = 60.0
HOUR_S = 3600.0
LAST = 0.92
"""The last fault comes once this share of the feed is worked off: some is left after it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: `brokers` is how many brokers may be hurt, 0 for those of others."""

    seed: int
    faults: int
    events: int
    workers: int
    brokers: int = 0
    only: frozenset[Kind] | None = None
    session_s: float = 3.0

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds that can be drawn."""
        possible = set(Kind) - (set() if self.brokers else BROKER_KINDS)
        return frozenset(possible if self.only is None else possible & self.only)


def schedule(wish: Wish) -> tuple[Fault, ...]:
    """The faults of a run in the order of their positions; the same for the same wish.

    Every kind that is allowed comes as often as its share of the deck, every step of the batch,
    before and after, in turn. Raises ValueError where nothing that is asked for can be done.
    """
    if wish.faults and not wish.kinds:
        raise ValueError("none of the kinds asked for can be done to brokers of somebody else")
    dice = random.Random(f"schedule {wish.seed}")  # noqa: S311 - reproducible, not secret
    kinds = _kinds(wish, dice)
    points = {kind: _cycle(dice, POINTS) for kind in sorted(STEP_KINDS)}
    drawn = []
    for number in range(wish.faults):
        at = int((number + dice.random()) / wish.faults * LAST * wish.events)
        kind = kinds[number]
        step, side = next(points[kind]) if kind in STEP_KINDS else (None, Side.BEFORE)
        drawn.append(
            Fault(
                kind,
                at,
                target=dice.randrange(1 << 16),
                seconds=_seconds(kind, wish, dice),
                step=step,
                side=side,
                nth=dice.choice((1, 1, 2, 3, 7)) if step is not None else 1,
            )
        )
    return tuple(drawn)


def _kinds(wish: Wish, dice: random.Random) -> list[Kind]:
    deck = [kind for kind, copies in DECK.items() if kind in wish.kinds for _ in range(copies)]
    turns = _cycle(dice, deck or [Kind.BROKERS_AWAY])
    kinds = [next(turns) for _ in range(wish.faults)]
    if Kind.BROKERS_AWAY in wish.kinds and deck:
        # In the middle of each hundred; a run that asks for few faults has no minute to spare.
        for place in range(AWAY_EVERY // 2, wish.faults, AWAY_EVERY):
            kinds[place] = Kind.BROKERS_AWAY
    return kinds


def _cycle(dice: random.Random, items: Collection[_T]) -> Iterator[_T]:
    """All items in a random order, then all again in another."""
    while True:
        yield from dice.sample(list(items), len(items))


def _seconds(kind: Kind, wish: Wish, dice: random.Random) -> float:
    match kind:
        case Kind.KILL | Kind.TERM:
            return round(dice.uniform(0.0, 1.5), 3)
        case Kind.STOP | Kind.FREEZE:
            return round(wish.session_s * dice.uniform(1.5, 2.5), 3)
        case Kind.SLOW:
            return round(dice.uniform(2.0, 5.0), 3)
        case Kind.CLOCK:
            return dice.choice((-HOUR_S, HOUR_S))
        case Kind.BROKER_KILL | Kind.BROKER_PAUSE:
            return round(dice.uniform(1.0, 6.0), 3)
        case Kind.BROKERS_AWAY:
            return AWAY_S
        case _:
            return 0.0
