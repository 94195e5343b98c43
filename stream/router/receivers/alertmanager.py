"""Prometheus Alertmanager, API v2: each alert fires for a while, then ends by itself.

Alertmanager knows an alert by its labels; the alert's id is one of them, so that a repetition is
the same alert and another statement about the patient another one. It groups by the label
`patient` where its configuration says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from stream.router.receivers.http import HttpPost
from stream.router.records import encode, moment
from stream.sentences import alert_line, reason, what

if TYPE_CHECKING:
    from stream.router.addresses import AlertmanagerConfig
    from stream.router.alerts import Alert
    from stream.router.message import Answer, Message


class Alertmanager:
    """See the module."""

    def __init__(self, config: AlertmanagerConfig) -> None:
        self.address = config.url.rstrip("/") + "/api/v2/alerts"
        self._hold = timedelta(seconds=config.hold_s)
        self._labels = config.labels
        self._http = HttpPost(config)

    def render(self, message: Message) -> bytes:
        """The API's list of alerts."""
        return encode([self._alert(alert, message) for alert in message.alerts])

    def _alert(self, alert: Alert, message: Message) -> dict[str, Any]:
        place = {} if message.location is None else {"location": message.location}
        return {
            "labels": {
                "alertname": f"stormwatch.{alert.type}",
                "severity": alert.priority,
                "patient": alert.patient_id,
                "alert_id": alert.alert_id,
                **place,
                **self._labels,
            },
            "annotations": {
                "summary": what(alert.document),
                "description": alert_line(alert.document),
                "reason": reason(alert.document),
            },
            # Counted from when the broker got it: the event's own time may be long past.
            "startsAt": moment(alert.place.at),
            "endsAt": moment(alert.place.at + self._hold),
        }

    async def send(self, message: Message, body: bytes) -> Answer:  # noqa: ARG002 - the protocol's
        """POST it."""
        return await self._http.post(self.address, body, {"Content-Type": "application/json"})

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
