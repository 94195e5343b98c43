"""Where a replay's records go: Kafka, through kafka-python's producer."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from stream.gateways.clif_deadletter import dead_letter
from stream.gateways.jsonl import encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from stream.gateways.clif_ledger import Refusal

Route = Literal["single", "split"]
"""`single`: everything to `vitals`, in order. `split`: `vitals` events there, the rest to `care`,
where the order between the two topics is not kept."""

LINGER_MS = 5
LONGEST_BLOCK_MS = 10_000
MOST_IN_FLIGHT = 10_000
"""Records handed over and not yet answered; kafka-python itself sets no limit to its memory."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to send: what it is about as far as that can be read, and its bytes."""

    value: bytes
    kind: str | None
    patient_id: str | None
    received_at: datetime | None
    """Of a bundle: when the last of its events was received."""
    vitals: bool = False
    """Whether it holds `vitals` events alone."""


def outgoing(event: dict[str, Any] | bytes) -> Outgoing:
    """Read off an event what sending needs; bytes that are no event go as they are, without key."""
    value = event if isinstance(event, bytes) else encode(event)
    if isinstance(event, bytes):
        try:
            event = json.loads(event)
        except (ValueError, RecursionError):
            return Outgoing(value, None, None, None)
    if not isinstance(event, dict):
        return Outgoing(value, None, None, None)
    kind, patient_id, last = event.get("type"), event.get("patient_id"), event
    if kind == "bundle" and isinstance(events := event.get("events"), list) and events:
        last = events[-1] if isinstance(events[-1], dict) else {}
    return Outgoing(
        value,
        kind if isinstance(kind, str) else None,
        patient_id if isinstance(patient_id, str) and _encodable(patient_id) else None,
        _moment(last.get("received_at")) or _moment(last.get("time")),
        vitals=_only_vitals(event),
    )


def _only_vitals(event: dict[str, Any]) -> bool:
    """Whether it is a `vitals` event, or a bundle of nothing else."""
    events = event.get("events") if event.get("type") == "bundle" else [event]
    return isinstance(events, list) and all(
        isinstance(each, dict) and each.get("type") == "vitals" for each in events
    )


def _encodable(text: str) -> bool:
    """False for lone surrogates, which JSON can escape and UTF-8 does not have."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


class Sink(Protocol):
    """Where records go. Sending is asynchronous; after `flush` the counts are final."""

    @property
    def sent(self) -> int:
        """Records acknowledged so far."""

    @property
    def failed(self) -> int:
        """Records that were not taken."""

    @property
    def errors(self) -> dict[str, int]:
        """Failures by the error's text."""

    def send(self, item: Outgoing) -> None:
        """Hand over a record; a failure is counted, not raised."""

    def flush(self) -> None:
        """Wait until every record handed over was acknowledged or has failed."""


class MissingTopicError(RuntimeError):
    """A topic to send to does not exist."""


class KafkaSink:
    """Sends with kafka-python: idempotent, acknowledged by all, in order, every result checked.

    Idempotence is kafka-python's default; it turns itself off, with a warning in its log, for a
    broker that is too old for it. `options` are further keyword arguments of `KafkaProducer`, such
    as those of `Settings.kafka_python_security()`. Topics must exist: none is created by chance
    with a number of partitions of its own. Raises `MissingTopicError`, and kafka-python's errors
    if no broker answers.
    """

    def __init__(
        self,
        bootstrap_servers: str | list[str],
        *,
        route: Route = "single",
        topic_prefix: str = "",
        producer: Any = None,
        **options: Any,
    ) -> None:
        self._topics = {name: f"{topic_prefix}{name}" for name in ("vitals", "care", "deadletter")}
        self._route = route
        self._lock = threading.Lock()
        self._sent = 0
        self._room = threading.BoundedSemaphore(MOST_IN_FLIGHT)
        self._errors: Counter[str] = Counter()
        self._producer = producer if producer is not None else _producer(bootstrap_servers, options)
        wanted = ("vitals",) if route == "single" else ("vitals", "care")
        if missing := [self._topics[name] for name in wanted if not self._exists(name)]:
            self._producer.close()
            raise MissingTopicError(
                f"no topic {' or '.join(missing)} at {bootstrap_servers}: create the topics first"
            )

    def _exists(self, name: str) -> bool:
        """Asked once, since each send to a topic that is not there would block for long."""
        from kafka.errors import KafkaTimeoutError  # noqa: PLC0415 (slow to import)

        try:
            return bool(self._producer.partitions_for(self._topics[name]))
        except KafkaTimeoutError:
            return False

    @property
    def sent(self) -> int:
        """Records acknowledged so far."""
        return self._sent

    @property
    def failed(self) -> int:
        """Records that were not taken."""
        with self._lock:
            return self._errors.total()

    @property
    def errors(self) -> dict[str, int]:
        """Failures by the error's text."""
        with self._lock:
            return dict(self._errors)

    def topic_of(self, item: Outgoing) -> str:
        """Where a record goes: by the route, and for `split` by its type."""
        split = self._route == "split" and not item.vitals
        return self._topics["care" if split else "vitals"]

    def send(self, item: Outgoing) -> None:
        """Hand over a record; a failure is counted, not raised."""
        self._send(self.topic_of(item), item.patient_id, item.value, self._event_taken)

    def dead_letter(self, refusal: Refusal) -> None:
        """Send what could not become an event to the topic `deadletter`."""
        value = dead_letter(refusal)
        topic = self._topics["deadletter"]
        self._send(topic, refusal.patient_id, value, self._dead_letter_taken)

    def _send(
        self,
        topic: str,
        patient_id: str | None,
        value: bytes,
        taken: Callable[[object], None],
    ) -> None:
        from kafka.errors import KafkaError  # noqa: PLC0415 (slow to import)

        self._room.acquire()
        key = None if patient_id is None else patient_id.encode()
        try:
            future = self._producer.send(
                topic, value=value, key=key, timestamp_ms=time.time_ns() // 1_000_000
            )
        except (KafkaError, ValueError) as error:
            self._failure(error)
        else:
            future.add_callback(taken)
            future.add_errback(self._failure)

    # These three are called by the producer's own thread.
    def _event_taken(self, _metadata: object) -> None:
        with self._lock:
            self._sent += 1
        self._room.release()

    def _dead_letter_taken(self, _metadata: object) -> None:
        self._room.release()

    def _failure(self, error: BaseException) -> None:
        with self._lock:
            self._errors[f"{type(error).__name__}: {error}"] += 1
        self._room.release()

    def flush(self) -> None:
        """Wait until every record handed over was acknowledged or has failed."""
        self._producer.flush()

    def close(self) -> None:
        """Send what is left and end the connection."""
        self._producer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _producer(servers: str | list[str], options: dict[str, Any]) -> Any:
    from kafka import KafkaProducer  # noqa: PLC0415 (slow to import)
    from kafka.partitioner import DefaultPartitioner  # noqa: PLC0415

    return KafkaProducer(
        bootstrap_servers=servers.split(",") if isinstance(servers, str) else servers,
        **{
            "acks": "all",
            "linger_ms": LINGER_MS,
            "max_block_ms": LONGEST_BLOCK_MS,
            "allow_auto_create_topics": False,
            "partitioner": DefaultPartitioner(),
            **options,
        },
    )
