"""The fast way for plain `vitals` events says what the long way says, or nothing at all."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import MAX_READINGS
from schemas.vocabulary import UNITS, Method, Quality, Site
from stream.engine.events import Vitals
from stream.intake import Intake
from stream.intake.plain import plain
from stream.intake.records import _Checks, read_closely

PLAIN = {
    "type": "vitals",
    "event_id": "e-1",
    "patient_id": "p-1",
    "time": "2026-03-10T12:00:00Z",
    "readings": [
        {"signal": "temperature", "value": 100.4, "unit": "[degF]", "site": "oral"},
        {"signal": "systolic_bp", "value": 12, "unit": "kPa", "method": "cuff", "quality": None},
    ],
}


def long_way(raw: bytes) -> Intake:
    checks = _Checks(None, None, 1 << 62, key_required=False, accept_ticks=True)
    return read_closely(raw, checks)


def agree(raw: bytes) -> Vitals | None:
    """What the fast way takes, which has to be what the long way takes, to the last digit."""
    taken = plain(raw)
    if taken is not None:
        assert repr(long_way(raw)) == repr(Intake(taken))
    return taken


def test_a_plain_event_is_taken_the_fast_way():
    assert agree(json.dumps(PLAIN).encode()) is not None
    full = {**PLAIN, "received_at": "2026-03-10T13:00:00.25+01:00", "source": "m", "replaces": None}
    assert agree(json.dumps(full, indent=1, ensure_ascii=False).encode()) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"time"', '"event_id": "e-2", "time"'),
        ('"time"', '"type": "vitals", "time"'),
        ('"unit"', '"value": 101, "unit"'),
        ('"e-1"', '"say \\"e-1\\": no"'),
        ('"e-1"', '""'),
        ('"e-1"', json.dumps("x" * 129)),
        ("100.4", "0"),
        ("100.4", "-0.0"),
        ("100.4", "1000000001"),
        ("100.4", '"100.4"'),
        ("100.4", "NaN"),
        ("100.4", "true"),
        ('"[degF]"', '"kPa"'),
        ('"[degF]"', "null"),
        ('"oral"', '"ear"'),
        ("12:00:00Z", "12:00:00"),
        ("12:00:00Z", "12:00:00z"),
        ("12:00:00Z", "24:00:00Z"),
        ("12:00:00Z", "12:00:60Z"),
        ("12:00:00Z", "12:00:00.1234567Z"),
        ("12:00:00Z", "12:00:00+15:00"),
        ("2026-03-10", "2026-02-30"),
        ("2026-03-10", "1899-12-31"),
        ("}]}", "}]} x"),
        ("}]}", "},]}"),
        ("}]}", "}]]}"),
        ("}]}", "}, 1]}"),
        ("}, {", "} {"),
        ("}, {", "},, {"),
        ("}, {", "}], {"),
        ("[{", "[, {"),
        ("[{", "[[{"),
        ("[{", "[1, {"),
        ("[{", "[{}, {"),
        ("[{", "[[], {"),
        ('"oral"', "{}"),
        ('"oral"', '"}"'),
    ],
)
def test_whatever_is_out_of_the_ordinary_goes_the_long_way(old, new):
    text = json.dumps(PLAIN)
    assert old in text
    assert plain(text.replace(old, new, 1).encode()) is None


@pytest.mark.parametrize("readings", ["[]", "[ ]", "{}", "null", "[{}]", "[[{}]]", '"]"', "[1]"])
def test_readings_that_are_none_go_the_long_way(readings):
    text = json.dumps({**PLAIN, "readings": None}).replace("null", readings)
    assert plain(text.encode()) is None


def test_as_many_readings_as_the_contract_allows_are_plain():
    reading = {"signal": "heart_rate", "value": 80, "unit": "/min"}
    most = json.dumps({**PLAIN, "readings": [reading] * MAX_READINGS}).encode()
    more = json.dumps({**PLAIN, "readings": [reading] * (MAX_READINGS + 1)}).encode()
    assert agree(most) is not None
    assert plain(more) is None


TIMES = st.builds(
    "{}{}{}".format,
    st.datetimes(datetime(1899, 1, 1), datetime(3001, 1, 1)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=0).isoformat()
    ),
    st.sampled_from(["", ".5", ".25", ".000001", ".123456"]),
    st.sampled_from(["Z", "+00:00", "-00:00", "+05:45", "-14:59"]),
)
TEXTS = st.sampled_from(["e-1", "é:", "x" * 128, "😀" * 128]) | st.text(
    st.characters(exclude_categories=()), max_size=5
)
SCALES = [(signal.value, unit.value) for signal, units in UNITS.items() for unit in units]
READINGS = st.builds(
    lambda scale, value, more: {"signal": scale[0], "value": value, "unit": scale[1], **more},
    st.sampled_from(SCALES),
    st.floats(0, 1e9) | st.floats(30, 200) | st.integers(0, 300),
    st.fixed_dictionaries(
        {},
        optional={
            "site": st.none() | st.sampled_from([*Site]),
            "method": st.none() | st.sampled_from([*Method]),
            "quality": st.none() | st.sampled_from([*Quality]),
        },
    ),
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.just("vitals"),
        "event_id": TEXTS,
        "patient_id": TEXTS,
        "time": TIMES,
        "readings": st.lists(READINGS, min_size=1, max_size=3),
    },
    optional={
        "received_at": st.none() | TIMES,
        "source": st.none() | TEXTS,
        "replaces": st.none() | TEXTS,
    },
)


@settings(deadline=None, max_examples=40)
@given(EVENTS, st.booleans(), st.sampled_from([None, 2]))
def test_events_of_the_contract_are_the_same_both_ways(event: dict[str, Any], escaped, indent):
    agree(json.dumps(event, ensure_ascii=escaped, indent=indent).encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_altered_bytes_are_the_same_both_ways(data):
    raw = bytearray(json.dumps(PLAIN).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        other = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = raw[other : other + 1]
    agree(bytes(raw))


def test_the_events_of_a_patient_have_one_id_in_common():
    first, second = (plain(json.dumps({**PLAIN, "event_id": each}).encode()) for each in "ab")
    assert isinstance(first, Vitals)
    assert isinstance(second, Vitals)
    assert first.patient_id is second.patient_id
