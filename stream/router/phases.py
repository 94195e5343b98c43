"""The phase of the event that an alert reports, in the words of IHE ACM (PCD-04)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from stream.router.alerts import Alert

Phase = Literal["tpoint", "start", "continue", "end", "update", "escalate", "de-escalate"]

_BY_TYPE: dict[str, Phase] = {
    "grade.revised": "update",
    "candidate.raised": "start",
    "candidate.closed": "end",
    "signal.lost": "start",
    "signal.restored": "end",
    "escalation.opened": "start",
    "escalation.advanced": "escalate",
    "escalation.repeated": "continue",
    "escalation.exhausted": "continue",
    "escalation.informed": "continue",
    "escalation.acknowledged": "update",
    "escalation.returned": "update",
    "escalation.shelved": "update",
    "escalation.unshelved": "continue",
    "escalation.reopened": "continue",
    "escalation.closed": "end",
}


def phase(alert: Alert) -> Phase:
    """`tpoint` for what has no duration, such as a reminder."""
    match alert.type:
        case "grade.changed" | "icans.changed":
            before, now = (_grade(alert.document.get(name)) for name in ("from_grade", "to_grade"))
            if now == 0:
                return "end"
            if before == 0:
                return "start"
            return "escalate" if now > before else "de-escalate"
        case "escalation.summarised":
            return "end" if alert.document.get("over") else "start"
        case "iec_hs.changed":
            return "start" if alert.document.get("positive") else "end"
        case "risk.changed":
            return "update" if alert.document.get("band") else "end"
        case other:
            return _BY_TYPE.get(other, "tpoint")


def technical(alert: Alert) -> bool:
    """Whether it is about the equipment rather than the patient."""
    return alert.type.startswith("signal.")


def _grade(value: object) -> int:
    return value if isinstance(value, int) else 0
