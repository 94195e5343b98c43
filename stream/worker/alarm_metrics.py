"""The alarms of the alerts that went out, as metrics after ANSI/ISA-18.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.engine import Alert
    from stream.metrics import Metrics


def count_alarm(metrics: Metrics, alert: Alert) -> None:
    """Count what one `escalation.*` alert says; others say nothing here."""
    what, body = alert.type.removeprefix("escalation."), alert.body
    if what == "opened":
        metrics.alarms.labels(body["event"], alert.priority).inc()
        if body["chatter"] is not None:
            metrics.chattering.inc()
    elif what in ("advanced", "repeated"):
        metrics.alarm_steps.inc()
    elif what == "acknowledged":
        metrics.answers.observe(body["after_s"])
    elif what == "exhausted":
        metrics.exhausted.inc()
    elif what == "closed":
        metrics.alarms_closed.labels(body["why"]).inc()
    elif what == "summarised" and body["over"]:
        metrics.floods.inc()
