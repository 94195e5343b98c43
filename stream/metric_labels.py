"""The values that labels of metrics may have, known beforehand (`stream.metrics`)."""

from __future__ import annotations

GRADES = ("none", "0", "1", "2", "3", "4", "5")
"""Label values of a grade; `none`: the grade does not apply or is not known."""

OUTCOMES = ("accepted", "duplicate", "rejected", "too_late", "tick")
CANDIDATES = (
    "masked_onset",
    "no_fever_onset",
    "fever_lapsed",
    "relative_hypotension",
    "push_dose",
)
ALARM_EVENTS = (
    *("grade", "candidate", "icans", "signal", "reminder", "iec_hs", "risk", "revision"),
)
ALARM_PRIORITIES = ("high", "medium", "low", "information")
ALARM_STATES = ("held", "unacknowledged", "acknowledged", "returned", "latched", "shelved")
ALARM_ENDS = (
    *("returned", "answered", "superseded", "confirmed", "cancelled", "unanswered", "ended"),
)
TABLES = ("patients", "windows")
PARTS = (
    "main_loop",
    "consumer_loop",
    "brokers",
    "coordinator",
    "fetcher",
    "agent",
    "producer",
    "ticker",
    "assignment",
    "recovery",
    "commit",
    "partition",
)
"""Label values of what the watch judges (`stream.worker.progress`)."""
