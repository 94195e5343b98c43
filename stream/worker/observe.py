"""Looks into a running worker from another thread: Faust's and aiokafka's insides as figures.

Nothing here waits for long: each event loop is asked to fill in what it knows, and if it does not
answer in time, that is what is reported. The brokers are asked for the ends of the logs in the
consumer's loop, each leader for itself, so that one that is away hides no other.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiokafka.errors import KafkaError

from stream.worker.observation import Observation, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stream.worker.ticks import Ticker

T = TypeVar("T")

LED_S = 10.0
"""A leader that did not answer for this long does not count as there."""


class Ask(Generic[T]):
    """A question to an event loop that may be blocked; one at a time, the last answer is kept."""

    def __init__(self, question: Callable[[], T], first: T) -> None:
        self.answer = first
        self._question = question
        self._pending: Future[T] | None = None

    def put(self, loop: asyncio.AbstractEventLoop, patience_s: float) -> bool:
        """Whether the loop answered in time; raises what the question raises."""
        if self._pending is None:
            pending: Future[T] = Future()
            try:
                loop.call_soon_threadsafe(self._reply, pending)
            except RuntimeError:  # closed: its thread has ended
                return False
            self._pending = pending
        try:
            self.answer = self._pending.result(patience_s)
        except NoAnswerError:
            return False
        except Exception:
            self._pending = None
            raise
        self._pending = None
        return True

    def _reply(self, pending: Future[T]) -> None:
        try:
            pending.set_result(self._question())
        except Exception as error:  # noqa: BLE001 - raised again where the answer is read
            pending.set_exception(error)


@dataclass(frozen=True, slots=True)
class MainFacts:
    """What the main loop knows."""

    ready: bool = False
    restored: int = 0
    shortfall: str = ""
    fetching: bool = True
    agent: bool = True
    rounds: int = 0
    in_backlog: int = 0
    oldest_send: tuple[int, str] | None = None
    ledgers: Mapping[Any, tuple[int | None, int]] = field(default_factory=dict)
    committed: Mapping[Any, int | None] = field(default_factory=dict)
    held: Mapping[Any, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConsumerFacts:
    """What the consumer's loop knows."""

    started: bool = False
    joined: bool = False
    answers: int = 0
    positions: Mapping[Any, int | None] = field(default_factory=dict)
    extents: Mapping[Any, tuple[int, int, float]] = field(default_factory=dict)
    error: str | None = None
    ended: bool = False


class Observer:
    """See the module. `sources` are the topics whose partitions are looked at."""

    def __init__(self, app: Any, sources: Sequence[str], ticker: Ticker) -> None:
        self.app, self.sources, self.ticker = app, frozenset(sources), ticker
        self._main = Ask(self._main_facts, MainFacts())
        self._consumer = Ask(self._consumer_facts, ConsumerFacts())
        self._extents: dict[Any, tuple[int, int, float]] = {}
        self._answers = 0
        self._asked: dict[Any, asyncio.Task[None]] = {}
        """By leader, the question that is under way; None stands for any broker."""

    @property
    def stopping(self) -> bool:
        """Whether the worker was told to stop, or crashed."""
        return bool(self.app.should_stop)

    def look(self, patience_s: float) -> Observation:
        """Ask both loops, each for no longer than `patience_s`."""
        main_loop = self._main.put(self.app.loop, patience_s)
        consumer_loop, error = True, None
        thread = getattr(self.app._consumer, "_thread", None)  # noqa: SLF001
        if getattr(thread, "_consumer", None) is not None:
            consumer_loop = self._consumer.put(thread.thread_loop, patience_s)  # type: ignore[union-attr]
            error = self._consumer.answer.error if consumer_loop else None
        main, consumer = self._main.answer, self._consumer.answer
        return Observation(
            main_loop=main_loop,
            consumer_loop=consumer_loop,
            started=consumer.started,
            answers=consumer.answers,
            joined=consumer.joined,
            ready=main.ready and consumer.joined,
            restored=main.restored,
            shortfall=main.shortfall,
            fetching=main.fetching,
            agent=main.agent,
            rounds=main.rounds,
            in_backlog=main.in_backlog,
            oldest_send=main.oldest_send,
            places=_places(main, consumer),
            error=error,
            coordinator_ended=consumer.ended,
        )

    def _main_facts(self) -> MainFacts:
        app, consumer = self.app, self.app._consumer  # noqa: SLF001
        if consumer is None:
            return MainFacts()
        fetcher, unsettled = app._fetcher, self.ticker.rounds.writer.unsettled  # noqa: SLF001
        return MainFacts(
            ready=app.tables.actives_ready and not app.rebalancing,
            restored=app.tables.recovery.restored,
            shortfall=app.tables.recovery.shortfall,
            fetching=fetcher.started and not fetcher._shutdown.is_set(),  # noqa: SLF001
            agent=all(_is_alive(agent) for agent in app.agents.values()),
            rounds=self.ticker.rounds_made,
            in_backlog=self.ticker.rounds.in_backlog,
            oldest_send=getattr(app._producer, "oldest", None),  # noqa: SLF001
            ledgers={tp: (led.committable, led.open) for tp, led in consumer.ledgers.items()},
            committed=dict(consumer._committed_offset),  # noqa: SLF001
            held={tp: unsettled.held(*tp) for tp in list(consumer.ledgers)},
        )

    def _consumer_facts(self) -> ConsumerFacts:
        client = self.app._consumer._thread._consumer  # noqa: SLF001
        coordinator = client._coordinator  # noqa: SLF001
        if coordinator is None or not hasattr(coordinator, "_coordination_task"):
            return ConsumerFacts()  # not started yet
        subscription = client._subscription.subscription  # noqa: SLF001
        assignment = None if subscription is None else subscription.assignment
        joined = assignment is not None and not subscription._reassignment_in_progress  # noqa: SLF001
        tps = [tp for tp in client.assignment() if tp.topic in self.sources]
        error = None
        if not coordinator._closing.done():  # noqa: SLF001
            try:
                coordinator.check_errors()
            except Exception as found:  # noqa: BLE001 - whatever it is, it is to be counted
                error = repr(found)
        self._ask_brokers(client, tps)
        return ConsumerFacts(
            started=True,
            joined=joined,
            answers=self._answers,
            positions={tp: _position(assignment, tp) for tp in tps},
            extents={tp: self._extents[tp] for tp in tps if tp in self._extents},
            error=error,
            ended=error is not None and coordinator._coordination_task.done(),  # noqa: SLF001
        )

    def _ask_brokers(self, client: Any, tps: Sequence[Any]) -> None:
        """Ask each leader that has answered the last question; one that is away delays no other."""
        leaders = defaultdict(list)
        for tp in tps:
            leader = client._client.cluster.leader_for_partition(tp)  # noqa: SLF001
            if leader not in {None, -1}:
                leaders[leader].append(tp)
        for tp in self._extents.keys() - set(tps):
            del self._extents[tp]
        for leader, led in (leaders or {None: []}).items():
            asked = self._asked.get(leader)
            if asked is None or asked.done():
                question = self._ask_leader(client, led) if led else self._ask_any(client)
                self._asked[leader] = asyncio.get_running_loop().create_task(question)

    async def _ask_any(self, client: Any) -> None:
        with suppress(KafkaError):
            await client._client.fetch_all_metadata()  # noqa: SLF001
            self._answers += 1

    async def _ask_leader(self, client: Any, tps: Sequence[Any]) -> None:
        with suppress(KafkaError):
            firsts, ends = await asyncio.gather(
                client.beginning_offsets(tps), client.end_offsets(tps)
            )
            self._answers += 1
            now = time.monotonic()
            for tp in tps:
                self._extents[tp] = firsts[tp], ends[tp], now


def _places(main: MainFacts, consumer: ConsumerFacts) -> dict[tuple[str, int], Place]:
    now = time.monotonic()
    places = {}
    for tp, (first, end, answered) in consumer.extents.items():
        committed = main.committed.get(tp)
        settled, under_way = main.ledgers.get(tp, (None, 0))
        places[tp.topic, tp.partition] = Place(
            first=first,
            end=end,
            settled=committed if settled is None else settled,
            position=consumer.positions.get(tp),
            committed=committed,
            under_way=under_way,
            held=main.held.get(tp, 0),
            led=now - answered < LED_S,
        )
    return places


def _position(assignment: Any, tp: Any) -> int | None:
    state = assignment.state_value(tp)
    return state.position if state is not None and state.has_valid_position else None


def _is_alive(agent: Any) -> bool:
    tasks = [actor.actor_task for actor in agent._actors]  # noqa: SLF001
    return bool(tasks) and all(task is not None and not task.done() for task in tasks)
