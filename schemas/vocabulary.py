"""The closed word lists of the contract, and which units each signal may come in.

An agent, an analyte or a product outside the lists of `Medicine` and `Analyte` is accepted on the
wire; every other list here is closed on input.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Signal(StrEnum):
    """What a reading measures."""

    TEMPERATURE = "temperature"
    HEART_RATE = "heart_rate"
    RESPIRATORY_RATE = "respiratory_rate"
    SPO2 = "spo2"
    SYSTOLIC_BP = "systolic_bp"
    DIASTOLIC_BP = "diastolic_bp"
    MEAN_BP = "mean_bp"


class WatchedSignal(StrEnum):
    """What `signal.lost` and `signal.restored` speak of: the signals, and two feeds besides."""

    TEMPERATURE = "temperature"
    HEART_RATE = "heart_rate"
    RESPIRATORY_RATE = "respiratory_rate"
    SPO2 = "spo2"
    SYSTOLIC_BP = "systolic_bp"
    DIASTOLIC_BP = "diastolic_bp"
    MEAN_BP = "mean_bp"
    BLOOD_PRESSURE = "blood_pressure"
    VASOPRESSOR_PUMP = "vasopressor_pump"


class Unit(StrEnum):
    """Units of readings, as UCUM writes them."""

    CELSIUS = "Cel"
    FAHRENHEIT = "[degF]"
    PER_MINUTE = "/min"
    PERCENT = "%"
    MMHG = "mm[Hg]"
    KPA = "kPa"


_PRESSURE = (Unit.MMHG, Unit.KPA)

UNITS: Mapping[Signal, tuple[Unit, ...]] = MappingProxyType(
    {
        Signal.TEMPERATURE: (Unit.CELSIUS, Unit.FAHRENHEIT),
        Signal.HEART_RATE: (Unit.PER_MINUTE,),
        Signal.RESPIRATORY_RATE: (Unit.PER_MINUTE,),
        Signal.SPO2: (Unit.PERCENT,),
        Signal.SYSTOLIC_BP: _PRESSURE,
        Signal.DIASTOLIC_BP: _PRESSURE,
        Signal.MEAN_BP: _PRESSURE,
    }
)
"""The units a signal may come in; the first is the one the engine reckons in."""


class Site(StrEnum):
    """Where a temperature was taken."""

    ORAL = "oral"
    AXILLARY = "axillary"
    TYMPANIC = "tympanic"
    TEMPORAL = "temporal"
    RECTAL = "rectal"
    BLADDER = "bladder"
    CORE = "core"
    SKIN = "skin"


class Method(StrEnum):
    """How a value was got: `cuff` and `arterial_line` for pressures, `continuous` for patches."""

    CUFF = "cuff"
    ARTERIAL_LINE = "arterial_line"
    CONTINUOUS = "continuous"


class Quality(StrEnum):
    """What the sender thinks of a value; absent means `good`."""

    GOOD = "good"
    SUSPECT = "suspect"
    BAD = "bad"


class Device(StrEnum):
    """Oxygen device in use, from room air to extracorporeal support."""

    ROOM_AIR = "room_air"
    NASAL_CANNULA = "nasal_cannula"
    BLOW_BY = "blow_by"
    HIGH_FLOW_NASAL_CANNULA = "high_flow_nasal_cannula"
    SIMPLE_MASK = "simple_mask"
    PARTIAL_REBREATHER = "partial_rebreather"
    NON_REBREATHER = "non_rebreather"
    VENTURI_MASK = "venturi_mask"
    OPEN_MASK = "open_mask"
    TRACH_COLLAR = "trach_collar"
    CPAP = "cpap"
    BIPAP = "bipap"
    NIV = "niv"
    INVASIVE_VENTILATION = "invasive_ventilation"
    BAG_VALVE_MASK = "bag_valve_mask"
    ECMO = "ecmo"


class DeviceReason(StrEnum):
    """Why the device is used; absent means `hypoxia`."""

    HYPOXIA = "hypoxia"
    AIRWAY_PROTECTION = "airway_protection"
    PROCEDURE = "procedure"
    HOME = "home"


class InfusionAgent(StrEnum):
    """Continuous vasopressors, inotropes and adjuncts."""

    NOREPINEPHRINE = "norepinephrine"
    EPINEPHRINE = "epinephrine"
    PHENYLEPHRINE = "phenylephrine"
    DOPAMINE = "dopamine"
    VASOPRESSIN = "vasopressin"
    TERLIPRESSIN = "terlipressin"
    ANGIOTENSIN_II = "angiotensin_ii"
    METARAMINOL = "metaraminol"
    EPHEDRINE = "ephedrine"
    DOBUTAMINE = "dobutamine"
    MILRINONE = "milrinone"
    LEVOSIMENDAN = "levosimendan"
    METHYLENE_BLUE = "methylene_blue"
    HYDROXOCOBALAMIN = "hydroxocobalamin"


class InfusionUnit(StrEnum):
    """Units of an infusion's rate, as UCUM writes them."""

    UG_KG_MIN = "ug/kg/min"
    UG_MIN = "ug/min"
    UG_H = "ug/h"
    MG_H = "mg/h"
    MG_KG_H = "mg/kg/h"
    U_MIN = "U/min"
    U_H = "U/h"
    U_KG_MIN = "U/kg/min"
    NG_KG_MIN = "ng/kg/min"


class ExpressedAs(StrEnum):
    """What the mass of a dose is of: the base, or the salt that is in the ampoule."""

    BASE = "base"
    SALT = "salt"


class InfusionAction(StrEnum):
    """What happened to the pump; `running` is its heartbeat."""

    START = "start"
    RATE = "rate"
    STOP = "stop"
    RUNNING = "running"


class Medicine(StrEnum):
    """Agents of `medication` that change what is graded or scored; others are accepted too."""

    ACETAMINOPHEN = "acetaminophen"
    IBUPROFEN = "ibuprofen"
    METAMIZOLE = "metamizole"
    TOCILIZUMAB = "tocilizumab"
    SILTUXIMAB = "siltuximab"
    ANAKINRA = "anakinra"
    RUXOLITINIB = "ruxolitinib"
    EMAPALUMAB = "emapalumab"
    DEXAMETHASONE = "dexamethasone"
    METHYLPREDNISOLONE = "methylprednisolone"
    HYDROCORTISONE = "hydrocortisone"
    PREDNISONE = "prednisone"
    FLUID_BOLUS = "fluid_bolus"
    PHENYLEPHRINE = "phenylephrine"
    EPHEDRINE = "ephedrine"
    NOREPINEPHRINE = "norepinephrine"
    EPINEPHRINE = "epinephrine"
    MIDODRINE = "midodrine"
    DROXIDOPA = "droxidopa"
    RIMIDUCID = "rimiducid"
    PLASMA_EXCHANGE = "plasma_exchange"
    IV_FLUIDS_MAINTENANCE = "iv_fluids_maintenance"
    PARENTERAL_NUTRITION = "parenteral_nutrition"
    FRESH_FROZEN_PLASMA = "fresh_frozen_plasma"
    CRYOPRECIPITATE = "cryoprecipitate"
    FIBRINOGEN_CONCENTRATE = "fibrinogen_concentrate"


class Intent(StrEnum):
    """Why a medicine was given; absent means `treatment`."""

    TREATMENT = "treatment"
    PREMEDICATION = "premedication"
    PROPHYLAXIS = "prophylaxis"


class TherapyClass(StrEnum):
    """Class of the immune therapy that can cause the syndrome."""

    CAR_T = "car_t"
    TCR_T = "tcr_t"
    TIL = "til"
    BISPECIFIC = "bispecific"
    CHECKPOINT_INHIBITOR = "checkpoint_inhibitor"
    OTHER_EFFECTOR_CELL = "other_effector_cell"


class Analyte(StrEnum):
    """Analytes of `lab` that are used; others are kept and unused."""

    CRP = "crp"
    FERRITIN = "ferritin"
    IL6 = "il6"
    LDH = "ldh"
    PLATELETS = "platelets"
    CREATININE = "creatinine"
    FIBRINOGEN = "fibrinogen"
    ALT = "alt"
    AST = "ast"
    BILIRUBIN = "bilirubin"
    TRIGLYCERIDES = "triglycerides"
    HAEMOGLOBIN = "haemoglobin"
    WBC = "wbc"
    ANC = "anc"
    INR = "inr"
    LACTATE = "lactate"
    SAO2 = "sao2"


class Consciousness(StrEnum):
    """What rouses the patient."""

    AWAKE = "awake"
    TO_VOICE = "to_voice"
    TO_TOUCH = "to_touch"
    UNAROUSABLE = "unarousable"


class Seizure(StrEnum):
    """Seizure, clinical or on the electroencephalogram."""

    NONE = "none"
    BRIEF = "brief"
    PROLONGED_OR_REPETITIVE = "prolonged_or_repetitive"


class CerebralOedema(StrEnum):
    """Oedema on imaging, or its signs."""

    NONE = "none"
    FOCAL = "focal"
    DIFFUSE = "diffuse"


class Finding(StrEnum):
    """A finding that a clinician may attribute to another cause."""

    FEVER = "fever"
    HYPOTENSION = "hypotension"
    HYPOXIA = "hypoxia"
    VASOPRESSOR = "vasopressor"
    NEURO = "neuro"


class PatientOutcome(StrEnum):
    """How the stay ended."""

    DEATH = "death"
    DISCHARGED = "discharged"
    TRANSFERRED = "transferred"


class Cause(StrEnum):
    """The principal cause of a death."""

    CRS = "crs"
    OTHER = "other"


class AcknowledgementAction(StrEnum):
    """What a person did with an alert."""

    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"


class Priority(StrEnum):
    """Alarm priority after IEC 60601-1-8."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATION = "information"


class CandidateWhy(StrEnum):
    """Why a grade is only a candidate, for a person to look at."""

    MASKED_ONSET = "masked_onset"
    NO_FEVER_ONSET = "no_fever_onset"
    FEVER_LAPSED = "fever_lapsed"
    RELATIVE_HYPOTENSION = "relative_hypotension"
    PUSH_DOSE = "push_dose"


class CandidateEnd(StrEnum):
    """How a candidate was closed: the grade was confirmed, or its grounds ended."""

    CONFIRMED = "confirmed"
    ENDED = "ended"
