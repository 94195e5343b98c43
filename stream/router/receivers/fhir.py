"""A FHIR R4 server: a `Communication` or a `Flag` for each alert, made once however often sent.

A Communication stays `in-progress`: it was sent, and nobody has answered. Repetitions are
conditional creates (`If-None-Exist`) by the alert's id. A Flag is that of the alarm, whatever step
of its ladder is told; what closes the alarm sets it inactive (a conditional update), and nothing
told late sets it active again. What asks for nobody's answer is a Flag that is inactive at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.router.phases import phase
from stream.router.receivers.http import HttpPost
from stream.router.records import encode, moment
from stream.sentences import reason, what

if TYPE_CHECKING:
    from stream.router.addresses import FhirConfig
    from stream.router.alerts import Alert
    from stream.router.message import Answer, Message

URI = "urn:ietf:rfc:3986"
PRIORITY = {"high": "stat", "medium": "urgent", "low": "routine", "information": "routine"}
MOST_TEXT = 4000


class Fhir:
    """See the module."""

    def __init__(self, config: FhirConfig) -> None:
        self._base = config.url.rstrip("/")
        self.address = f"{self._base}/{config.resource}"
        self._resource = config.resource
        self._system = config.identifier_system
        self._http = HttpPost(config)

    def render(self, message: Message) -> bytes:
        """One resource; a transaction of several for a group."""
        make = self._communication if self._resource == "Communication" else self._flag
        made = [make(alert) for alert in message.alerts]
        if len(made) == 1:
            return encode(made[0])
        entries = [
            {
                "fullUrl": f"urn:uuid:{alert.alert_id}",
                "resource": resource,
                "request": self._request(alert),
            }
            for alert, resource in zip(message.alerts, made, strict=True)
        ]
        return encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    async def send(self, message: Message, body: bytes) -> Answer:
        """POST it."""
        headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
        if len(message.alerts) > 1:
            return await self._http.post(self._base, body, headers)
        alert = message.alerts[0]
        if self._sets_inactive(alert):
            url = f"{self.address}?{self._condition(alert)}"
            return await self._http.post(url, body, headers, method="PUT")
        headers["If-None-Exist"] = self._condition(alert)
        return await self._http.post(self.address, body, headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _sets_inactive(self, alert: Alert) -> bool:
        return self._resource == "Flag" and alert.closes

    def _request(self, alert: Alert) -> dict[str, str]:
        """Of an entry in a transaction."""
        if self._sets_inactive(alert):
            return {"method": "PUT", "url": f"{self._resource}?{self._condition(alert)}"}
        return {
            "method": "POST", "url": self._resource, "ifNoneExist": self._condition(alert)
        }  # fmt: skip

    def _condition(self, alert: Alert) -> str:
        return f"identifier={URI}|urn:uuid:{self._id(alert)}"

    def _id(self, alert: Alert) -> str:
        return alert.alarm if self._resource == "Flag" else alert.alert_id

    def _identifier(self, alert: Alert) -> dict[str, str]:
        return {"system": URI, "value": f"urn:uuid:{self._id(alert)}"}

    def _subject(self, alert: Alert) -> dict[str, Any]:
        system = {"system": self._system} if self._system else {}
        return {"type": "Patient", "identifier": {**system, "value": alert.patient_id}}

    def _communication(self, alert: Alert) -> dict[str, Any]:
        roles = [{"type": "PractitionerRole", "display": role} for role in alert.notify]
        why = reason(alert.document)
        return {
            "resourceType": "Communication",
            "identifier": [self._identifier(alert)],
            "status": "in-progress",
            "category": [_alert_category()],
            "priority": PRIORITY[alert.priority],
            "subject": self._subject(alert),
            **({"recipient": roles} if roles else {}),
            "sent": moment(alert.place.at),
            **({"reasonCode": [{"text": why[:MOST_TEXT]}]} if why else {}),
            "payload": [{"contentString": what(alert.document)[:MOST_TEXT]}],
        }

    def _flag(self, alert: Alert) -> dict[str, Any]:
        said = moment(alert.place.at)
        escalation = alert.type.startswith("escalation.")
        quiet = phase(alert) == "end" or alert.priority == "information"
        over = alert.closes or (quiet and not escalation)
        trail = alert.document.get("trail")
        first = trail[0] if isinstance(trail, list) and trail else {}
        start = first.get("time", said) if alert.closes else said
        period = {"start": start} | ({"end": max(said, start)} if over else {})
        return {
            "resourceType": "Flag",
            "identifier": [self._identifier(alert)],
            "status": "inactive" if over else "active",
            "category": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/flag-category",
                            "code": "clinical",
                        }
                    ]
                }
            ],
            "code": {"text": what(alert.document)[:MOST_TEXT]},
            "subject": self._subject(alert),
            "period": period,
        }


def _alert_category() -> dict[str, Any]:
    return {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/communication-category",
                "code": "alert",
            }
        ]
    }
