"""The reading thread of one route: a consumer group of its own, offsets committed when settled.

kafka-python is synchronous and a route must not wait for another, so each has its thread. Before a
partition's committed offset a stretch is read again, only to remember what was said lately.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.router.ledger import Entry, Ledger
    from stream.settings import Settings

log = structlog.get_logger(__name__)

POLL_MS: Final = 500
COMMIT_EVERY_S: Final = 0.1
GATHER_S: Final = 0.02
"""What comes within it is fetched at once: the client's cost is by the fetch, not the record."""
BATCH: Final = 500
REMEMBERED: Final = 1_000
"""Records before the committed offset that are read again whatever their age. What a worker writes
once more after a crash is what it wrote last before it, and they may have been away for days."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record as it was read; without an entry it is only to be remembered."""

    record: Any
    entry: Entry | None


class Source(threading.Thread):
    """Reads until told to stop; `failure` says why it ended otherwise."""

    def __init__(
        self,
        settings: Settings,
        route: str,
        *,
        beginning: bool,
        remember_s: float,
        ledger: Ledger,
        arrived: Callable[[list[Arrival]], None],
        revoked: Callable[[set[int]], None],
        full: Callable[[], bool],
    ) -> None:
        super().__init__(name=f"route-{route}", daemon=True)
        self._settings = settings
        self._topic = settings.topic_prefix + "alerts"
        self._group = group_of(settings, route)
        self._beginning = beginning
        self._remember_s = remember_s
        self._ledger = ledger
        self._arrived, self._revoked, self._full = arrived, revoked, full
        self._ending = threading.Event()
        self._given: deque[set[int]] = deque()
        self._fresh: dict[int, int] = {}
        self.failure: BaseException | None = None
        self.polled = time.monotonic()
        self.assigned: set[int] = set()
        self.assigned_once = False

    def stop(self) -> None:
        """Commit what is settled, leave the group, end."""
        self._ending.set()

    def run(self) -> None:
        """The thread."""
        try:
            self._read()
        except BaseException as error:  # noqa: BLE001 - whoever watches the thread decides
            self.failure = error
            log.error("a route's reading has ended", group=self._group, reason=repr(error))  # noqa: TRY400

    def _read(self) -> None:
        from kafka import ConsumerRebalanceListener, KafkaConsumer  # noqa: PLC0415

        source = self

        class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
            """Called on the client's own thread, where nothing may ask a broker."""

            def on_partitions_revoked(self, revoked: Any) -> None:
                source._lost({part.partition for part in revoked})

            def on_partitions_assigned(self, assigned: Any) -> None:
                source._given.append({part.partition for part in assigned})

        session_ms = int(self._settings.session_timeout_s * 1000)
        consumer = KafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers.split(","),
            client_id=f"stormwatch-router-{self._settings.router_id}",
            group_id=self._group,
            group_instance_id=self._settings.router_id,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            # A committed offset that retention has overtaken: the oldest that there is.
            auto_offset_reset="earliest",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=max(300, session_ms // 4),
            max_poll_records=BATCH,
            **self._settings.kafka_python_security(),
        )
        try:
            consumer.subscribe([self._topic], listener=Listener())
            self._loop(consumer)
        finally:
            consumer.close(autocommit=False)

    def _loop(self, consumer: Any) -> None:
        committed = time.monotonic()
        paused = False
        while not self._ending.is_set():
            batches = consumer.poll(timeout_ms=POLL_MS)
            self.polled = now = time.monotonic()
            if self._given:
                self._got(consumer, self._given.popleft())
                continue
            arrivals = [
                arrival
                for part, records in batches.items()
                for record in records
                if (arrival := self._arrival(part.partition, record)) is not None
            ]
            if arrivals:
                self._arrived(arrivals)
                self._ending.wait(GATHER_S)
            if self._full():
                consumer.pause(*consumer.assignment())
                paused = True
            elif paused:
                consumer.resume(*consumer.assignment())
                paused = False
            if now - committed >= COMMIT_EVERY_S and self._commit(consumer):
                committed = now
            elif now - committed >= self._settings.session_timeout_s:
                # Committed once more: a router whose name another one has taken learns of it here.
                self._commit(consumer, self._ledger.standing())
                committed = now
        self._commit(consumer)

    def _arrival(self, partition: int, record: Any) -> Arrival | None:
        if record.offset < self._fresh.get(partition, 0):
            return Arrival(record, None)
        entry = self._ledger.take(partition, record.offset)
        return None if entry is None else Arrival(record, entry)

    def _commit(self, consumer: Any, standing: dict[int, int] | None = None) -> bool:
        """Commit what is settled; False where nothing was. Raises where the group put us out."""
        from kafka import OffsetAndMetadata, TopicPartition  # noqa: PLC0415
        from kafka.errors import CommitFailedError, KafkaError, RetriableError  # noqa: PLC0415

        offsets = self._ledger.committable() or standing
        if not offsets:
            return False
        try:
            consumer.commit(
                {
                    TopicPartition(self._topic, number): OffsetAndMetadata(offset, "", -1)
                    for number, offset in offsets.items()
                },
                timeout_ms=5_000,
            )
        except (CommitFailedError, RetriableError) as error:
            # A rebalance, or brokers away: what is not committed is delivered again.
            log.warning("offsets were not committed", group=self._group, reason=repr(error))
        except KafkaError as error:
            if not error.retriable and "Fenced" in type(error).__name__:
                raise
            log.warning("offsets were not committed", group=self._group, reason=repr(error))
        else:
            self._ledger.committed(offsets)
        return True

    def _lost(self, numbers: set[int]) -> None:
        """Another router's now. What was not committed yet is sent again there."""
        self._given.clear()
        self._ledger.revoke(numbers)
        self._revoked(numbers)
        self.assigned -= numbers

    def _got(self, consumer: Any, numbers: set[int]) -> None:
        """Begin each partition where its group stands; a new group where the route says.

        Records that the poll brought already are of no account: the ledger does not know their
        partitions before this, and reading begins anew.
        """
        from kafka import TopicPartition  # noqa: PLC0415

        assigned = [TopicPartition(self._topic, number) for number in numbers]
        ends = consumer.end_offsets(assigned)
        firsts = consumer.beginning_offsets(assigned)
        since = int((time.time() - self._remember_s) * 1000)
        times = consumer.offsets_for_times(dict.fromkeys(assigned, since))
        for part in assigned:
            begin = consumer.committed(part)
            if begin is None:
                begin = firsts[part] if self._beginning else ends[part]
                self._claim(consumer, part, begin)
            if not firsts[part] <= begin <= ends[part]:
                log.error(
                    "alerts between are lost to this route, or the topic was made anew",
                    group=self._group, partition=part.partition, committed=begin,
                    first=firsts[part], end=ends[part],
                )  # fmt: skip
                begin = firsts[part]
            lately = times.get(part)
            again = max(firsts[part], begin - REMEMBERED)
            self._fresh[part.partition] = begin
            consumer.seek(part, again if lately is None else min(again, lately.offset))
            self._ledger.assign(part.partition, begin)
            self.assigned.add(part.partition)
        self.assigned_once = True
        log.info("route reads", group=self._group, partitions=sorted(self.assigned))

    def _claim(self, consumer: Any, part: Any, offset: int) -> None:
        """Commit where a new group begins: a crash before its first commit skips nothing."""
        from kafka import OffsetAndMetadata  # noqa: PLC0415

        consumer.commit({part: OffsetAndMetadata(offset, "", -1)}, timeout_ms=5_000)


def group_of(settings: Settings, route: str) -> str:
    """The consumer group of a route."""
    return f"{settings.application_id}-router-{route}"
