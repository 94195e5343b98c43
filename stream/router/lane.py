"""One route at work: from the records read to the receiver's answer, on the event loop.

Order of things for each alert: the receiver's answer, the audit record, the offset. Whatever ends
the process in between, the alert is sent again, with the same bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from stream.router import records
from stream.router.alerts import Alert, Place, Unreadable, read_alert
from stream.router.attempts import Backoff, attempted
from stream.router.breaker import Breaker, BreakerState
from stream.router.grouping import Groups
from stream.router.ledger import Entry, Ledger
from stream.router.matching import needs_place, takes
from stream.router.memory import Inhibition, Repetitions, Shown
from stream.router.message import Answer, Message, Outcome, Reporting
from stream.router.overdue import Overdue, Unplaced
from stream.router.waiting import Item, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from stream.router.config import Route, Routes
    from stream.router.message import Receiver
    from stream.router.metrics import RouterMetrics
    from stream.router.scribe import Scribe
    from stream.router.source import Arrival

log = structlog.get_logger(__name__)

REPEATS_S = 900.0
"""How far back a start looks for alerts of which a repetition may follow."""
SHOWN_S = 48 * 3600.0
"""How far back a start looks for alarms that are shown and may be closed yet."""
LONGEST_SLEEP_S = 1.0
UNPLACED_SLEEP_S = 0.05
MEASURE_S = 0.5


class Lane:
    """The state of one route. All methods but `full` belong to the event loop.

    `otherwise` is the lane of the route that is told of what this one does not deliver.
    """

    def __init__(
        self,
        routes: Routes,
        route: Route,
        receiver: Receiver,
        *,
        scribe: Scribe,
        metrics: RouterMetrics,
        where: Callable[[str], str | None],
        sent: Callable[[str, str, str], str | None],
    ) -> None:
        self.route = route
        self.receiver = receiver
        self.otherwise: Lane | None = None
        self.ledger = Ledger()
        self.breaker = Breaker(route.breaker)
        self.waiting = Waiting()
        config = routes.receiver[route.receiver]
        self.way = records.Way(route.name, config.kind, receiver.address)
        self._routes, self._scribe, self._metrics = routes, scribe, metrics
        self._where, self._sent = where, sent
        self._groups = Groups(route.group) if route.group else None
        self._repetitions = Repetitions()
        self._inhibition = Inhibition(route.inhibit) if route.inhibit else None
        self._shown = Shown() if getattr(config, "standing", False) else None
        self._overdue = Overdue(route.otherwise_s)
        self._unplaced = Unplaced()
        self._by_place = needs_place(routes, route)
        self._backoff = Backoff(route.retry)
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrivals: deque[Arrival] = deque()
        if isinstance(receiver, Reporting):
            receiver.on_report = self.report
        self.turned = self._measured = time.monotonic()

    @property
    def remember_s(self) -> float:
        """How far back its memories reach."""
        inhibit_s = self.route.inhibit.within_s if self.route.inhibit else 0.0
        return max(REPEATS_S, inhibit_s, SHOWN_S if self._shown is not None else 0.0)

    @property
    def undelivered(self) -> str:
        """Its dead-letter topic, without prefix."""
        return undelivered_topic(self.route.name)

    def full(self) -> bool:
        """Whether the topic should not be read further for now; asked by the reading thread."""
        return self.ledger.unsettled() >= self.route.queue

    def arrived(self, arrivals: list[Arrival]) -> None:
        """Records were read."""
        self._arrivals.extend(arrivals)
        self._wake.set()

    def revoked(self, numbers: set[int]) -> None:
        """Partitions are another router's now."""
        self._arrivals = deque(a for a in self._arrivals if a.record.partition not in numbers)
        if self._groups is not None:
            self._groups.drop(numbers)
        self.waiting.remove(lambda item: not item.held)

    def take_over(self, late: Item, now: float) -> bool:
        """Deliver what another route has not; False where this one takes it by itself.

        The records stay open in the other route's ledger until this one has done its part too.
        """
        alerts = late.message.alerts
        wanted = [
            (alert, entry)
            for alert, entry in zip(alerts, late.entries, strict=True)
            if not takes(self._routes, self.route.name, alert, self._where(alert.patient_id))
        ]
        for _, entry in wanted:
            entry.share()
        if wanted:
            self._queue(wanted, now)
            self._wake.set()
        return bool(wanted)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self.turned = now = time.monotonic()
            for alert, entry in self._unplaced.placed(now, self._where):
                if entry.held:
                    self._judge(alert, entry, now)
            while self._arrivals:
                self._take(self._arrivals.popleft(), now)
            for held in self._groups.over(now) if self._groups is not None else ():
                self._queue(held, now)
            while self.breaker.allows(now):
                item = self.waiting.take(now, self._free)
                if item is None:
                    break
                self.breaker.trying()
                self._spawn(self._deliver(item))
            for item in self._overdue.over(now):
                self._pass_on(item, "late")
            if now >= self._measured + MEASURE_S:
                self._measured = now
                self._give_up(now)
                self._measure(now)
            await self._sleep(now)

    async def finish(self, within_s: float) -> None:
        """Wait for what is under way; what waits stays uncommitted."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.receiver.close()

    async def report(self, about: str, status: dict[str, Any]) -> None:
        """A receiver says more of a message later: into the audit topic, and no further."""
        await self._audit(None, records.reported(self.way, about, status, datetime.now(UTC)))
        self._metrics.reports.labels(self.route.name).inc()

    def _take(self, arrival: Arrival, now: float) -> None:
        record, entry = arrival.record, arrival.entry
        place = Place(record.topic, record.partition, record.offset, record.timestamp)
        try:
            alert = read_alert(record.value, place)
        except Unreadable as error:
            if entry is not None:
                self._set_aside(place, record.value, str(error), record.key, entry)
            return
        placed = alert.location or self._where(alert.patient_id)
        if self._by_place and placed is None and entry is not None:
            self._unplaced.add(alert, entry, now)
        else:
            self._judge(alert, entry, now)

    def _judge(self, alert: Alert, entry: Entry | None, now: float) -> None:
        """Whether it is for this route, and for now."""
        if not (
            takes(self._routes, self.route.name, alert, self._where(alert.patient_id))
            or (self._shown is not None and self._shown.ended_by(alert))
        ):
            if entry is not None:
                entry.settle()
            return
        if self._shown is not None:
            self._shown.add(alert)
        if self._repetitions.seen(alert):
            if entry is not None:
                self._count("repeated")
                entry.settle()
            return
        greater = self._inhibition.by(alert) if self._inhibition is not None else None
        if entry is None:
            return
        if greater is not None:
            self._count("inhibited")
            line = records.inhibited(self.way, alert, greater, datetime.now(UTC))
            self._spawn(self._audit(alert.patient_id, line, (entry,)))
        elif self._groups is None:
            self._queue([(alert, entry)], now)
        else:
            for held in self._groups.add(alert, entry, now, int(time.time() * 1000)):
                self._queue(held, now)

    def _set_aside(
        self, place: Place, raw: bytes, why: str, key: bytes | None, entry: Entry
    ) -> None:
        letter = records.unreadable(self.way, place, raw, why, datetime.now(UTC))
        self._count("undelivered")
        self._spawn(self._bury(key, letter, (entry,)))

    def _queue(self, held: list[tuple[Alert, Entry]], now: float) -> None:
        alerts = tuple(alert for alert, _ in held)
        location = alerts[0].location or self._where(alerts[0].patient_id)
        message = Message(self.route.name, alerts, location)
        try:
            body = self.receiver.render(message)
        except Exception as error:
            # One alert that is not as alerts are must not keep back all that come after it.
            log.exception("an alert cannot be put into words", route=self.route.name)
            for alert, entry in held:
                key = alert.patient_id.encode()
                self._set_aside(alert.place, alert.raw, f"internal: {error!r}", key, entry)
            unsaid = Item(message, b"", tuple(entry for _, entry in held), now)
            self._pass_on(unsaid, "refused")
            return
        before = self._sent(self.route.name, self.way.address, message.message_id)
        if before == hashlib.sha256(body).hexdigest():  # before a crash, or by another router
            self._count("repeated")
            for _, entry in held:
                entry.settle()
            return
        item = Item(message, body, tuple(entry for _, entry in held), now)
        self.waiting.add(item)
        if self.otherwise is not None:
            self._overdue.add(item)

    def _free(self, rank: int) -> bool:
        most = self.route.concurrency * (2 if rank == 0 else 1)
        if self.breaker.state is not BreakerState.CLOSED:
            return self.breaker.state is BreakerState.OPEN  # the one that finds out
        return self.waiting.flying < most

    async def _deliver(self, item: Item) -> None:
        item.attempts += 1
        began, at = time.monotonic(), datetime.now(UTC)
        answer = await attempted(
            self.receiver, item.message, item.body, self.route.timeout_s, self.route.name
        )
        now = time.monotonic()
        line = records.attempt(
            self.way, item.message, item.body, item.attempts, answer, at, now - began
        )
        item.last_answer = f"{answer.code} {answer.text}".strip()
        self._count(answer.outcome.value)
        self._metrics.attempt.labels(self.route.name).observe(now - began)
        if answer.outcome is Outcome.FAILED:
            self.breaker.failed(now)
            self._log_failure(item, answer)
            self._spawn(self._audit(item.patient, line))
            if not item.held:
                self.waiting.done(item)  # another router's now
            elif now - item.since >= self.route.retry.give_up_s:
                self.waiting.done(item)
                self._undeliverable(item, "gave_up")
            else:
                self.waiting.put_off(item, now + self._backoff.pause(item.attempts, answer))
                said = min(alert.place.timestamp for alert in item.message.alerts) / 1000
                if time.time() - said >= self.route.otherwise_s:
                    self._pass_on(item, "late")  # before a restart its time was over already
        else:
            self.breaker.answered()
            self.waiting.done(item)
            if answer.outcome is Outcome.DELIVERED:
                first = min(alert.place.timestamp for alert in item.message.alerts)
                self._metrics.latency.labels(self.route.name).observe(
                    max(0.0, at.timestamp() - first / 1000)
                )
                self._spawn(self._audit(item.patient, line, item.entries))
            else:
                self._spawn(self._audit(item.patient, line))
                self._undeliverable(item, "refused")
        self._wake.set()

    def _log_failure(self, item: Item, answer: Answer) -> None:
        log.warning(
            "delivery failed",
            route=self.route.name,
            attempt=item.attempts,
            code=answer.code,
            breaker=self.breaker.state.value,
            patient_id=item.patient,
        )

    def _give_up(self, now: float) -> None:
        """While nothing can be tried, what waited too long becomes a dead letter all the same."""
        if self.breaker.state is BreakerState.CLOSED:
            return
        limit = now - self.route.retry.give_up_s
        for item in self.waiting.remove(lambda item: item.since <= limit):
            self._undeliverable(item, "gave_up")

    def _undeliverable(self, item: Item, reason: str) -> None:
        self._count("undelivered")
        self._pass_on(item, reason)
        log.error(
            "a message is undeliverable", route=self.route.name, reason=reason,
            patient_id=item.patient, priority=item.message.priority, attempts=item.attempts,
        )  # fmt: skip
        letter = records.undelivered(
            self.way, item.message, reason, item.attempts, item.last_answer, datetime.now(UTC)
        )
        self._spawn(self._bury(item.patient.encode(), letter, item.entries))

    def _pass_on(self, item: Item, why: str) -> None:
        """Tell another route, once, of what this one has not delivered."""
        if self.otherwise is None or item.passed_on:
            return
        item.passed_on = True
        if not self.otherwise.take_over(item, time.monotonic()):
            return
        name = self.otherwise.route.name
        self._count("passed_on")
        log.error(
            "a message is not delivered in time: another route is told", route=self.route.name,
            otherwise=name, why=why, patient_id=item.patient, priority=item.message.priority,
        )  # fmt: skip
        line = records.passed_on(
            self.way, item.message, name, why, item.attempts, datetime.now(UTC)
        )
        self._spawn(self._audit(item.patient, line))

    async def _bury(self, key: bytes | None, letter: bytes, entries: tuple[Entry, ...]) -> None:
        await self._scribe.write(self.undelivered, key, letter)
        for entry in entries:
            entry.settle()

    async def _audit(
        self, patient: str | None, line: bytes, entries: tuple[Entry, ...] = ()
    ) -> None:
        await self._scribe.write("audit", None if patient is None else patient.encode(), line)
        for entry in entries:
            entry.settle()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _count(self, outcome: str) -> None:
        self._metrics.deliveries.labels(self.route.name, outcome).inc()

    def _measure(self, now: float) -> None:
        name, since = self.route.name, self.waiting.oldest()
        held = len(self._unplaced) + (len(self._groups) if self._groups is not None else 0)
        self._metrics.queue.labels(name).set(len(self.waiting) + held)
        self._metrics.oldest.labels(name).set(0 if since is None else now - since)
        for state in BreakerState:
            self._metrics.breaker.labels(name, state.value).set(self.breaker.state is state)

    async def _sleep(self, now: float) -> None:
        moments = [now + LONGEST_SLEEP_S]
        if not self.breaker.allows(now):  # else nothing that may go is left, only what is put off
            moments.append(self.breaker.opens_until)
        elif (due := self.waiting.due()) is not None:
            moments.append(due)
        if self._groups is not None and (due := self._groups.due()) is not None:
            moments.append(due)
        if (due := self._overdue.due()) is not None:
            moments.append(due)
        if len(self._unplaced):
            moments.append(now + UNPLACED_SLEEP_S)
        with contextlib.suppress(TimeoutError):
            # An open breaker's time may be over while its one message is still under way.
            ahead = min(moment for moment in moments if moment > now)
            async with asyncio.timeout(ahead - now):
                await self._wake.wait()
        self._wake.clear()


def undelivered_topic(route: str) -> str:
    """The dead-letter topic of a route, without prefix."""
    return f"undelivered.{route}"
