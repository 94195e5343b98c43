"""Every reason and flag that the engine can give, with its criterion and one English sentence."""

from __future__ import annotations

from typing import Final

from stream.engine.fold import Why
from stream.engine.outputs import Reason

REASONS: Final[dict[str, tuple[str, str]]] = {
    "FEVER": ("ASTCT 2019: fever, 38.0 Cel or more", "A qualifying fever was measured."),
    "FEVER_WAIVED": (
        "ASTCT 2019: fever no longer required after antipyretic or anticytokine therapy",
        "Fever is not required: a drug that hides it was given after onset.",
    ),
    "FEVER_EARLIER": (
        "P0 LOOKBACK: fever counts for a time without treatment",
        "There is no fever now; an earlier one of this episode still counts.",
    ),
    "HYPOTENSION": (
        "ASTCT 2019: hypotension not requiring a vasopressor",
        "The blood pressure is low and that is confirmed.",
    ),
    "ONE_VASOPRESSOR": (
        "ASTCT 2019: one vasopressor with or without vasopressin",
        "One vasopressor is running.",
    ),
    "VASOPRESSIN_ONLY": (
        "P0: vasopressin alone counts as one vasopressor",
        "Vasopressin is the only vasopressor running.",
    ),
    "MULTIPLE_VASOPRESSORS": (
        "ASTCT 2019: multiple vasopressors, vasopressin not counted",
        "Two or more vasopressors run together.",
    ),
    "LOW_FLOW_OXYGEN": (
        "ASTCT 2019: low-flow nasal cannula or blow-by",
        "Low-flow oxygen is needed.",
    ),
    "HIGH_FLOW_OXYGEN": (
        "ASTCT 2019: high-flow nasal cannula, face mask, non-rebreather or Venturi mask",
        "High-flow oxygen or a mask is needed.",
    ),
    "POSITIVE_PRESSURE": (
        "ASTCT 2019: positive pressure (CPAP, BiPAP, intubation and ventilation)",
        "Positive pressure ventilation is needed.",
    ),
    "HYPOXIA_ON_AIR": (
        "P0: low saturation on air without a charted device",
        "The saturation on air is low and that is confirmed.",
    ),
    "DEATH_CRS": ("ASTCT 2019: grade 5", "A clinician charted death caused by CRS."),
    "HELD": (
        "P0 DOWN: the highest grade of the last hour is kept",
        "The signs are milder now; the grade is held before it falls.",
    ),
    "EPISODE_OPEN": (
        "P0 QUIET: not below 1 while the episode is open",
        "There are no signs now; the episode is still open.",
    ),
    "QUIET": (
        "P0 QUIET: a day without signs, with fresh temperature and pressure",
        "The episode is closed.",
    ),
    "ATTRIBUTED": (
        "ASTCT 2019: not attributable to another cause",
        "A clinician attributed a finding to another cause.",
    ),
    "MASKED_ONSET": (
        "P0: treatment before onset can hide fever",
        "Signs without fever after a drug that can hide it.",
    ),
    "NO_FEVER_ONSET": (
        "ASTCT 2019: fever is required at onset",
        "Signs without any qualifying fever.",
    ),
    "FEVER_LAPSED": (
        "P0 LOOKBACK: fever counts for a time without treatment",
        "New signs long after the last fever of an untreated episode.",
    ),
    "RELATIVE_HYPOTENSION": (
        "P0 REL_DROP: fall from the patient's own baseline",
        "The pressure has fallen far from the baseline without being low.",
    ),
    "PUSH_DOSE": (
        "P0: push-dose vasopressors are not graded",
        "A push-dose vasopressor was given.",
    ),
    "REVISED": (
        "Contract: late, corrected or retracted data",
        "Data that arrived later changed what had been said.",
    ),
    "ICANS": ("ASTCT 2019: ICANS, worst domain", "A neurological assessment was charted."),
    "SIGNAL_LOST": ("P0 staleness", "No valid value for longer than the limit; the grade is held."),
    "SIGNAL_RESTORED": ("P0 staleness", "A valid value has arrived again."),
    "RISK_BAND": (
        "Score: another band, held",
        "A score went into another band and stayed there.",
    ),
    "IEC_HS": (
        "Hines 2023: IEC-HS screen",
        "Laboratory results meet or no longer meet the screen for IEC-HS.",
    ),
    "ALARM_RAISED": ("Ladder", "An answer is asked for."),
    "NOT_ANSWERED": ("Ladder", "Nobody has answered in time."),
    "INFORMED": ("Ladder", "Others are to know of the alarm, whether or not somebody answers."),
    "ANSWERED": ("IEC 62682: acknowledged", "A person has answered."),
    "SHELVED": ("IEC 62682: shelved", "A person has put the alarm aside for a time."),
    "UNSHELVED": ("IEC 62682: unshelved", "The alarm is put aside no longer."),
    "ANSWER_WITHDRAWN": ("Contract: retraction", "The answer was entered in error."),
    "CAUSE_GONE": ("IEC 62682: returned to normal", "The cause has gone."),
    "ALARM_CLOSED": ("IEC 62682: closed", "Nobody needs to answer any more."),
    "ALARM_FLOOD": (
        "ANSI/ISA-18.2: alarm flood",
        "Too many alarms at once: the lesser ones are counted and wait.",
    ),
    "REMINDER": ("Timer", "A timer of published guidance has run out."),
}

FLAGS: Final[dict[str, str]] = {
    "ADJUNCT": "Methylene blue or hydroxocobalamin runs; it is not counted.",
    "AGENT_SWITCH": "Two vasopressors overlap too briefly to count as multiple.",
    "AIRWAY_ONLY": "The device is there for airway protection only.",
    "ATTR_FEVER": "A clinician attributed fever to another cause.",
    "ATTR_HYPOTENSION": "A clinician attributed hypotension or a vasopressor to another cause.",
    "ATTR_HYPOXIA": "A clinician attributed hypoxia to another cause.",
    "BP_SOURCE_CONFLICT": "Cuff and arterial line disagree; the lower one is graded.",
    "DEATH_OTHER": "Death of another cause.",
    "DEVICE_MAPPED": "The device is graded by the site's map.",
    "FEVER_LAPSED": "New support long after the last fever of an untreated episode.",
    "FLOW_DEVICE_CONFLICT": "A high-flow device at a low flow: the flow decides.",
    "HOME_DEVICE": "The device is the patient's own, unchanged.",
    "HYPOXIA_NO_DEVICE": "Low saturation on air and no device charted.",
    "IMPLAUSIBLE_BP": "The newest blood pressure was rejected.",
    "IMPLAUSIBLE_HR": "The newest heart rate was rejected.",
    "IMPLAUSIBLE_RR": "The newest respiratory rate was rejected.",
    "IMPLAUSIBLE_SPO2": "The newest SpO2 was rejected.",
    "IMPLAUSIBLE_TEMP": "The newest temperature was rejected.",
    "ICE_BASELINE": "ICE is below 10 and no lower than the patient's own baseline.",
    "INOTROPE": "An inotrope runs; it is not a vasopressor.",
    "LATE_ONSET": "Onset later than usual after the therapy: look for another cause.",
    "MASKED_ONSET": "Support without fever after a drug that can hide it.",
    "NEAR_FEVER_SITE": "Just below fever at a site that misses it: repeat oral or core.",
    "NOT_ASSESSABLE": "The last neurological assessment could not be made.",
    "NO_FEVER_ONSET": "Support without any qualifying fever.",
    "O2_NEED_UNVERIFIED": "Oxygen was started although the saturation on air was good.",
    "ORAL_PRESSOR": "An oral vasopressor was given; it is not counted.",
    "ORPHAN_STOP": "An infusion was stopped that nobody had started.",
    "OUT_OF_SCOPE": "No qualifying therapy is on record.",
    "PROCEDURE_ONLY": "The device is there for a procedure only.",
    "PUSH_DOSE": "A push-dose vasopressor was given; it is not graded.",
    "RECURRENT": "A new episode after a closed one: check for infection.",
    "REL_HYPOTENSION": "A large fall from the patient's own baseline.",
    "REPEAT_BP": "One low pressure: repeat the measurement.",
    "STALE_BP": "No valid blood pressure for longer than the limit.",
    "STALE_DEVICE": "The oxygen device has not been charted for longer than the limit.",
    "STALE_PRESSOR": "No word from a running pump for longer than the limit.",
    "STALE_SPO2": "No valid SpO2 for longer than the limit.",
    "STALE_T": "No valid temperature for longer than the limit.",
    "UNIT_AMBIGUOUS": "The newest reading came without a usable unit.",
    "VASOPRESSIN_ONLY": "Vasopressin is the only vasopressor: counted as one.",
    "ZERO_RATE": "A vasopressor pump is there at rate 0: not running.",
}


def reason(why: Why) -> Reason:
    """The reason in words, with what it is about and the events behind it."""
    criterion, sentence = REASONS[why.code]
    text = f"{sentence[:-1]} ({why.detail})." if why.detail else sentence
    return Reason(why.code, criterion, text, tuple(i for i in dict.fromkeys(why.event_ids) if i))
