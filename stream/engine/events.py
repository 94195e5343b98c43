"""What happens to a patient, as the engine sees it: plain, already checked at the edge.

Times are integers: microseconds since 1970-01-01T00:00:00Z. Values are in one unit per signal (see
`Signal`); whoever builds these objects has converted and refused at the edge (`stream.intake`).
Field meanings: contract, "Input events". Nothing of an event is ever assigned to; it is not frozen,
since a frozen dataclass takes ten times as long to be made, and vital signs come each second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stream.engine.native import mypyc_attr

Micros = int
"""Microseconds since the Unix epoch, UTC."""

Signal = Literal[
    "temperature",  # degrees Celsius
    "heart_rate",  # per minute
    "respiratory_rate",  # per minute
    "spo2",  # percent
    "systolic_bp",  # mmHg
    "diastolic_bp",  # mmHg
    "mean_bp",  # mmHg
]

Finding = Literal["fever", "hypotension", "hypoxia", "vasopressor", "neuro"]


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Reading:
    """One measured value, in the signal's unit (see `Signal`)."""

    signal: Signal
    value: float
    site: str | None = None
    method: str | None = None
    quality: str = "good"

    def __init__(
        self,
        signal: Signal,
        value: float,
        site: str | None = None,
        method: str | None = None,
        quality: str = "good",
    ) -> None:
        self.signal = signal
        self.value = value
        self.site = site
        self.method = method
        self.quality = quality


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class BadReading:
    """A reading that the edge set aside: no unit, a unit of another signal, not a number.

    `signal` is None where not even the signal was known. `code` is a dead-letter reason code.
    """

    signal: Signal | None
    code: str
    detail: str


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Event:
    """What every patient event has."""

    event_id: str
    patient_id: str
    time: Micros
    received_at: Micros | None = None
    source: str | None = None
    replaces: str | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True, init=False)
class Vitals(Event):
    """Measurements of one instant; `bad` are those set aside."""

    readings: tuple[Reading, ...]
    bad: tuple[BadReading, ...] = ()

    def __init__(
        self,
        *,
        event_id: str,
        patient_id: str,
        time: Micros,
        readings: tuple[Reading, ...],
        received_at: Micros | None = None,
        source: str | None = None,
        replaces: str | None = None,
        bad: tuple[BadReading, ...] = (),
    ) -> None:
        self.event_id = event_id
        self.patient_id = patient_id
        self.time = time
        self.received_at = received_at
        self.source = source
        self.replaces = replaces
        self.readings = readings
        self.bad = bad


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Oxygen(Event):
    """The respiratory support charted; `flow_lpm` in L/min, `fio2` 0.21 to 1.0."""

    device: str
    flow_lpm: float | None = None
    fio2: float | None = None
    reason: str = "hypoxia"


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Infusion(Event):
    """A word from a pump or a chart; `rate` in `unit`, 0 = not running."""

    agent: str
    rate: float
    unit: str
    action: Literal["start", "rate", "stop", "running"]
    expressed_as: str = "base"  # or "salt": what the mass is of
    usable: bool = True  # False: the dose was set aside, the agent still runs


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Medication(Event):
    """A single dose, a bolus or a procedure."""

    agent: str
    dose: float | None = None
    unit: str | None = None
    route: str | None = None
    intent: Literal["treatment", "premedication", "prophylaxis"] = "treatment"


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Therapy(Event):
    """An immunotherapy that can cause CRS was given."""

    product: str
    therapy_class: str
    dose_number: int | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Lab(Event):
    """A result; the limits of the reference range where known, in `unit`."""

    analyte: str
    value: float
    unit: str
    upper_limit: float | None = None
    lower_limit: float | None = None
    usable: bool = True  # False: its unit or value was set aside; kept and unused


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Neuro(Event):
    """One neurological assessment; see `stream.engine.icans`."""

    ice: int | None = None
    capd: int | None = None
    consciousness: str | None = None
    seizure: str | None = None
    motor_weakness: bool | None = None
    cerebral_oedema: str | None = None
    aphasia: bool | None = None
    assessable: bool | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Attribution(Event):
    """A clinician's word; `other_cause` None withdraws the one with the same finding and start."""

    finding: Finding
    other_cause: str | None
    start: Micros
    until: Micros | None = None
    by: str = ""


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Patient(Event):
    """Profile; each field that is not None replaces what was known from `time` on."""

    birth_date: str | None = None  # ISO 8601 date
    age_years: float | None = None
    weight_kg: float | None = None
    baseline_systolic: float | None = None
    baseline_spo2: float | None = None
    baseline_ice: int | None = None
    spo2_scale: int | None = None  # NEWS2: 2 where a clinician chose a target of 88-92 %
    location: str | None = None
    hospitalised_for_crs: bool | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Outcome(Event):
    """The stay ended."""

    outcome: Literal["death", "discharged", "transferred"]
    cause: Literal["crs", "other"] | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Acknowledgement(Event):
    """A person saw an alert, or shelved it."""

    alert_id: str
    by: str
    action: Literal["acknowledge", "shelve", "unshelve"]
    until: Micros | None = None
    reason: str | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True, kw_only=True)
class Retraction(Event):
    """Event `retracts` was entered in error."""

    retracts: str


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Tick:
    """The processing clock reached `time`; it belongs to no patient."""

    time: Micros
    event_id: str = field(default="", compare=False)


PatientEvent = (
    Vitals
    | Oxygen
    | Infusion
    | Medication
    | Therapy
    | Lab
    | Neuro
    | Attribution
    | Patient
    | Outcome
    | Acknowledgement
    | Retraction
)
AnyEvent = PatientEvent | Tick
