"""Prometheus Alertmanager, API v2: each alert fires for a while, or until its alarm is closed.

Alertmanager knows an alert by its labels. The label `alert_id` is that of the alarm: the steps of a
ladder, which have their type and step as labels, are one family with the alert that raised it, and
what closes the alarm resolves all of them. It groups by the label `patient` where its
configuration says so.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from stream.router.message import Answer, Outcome, delivered
from stream.router.receivers.http import HttpPost
from stream.router.records import encode, moment
from stream.sentences import alert_line, reason, what

if TYPE_CHECKING:
    from stream.router.addresses import AlertmanagerConfig
    from stream.router.alerts import Alert
    from stream.router.message import Message

MOST_CLOSED = 10_000


class Alertmanager:
    """See the module."""

    def __init__(self, config: AlertmanagerConfig) -> None:
        self.address = config.url.rstrip("/") + "/api/v2/alerts"
        self._hold = timedelta(seconds=config.hold_s)
        self._labels = config.labels
        self._http = HttpPost(config)
        self._closed: OrderedDict[str, None] = OrderedDict()

    def render(self, message: Message) -> bytes:
        """The API's list of alerts; a closing has ended when it begins."""
        return encode([self._alert(alert, message) for alert in message.alerts])

    def _alert(self, alert: Alert, message: Message) -> dict[str, Any]:
        place = {} if message.location is None else {"location": message.location}
        step = alert.document.get("step")
        return {
            "labels": {
                "alertname": f"stormwatch.{alert.type}",
                "severity": alert.priority,
                "patient": alert.patient_id,
                "alert_id": alert.alarm,
                **({"step": str(step)} if isinstance(step, int) else {}),
                **place,
                **self._labels,
            },
            "annotations": {
                "summary": what(alert.document),
                "description": alert_line(alert.document),
                "reason": reason(alert.document),
                "said_as": alert.alert_id,
            },
            # Counted from when the broker got it: the event's own time may be long past.
            "startsAt": moment(alert.place.at),
            "endsAt": moment(alert.place.at if alert.closes else alert.place.at + self._hold),
        }

    async def send(self, message: Message, body: bytes) -> Answer:
        """POST it; for what closes an alarm, resolve what fires of it."""
        closings = [alert for alert in message.alerts if alert.closes]
        for alert in closings:
            self._closed[alert.alarm] = None
            if len(self._closed) > MOST_CLOSED:
                self._closed.popitem(last=False)
            answer = await self._resolve(alert)
            if answer.outcome is not Outcome.DELIVERED:
                return answer
        if not closings and all(alert.alarm in self._closed for alert in message.alerts):
            return delivered("closed", "its alarm was closed before: it must not fire again")
        return await self._http.post(self.address, body, {"Content-Type": "application/json"})

    async def _resolve(self, closing: Alert) -> Answer:
        """End what Alertmanager holds of an alarm, by the labels that it holds."""
        query = urlencode({"filter": f"alert_id={json.dumps(closing.alarm)}"})
        answer, held = await self._http.get(f"{self.address}?{query}")
        if answer.outcome is not Outcome.DELIVERED or not held:
            return answer
        ended = [
            {
                "labels": one["labels"],
                "annotations": one["annotations"],
                "startsAt": one["startsAt"],
                "endsAt": moment(closing.place.at),
            }
            for one in held
        ]
        return await self._http.post(
            self.address, encode(ended), {"Content-Type": "application/json"}
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
