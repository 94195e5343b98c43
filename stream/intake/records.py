"""One record's bytes to engine events, or to coded rejections. Never raises for data.

A plain `vitals` event takes the fast way (`stream.intake.plain`). Every other event takes one
pass through the contract's models; only what fails there is looked at again, slowly, to say what is
wrong (`schemas.diagnosis`). Units become the engine's here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from schemas import events as wire
from schemas.deadletter import ReasonCode
from schemas.diagnosis import Opened, Refused, SetAside, VitalsEnvelope, examine
from schemas.parsing import Fault
from schemas.units import celsius, mmhg
from stream.engine import events as engine
from stream.engine.events import Micros, PatientEvent, Tick
from stream.engine.native import mypyc_attr
from stream.engine.outputs import Rejection, rfc3339
from stream.intake.plain import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.readings import Reading

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


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Intake:
    """What came of one record: an event, what was set aside of it, or why there is none."""

    event: Final[PatientEvent | Tick | None]
    rejections: Final[tuple[Rejection, ...]]
    parts: Final[tuple[Intake, ...]]
    """Of a bundle: what came of each of its events, in order; it has no event of its own."""
    place: Final[int | None]
    """Which event of its bundle it is, from 0."""

    def __init__(
        self,
        event: PatientEvent | Tick | None,
        rejections: tuple[Rejection, ...] = (),
        parts: tuple[Intake, ...] = (),
        place: int | None = None,
    ) -> None:
        self.event = event
        self.rejections = rejections
        self.parts = parts
        self.place = place

    @property
    def each(self) -> tuple[Intake, ...]:
        """What came of each event of the record: one, but for a bundle."""
        return self.parts or (self,)

    def placed(self, rejections: tuple[Rejection, ...]) -> tuple[Rejection, ...]:
        """What the engine refused of the event, with its place where it came in a bundle."""
        return _placed(rejections, self.place)


@dataclass(slots=True, init=False)
class _Checks:
    """What an event is held against besides the contract: see `decode`."""

    key: Final[bytes | None]
    now: Final[Micros | None]
    max_ahead: Final[Micros]
    key_required: Final[bool]
    accept_ticks: Final[bool]
    bundled: Final[bool]
    """The event came in a bundle, of which `key` is the patient."""

    def __init__(
        self,
        key: bytes | None,
        now: Micros | None,
        max_ahead: Micros,
        *,
        key_required: bool,
        accept_ticks: bool,
        bundled: bool = False,
    ) -> None:
        self.key = key
        self.now = now
        self.max_ahead = max_ahead
        self.key_required = key_required
        self.accept_ticks = accept_ticks
        self.bundled = bundled


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
    """Turn one record into an engine event, or a bundle into the several that it holds.

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
    checks = _Checks(key, now, max_ahead, key_required=key_required, accept_ticks=accept_ticks)
    return _taken(raw, checks)


def _taken(raw: bytes, checks: _Checks) -> Intake:
    found = plain(raw)
    if type(found) is engine.Vitals:
        fault = _untimely(found.time, found.received_at, checks)
        fault = _of_another(found.patient_id, checks) or fault
        if fault is not None:
            return _refused(fault, found.event_id, found.patient_id)
        return Intake(found)
    if type(found) is Opened and not checks.bundled:
        return _bundle(found, checks)
    return read_closely(raw, checks)


def _bundle(bundle: Opened, checks: _Checks) -> Intake:
    """Each event as if it came alone, but that it must be of the bundle's patient."""
    fault = _of_another(bundle.patient_id, checks)
    if fault is not None:
        return _refused(fault, "", bundle.patient_id)
    checks = _Checks(
        bundle.patient_id.encode(),
        checks.now,
        checks.max_ahead,
        key_required=checks.key_required,
        accept_ticks=False,
        bundled=True,
    )
    parts = []
    for place, raw in enumerate(bundle.events):
        part = _taken(raw, checks)
        parts.append(Intake(part.event, _placed(part.rejections, place), (), place))
    return Intake(None, (), tuple(parts))


def _placed(rejections: tuple[Rejection, ...], place: int | None) -> tuple[Rejection, ...]:
    if place is None or not rejections:
        return rejections
    return tuple([replace(each, detail=f"events[{place}]: {each.detail}") for each in rejections])


def read_closely(raw: bytes, checks: _Checks) -> Intake:
    """The long way, for any text: through the contract's models, and what they refuse by hand."""
    event: wire.SingleEvent | VitalsEnvelope
    readings: Sequence[Reading] = ()
    set_aside: tuple[SetAside, ...] = ()
    try:
        event = wire.SINGLE_ADAPTER.validate_json(raw)
        whole = _each_key_once(raw, event)
    except ValueError:
        whole = False
    if not whole:
        found = examine(raw, bundled=checks.bundled)
        if isinstance(found, Refused):
            return _refused(found.fault, found.event_id, found.patient_id)
        if isinstance(found, Opened):
            return _bundle(found, checks)
        event, readings, set_aside = found.event, found.readings, found.set_aside
    elif type(event) is wire.VitalsEvent:
        readings = event.readings
    time = _micros(event.time)
    received_at = None if event.received_at is None else _micros(event.received_at)
    fault = _untimely(time, received_at, checks)
    if type(event) is wire.TickEvent:
        if not checks.accept_ticks:
            fault = Fault(ReasonCode.TICK_NOT_ACCEPTED, "type is tick; expected a patient's event")
        if fault is not None:
            return _refused(fault, event.event_id or "")
        return Intake(engine.Tick(time, event.event_id or ""))
    patient_id = event.patient_id
    fault = _of_another(patient_id, checks) or fault
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


def _of_another(patient_id: str, checks: _Checks) -> Fault | None:
    """Why the event cannot be of the record's, or the bundle's, patient, if so."""
    key = checks.key
    if key is None and not checks.key_required:
        return None
    patient = patient_id.encode()
    if key == patient:
        return None
    if key is None:
        return Fault(ReasonCode.KEY_MISMATCH, "the record has no key; expected the patient_id")
    owner = "bundle's patient_id" if checks.bundled else "record's key"
    return Fault(
        ReasonCode.KEY_MISMATCH,
        f"the {owner} ({len(key)} bytes) is not the patient_id ({len(patient)} bytes)",
    )


def _untimely(time: Micros, received_at: Micros | None, checks: _Checks) -> Fault | None:
    """Why the event's time cannot be yet, if so."""
    reference = checks.now if received_at is None else received_at
    if reference is None or time - reference <= checks.max_ahead:
        return None
    name = "the wall clock" if received_at is None else "received_at"
    return Fault(
        ReasonCode.TIME_IN_FUTURE,
        f"time is {rfc3339(time)}, {_hours(time - reference)} after {name}"
        f" ({rfc3339(reference)}); expected at most {_hours(checks.max_ahead)}",
    )


def _refused(fault: Fault, event_id: str = "", patient_id: str = "") -> Intake:
    return Intake(None, (Rejection(event_id, patient_id, fault.code.value, fault.detail),))


def _each_key_once(raw: bytes, event: wire.SingleEvent) -> bool:
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
