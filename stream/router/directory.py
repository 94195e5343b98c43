"""What the router knows beside the queues: where patients are, what was said, what was sent.

One thread reads `status` from its beginning, `alerts` as far back as acknowledgements may refer to,
and `audit` as far back as a route that was killed may begin again: the urgent overtake, so that an
offset tells little of what was sent. It joins no group; each router has its own copy.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from stream.settings import Settings

log = structlog.get_logger(__name__)

REACH_S: Final = 48 * 3600.0
"""How far back alerts are known at a start."""
SENT_REACH_S: Final = 2 * 3600.0
"""How far back deliveries are known at a start."""
SENT_KEPT: Final = 2_000
"""Records of each partition of `audit` that are read whatever their age: what was delivered and not
committed before a crash is among the last, however long nothing ran since."""
MOST: Final = 100_000
POLL_MS: Final = 1_000
FETCH_MS: Final = 300


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """What acknowledgements need to know of an alert."""

    alert_id: str
    patient_id: str
    type: str
    escalates: str | None = None
    """Of an escalation: the alert that is escalated."""
    superseded_by: str | None = None
    closed: bool = False
    acknowledged: bool = False
    anew: str | None = None
    """The escalation that asked again: what was answered before it is no answer to it."""


class Directory(threading.Thread):
    """Locations and alerts, bounded. Asked from other threads."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="directory", daemon=True)
        self._settings = settings
        self._places: OrderedDict[str, str] = OrderedDict()
        self._alerts: OrderedDict[str, KnownAlert] = OrderedDict()
        self._sent: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        self._ending = threading.Event()
        self.ready = threading.Event()
        self.polled = time.monotonic()
        self.failure: BaseException | None = None

    def location(self, patient_id: str) -> str | None:
        """Where a patient is; None where nobody has said it."""
        return self._places.get(patient_id)

    def alert(self, alert_id: str) -> KnownAlert | None:
        """An alert of the last days."""
        return self._alerts.get(alert_id)

    def sent(self, route: str, to: str, message_id: str) -> str | None:
        """The SHA-256 in hex of the body that a route has delivered there as this message.

        `to` is the receiver's address: what went elsewhere before the routes were changed was not
        delivered.
        """
        return self._sent.get((route, to, message_id))

    def stop(self) -> None:
        """End soon."""
        self._ending.set()

    def run(self) -> None:
        """The thread."""
        try:
            self._read()
        except BaseException as error:  # noqa: BLE001 - whoever watches the thread decides
            self.failure = error
            log.error("the directory's reading has ended", reason=repr(error))  # noqa: TRY400

    def _read(self) -> None:
        from kafka import KafkaConsumer, TopicPartition  # noqa: PLC0415

        prefix = self._settings.topic_prefix
        consumer = KafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers.split(","),
            client_id="stormwatch-router-directory",
            group_id=None,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            auto_offset_reset="earliest",
            # Nobody waits for it: a fetch for each alert would cost more than a route's delivery.
            fetch_min_bytes=65_536,
            fetch_max_wait_ms=FETCH_MS,
            **self._settings.kafka_python_security(),
        )
        try:
            status, alerts, audit = (
                [
                    TopicPartition(prefix + name, n)
                    for n in consumer.partitions_for_topic(prefix + name)
                ]
                for name in ("status", "alerts", "audit")
            )
            consumer.assign([*status, *alerts, *audit])
            consumer.seek_to_beginning(*status)
            ends = consumer.end_offsets([*status, *alerts, *audit])
            now = time.time()
            since = dict.fromkeys(alerts, int((now - REACH_S) * 1000))
            since |= dict.fromkeys(audit, int((now - SENT_REACH_S) * 1000))
            firsts = consumer.beginning_offsets(audit)
            for part, found in consumer.offsets_for_times(since).items():
                begin = ends[part] if found is None else found.offset
                if part in firsts:
                    begin = min(begin, max(firsts[part], ends[part] - SENT_KEPT))
                consumer.seek(part, begin)
            while not self._ending.is_set():
                batches = consumer.poll(timeout_ms=POLL_MS, max_records=2_000)
                self.polled = time.monotonic()
                for part, records in batches.items():
                    learn = (
                        self._locate
                        if part in status
                        else self._heard
                        if part in alerts
                        else self._delivered
                    )
                    for record in records:
                        learn(record)
                if not self.ready.is_set() and all(
                    consumer.position(part) >= end for part, end in ends.items()
                ):
                    self.ready.set()
        finally:
            consumer.close()

    def _locate(self, record: Any) -> None:
        patient_id = (record.key or b"").decode("utf-8", "replace")
        document = _document(record.value)
        location = document.get("location")
        self._places.pop(patient_id, None)
        if isinstance(location, str) and location:
            _remember(self._places, patient_id, location)

    def _delivered(self, record: Any) -> None:
        document = _document(record.value)
        if document.get("type") == "delivery.delivered":
            route, to, message_id = (str(document.get(n)) for n in ("route", "to", "message_id"))
            _remember(self._sent, (route, to, message_id), str(document.get("sha256")))

    def _heard(self, record: Any) -> None:
        document = _document(record.value)
        alert_id, patient_id, kind = (
            document.get(name) for name in ("alert_id", "patient_id", "type")
        )
        if not (
            isinstance(alert_id, str) and isinstance(patient_id, str) and isinstance(kind, str)
        ):
            return
        escalated_id = document.get("alert")
        escalates = escalated_id if isinstance(escalated_id, str) else None
        fresh = alert_id not in self._alerts
        if fresh:
            _remember(self._alerts, alert_id, KnownAlert(alert_id, patient_id, kind, escalates))
        if isinstance(before := self._alerts.get(str(document.get("supersedes"))), KnownAlert):
            self._alerts[before.alert_id] = replace(before, superseded_by=alert_id)
        if isinstance(escalated := self._alerts.get(escalates or ""), KnownAlert):
            match kind:
                case "escalation.closed":
                    escalated = replace(escalated, closed=True)
                case "escalation.acknowledged":
                    escalated = replace(escalated, acknowledged=True)
                case "escalation.opened" | "escalation.reopened" | "escalation.unshelved":
                    first = kind == "escalation.opened" and not escalated.closed
                    if fresh and not first:
                        escalated = replace(escalated, anew=alert_id)
                    escalated = replace(escalated, closed=False, acknowledged=False)
            self._alerts[escalated.alert_id] = escalated


def _document(value: bytes | None) -> dict[str, Any]:
    try:
        document = json.loads(value or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _remember(table: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    table[key] = value
    if len(table) > MOST:
        table.popitem(last=False)
