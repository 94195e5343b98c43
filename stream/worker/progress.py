"""Which parts of a worker stand still that should move: the judgement, without threads or Kafka.

`Progress` is shown an `Observation` now and then, and says of each part how long it has stood
still though it had something to do. What has nothing to do is not still: a worker without
partitions, a partition without unread records, a commit with nothing new.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream.worker.observation import Observation, Where


class Part(StrEnum):
    """What can stand still, in the order in which it is judged: causes before consequences."""

    MAIN_LOOP = "main_loop"
    CONSUMER_LOOP = "consumer_loop"
    BROKERS = "brokers"
    COORDINATOR = "coordinator"
    FETCHER = "fetcher"
    AGENT = "agent"
    PRODUCER = "producer"
    TICKER = "ticker"
    ASSIGNMENT = "assignment"
    RECOVERY = "recovery"
    COMMIT = "commit"
    PARTITION = "partition"


class PartSpec(NamedTuple):
    """The exit code of a worker that ends for this part, and what its standing still means."""

    exit_code: int
    sentence: str


PARTS: Mapping[Part, PartSpec] = {
    Part.COORDINATOR: PartSpec(71, "The group coordinator's part of the client keeps failing."),
    Part.CONSUMER_LOOP: PartSpec(72, "The event loop of the consumer's thread does not answer."),
    Part.MAIN_LOOP: PartSpec(73, "The main event loop does not answer."),
    Part.BROKERS: PartSpec(74, "No broker answers; start again until one does."),
    Part.ASSIGNMENT: PartSpec(75, "The group gave no assignment, not even an empty one."),
    Part.RECOVERY: PartSpec(76, "The tables are not restored, and no position advances."),
    Part.PARTITION: PartSpec(77, "A partition has unread records, and nothing of it is settled."),
    Part.COMMIT: PartSpec(78, "Records are settled, and their offset is not committed."),
    Part.FETCHER: PartSpec(79, "The service that fetches records has ended."),
    Part.PRODUCER: PartSpec(80, "The broker does not acknowledge a record that was sent."),
    Part.AGENT: PartSpec(81, "The agent that works batches off has ended."),
    Part.TICKER: PartSpec(82, "The ticker, which lets timers run out, makes no more rounds."),
}


WRITES = 3
"""So many stall timeouts may pass until what was worked off is written: it waits for a third of one
as it is, and a busy machine takes its time."""
TURNS = 3
"""So many may pass in a backlog until it is a partition's turn, while others are worked off: the
sickest patients go first, and what waits is bounded in records, not in time."""


@dataclass(frozen=True, slots=True)
class ProgressPolicy:
    """What is still tolerated. Times in seconds of watching."""

    stall_s: float = 30.0
    recovery_s: float = 120.0
    brokers_s: float = 25.0
    commit_s: float = 30.0
    ticker_s: float = 30.0
    dead_s: float = 5.0
    """A part that ended may be started again by its supervisor meanwhile."""
    away_s: float = 5.0
    """Brokers silent for this long count as away: what needs them is not judged then."""
    errors: int = 5
    """Coordinator errors within `errors_s` that end the worker."""
    errors_s: float = 60.0

    @classmethod
    def of(
        cls,
        stall_s: float,
        recovery_s: float,
        brokers_s: float,
        commit_interval_s: float,
        tick_interval_s: float,
    ) -> ProgressPolicy:
        """The policy for these settings; slow commits and ticks get three of their intervals."""
        return cls(
            stall_s=stall_s,
            recovery_s=recovery_s,
            brokers_s=brokers_s,
            commit_s=max(stall_s, 3 * commit_interval_s),
            ticker_s=max(stall_s, 3 * tick_interval_s),
            dead_s=min(5.0, stall_s),
            away_s=min(5.0, brokers_s / 2),
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """One part: how long it has stood still though it had something to do, and where."""

    part: Part
    still_s: float
    limit_s: float
    about: str = ""

    @property
    def stuck(self) -> bool:
        """Whether it stood still for too long."""
        return self.still_s >= self.limit_s


class Stillness:
    """How long a value that should move has been the same."""

    __slots__ = ("_at", "_still_s", "_value")

    def __init__(self) -> None:
        self._at: float | None = None
        self._still_s = 0.0
        self._value: object = None

    def look(
        self,
        value: object,
        now: float,
        *,
        due: bool = True,
        held: bool = False,
        share: float = 1.0,
    ) -> float:
        """Seconds of standing still; 0 while nothing is due.

        `held`: something else keeps it from moving; the time since the last look does not count.
        `share`: how much of it counts else.
        """
        if not due:
            self._at, self._still_s = None, 0.0
            return 0.0
        if self._at is None or value != self._value:
            self._value, self._still_s = value, 0.0
        elif not held:
            self._still_s += share * (now - self._at)
        self._at = now
        return self._still_s


class Progress:
    """See the module. `now` is any clock of seconds that stops while nobody watches."""

    def __init__(self, policy: ProgressPolicy) -> None:
        self.policy = policy
        self._still = {part: Stillness() for part in Part}
        self._settled: dict[Where, Stillness] = defaultdict(Stillness)
        self._written: dict[Where, Stillness] = defaultdict(Stillness)
        self._committed: dict[Where, Stillness] = defaultdict(Stillness)
        self._restored = -1
        self._in_backlog = 0
        self._errors: deque[float] = deque()

    def look(self, seen: Observation, now: float) -> tuple[Standing, ...]:
        """How each part stands, in the order of `Part`."""
        policy, still = self.policy, self._still
        asked = seen.started and seen.consumer_loop
        silent = still[Part.BROKERS].look(seen.answers, now, due=asked)
        held = silent >= policy.away_s
        send = seen.oldest_send
        ages = {
            Part.MAIN_LOOP: still[Part.MAIN_LOOP].look(None, now, due=not seen.main_loop),
            Part.CONSUMER_LOOP: still[Part.CONSUMER_LOOP].look(
                None, now, due=not seen.consumer_loop
            ),
            Part.BROKERS: silent,
            Part.FETCHER: still[Part.FETCHER].look(
                None, now, due=seen.ready and not seen.fetching, held=held
            ),
            Part.AGENT: still[Part.AGENT].look(None, now, due=seen.ready and not seen.agent),
            Part.PRODUCER: still[Part.PRODUCER].look(send, now, due=send is not None, held=held),
            Part.TICKER: still[Part.TICKER].look(seen.rounds, now, due=seen.ready, held=held),
        }
        ages |= self._unready(seen, now, held=held)
        limits = {
            Part.BROKERS: policy.brokers_s,
            Part.FETCHER: policy.dead_s,
            Part.AGENT: policy.dead_s,
            Part.TICKER: policy.ticker_s,
            Part.ASSIGNMENT: policy.recovery_s,
            Part.RECOVERY: policy.recovery_s,
        }
        about = {
            Part.PRODUCER: f"a record for {send[1]}" if send else "",
            Part.RECOVERY: seen.shortfall,
        }
        standings = {
            part: Standing(part, age, limits.get(part, policy.stall_s), about.get(part, ""))
            for part, age in ages.items()
        }
        standings[Part.COORDINATOR] = self._coordinator(seen, now)
        standings[Part.PARTITION] = self._partition(seen, now, held=held)
        standings[Part.COMMIT] = self._commit(seen, now, held=held)
        return tuple(standings[part] for part in Part)

    def _unready(self, seen: Observation, now: float, *, held: bool) -> dict[Part, float]:
        """One clock from the loss of readiness on, which only restored records turn back.

        A group that is rebalanced again and again without a record restored makes no progress.
        """
        if seen.ready:
            self._restored = -1
        self._restored = max(self._restored, seen.restored)
        clock = self._still[Part.RECOVERY]
        age = clock.look(self._restored, now, due=not seen.ready, held=held)
        joined = seen.joined
        return {Part.ASSIGNMENT: 0.0 if joined else age, Part.RECOVERY: age if joined else 0.0}

    def _coordinator(self, seen: Observation, now: float) -> Standing:
        errors, policy = self._errors, self.policy
        if seen.error is not None:
            errors.append(now)
        while errors and now - errors[0] >= policy.errors_s:
            errors.popleft()
        over = seen.coordinator_ended or len(errors) >= policy.errors
        since = now - errors[0] if errors else 0.0
        limit = 0.0 if over else policy.errors_s
        text = f"{len(errors)} errors of {policy.errors} in {policy.errors_s:g} s"
        return Standing(Part.COORDINATOR, since, limit, "it has ended" if over else text)

    def _partition(self, seen: Observation, now: float, *, held: bool) -> Standing:
        ages, waits = {}, {}
        share = 1 / TURNS if seen.in_backlog > self._in_backlog else 1.0
        self._in_backlog = seen.in_backlog
        for where, place in seen.places.items():
            away = held or not place.led
            due = seen.ready and place.behind
            moved = place.settled, place.position, place.held
            ages[where] = self._settled[where].look(moved, now, due=due, held=away, share=share)
            # What was worked off is progress too, but has to be written in the end.
            waiting = seen.ready and place.held > 0
            age = self._written[where].look(place.settled, now, due=waiting, held=away)
            waits[where] = age / WRITES
        _longest(waits, self._written)
        ages = {where: max(age, waits[where]) for where, age in ages.items()}
        worst, age = _longest(ages, self._settled)
        about = ""
        if worst is not None and age > 0:
            place = seen.places[worst]
            about = f"{_named(worst)}, settled {place.done} of {place.end}"
        return Standing(Part.PARTITION, age, self.policy.stall_s, about)

    def _commit(self, seen: Observation, now: float, *, held: bool) -> Standing:
        ages = {}
        for where, place in seen.places.items():
            ages[where] = self._committed[where].look(
                place.committed, now, due=seen.ready and place.uncommitted, held=held
            )
        worst, age = _longest(ages, self._committed)
        about = ""
        if worst is not None and age > 0:
            place = seen.places[worst]
            about = f"{_named(worst)}, settled {place.settled}, committed {place.committed}"
        return Standing(Part.COMMIT, age, self.policy.commit_s, about)


def verdict(standings: Sequence[Standing]) -> Standing | None:
    """None while no part is stuck; else the first that is, or is halfway there.

    A cause may be noticed a little later than its consequence: it is the one to name.
    """
    if not any(standing.stuck for standing in standings):
        return None
    return next(standing for standing in standings if standing.still_s >= standing.limit_s / 2)


def _longest(
    ages: Mapping[Where, float], clocks: dict[Where, Stillness]
) -> tuple[Where | None, float]:
    """The one that stands longest; clocks of partitions that are no longer ours are dropped."""
    for gone in clocks.keys() - ages.keys():
        del clocks[gone]
    where = max(ages, key=ages.__getitem__, default=None)
    return where, 0.0 if where is None else ages[where]


def _named(where: Where) -> str:
    return f"{where[0]}/{where[1]}"
