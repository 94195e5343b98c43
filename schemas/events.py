"""Input events: what sources may say about a patient.

Every optional field may be absent or null, which mean the same. Unknown fields are refused. What
one event cannot tell (plausibility, order, duplicates) is the engine's to judge, not the model's.
"""

from typing import Annotated, Literal, Self, final

from pydantic import Field, TypeAdapter, model_validator

from schemas.readings import Reading
from schemas.vocabulary import (
    AcknowledgementAction,
    Cause,
    CerebralOedema,
    Consciousness,
    Device,
    DeviceReason,
    ExpressedAs,
    Finding,
    InfusionAction,
    InfusionAgent,
    InfusionUnit,
    Intent,
    PatientOutcome,
    Seizure,
    TherapyClass,
)
from schemas.wire import Amount, Day, Id, Name, Number, StrictModel, Text, Time, UnitText

MAX_READINGS = 16
MAX_EVENTS = 256
"""Events of one bundle: some minutes of one patient, and yet no long wait for all the others."""


class Event(StrictModel):
    """What every patient event has."""

    event_id: Id
    """Unique for its source; the same id seen again is a duplicate and changes nothing."""
    patient_id: Id
    """Opaque and pseudonymous; also the key of the Kafka record."""
    time: Time
    """Event time: when it was true for the patient. The only time that grading uses."""
    received_at: Time | None = None
    """When the first of our programs saw it; replays use it as the processing clock."""
    source: Name | None = None
    """Who says so: a device, an interface, a person's role."""
    replaces: Id | None = None
    """The `event_id` that this event corrects; the old one no longer counts."""


@final
class VitalsEvent(Event):
    """Measured values of one moment."""

    type: Literal["vitals"]
    """Which event this is."""
    readings: Annotated[list[Reading], Field(min_length=1, max_length=MAX_READINGS)]
    """The measured values; a bad one is set aside alone."""


class OxygenEvent(Event):
    """The oxygen or airway device in use from now on."""

    type: Literal["oxygen"]
    """Which event this is."""
    device: Device
    """The device; `room_air` when there is none."""
    flow_lpm: Annotated[float, Field(ge=-1000, le=1000)] | None = None
    """Oxygen flow in litres per minute; what is possible is judged later."""
    fio2: Annotated[float, Field(ge=0.21, le=1.0)] | None = None
    """Inspired oxygen as a fraction, 0.21 to 1.0."""
    reason: DeviceReason | None = None
    """Why the device is used; absent: `hypoxia`."""


class InfusionEvent(Event):
    """A continuous vasopressor, inotrope or adjunct: a change at the pump, or its heartbeat."""

    type: Literal["infusion"]
    """Which event this is."""
    agent: InfusionAgent
    """The drug."""
    rate: Amount
    """Rate in `unit`; 0 means not running."""
    unit: InfusionUnit
    """UCUM unit of the rate."""
    action: InfusionAction
    """What happened; `running` is the pump's heartbeat."""
    expressed_as: ExpressedAs | None = None
    """What the rate's mass is of; absent: `base`. Norepinephrine tartrate weighs twice its base."""


class MedicationEvent(Event):
    """A medicine, fluid or procedure that was given once."""

    type: Literal["medication"]
    """Which event this is."""
    agent: Name
    """The medicine; one that is not known here is kept and changes no grade."""
    dose: Amount | None = None
    """Dose in `unit`."""
    unit: UnitText | None = None
    """UCUM unit of the dose."""
    route: Annotated[str, Field(max_length=64)] | None = None
    """Route of administration, such as `iv` or `oral`."""
    intent: Intent | None = None
    """Why it was given; absent: `treatment`."""


class TherapyEvent(Event):
    """The immune therapy that can cause the syndrome."""

    type: Literal["therapy"]
    """Which event this is."""
    product: Name
    """Non-proprietary name of the product, such as `axicabtagene_ciloleucel`."""
    therapy_class: TherapyClass
    """Class of the product."""
    dose_number: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Which dose of a series this is, from 1."""


class LabEvent(Event):
    """One laboratory result."""

    type: Literal["lab"]
    """Which event this is."""
    analyte: Name
    """What was measured; one that is not known here is kept and unused."""
    value: Number
    """The result, in `unit`."""
    unit: UnitText
    """UCUM unit of the result and its limits."""
    upper_limit: Number | None = None
    """Upper limit of the reference range."""
    lower_limit: Number | None = None
    """Lower limit of the reference range."""


class NeuroEvent(Event):
    """A neurological assessment; what was not assessed is left out."""

    type: Literal["neuro"]
    """Which event this is."""
    ice: Annotated[int, Field(ge=0, le=10)] | None = None
    """Immune effector cell encephalopathy score, 0 to 10."""
    capd: Annotated[int, Field(ge=0, le=32)] | None = None
    """Cornell Assessment of Pediatric Delirium, 0 to 32."""
    consciousness: Consciousness | None = None
    """What rouses the patient."""
    seizure: Seizure | None = None
    """Seizure since the last assessment."""
    motor_weakness: bool | None = None
    """Deep focal motor weakness."""
    cerebral_oedema: CerebralOedema | None = None
    """Oedema on imaging, or its signs."""
    aphasia: bool | None = None
    """The patient does not speak or does not understand."""
    assessable: bool | None = None
    """False where the patient could not be assessed, for example under sedation."""


class AttributionEvent(Event):
    """A clinician's word that a finding has another cause, for a span of time."""

    type: Literal["attribution"]
    """Which event this is."""
    finding: Finding
    """The finding."""
    other_cause: Annotated[str, Field(min_length=1, max_length=1000)] | None
    """The other cause, in words; null withdraws the word with the same `finding` and `from`."""
    start: Annotated[Time, Field(alias="from")]
    """Event time from which it holds."""
    until: Time | None = None
    """Event time at which it ends; absent: until withdrawn."""
    by: Name
    """Who says so: a pseudonymous user or a role."""

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.until is not None and self.until <= self.start:
            message = "until must be later than from"
            raise ValueError(message)
        return self


class PatientEvent(Event):
    """Profile of the patient; what is left out stays as it was."""

    type: Literal["patient"]
    """Which event this is."""
    birth_date: Day | None = None
    """Date of birth."""
    age_years: Annotated[float, Field(ge=0, le=150)] | None = None
    """Age where the date of birth is withheld; fractions for infants."""
    weight_kg: Annotated[float, Field(gt=0, le=1000)] | None = None
    """Body weight in kilograms."""
    baseline_systolic: Annotated[float, Field(ge=0, le=1000)] | None = None
    """Usual systolic pressure in mmHg."""
    baseline_spo2: Annotated[float, Field(ge=0, le=100)] | None = None
    """Usual saturation on air in percent."""
    baseline_ice: Annotated[int, Field(ge=0, le=10)] | None = None
    """Score before the therapy, 0 to 10."""
    spo2_scale: Annotated[int, Field(ge=1, le=2)] | None = None
    """NEWS2 scale for saturation: 2 where a clinician chose a target of 88 to 92 %."""
    location: Annotated[str, Field(max_length=128)] | None = None
    """Ward and bed."""
    hospitalised_for_crs: bool | None = None
    """Admitted because of the syndrome."""


class OutcomeEvent(Event):
    """How the stay ended."""

    type: Literal["outcome"]
    """Which event this is."""
    outcome: PatientOutcome
    """What happened."""
    cause: Cause | None = None
    """Principal cause of a death."""


class AcknowledgementEvent(Event):
    """A person's answer to an alert."""

    type: Literal["acknowledgement"]
    """Which event this is."""
    alert_id: Id
    """The alert that is answered."""
    by: Name
    """Who answers: a pseudonymous user or a role."""
    action: AcknowledgementAction
    """What the person did."""
    until: Time | None = None
    """End of the shelving."""
    reason: Text | None = None
    """Why, in words."""


class RetractionEvent(Event):
    """An event was entered in error and no longer counts."""

    type: Literal["retraction"]
    """Which event this is."""
    retracts: Id
    """The `event_id` that was entered in error."""


@final
class TickEvent(StrictModel):
    """The processing clock reached `time`; it belongs to no patient.

    In files it lets timers run out; in Kafka it is internal and refused on the input topics.
    """

    type: Literal["tick"]
    """Which event this is."""
    event_id: Id | None = None
    """Optional; ticks are not deduplicated."""
    time: Time
    """Where the processing clock stands."""
    received_at: Time | None = None
    """Accepted and unused: a tick is its own processing time."""
    source: Name | None = None
    """Who says so."""


_OfPatient = (
    VitalsEvent
    | OxygenEvent
    | InfusionEvent
    | MedicationEvent
    | TherapyEvent
    | LabEvent
    | NeuroEvent
    | AttributionEvent
    | PatientEvent
    | OutcomeEvent
    | AcknowledgementEvent
    | RetractionEvent
)


@final
class Bundle(StrictModel):
    """Several events of one patient in one record: the same as its events one by one, in order.

    An event of it that cannot be taken is set aside alone; the others count.
    """

    type: Literal["bundle"]
    """Which record this is."""
    patient_id: Id
    """Whose events these are; every one of them says so itself. Also the key of the record."""
    events: Annotated[
        list[Annotated[_OfPatient, Field(discriminator="type")]],
        Field(min_length=1, max_length=MAX_EVENTS),
    ]
    """The events in the order in which they were received; no ticks and no bundles."""

    @model_validator(mode="after")
    def _of_one_patient(self) -> Self:
        if any(event.patient_id != self.patient_id for event in self.events):
            message = "every event of a bundle must have the bundle's patient_id"
            raise ValueError(message)
        return self


SingleEvent = Annotated[_OfPatient | TickEvent, Field(discriminator="type")]
InputEvent = Annotated[_OfPatient | TickEvent | Bundle, Field(discriminator="type")]

SINGLE_ADAPTER: TypeAdapter[SingleEvent] = TypeAdapter(SingleEvent)
"""Reads any input event but a bundle."""
INPUT_ADAPTER: TypeAdapter[InputEvent] = TypeAdapter(InputEvent)
"""Reads any input event: `INPUT_ADAPTER.validate_json(raw)`; the contract is JSON, so use that."""

SINGLE_MODELS: dict[str, type[StrictModel]] = {
    "vitals": VitalsEvent,
    "oxygen": OxygenEvent,
    "infusion": InfusionEvent,
    "medication": MedicationEvent,
    "therapy": TherapyEvent,
    "lab": LabEvent,
    "neuro": NeuroEvent,
    "attribution": AttributionEvent,
    "patient": PatientEvent,
    "outcome": OutcomeEvent,
    "acknowledgement": AcknowledgementEvent,
    "retraction": RetractionEvent,
    "tick": TickEvent,
}
INPUT_MODELS: dict[str, type[StrictModel]] = {**SINGLE_MODELS, "bundle": Bundle}
