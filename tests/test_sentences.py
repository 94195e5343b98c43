"""Output events as lines for people: every type has its words, none fails on what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from stream.sentences import alert_line, deadletter_line, duration, status_line, what

BASE: dict[str, Any] = {
    "type": "grade.changed",
    "patient_id": "p-1",
    "effective_time": "2026-03-01T10:00:00Z",
    "late_by_s": 0,
    "priority": "medium",
    "flags": ["LATE_ONSET"],
    "reasons": [{"text": "A qualifying fever was measured."}, {"text": "More."}],
    "from_grade": 0,
    "to_grade": 1,
}


def test_an_alert_in_one_line() -> None:
    assert alert_line(BASE) == (
        "2026-03-01 10:00:00Z  p-1  medium  grade 0 -> 1: "
        "A qualifying fever was measured (+1) [LATE_ONSET]"
    )
    assert alert_line(BASE | {"late_by_s": 7500}).endswith("(said 2 h 05 min later)")


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (
            "grade.revised",
            {"history": [{"grade": 3, "from": "A", "until": None}]},
            "grade revised, now 1 (history: 3 from A until now)",
        ),
        (
            "candidate.raised",
            {"candidate_grade": 2, "why": "masked_onset"},
            "candidate 2 raised (masked_onset)",
        ),
        ("candidate.closed", {"candidate_grade": 2, "why": "ended"}, "candidate 2 closed (ended)"),
        ("icans.changed", {}, "ICANS 0 -> 1"),
        ("reminder", {"timer": "K2", "text": "look"}, "reminder K2: look"),
        ("signal.lost", {"signal": "spo2", "last_seen": "A"}, "spo2 lost, last seen A"),
        ("signal.restored", {"signal": "spo2"}, "spo2 is back"),
        (
            "risk.changed",
            {"score": "news2", "from_value": 4, "to_value": 7, "band": "high"},
            "news2 4 -> 7 (high)",
        ),
        (
            "risk.changed",
            {"score": "qsofa", "from_value": None, "to_value": None, "band": None},
            "qsofa unknown (no band)",
        ),
        (
            "iec_hs.changed",
            {"positive": True, "criteria": ["ferritin", "fibrinogen"]},
            "IEC-HS screen positive (ferritin, fibrinogen)",
        ),
        (
            "escalation.opened",
            {
                "event": "grade",
                "grade": 3,
                "step": 0,
                "notify": ["bedside_nurse", "physician"],
                "respond_by": "10:05Z",
            },
            "alarm grade 3 opened, step 0: bedside_nurse, physician, answer by 10:05Z",
        ),
        (
            "escalation.shelved",
            {"event": "signal", "subject": "spo2", "by": "nurse-1", "until": "2026-03-01T11:00Z"},
            "alarm signal spo2 shelved, by nurse-1, until 2026-03-01T11:00Z",
        ),
        (
            "escalation.closed",
            {"event": "grade", "grade": 2, "why": "superseded"},
            "alarm grade 2 closed, superseded",
        ),
        (
            "escalation.summarised",
            {"over": False, "until": "2026-03-01T10:10Z", "count": 3},
            "alarm flood until 2026-03-01T10:10Z: 3 held back",
        ),
    ],
)
def test_every_type_has_its_words(kind: str, fields: dict[str, Any], words: str) -> None:
    assert what(BASE | {"type": kind} | fields) == words


def test_nothing_is_required() -> None:
    for line in (alert_line, status_line, deadletter_line):
        assert isinstance(line({}), str)


def test_status_and_dead_letters() -> None:
    status = {"at": "2026-03-01T10:00:00Z", "patient_id": "p-1", "grade": 1, "candidate_grade": 2}
    assert status_line(status) == "2026-03-01 10:00:00Z  p-1  grade 1  candidate 2"
    letter = {"topic": "vitals", "partition": 0, "offset": 7, "reason": "not_json", "detail": "x"}
    assert deadletter_line(letter) == "vitals/0/7  not_json: x"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "5 s"),
        (60, "1 min"),
        (3600, "1 h 00 min"),
        (47 * 3600, "47 h 00 min"),
        (180000, "2 d 2 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
