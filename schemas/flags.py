"""Flags of a patient: coded remarks beside the grade, one English sentence each."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Flag(StrEnum):
    """A coded remark; `Flag(code).meaning` is its sentence. Sources: reference §1.2, §3, §4."""

    meaning: str
    technical: bool

    def __new__(cls, code: str, meaning: str, technical: bool = False) -> Self:  # noqa: FBT001, FBT002
        """Keep the sentence beside the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.technical = technical
        return member

    # They bear on the grade.
    ADJUNCT = "ADJUNCT", "Methylene blue or hydroxocobalamin is running; it is not counted."
    AGENT_SWITCH = (
        "AGENT_SWITCH",
        "Two vasopressors overlap for a short while, as when one replaces the other.",
    )
    AIRWAY_ONLY = "AIRWAY_ONLY", "Airway support is charted for protection, not for hypoxia."
    ATTR_FEVER = "ATTR_FEVER", "A clinician attributed the fever to another cause."
    ATTR_HYPOTENSION = (
        "ATTR_HYPOTENSION",
        "A clinician attributed the hypotension or the vasopressor to another cause.",
    )
    ATTR_HYPOXIA = "ATTR_HYPOXIA", "A clinician attributed the hypoxia to another cause."
    DEATH_OTHER = "DEATH_OTHER", "The patient died of another cause; this is not grade 5."
    DEVICE_MAPPED = (
        "DEVICE_MAPPED",
        "The scale does not name this oxygen device; it is counted as the nearest it names.",
    )
    FEVER_LAPSED = (
        "FEVER_LAPSED",
        "New support came after the fever had been gone for longer than it counts.",
    )
    FLOW_DEVICE_CONFLICT = (
        "FLOW_DEVICE_CONFLICT",
        "Device and flow say different things; the flow decides.",
    )
    HOME_DEVICE = "HOME_DEVICE", "The oxygen or airway device is the one used at home, unchanged."
    HYPOXIA_NO_DEVICE = (
        "HYPOXIA_NO_DEVICE",
        "Saturation is low on air and no oxygen device is charted; the grade is provisional.",
    )
    IMPLAUSIBLE_BP = "IMPLAUSIBLE_BP", "A blood pressure was outside what is possible and unused."
    IMPLAUSIBLE_SPO2 = "IMPLAUSIBLE_SPO2", "A saturation was outside what is possible and unused."
    IMPLAUSIBLE_TEMP = "IMPLAUSIBLE_TEMP", "A temperature was outside what is possible and unused."
    INOTROPE = "INOTROPE", "An inotrope is running; it is not a vasopressor and not counted."
    LATE_ONSET = "LATE_ONSET", "The onset is later than usual after this therapy: other causes?"
    MASKED_ONSET = (
        "MASKED_ONSET",
        "Support without fever after a medicine that hides fever; look at the patient.",
    )
    NEAR_FEVER_SITE = (
        "NEAR_FEVER_SITE",
        "Just below fever at a site that reads low; repeat it orally or at a core site.",
    )
    NO_FEVER_ONSET = "NO_FEVER_ONSET", "Support without any fever so far; look for another cause."
    ORAL_PRESSOR = "ORAL_PRESSOR", "An oral pressor was given; it is not counted."
    OUT_OF_SCOPE = "OUT_OF_SCOPE", "No qualifying therapy is known; the scale does not apply."
    PROCEDURE_ONLY = "PROCEDURE_ONLY", "The airway device is charted for a procedure only."
    PUSH_DOSE = "PUSH_DOSE", "A push-dose vasopressor was given; it is not counted."
    RECURRENT = "RECURRENT", "A new episode after a closed one; look for infection."
    REL_HYPOTENSION = (
        "REL_HYPOTENSION",
        "Systolic pressure fell far below the baseline without being low by itself.",
    )
    UNIT_AMBIGUOUS = "UNIT_AMBIGUOUS", "A reading without a usable unit was set aside."
    VASOPRESSIN_ONLY = "VASOPRESSIN_ONLY", "Vasopressin is the only vasopressor running."
    ZERO_RATE = "ZERO_RATE", "An infusion is charted at rate zero; it does not run."

    # Technical: about the data, not the grade.
    BEYOND_HORIZON = (
        "BEYOND_HORIZON",
        "Something came in that is older than what may still be revised; it is not counted.",
        True,
    )
    BP_SOURCE_CONFLICT = (
        "BP_SOURCE_CONFLICT",
        "Cuff and arterial line disagree by far; the lower is counted.",
        True,
    )
    ICE_BASELINE = (
        "ICE_BASELINE",
        "The ICE score is below 10 but no lower than the patient's own baseline.",
        True,
    )
    IMPLAUSIBLE_HR = "IMPLAUSIBLE_HR", "A heart rate was outside what is possible.", True
    IMPLAUSIBLE_RR = "IMPLAUSIBLE_RR", "A respiratory rate was outside what is possible.", True
    NOT_ASSESSABLE = "NOT_ASSESSABLE", "The neurological state could not be assessed.", True
    O2_NEED_UNVERIFIED = (
        "O2_NEED_UNVERIFIED",
        "Oxygen was begun although saturation on air was good; ask whether it is needed.",
        True,
    )
    ORPHAN_STOP = "ORPHAN_STOP", "An infusion was stopped whose start is not known.", True
    REPEAT_BP = "REPEAT_BP", "One low blood pressure; repeat it to confirm.", True
    STALE_BP = "STALE_BP", "The last blood pressure is too old.", True
    STALE_DEVICE = "STALE_DEVICE", "The last word on the oxygen device is too old.", True
    STALE_PRESSOR = "STALE_PRESSOR", "A vasopressor pump has not been heard of for too long.", True
    STALE_SPO2 = "STALE_SPO2", "The last saturation is too old.", True
    STALE_T = "STALE_T", "The last temperature is too old.", True
