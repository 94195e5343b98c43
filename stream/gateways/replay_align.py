"""Moves each patient's events to another day: stays of different years, seen together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

TIMES = ("time", "received_at", "from", "until")
IDS = ("event_id", "replaces", "retracts")


def align_patients(
    events: Iterable[dict[str, Any]], to: datetime, *, stagger: timedelta = timedelta(0)
) -> list[dict[str, Any]]:
    """The events with each patient's therapy (else first event) at `to`, in order of received_at.

    The n-th patient, in order of first appearance, comes `stagger` times n later. Ids get the day's
    instant as a suffix, since the same id with other content would be a conflict to a worker that
    has seen the originals; ids within the events stay true to each other. Distances in time do not
    change. All events are held in memory. Raises `ValueError` for an event without a patient.
    """
    if to.tzinfo is None:
        raise ValueError("the instant to align to needs an offset from UTC")
    held = list(events)
    anchors: dict[str, datetime] = {}
    therapies: set[str] = set()
    for event in held:
        patient = event.get("patient_id")
        if patient is None:
            raise ValueError(f"a {event.get('type')} event without patient_id cannot be aligned")
        if event["type"] == "therapy" and patient not in therapies:
            therapies.add(patient)
            anchors[patient] = datetime.fromisoformat(event["time"])
        anchors.setdefault(patient, datetime.fromisoformat(event["time"]))
    shifts = {
        patient: to + number * stagger - anchor
        for number, (patient, anchor) in enumerate(anchors.items())
    }
    suffix = to.astimezone(UTC).strftime("@%Y%m%dT%H%M%SZ")
    moved = [_moved(event, shifts[event["patient_id"]], suffix) for event in held]
    moved.sort(key=_order)
    return moved


def _moved(event: dict[str, Any], shift: timedelta, suffix: str) -> dict[str, Any]:
    changed = dict(event)
    for name in TIMES:
        if isinstance(event.get(name), str):
            instant = (datetime.fromisoformat(event[name]) + shift).astimezone(UTC)
            changed[name] = instant.isoformat().removesuffix("+00:00") + "Z"
    for name in IDS:
        if isinstance(event.get(name), str):
            changed[name] = event[name] + suffix
    return changed


def _order(event: dict[str, Any]) -> tuple[datetime, datetime, str]:
    known = datetime.fromisoformat(event.get("received_at") or event["time"])
    return known, datetime.fromisoformat(event["time"]), event["event_id"]
