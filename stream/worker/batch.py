"""One batch of records, folded in memory: nothing is sent and no table is touched here.

Several events of a patient are applied one after the other to copies; what comes out are the
sends, in the order in which they have to be acknowledged, and the new states. A batch is an
optimisation: the alerts are the same for any way of cutting the log into batches.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from schemas import CE_TYPE_PREFIX, CONTRACT_VERSION, SCHEMA_BASE
from schemas.deadletter import ReasonCode
from stream.engine.events import Micros, PatientEvent, Tick
from stream.engine.outputs import Alert, Outcome, Outputs, Rejection, rfc3339
from stream.engine.state import PatientState
from stream.intake import decode
from stream.intake.records import Intake
from stream.logs import patient_hash
from stream.worker.codec import Applied
from stream.worker.deadletters import dead_letter, dead_letter_key, flood_letter
from stream.worker.floods import FloodGate, Withheld
from stream.worker.grader import Grader
from stream.worker.partitions import partition_of
from stream.worker.records import Send, SourceRecord
from stream.worker.statuses import News, Statuses
from stream.worker.ward import Graded, Ward

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """Names and limits that a batch is worked with."""

    home_topic: str
    ticks_topic: str
    alerts_topic: str
    deadletter_topic: str
    status_topic: str
    partitions: int
    max_ahead: Micros
    max_record_bytes: int
    deadletters_per_minute: int
    application_id: str
    worker: str
    hash_key: bytes = field(repr=False)


@dataclass(slots=True)
class Plan:
    """What one batch amounts to."""

    outputs: list[Send] = field(default_factory=list)
    graded: dict[bytes, Graded] = field(default_factory=dict)
    touched: list[Collection[bytes]] = field(default_factory=list)
    """Of each record, the patients whose state it was applied to."""
    news: News | None = None
    """Statuses that are said with it."""
    outcomes: dict[tuple[str, str], int] = field(default_factory=dict)
    """How many events of each source topic came to what."""
    late: list[Micros] = field(default_factory=list)
    alerts: list[tuple[Alert, float]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    """Of every dead letter that is sent."""
    withheld: dict[tuple[str, int], Withheld] = field(default_factory=dict)
    """What was set aside without one, by source topic and partition."""


class Batch:
    """Feed records to `take` in order, then ask `plan` once."""

    def __init__(
        self,
        ward: Ward,
        grader: Grader,
        policy: BatchPolicy,
        now: Micros,
        statuses: Statuses,
        gate: FloodGate,
    ) -> None:
        self.ward, self.grader, self.policy, self.now = ward, grader, policy, now
        self._statuses, self._gate = statuses, gate
        self._plan = Plan()
        self._states: dict[bytes, PatientState] = {}
        self._applied: dict[bytes, dict[str, Applied]] = {}

    def take(self, record: SourceRecord) -> None:
        """Apply one record. Bad data never raises; it becomes dead letters."""
        ticks = record.topic == self.policy.ticks_topic
        self._plan.touched.append(())
        try:
            intake = decode(
                record.value,
                key=record.key,
                now=self.now,
                max_ahead=self.policy.max_ahead,
                max_bytes=self.policy.max_record_bytes,
                key_required=not ticks,
                accept_ticks=ticks,
            )
        except MemoryError:  # the machine's fault: another process reads the record again
            raise
        except Exception as error:  # it never should; but one record stops nobody's grading
            log.exception("decoder failed; the record is a dead letter", offset=record.offset)
            self._refuse(record, ReasonCode.INTERNAL, type(error).__name__)
            return
        event = intake.event
        if record.only is not None and not isinstance(event, Tick):
            return  # its dead letter is written where it is for all
        if isinstance(event, Tick):
            self._tick(record, event)
        elif ticks and (event is not None or intake.parts):
            where = f"only ticks belong on topic {record.topic}"
            self._refuse(record, ReasonCode.UNKNOWN_TYPE, where, event.event_id if event else "")
        else:
            self._events(record, intake.each)

    def plan(self) -> Plan:
        """Everything that the records taken amount to."""
        plan = self._plan
        for key, state in self._states.items():
            plan.graded[key] = Graded(state, self._known(key))
        alerted = {alert.patient_id.encode() for alert, _ in plan.alerts}
        plan.news = self._statuses.news(
            {
                key: state
                for key, state in self._states.items()
                if key in alerted or key not in self._statuses
            }
        )
        plan.outputs += plan.news.sends
        for place, withheld in plan.withheld.items():
            limit = self._gate.per_minute
            value = flood_letter(place, withheld, self.now, self.policy.worker, limit)
            plan.outputs.append(Send(self.policy.deadletter_topic, None, value))
            plan.reasons.append(ReasonCode.FLOOD.value)
        return plan

    def _events(self, record: SourceRecord, parts: Sequence[Intake]) -> None:
        """The events of one record, all of one patient, in order."""
        good = []
        for part in parts:
            self._set_aside(record, part.rejections)
            if part.event is None or isinstance(part.event, Tick):
                self._count(record, Outcome.REJECTED)
            else:
                good.append((part, part.event))
        if not good:
            return
        key = good[0][1].patient_id.encode()
        home = partition_of(key, self.policy.partitions)
        if record.partition != home:
            where = f"the patient belongs to partition {home}, not {record.partition}"
            alone = good[0][1].event_id if len(parts) == 1 else ""
            self._refuse(record, ReasonCode.WRONG_PARTITION, where, alone)
            return
        known, timestamp = self._known(key), round(record.timestamp * 1000)
        before = known.get(record.topic)
        if before is not None and before.covers(record.offset, timestamp):
            for _ in good:
                self._count(record, Outcome.DUPLICATE)  # read again after a crash
            return
        # No plan is made between the events of a record: it is applied as a whole or not at all.
        after = (before or Applied(0, 0)).grown(record.offset, timestamp)
        for part, event in good:
            state, outputs = self._step(record, key, event)
            if state is None or outputs is None:
                continue
            self._plan.touched[-1] = (key,)
            self._states[key] = state
            if key not in self._applied:
                self._applied[key] = dict(known)
            self._applied[key][record.topic] = after
            self._set_aside(record, part.placed(outputs.rejections))
            self._count(record, outputs.outcome)
            if outputs.late_by > 0:
                self._plan.late.append(outputs.late_by)

    def _known(self, key: bytes) -> Mapping[str, Applied]:
        """How far the patient's state is in the source topics, this batch included."""
        return self._applied.get(key) or self.ward.applied(key)

    def _tick(self, record: SourceRecord, tick: Tick) -> None:
        if record.only is None:
            self._count(record, Outcome.TICK)
        touched = []
        for key in self._waiting(record, tick.time):
            state, outputs = self._step(record, key, tick)
            if state is not None and outputs is not None:
                self._states[key] = state
                touched.append(key)
                self._set_aside(record, outputs.rejections)
        self._plan.touched[-1] = touched

    def _waiting(self, record: SourceRecord, time: Micros) -> list[bytes]:
        """Patients of the tick whose timers are due, the longest due first."""
        partition = record.partition
        if record.only is not None:
            alone = self._due(partition, record.only)
            return [] if alone is None or alone > time else [record.only]
        keys = {*self.ward.due(partition), *self._states} - record.but
        waiting = ((due, key) for key in keys if (due := self._due(partition, key)) is not None)
        return [key for due, key in sorted(waiting) if due <= time]

    def _due(self, partition: int, key: bytes) -> Micros | None:
        """When the patient's next timer fires, after what the batch has applied so far."""
        state = self._states.get(key)
        if state is None:
            return self.ward.due(partition).get(key)
        return (
            state.record.next_due
            if partition_of(key, self.policy.partitions) == partition
            else None
        )

    def _step(
        self, record: SourceRecord, key: bytes, event: PatientEvent | Tick
    ) -> tuple[PatientState | None, Outputs | None]:
        """One step; an engine that raises has changed nothing, so only this event is set aside."""
        before = self._states.get(key) or self.ward.state(key)
        try:
            state, outputs = self.grader.step(before, event)
        except MemoryError:  # as above: no state of ours is too large for one more event
            raise
        except Exception as error:  # a fault of ours must not stop every other patient's grading
            log.exception("engine failed; the record is a dead letter", patient=self._hash(key))
            self._refuse(record, ReasonCode.INTERNAL, type(error).__name__, event.event_id)
            return None, None
        for alert in outputs.alerts:
            self._plan.alerts.append((alert, record.timestamp))
            self._plan.outputs.append(self._alert(alert))
        return state, outputs

    def _alert(self, alert: Alert) -> Send:
        """The alert with its CloudEvents attributes (binary mode of the Kafka binding)."""
        headers = {
            "ce_specversion": "1.0",
            "ce_id": alert.alert_id,
            "ce_type": f"{CE_TYPE_PREFIX}{alert.type}.v{CONTRACT_VERSION}",
            "ce_dataschema": f"{SCHEMA_BASE}{alert.type}.schema.json",
            "ce_source": f"/stormwatch/{self.policy.application_id}",
            "ce_subject": patient_hash(alert.patient_id, self.policy.hash_key),
            "ce_time": rfc3339(alert.effective_time),
            "content-type": "application/json",
        }
        return Send(
            self.policy.alerts_topic,
            alert.patient_id.encode(),
            alert.to_bytes(),
            headers=[(name, text.encode()) for name, text in headers.items()],
        )

    def _refuse(
        self, record: SourceRecord, code: ReasonCode, detail: str, event_id: str = ""
    ) -> None:
        self._set_aside(record, (Rejection(event_id, "", code, detail),))
        self._count(record, Outcome.REJECTED)

    def _set_aside(self, record: SourceRecord, rejections: tuple[Rejection, ...]) -> None:
        for rejection in rejections:
            if not self._gate.grants(record, self.now):
                place = record.topic, record.partition
                withheld = self._plan.withheld.setdefault(place, Withheld())
                withheld.add(str(rejection.code), record.offset)
                continue
            value = dead_letter(record, rejection, self.now, self.policy.worker)
            key = dead_letter_key(record.key)
            self._plan.outputs.append(Send(self.policy.deadletter_topic, key, value))
            self._plan.reasons.append(str(rejection.code))

    def _count(self, record: SourceRecord, outcome: Outcome) -> None:
        what = record.topic, outcome.value
        self._plan.outcomes[what] = self._plan.outcomes.get(what, 0) + 1

    def _hash(self, key: bytes) -> str:
        return patient_hash(key.decode(errors="replace"), self.policy.hash_key)
