"""Every metric of the router, in one table; see `stream.metrics` for the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from stream.metrics import MetricSpec
from stream.router.breaker import BreakerState

if TYPE_CHECKING:
    from collections.abc import Iterable

OUTCOMES = ("delivered", "failed", "refused", "undelivered", "repeated", "inhibited", "passed_on")
ANSWERS = ("accepted", "repeated", "late", "unknown", "contradictory", "refused", "unwritten")
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

DELIVERIES = MetricSpec(
    "stormwatch_router_deliveries_total",
    "counter",
    "messages",
    ("route", "outcome"),
    "Attempts delivered, failed or refused; messages undelivered or passed on to another route;"
    " alerts repeated or inhibited.",
)
QUEUE = MetricSpec(
    "stormwatch_router_queue",
    "gauge",
    "messages",
    ("route",),
    "Messages of a route that wait or are under way, and alerts in open groups.",
)
OLDEST = MetricSpec(
    "stormwatch_router_oldest_seconds",
    "gauge",
    "seconds",
    ("route",),
    "How long the oldest message of a route has been in its queue; 0 where it is empty.",
)
BREAKER = MetricSpec(
    "stormwatch_router_breaker",
    "gauge",
    "truth",
    ("route", "state"),
    "1 for the state in which a route's circuit breaker is.",
)
LATENCY = MetricSpec(
    "stormwatch_router_latency_seconds",
    "histogram",
    "seconds",
    ("route",),
    "From the timestamp of an alert's record to the attempt that delivered it.",
    buckets=SECONDS,
)
ATTEMPT = MetricSpec(
    "stormwatch_router_attempt_seconds",
    "histogram",
    "seconds",
    ("route",),
    "How long attempts took, whatever the answer.",
    buckets=SECONDS,
)
REPORTS = MetricSpec(
    "stormwatch_router_reports_total",
    "counter",
    "messages",
    ("route",),
    "Statuses that receivers reported later; none of them is an acknowledgement.",
)
ACKNOWLEDGEMENTS = MetricSpec(
    "stormwatch_router_acknowledgements_total",
    "counter",
    "requests",
    ("answer",),
    "Requests to /acknowledgements by the answer given.",
    (ANSWERS,),
)
WRITES = MetricSpec(
    "stormwatch_router_writes_waiting",
    "gauge",
    "records",
    (),
    "Records for the topics audit, undelivered and care that no broker has confirmed yet.",
)
INFO = MetricSpec(
    "stormwatch_router_info", "info", "", ("version", "router_id"), "What is running; always 1."
)

ROUTER_METRICS: tuple[MetricSpec, ...] = (
    DELIVERIES, QUEUE, OLDEST, BREAKER, LATENCY, ATTEMPT, REPORTS, ACKNOWLEDGEMENTS, WRITES, INFO,
)  # fmt: skip


class RouterMetrics:
    """The metrics of one router, on a registry of their own; label values made at the start."""

    def __init__(self, routes: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = self._counter(DELIVERIES)
        self.queue = self._gauge(QUEUE)
        self.oldest = self._gauge(OLDEST)
        self.breaker = self._gauge(BREAKER)
        self.latency = self._histogram(LATENCY)
        self.attempt = self._histogram(ATTEMPT)
        self.reports = self._counter(REPORTS)
        self.acknowledgements = self._counter(ACKNOWLEDGEMENTS)
        self.writes = self._gauge(WRITES)
        self.info = Info(INFO.name.removesuffix("_info"), INFO.help, registry=self.registry)
        for route in routes:
            for outcome in OUTCOMES:
                self.deliveries.labels(route, outcome)
            for state in BreakerState:
                self.breaker.labels(route, state.value).set(state is BreakerState.CLOSED)
            for metric in (self.queue, self.oldest, self.latency, self.attempt, self.reports):
                metric.labels(route)
        for answer in ANSWERS:
            self.acknowledgements.labels(answer)

    def _counter(self, spec: MetricSpec) -> Counter:
        return Counter(spec.name, spec.help, spec.labels, registry=self.registry)

    def _gauge(self, spec: MetricSpec) -> Gauge:
        return Gauge(spec.name, spec.help, spec.labels, registry=self.registry)

    def _histogram(self, spec: MetricSpec) -> Histogram:
        return Histogram(
            spec.name, spec.help, spec.labels, registry=self.registry, buckets=spec.buckets
        )
