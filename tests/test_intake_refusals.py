"""Records at the edge that are refused, whole or in one reading: the code, and what it says."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from schemas.deadletter import ReasonCode
from stream.engine import events as engine
from stream.intake import decode
from tests.intake_records import GOOD, OXYGEN, VITALS, codes, reading, record, without_device


def without(base: dict[str, Any], field: str) -> bytes:
    return json.dumps({name: value for name, value in base.items() if name != field}).encode()


# -- bad readings are set aside alone -----------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "code", "signal", "said"),
    [
        ({"signal": "sp02"}, "unknown_signal", None, "perhaps spo2"),
        ({"signal": None}, "missing_field", None, "signal is missing"),
        ({"signal": 4}, "wrong_type", None, "signal is 4"),
        ({"unit": None}, "unit_missing", "spo2", "expected %"),
        ({"unit": ""}, "unit_missing", "spo2", "expected %"),
        ({"unit": "percent"}, "unknown_unit", "spo2", "expected %"),
        ({"unit": "mm[Hg]"}, "unit_mismatch", "spo2", "expected %"),
        ({"unit": 5}, "wrong_type", "spo2", "unit is 5"),
        ({"value": "97"}, "wrong_type", "spo2", 'value is "97"'),
        ({"value": True}, "wrong_type", "spo2", "value is true"),
        ({"value": None}, "wrong_type", "spo2", "value is null"),
        ({"value": [97]}, "wrong_type", "spo2", "a list of 1"),
        ({"value": math.nan}, "not_finite", "spo2", "value is nan"),
        ({"value": math.inf}, "not_finite", "spo2", "value is inf"),
        ({"value": -math.inf}, "not_finite", "spo2", "value is -inf"),
        ({"value": 1e10}, "invalid_value", "spo2", "1000000000"),
        ({"value": 10**200}, "invalid_value", "spo2", "many digits"),
        ({"site": "ear"}, "invalid_value", "spo2", "'tympanic'"),
        ({"quality": "poor"}, "invalid_value", "spo2", "'suspect'"),
        ({"method": 1}, "wrong_type", "spo2", "method is 1"),
        ({"units": "%"}, "unknown_field", "spo2", "perhaps unit"),
        ({"site": "\ud800"}, "invalid_value", "spo2", "surrogate"),
    ],
)
def test_a_bad_reading_is_set_aside_alone(bad, code, signal, said):
    intake = decode(reading(**bad))
    assert codes(intake) == [code]
    rejection = intake.rejections[0]
    assert (rejection.event_id, rejection.patient_id) == ("e-1", "p-1")
    assert "readings[0]" in rejection.detail
    assert said in rejection.detail
    assert intake.event.readings == (engine.Reading("spo2", 97.0),)
    assert intake.event.bad == (engine.BadReading(signal, code, rejection.detail),)


def test_missing_fields_of_a_reading():
    bad = [{"signal": "temperature", "value": 101.3}, {"signal": "spo2", "unit": "%"}, 7]
    intake = decode(record(VITALS, readings=bad))
    assert codes(intake) == ["unit_missing", "missing_field", "wrong_type"]
    assert intake.event.readings == ()
    assert [each.signal for each in intake.event.bad] == ["temperature", "spo2", None]


@pytest.mark.parametrize(
    ("number", "code"),
    [("9" * 6000, "not_finite"), ("1e400", "not_finite"), ("-1e400", "not_finite")],
)
def test_numbers_beyond_floating_point(number, code):
    raw = reading().replace(b"97", number.encode(), 1)
    assert codes(decode(raw)) == [code]


# -- whole events refused -----------------------------------------------------------------------

DEEP = b'{"a":' * 100_000

REFUSED = {
    "null": (None, "tombstone"),
    "empty": (b"", "empty"),
    "blank": (b" \n\t", "empty"),
    "two megabytes": (b"[" + b"1," * 1_000_000 + b"1]", "too_large"),
    "not utf-8": (b'{"type":"oxygen\xff"}', "not_utf8"),
    "utf-16": (json.dumps(OXYGEN).encode("utf-16"), "not_utf8"),
    "byte order mark": (b"\xef\xbb\xbf" + record(OXYGEN), "not_json"),
    "not json": (b"temperature 38.4", "not_json"),
    "cut short": (record(OXYGEN)[:-5], "not_json"),
    "two objects": (record(OXYGEN) * 2, "not_json"),
    "single quotes": (record(OXYGEN).replace(b'"', b"'"), "not_json"),
    "control character": (record(OXYGEN).replace(b"e-2", b"e\n2"), "not_json"),
    "deep": (DEEP[:250_000], "too_deep"),
    "deep in a field": (record(OXYGEN, source=json.loads("[" * 90 + "]" * 90)), "too_deep"),
    "list": (b"[" + record(OXYGEN) + b"]", "not_an_object"),
    "number": (b"5", "not_an_object"),
    "json null": (b"null", "not_an_object"),
    "no type": (without(OXYGEN, "type"), "missing_field"),
    "null type": (record(OXYGEN, type=None), "wrong_type"),
    "another shape": (b'{"resourceType":"Observation"}', "missing_field"),
    "unknown type": (record(OXYGEN, type="oxigen"), "unknown_type"),
    "unknown field": (record(OXYGEN, flow=2), "unknown_field"),
    "missing field": (without(OXYGEN, "device"), "missing_field"),
    "no patient": (without(OXYGEN, "patient_id"), "missing_field"),
    "unknown device": (record(OXYGEN, device="nasal canula"), "unknown_device"),
    "device is a number": (record(OXYGEN, device=2), "wrong_type"),
    "number as string": (record(OXYGEN, flow_lpm="2"), "wrong_type"),
    "truth as number": (record(OXYGEN, flow_lpm=True), "wrong_type"),
    "nan": (record(OXYGEN, flow_lpm=math.nan), "not_finite"),
    "infinity": (record(OXYGEN, flow_lpm=math.inf), "not_finite"),
    "percent as fraction": (record(OXYGEN, fio2=40), "invalid_value"),
    "insane flow": (record(OXYGEN, flow_lpm=1e6), "invalid_value"),
    "empty id": (record(OXYGEN, event_id=""), "invalid_value"),
    "long id": (record(OXYGEN, patient_id="p" * 129), "invalid_value"),
    "id is a number": (record(OXYGEN, patient_id=7), "wrong_type"),
    "surrogate": (record(OXYGEN, source="\ud800"), "invalid_value"),
    "surrogate in a name": (record(OXYGEN, **{"\udfff": 1}), "invalid_value"),
    "key twice": (record(OXYGEN)[:-1] + b',"device":"niv"}', "invalid_value"),
    "key twice, spaced": (record(OXYGEN)[:-1] + b',"device"\t:"niv"}', "invalid_value"),
    "key twice in a reading": (
        record(VITALS).replace(b'"value": 97', b'"value": 97, "value": 88'),
        "invalid_value",
    ),
    "no offset": (record(OXYGEN, time="2026-03-10T12:00:00"), "time_without_offset"),
    "only a date": (record(OXYGEN, time="2026-03-10"), "time_without_offset"),
    "year 1": (record(OXYGEN, time="0001-03-10T12:00:00Z"), "time_out_of_range"),
    "year 9999": (record(OXYGEN, time="9999-03-10T12:00:00Z"), "time_out_of_range"),
    "year 3000": (record(OXYGEN, time="3000-01-01T00:00:00Z"), "time_out_of_range"),
    "received in year 9999": (
        record(OXYGEN, received_at="9999-03-10T12:00:00Z"),
        "time_out_of_range",
    ),
    "no such day": (record(OXYGEN, time="2026-02-30T12:00:00Z"), "invalid_value"),
    "leap second": (record(OXYGEN, time="2026-03-10T23:59:60Z"), "invalid_value"),
    "space in time": (record(OXYGEN, time="2026-03-10 12:00:00Z"), "invalid_value"),
    "epoch seconds": (record(OXYGEN, time=1_773_144_000), "wrong_type"),
    "epoch as text": (record(OXYGEN, time="1773144000"), "invalid_value"),
    "no time": (without(OXYGEN, "time"), "missing_field"),
    "no readings": (record(VITALS, readings=[]), "invalid_value"),
    "readings is an object": (record(VITALS, readings=GOOD), "wrong_type"),
    "17 readings": (record(VITALS, readings=[GOOD] * 17), "too_many_readings"),
    "tick": (b'{"type":"tick","time":"2026-03-10T12:00:00Z"}', "tick_not_accepted"),
    "tick of a patient": (record(OXYGEN, type="tick"), "unknown_field"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_record_is_refused_with_its_code(name):
    raw, code = REFUSED[name]
    intake = decode(raw)
    assert intake.event is None
    assert codes(intake) == [code]
    assert ReasonCode(code).advice
    assert 10 < len(intake.rejections[0].detail) < 1500


OTHERS = {
    "infusion agent": (
        {"type": "infusion", "agent": "dopamin", "rate": 1, "unit": "ug/min", "action": "start"},
        "unknown_agent",
        "perhaps dopamine",
    ),
    "infusion unit": (
        {"type": "infusion", "agent": "dopamine", "rate": 1, "unit": "mcg/min", "action": "start"},
        "unknown_unit",
        "ug/min",
    ),
    "negative rate": (
        {"type": "infusion", "agent": "dopamine", "rate": -1, "unit": "ug/min", "action": "start"},
        "invalid_value",
        "rate is -1",
    ),
    "no such birthday": (
        {"type": "patient", "birth_date": "1965-04-31"},
        "invalid_value",
        "1965-04-31",
    ),
    "ice out of range": ({"type": "neuro", "ice": 11}, "invalid_value", "ice is 11"),
    "ice is not whole": ({"type": "neuro", "ice": 7.5}, "wrong_type", "ice is 7.5"),
    "ends before it starts": (
        {
            "type": "attribution",
            "finding": "fever",
            "other_cause": "pneumonia",
            "by": "physician-1",
            "from": "2026-03-10T12:00:00Z",
            "until": "2026-03-10T12:00:00Z",
        },
        "invalid_value",
        "until must be later than from",
    ),
    "no other cause": (
        {
            "type": "attribution",
            "finding": "fever",
            "by": "physician-1",
            "from": "2026-03-10T12:00:00Z",
        },
        "missing_field",
        "other_cause",
    ),
    "until without offset": (
        {
            "type": "acknowledgement",
            "alert_id": "a",
            "by": "n",
            "action": "shelve",
            "until": "2026-03-10T12:00",
        },
        "time_without_offset",
        "until",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_faults_of_other_events_name_the_field(name):
    fields, code, said = OTHERS[name]
    intake = decode(record(without_device(), **fields))
    assert intake.event is None
    assert codes(intake) == [code]
    assert said in intake.rejections[0].detail


def test_ten_thousand_readings_are_refused_whatever_the_limit():
    raw = record(VITALS, readings=[GOOD] * 10_000)
    assert codes(decode(raw)) == ["too_large"]
    assert codes(decode(raw, max_bytes=10_000_000)) == ["too_many_readings"]


def test_who_it_was_is_told_where_it_can_be_read():
    rejection = decode(record(OXYGEN, device="x")).rejections[0]
    assert (rejection.event_id, rejection.patient_id) == ("e-2", "p-1")
    rejection = decode(record(OXYGEN, event_id=5, patient_id="\ud800" * 500)).rejections[0]
    assert rejection.event_id == ""
    assert rejection.patient_id == "?" * 128


def test_never_the_whole_payload_in_a_detail():
    rejection = decode(record(OXYGEN, device="secret " * 10_000)).rejections[0]
    assert rejection.detail.count("secret") < 12
    assert "70000 characters" in rejection.detail


def test_all_faults_are_told_at_once():
    rejection = decode(record(OXYGEN, device="x", fio2="a", flow_lpm=True, zz=1)).rejections[0]
    assert rejection.code == "unknown_device"
    for word in ("device", "flow_lpm", "fio2", "And 1 more."):
        assert word in rejection.detail


def test_texts_with_quotes_and_colons_do_no_harm():
    raw = record(OXYGEN, source='a":":"b')
    assert decode(raw).event.source == 'a":":"b'
    spaced = json.dumps(OXYGEN, separators=(" , ", " : "), indent=1).encode()
    assert decode(spaced).event == decode(record(OXYGEN)).event
