"""One record's bytes to an engine event, or to coded rejections. Never raises for data.

A plain `vitals` event takes the fast way (`stream.intake.plain`). Every other event takes one
pass through the contract's models; only what fails there is looked at again, slowly, to say what is
wrong (`schemas.diagnosis`). Units become the engine's here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from schemas import events as wire
from schemas.deadletter import ReasonCode
from schemas.diagnosis import Refused, SetAside, VitalsEnvelope, examine
from schemas.parsing import Fault
from schemas.units import celsius, mmhg
from stream.engine import events as engine
from stream.engine.outputs import Rejection, rfc3339
from stream.intake.plain import plain_vitals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from schemas.readings import Reading
    from stream.engine.events import Micros

HOUR: Final[Micros] = 3_600_000_000
MAX_BYTES: Final = 256 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENGINE: Final[Mapping[type[wire.Event], Callable[..., engine.PatientEvent]]] = {
    wire.OxygenEvent: engine.Oxygen,
    wire.InfusionEvent: engine.Infusion,
    wire.MedicationEvent: engine.Medication,
    wire.TherapyEvent: engine.Therapy,
    wire.LabEvent: engine.Lab,
    wire.NeuroEvent: engine.Neuro,
    wire.AttributionEvent: engine.Attribution,
    wire.PatientEvent: engine.Patient,
    wire.OutcomeEvent: engine.Outcome,
    wire.AcknowledgementEvent: engine.Acknowledgement,
    wire.RetractionEvent: engine.Retraction,
}


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of one record: an event, what was set aside of it, or why there is none."""

    event: engine.PatientEvent | engine.Tick | None
    rejections: tuple[Rejection, ...] = ()


def decode(
    raw: bytes | None,
    *,
    key: bytes | None = None,
    now: Micros | None = None,
    max_ahead: Micros = HOUR,
    max_bytes: int = MAX_BYTES,
    key_required: bool = False,
    accept_ticks: bool = False,
) -> Intake:
    """Turn one record into an engine event.

    `key` is the record's key and must be the event's patient_id; without a key the check is left
    out unless `key_required`. `now` is the caller's wall clock in microseconds, None for files:
    it stands in for a missing `received_at`, after which an event may lie `max_ahead` at most.
    """
    if raw is None:
        return _refused(Fault(ReasonCode.TOMBSTONE, "the record is null; expected an event"))
    if len(raw) > max_bytes:
        return _refused(
            Fault(
                ReasonCode.TOO_LARGE,
                f"the record has {len(raw)} bytes; at most {max_bytes} are read",
            )
        )
    vitals = plain_vitals(raw)
    if vitals is not None:
        fault = _ahead(vitals.time, vitals.received_at, now, max_ahead)
        if (key is not None or key_required) and key != vitals.patient_id.encode():
            fault = _wrong_key(key, vitals.patient_id)
        if fault is not None:
            return _refused(fault, vitals.event_id, vitals.patient_id)
        return Intake(vitals)
    return read_closely(
        raw,
        key=key,
        now=now,
        max_ahead=max_ahead,
        key_required=key_required,
        accept_ticks=accept_ticks,
    )


def read_closely(
    raw: bytes,
    *,
    key: bytes | None,
    now: Micros | None,
    max_ahead: Micros,
    key_required: bool,
    accept_ticks: bool,
) -> Intake:
    """The long way, for any text: through the contract's models, and what they refuse by hand."""
    event: wire.InputEvent | VitalsEnvelope
    readings: Sequence[Reading] = ()
    set_aside: tuple[SetAside, ...] = ()
    try:
        event = wire.INPUT_ADAPTER.validate_json(raw)
        plain = _each_key_once(raw, event)
    except ValueError:
        plain = False
    if not plain:
        found = examine(raw)
        if isinstance(found, Refused):
            return _refused(found.fault, found.event_id, found.patient_id)
        event, readings, set_aside = found.event, found.readings, found.set_aside
    elif type(event) is wire.VitalsEvent:
        readings = event.readings
    time = _micros(event.time)
    received_at = None if event.received_at is None else _micros(event.received_at)
    fault = _ahead(time, received_at, now, max_ahead)
    if type(event) is wire.TickEvent:
        if not accept_ticks:
            fault = Fault(ReasonCode.TICK_NOT_ACCEPTED, "type is tick; expected a patient's event")
        if fault is not None:
            return _refused(fault, event.event_id or "")
        return Intake(engine.Tick(time, event.event_id or ""))
    patient_id = event.patient_id
    if (key is not None or key_required) and key != patient_id.encode():
        fault = _wrong_key(key, patient_id)
    if fault is not None:
        return _refused(fault, event.event_id, patient_id)
    if type(event) is not wire.VitalsEvent and type(event) is not VitalsEnvelope:
        return Intake(_other(event))
    vitals = engine.Vitals(
        event_id=event.event_id,
        patient_id=patient_id,
        time=time,
        received_at=received_at,
        source=event.source,
        replaces=event.replaces,
        readings=tuple([_reading(reading) for reading in readings]),
        bad=tuple([_bad_reading(each) for each in set_aside]),
    )
    return Intake(
        vitals,
        tuple(
            [
                Rejection(event.event_id, patient_id, each.fault.code.value, each.fault.detail)
                for each in set_aside
            ]
        ),
    )


def _wrong_key(key: bytes | None, patient_id: str) -> Fault:
    if key is None:
        return Fault(ReasonCode.KEY_MISMATCH, "the record has no key; expected the patient_id")
    return Fault(
        ReasonCode.KEY_MISMATCH,
        f"the record's key ({len(key)} bytes) is not the patient_id"
        f" ({len(patient_id.encode())} bytes)",
    )


def _ahead(
    time: Micros, received_at: Micros | None, now: Micros | None, max_ahead: Micros
) -> Fault | None:
    """Why the event's time cannot be yet, if so."""
    reference = now if received_at is None else received_at
    if reference is None or time - reference <= max_ahead:
        return None
    name = "the wall clock" if received_at is None else "received_at"
    return Fault(
        ReasonCode.TIME_IN_FUTURE,
        f"time is {rfc3339(time)}, {_hours(time - reference)} after {name}"
        f" ({rfc3339(reference)}); expected at most {_hours(max_ahead)}",
    )


def _refused(fault: Fault, event_id: str = "", patient_id: str = "") -> Intake:
    return Intake(None, (Rejection(event_id, patient_id, fault.code.value, fault.detail),))


def _each_key_once(raw: bytes, event: wire.InputEvent) -> bool:
    """Whether the text surely has no key twice (of which the models would take the last).

    A key ends in a quote and a colon, so there are at least as many of these as keys in the text;
    if there are no more than fields that were set, none came twice. Texts that themselves hold
    a quote and a colon only make it look twice.
    """
    fields = len(event.__pydantic_fields_set__)
    if type(event) is wire.VitalsEvent:
        for reading in event.readings:
            fields += len(reading.__pydantic_fields_set__)
    return raw.translate(None, b" \t\r\n").count(b'":') == fields


def _bad_reading(bad: SetAside) -> engine.BadReading:
    return engine.BadReading(
        bad.signal.value if bad.signal else None, bad.fault.code.value, bad.fault.detail
    )


def _reading(reading: Reading) -> engine.Reading:
    value = reading.value
    if reading.unit == "[degF]":
        value = celsius(value)
    elif reading.unit == "kPa":
        value = mmhg(value)
    return engine.Reading(
        reading.signal,
        value,
        None if reading.site is None else str(reading.site),
        None if reading.method is None else str(reading.method),
        "good" if reading.quality is None else str(reading.quality),
    )


def _micros(moment: datetime) -> Micros:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _hours(span: Micros) -> str:
    return f"{span / HOUR:.1f} h"


def _other(event: wire.Event) -> engine.PatientEvent:
    """Every event but vitals and ticks: the engine's fields bear the wire's names.

    What is null is left to the engine's defaults, but for the null that withdraws an attribution.
    """
    fields = {
        name: _plain(value)
        for name in event.model_fields_set
        if (value := getattr(event, name)) is not None or name == "other_cause"
    }
    del fields["type"]
    return _ENGINE[type(event)](**fields)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return str(value)  # a member of an enumeration becomes plain text
    if isinstance(value, datetime):
        return _micros(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
