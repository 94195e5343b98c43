"""Every metric of the worker, each with its name, unit, labels and meaning, in one table.

`METRICS` is the documentation: the docs are tested against it. Units are base units (seconds,
bytes). No label ever holds a patient: not an id, not a hash of one. Known label values are made at
the start, so that a rate over something that has not happened yet is 0 and not absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)

from stream.metric_labels import (
    ALARM_ENDS,
    ALARM_EVENTS,
    ALARM_PRIORITIES,
    ALARM_STATES,
    CANDIDATES,
    GRADES,
    OUTCOMES,
    PARTS,
    TABLES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

disable_created_metrics()  # type: ignore[no-untyped-call]  # half of all series, read by nobody

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LATENESS = (1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 48 * 3600)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric; `values` holds what each label can be, where that is known beforehand."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    unit: str
    labels: tuple[str, ...]
    help: str
    values: tuple[tuple[str, ...], ...] = ()
    buckets: tuple[float, ...] = ()


EVENTS = MetricSpec(
    "stormwatch_events_total",
    "counter",
    "events",
    ("topic", "outcome"),
    "Events taken from Kafka, by what became of them.",
)
LATE = MetricSpec(
    "stormwatch_event_late_seconds",
    "histogram",
    "seconds",
    (),
    "How far behind the patient's clock a late event's time lay; on-time events are not counted.",
    buckets=LATENESS,
)
LATENCY = MetricSpec(
    "stormwatch_event_to_alert_seconds",
    "histogram",
    "seconds",
    (),
    "From the timestamp of the record that caused an alert to the broker's word for the alert.",
    buckets=SECONDS,
)
ALERTS = MetricSpec(
    "stormwatch_alerts_total",
    "counter",
    "alerts",
    ("type", "priority"),
    "Alerts acknowledged by the broker.",
)
PATIENTS = MetricSpec(
    "stormwatch_patients",
    "gauge",
    "patients",
    ("grade",),
    "Patients of this worker's partitions by their grade as said.",
    (GRADES,),
)
GRADE_CHANGES = MetricSpec(
    "stormwatch_grade_changes_total",
    "counter",
    "alerts",
    ("from_grade", "to_grade"),
    "Changes of grade said (grade.changed and grade.revised).",
    (GRADES[1:], GRADES[1:]),
)
RAISED = MetricSpec(
    "stormwatch_candidates_total",
    "counter",
    "alerts",
    ("why",),
    "Candidates raised for a person to confirm.",
    (CANDIDATES,),
)
ALARMS = MetricSpec(
    "stormwatch_alarms_total",
    "counter",
    "alarms",
    ("event", "priority"),
    "Alarms opened: alerts that somebody has to answer.",
    (ALARM_EVENTS, ALARM_PRIORITIES),
)
ANSWERS = MetricSpec(
    "stormwatch_alarm_answer_seconds",
    "histogram",
    "seconds",
    (),
    "From the alert until a person acknowledged it, on the patient's clock.",
    buckets=(30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200),
)
ALARM_STEPS = MetricSpec(
    "stormwatch_alarm_steps_total",
    "counter",
    "steps",
    (),
    "Steps and repeats of ladders, because nobody had answered.",
)
EXHAUSTED = MetricSpec(
    "stormwatch_alarms_exhausted_total",
    "counter",
    "alarms",
    (),
    "Ladders that were over without an answer.",
)
CLOSED = MetricSpec(
    "stormwatch_alarms_closed_total",
    "counter",
    "alarms",
    ("why",),
    "Alarms closed, by why nobody needs to answer any more.",
    (ALARM_ENDS,),
)
STANDING = MetricSpec(
    "stormwatch_alarms_standing",
    "gauge",
    "alarms",
    ("state",),
    "Alarms of this worker's patients that are not closed.",
    (ALARM_STATES,),
)
CHATTERING = MetricSpec(
    "stormwatch_alarms_chattering_total",
    "counter",
    "alarms",
    (),
    "Alarms that had come and gone repeatedly when they were opened.",
)
FLOODS = MetricSpec(
    "stormwatch_alarm_floods_total",
    "counter",
    "floods",
    (),
    "Floods of alarms of one patient, in which the lesser ones were held back.",
)
DEAD = MetricSpec(
    "stormwatch_dead_letters_total",
    "counter",
    "records",
    ("reason",),
    "Records, or single readings of them, set aside to the dead-letter topic.",
)
SUPPRESSED = MetricSpec(
    "stormwatch_dead_letters_suppressed_total",
    "counter",
    "records",
    ("reason",),
    "Records, or single readings of them, set aside in a flood: summed up in one dead letter.",
)
LAG = MetricSpec(
    "stormwatch_consumer_lag",
    "gauge",
    "records",
    ("topic", "partition"),
    "Records of an assigned partition not processed yet.",
)
RECOVERED = MetricSpec(
    "stormwatch_recovered",
    "gauge",
    "truth",
    (),
    "1 once the tables of the assigned partitions are restored, 0 before and during rebalances.",
)
RECOVERY = MetricSpec(
    "stormwatch_recovery_seconds",
    "gauge",
    "seconds",
    (),
    "How long the last restore of the tables took, with the rebalance that caused it.",
)
RESTORE = MetricSpec(
    "stormwatch_restore_seconds",
    "gauge",
    "seconds",
    (),
    "How long the last reading of the tables' changelogs took, of that.",
)
RESTORED = MetricSpec(
    "stormwatch_restored_records_total",
    "counter",
    "records",
    (),
    "Records of changelogs that were read to restore tables.",
)
ASSIGNED = MetricSpec(
    "stormwatch_assigned_partitions",
    "gauge",
    "partitions",
    (),
    "Partitions of patients that this worker looks after.",
)
BATCH = MetricSpec(
    "stormwatch_batch_seconds",
    "histogram",
    "seconds",
    (),
    "From the start of a batch until all it caused is acknowledged.",
    buckets=SECONDS,
)
LAST_BATCH = MetricSpec(
    "stormwatch_last_batch_timestamp_seconds",
    "gauge",
    "seconds",
    (),
    "When the last batch ended, seconds since 1970; 0 before the first.",
)
WRITES = MetricSpec(
    "stormwatch_state_writes_total",
    "counter",
    "records",
    ("table",),
    "Records acknowledged by the tables' changelogs.",
    (TABLES,),
)
FOREIGN = MetricSpec(
    "stormwatch_foreign_writes_total",
    "counter",
    "records",
    (),
    "Records that others wrote into the changelogs of our partitions; our states were sent anew.",
)
LEASE = MetricSpec(
    "stormwatch_lease_seconds",
    "gauge",
    "seconds",
    (),
    "How long this worker may still write before the group has to confirm its membership.",
)
CLOCK_STEP = MetricSpec(
    "stormwatch_clock_step_seconds",
    "gauge",
    "seconds",
    (),
    "How far the system's clock was set since the start; the worker goes on by its own.",
)
REBALANCES = MetricSpec(
    "stormwatch_rebalances_total", "counter", "rebalances", (), "Rebalances of the consumer group."
)
COORDINATOR = MetricSpec(
    "stormwatch_coordinator_errors_total",
    "counter",
    "errors",
    (),
    "Errors of the group coordinator that were found and cleared.",
)
STALL = MetricSpec(
    "stormwatch_stall_seconds",
    "gauge",
    "seconds",
    ("part",),
    "How long a part has stood still though it had something to do; 0 while all is well.",
    (PARTS,),
)
STUCK = MetricSpec(
    "stormwatch_stuck",
    "gauge",
    "truth",
    ("part",),
    "1 once a part stood still for too long: the worker is about to end for it.",
    (PARTS,),
)
BUILD = MetricSpec(
    "stormwatch_build_info", "info", "", ("version", "engine_version"), "What is running; always 1."
)
RULESET = MetricSpec(
    "stormwatch_ruleset_info",
    "info",
    "",
    ("name", "version", "hash"),
    "The thresholds in force; always 1.",
)

METRICS: tuple[MetricSpec, ...] = (
    EVENTS, LATE, LATENCY, ALERTS, PATIENTS, GRADE_CHANGES, RAISED, ALARMS, ANSWERS, ALARM_STEPS,
    EXHAUSTED, CLOSED, STANDING, CHATTERING, FLOODS, DEAD, SUPPRESSED, LAG,
    RECOVERED, RECOVERY, RESTORE, RESTORED, ASSIGNED, BATCH, LAST_BATCH, WRITES, FOREIGN, LEASE,
    CLOCK_STEP, REBALANCES, COORDINATOR, STALL, STUCK, BUILD, RULESET,
)  # fmt: skip


class Metrics:
    """The metrics of one process, on a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.events = self._counter(EVENTS)
        self.late = self._histogram(LATE)
        self.latency = self._histogram(LATENCY)
        self.alerts = self._counter(ALERTS)
        self.patients = self._gauge(PATIENTS)
        self.grade_changes = self._counter(GRADE_CHANGES)
        self.raised = self._counter(RAISED)
        self.alarms = self._counter(ALARMS)
        self.answers = self._histogram(ANSWERS)
        self.alarm_steps = self._counter(ALARM_STEPS)
        self.exhausted = self._counter(EXHAUSTED)
        self.alarms_closed = self._counter(CLOSED)
        self.standing = self._gauge(STANDING)
        self.chattering = self._counter(CHATTERING)
        self.floods = self._counter(FLOODS)
        self.dead = self._counter(DEAD)
        self.suppressed = self._counter(SUPPRESSED)
        self.lag = self._gauge(LAG)
        self.recovered = self._gauge(RECOVERED)
        self.recovery = self._gauge(RECOVERY)
        self.restore = self._gauge(RESTORE)
        self.restored = self._counter(RESTORED)
        self.assigned = self._gauge(ASSIGNED)
        self.batch = self._histogram(BATCH)
        self.last_batch = self._gauge(LAST_BATCH)
        self.writes = self._counter(WRITES)
        self.foreign = self._counter(FOREIGN)
        self.lease = self._gauge(LEASE)
        self.clock_step = self._gauge(CLOCK_STEP)
        self.rebalances = self._counter(REBALANCES)
        self.coordinator_errors = self._counter(COORDINATOR)
        self.stall = self._gauge(STALL)
        self.stuck = self._gauge(STUCK)
        self.build = self._info(BUILD)
        self.ruleset = self._info(RULESET)

    def prepare(self, topics: Iterable[str], reasons: Iterable[str]) -> None:
        """Make the label values that depend on the settings and the wire's vocabulary."""
        for topic in topics:
            for outcome in OUTCOMES:
                self.events.labels(topic, outcome)
        for reason in reasons:
            self.dead.labels(reason)
            self.suppressed.labels(reason)

    def _counter(self, spec: MetricSpec) -> Counter:
        metric = Counter(spec.name, spec.help, spec.labels, registry=self.registry)
        for label in _combinations(spec):
            metric.labels(*label)
        return metric

    def _gauge(self, spec: MetricSpec) -> Gauge:
        metric = Gauge(spec.name, spec.help, spec.labels, registry=self.registry)
        for label in _combinations(spec):
            metric.labels(*label)
        return metric

    def _histogram(self, spec: MetricSpec) -> Histogram:
        return Histogram(spec.name, spec.help, registry=self.registry, buckets=spec.buckets)

    def _info(self, spec: MetricSpec) -> Info:
        return Info(spec.name.removesuffix("_info"), spec.help, registry=self.registry)


def _combinations(spec: MetricSpec) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [()] if spec.values else []
    for values in spec.values:
        rows = [(*row, value) for row in rows for value in values]
    return rows
