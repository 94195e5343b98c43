"""`stormwatch assess`: one object per patient, as of a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import FEVER, lines, therapy, vitals

if TYPE_CHECKING:
    from .conftest import Cli

LOW = {"systolic_bp": 82.0, "diastolic_bp": 46.0}
FINE = {"systolic_bp": 118.0, "diastolic_bp": 72.0}


def test_one_object_per_patient_in_order_of_first_appearance(cli: Cli) -> None:
    events = (therapy("p-2"), *FEVER, vitals("v-9", "10:30", "p-2", temperature=36.8))
    result = cli("assess", "-", stdin=lines(*events))
    assert result.code == 0
    assert [(answer["patient_id"], answer["raw_grade"]) for answer in result.objects] == [
        ("p-2", 0),
        ("p-1", 1),
    ]
    for answer in result.objects:
        assert set(answer["axes"]) == {"fever", "hypotension", "hypoxia"}
        assert set(answer) >= {"at", "grade", "candidate_grade", "episode", "flags", "scales"}
        assert set(answer) >= {"icans", "scores", "reasons"}


def test_without_at_it_is_as_of_the_patient_s_clock(cli: Cli) -> None:
    (answer,) = cli("assess", "-", stdin=lines(*FEVER)).objects
    assert answer["at"] == "2026-03-01T10:00:00Z"


def test_at_takes_in_only_what_had_happened_and_was_received(cli: Cli) -> None:
    later = vitals("v-2", "11:00", **LOW) | {"received_at": "2026-03-01T12:00:00Z"}
    events = lines(*FEVER, vitals("v-3", "11:10", **LOW), later, vitals("v-4", "14:00", **FINE))

    def at(time: str) -> dict[str, object]:
        (answer,) = cli("assess", "-", "--at", f"2026-03-01T{time}:00Z", stdin=events).objects
        return {name: answer[name] for name in ("at", "raw_grade")}

    assert at("09:00") == {"at": "2026-03-01T09:00:00Z", "raw_grade": 0}
    assert at("10:00")["raw_grade"] == 1
    assert at("11:59")["raw_grade"] == 1  # one low reading; the other is not received yet
    assert at("12:00") == {"at": "2026-03-01T12:00:00Z", "raw_grade": 2}
    assert at("15:00")["raw_grade"] == 1


def test_at_lets_timers_run_out(cli: Cli) -> None:
    events = lines(
        *FEVER,
        vitals("v-2", "11:00", **LOW),
        vitals("v-3", "11:10", **LOW),
        vitals("v-4", "12:00", **FINE),
    )
    (held,) = cli("assess", "-", "--at", "2026-03-01T12:59:59Z", stdin=events).objects
    (fallen,) = cli("assess", "-", "--at", "2026-03-01T14:00:00+01:00", stdin=events).objects
    assert (held["raw_grade"], held["grade"]) == (1, 2)
    assert (fallen["raw_grade"], fallen["grade"]) == (1, 1)


def test_one_patient_only(cli: Cli) -> None:
    events = lines(therapy("p-2"), *FEVER)
    (answer,) = cli("assess", "-", "--patient", "p-1", stdin=events).objects
    assert answer["patient_id"] == "p-1"
    result = cli("assess", "-", "--patient", "nobody", stdin=events)
    assert result.code == 1
    assert "no event of patient nobody could be read from -" in result.err


def test_nothing_up_to_then(cli: Cli) -> None:
    result = cli("assess", "-", "--at", "2020-01-01T00:00:00Z", stdin=lines(*FEVER))
    assert result.code == 1
    assert "up to 2020-01-01T00:00:00Z" in result.err


@pytest.mark.parametrize(
    ("time", "says"),
    [("noon", "is not a time"), ("2026-03-01T10:00:00", "has no offset"), ("", "is not a time")],
)
def test_times_that_are_none(cli: Cli, time: str, says: str) -> None:
    result = cli("assess", "-", "--at", time, stdin=lines(*FEVER))
    assert result.code == 2
    assert says in result.err


@pytest.mark.parametrize(
    ("time", "advice"),
    [
        ("2026-03-03", "2026-03-03T00:00:00Z"),
        ("2026-03-03T10", "2026-03-03T10:00:00Z"),
        ("20260303T1000", "2026-03-03T10:00:00Z"),
    ],
)
def test_the_time_that_is_advised_can_be_used(cli: Cli, time: str, advice: str) -> None:
    result = cli("assess", "-", "--at", time, stdin=lines(*FEVER))
    assert result.code == 2
    assert f"write {advice} or " in result.err
    assert cli("assess", "-", "--at", advice, stdin=lines(*FEVER)).code == 0


def test_bad_lines_as_in_grade(cli: Cli) -> None:
    result = cli("assess", "-", stdin=b"?\n" + lines(*FEVER))
    assert result.code == 0
    assert "-:1: not_json: " in result.err
    assert cli("assess", "-", "--strict", stdin=b"?\n" + lines(*FEVER)).code == 1
