"""What a verification can find: one kind each, with what it means and what to do about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT: Final = 10_000
"""Findings kept for the table; more are only counted (`told` still hears of each)."""


class Weight(StrEnum):
    """How much a finding counts."""

    FINDING = "finding"  # the record is not as it must be
    UNDECIDED = "not_decidable"  # it may be or not: what would show it is not there
    NOTE = "note"  # good to know, and nothing wrong


class Kind(StrEnum):
    """What was found; `weight`, `meaning` and `advice` belong to it."""

    weight: Weight
    meaning: str
    advice: str

    def __new__(cls, code: str, weight: Weight, meaning: str, advice: str) -> Self:
        """Keep weight and words beside the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.weight, member.meaning, member.advice = weight, meaning, advice
        return member

    # The chain of a patient's alerts.
    CHAIN_BROKEN = (
        "chain_broken",
        Weight.FINDING,
        "The alert follows one that is not there: one before it is missing or was altered.",
        "Compare with copies (a router's log, a backup); find out who may write to the topic.",
    )
    REORDERED = (
        "reordered",
        Weight.FINDING,
        "The alert stands behind one that was said after it.",
        "Find out who copied or wrote the topic; workers write a patient's alerts in order.",
    )
    LAST_MISSING = (
        "last_alert_missing",
        Weight.FINDING,
        "The alert that the table knows as the patient's last is not there, or was altered.",
        "Compare with copies (a router's log, a backup); find out who may write to the topic.",
    )
    NO_HASH = (
        "hash_missing",
        Weight.FINDING,
        "An alert without `previous_hash` stands behind alerts that have one.",
        "Look for a worker of an older version, or for somebody else who writes alerts.",
    )
    UNREADABLE = (
        "unreadable_alert",
        Weight.FINDING,
        "The record is no alert of a patient.",
        "Look at the record; find out who may write to the topic.",
    )
    WRONG_PLACE = (
        "wrong_place",
        Weight.FINDING,
        "The record's key, partition and patient do not belong together.",
        "Look at the record; find out who else may write to the topic.",
    )
    BRANCH = (
        "chain_branches",
        Weight.UNDECIDED,
        "Two alerts follow the same one: forgery, or a crash where the order of events is not set.",
        "Look in the workers' logs for a crash or a new application_id at that time.",
    )
    BEGINNING = (
        "chain_beginning",
        Weight.UNDECIDED,
        "What comes before the first alert is not in the log (any more).",
        "Nothing, where retention deleted it or the file begins later; else compare with copies.",
    )
    CHAIN_ANEW = (
        "chain_begins",
        Weight.NOTE,
        "Alerts of an older version without `previous_hash`; the chain begins behind them.",
        "Nothing; the older alerts are compared by id only.",
    )
    FILE_END = (
        "end_of_file",
        Weight.NOTE,
        "A file does not show whether alerts are missing behind its last ones.",
        "Compare with the tables: `stormwatch verify` without FILE.",
    )

    # The alerts against the rebuilt history.
    MISSING = (
        "missing_alert",
        Weight.FINDING,
        "The events lead to this alert, and it is not there.",
        "Treat it as an alert that nobody saw; find out who may delete from the topic.",
    )
    ALTERED = (
        "altered_alert",
        Weight.FINDING,
        "The alert is there with other bytes than the events lead to.",
        "`stormwatch explain ALERT_ID` shows it as it must be; find out who may write there.",
    )
    UNKNOWN = (
        "unknown_alert",
        Weight.FINDING,
        "No event leads to this alert.",
        "Find out who else may write to the topic.",
    )

    # The tables against the rebuilt history.
    HISTORY = (
        "history_differs",
        Weight.FINDING,
        "The table holds another history of grades, candidates or ICANS than the events lead to.",
        "Give workers a new application_id, which reads the topics anew; report it as a fault.",
    )
    STATE = (
        "state_differs",
        Weight.FINDING,
        "The history is right, but the table's record is another than the events lead to.",
        "Give workers a new application_id, which reads the topics anew; report it as a fault.",
    )
    PATIENT_MISSING = (
        "patient_missing",
        Weight.FINDING,
        "The topics hold committed events of a patient whom the table does not know.",
        "Give workers a new application_id, which reads the topics anew; report it as a fault.",
    )
    PATIENT_UNKNOWN = (
        "patient_unknown",
        Weight.FINDING,
        "The table holds a patient of whom the topics hold no event.",
        "Find out who else may write to the changelog topics.",
    )
    FORMAT = (
        "state_unreadable",
        Weight.FINDING,
        "The table holds a record that this version cannot read.",
        "Use the version that wrote it; a worker of this version refuses it too.",
    )
    UNDECIDABLE = (
        "not_decidable",
        Weight.UNDECIDED,
        "The rebuilt course and what was written differ, which may have the reason given.",
        "Nothing, where the reason is as it should be; the chain of the alerts was checked.",
    )

    # The input and the offsets.
    DELETED_UNREAD = (
        "deleted_unread",
        Weight.FINDING,
        "Records were deleted before any worker had read them.",
        "Start workers in time or keep the topic longer; send the events again from the source.",
    )
    BEYOND_END = (
        "offset_beyond_end",
        Weight.FINDING,
        "The committed offset lies behind the end of the topic.",
        "The topic was made anew: give workers a new application_id.",
    )
    BEHIND = (
        "behind",
        Weight.NOTE,
        "Records that no worker has committed yet; what they lead to may not be written.",
        "Nothing while workers run and the number falls; else start them.",
    )
    TABLE_BEHIND = (
        "table_behind",
        Weight.NOTE,
        "The table stands at an earlier record of the patient, which is right as far as it goes.",
        "Nothing while workers run; else start them.",
    )
    AHEAD = (
        "alerts_ahead",
        Weight.NOTE,
        "Alerts that the table does not know yet: said in a batch that is under way or crashed.",
        "Nothing while workers run; else start them, which repeats the batch.",
    )


class Doubt(StrEnum):
    """Why rebuilding cannot decide: `not decidable because ...`."""

    RETENTION = "the beginning of an input topic has been deleted"
    TWO_TOPICS = "the patient's events come through two topics, whose order is not fixed"
    TICKS = "ticks of the wall clock had a part, or have been deleted"
    RULESET = "alerts of that time were said with another ruleset or engine version"
    FUTURE = "an event lay ahead of the clock, and the moment decides whether it is taken"
    MIGRATED = "the patient's chain began anew after an older version"
    BEHIND = "workers have not committed all of the patient's events yet"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `partition` and `offsets` are of `topic`, which may be a file's name.

    `ids` are ids of alerts. `patient` is the id itself: hide it before it is shown.
    """

    kind: Kind
    patient: str | None = None
    topic: str = ""
    partition: int | None = None
    offsets: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()
    detail: str = ""


@dataclass(slots=True)
class Report:
    """All that a verification found, and what it looked at."""

    told: Callable[[Finding], None] = lambda _finding: None
    findings: list[Finding] = field(default_factory=list)
    kinds: Counter[Kind] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    """How many `partitions`, `patients`, `alerts`, `repeats`, `records` were looked at."""

    def add(self, finding: Finding) -> None:
        """Take one in."""
        self.kinds[finding.kind] += 1
        self.told(finding)
        if len(self.findings) < KEPT:
            self.findings.append(finding)

    def count(self, weight: Weight) -> int:
        """How many of this weight were found."""
        return sum(count for kind, count in self.kinds.items() if kind.weight is weight)

    @property
    def consistent(self) -> bool:
        """Nothing is wrong as far as it can be decided."""
        return self.count(Weight.FINDING) == 0
