"""Records at the edge: good ones become engine events, bad ones coded rejections, none an error."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.deadletter import ReasonCode
from schemas.events import INPUT_ADAPTER, INPUT_MODELS, SINGLE_MODELS
from schemas.flags import Flag
from schemas.generate import DIRECTORY
from schemas.readings import PressureReading, RateReading, SaturationReading, TemperatureReading
from schemas.vocabulary import UNITS, AlertType, EventType
from stream.engine import events as engine
from stream.intake import HOUR, Intake, decode

NOON = 1_773_144_000_000_000  # 2026-03-10T12:00:00Z
VECTORS = Path(__file__).parent / "vectors"
GOOD = {"signal": "spo2", "value": 97, "unit": "%"}
EXAMPLES = {
    path.stem: path.read_bytes()
    for path in sorted((DIRECTORY / "examples").glob("*.json"))
    if json.loads(path.read_bytes()).get("type") in INPUT_MODELS
}
VITALS = {
    "type": "vitals",
    "event_id": "e-1",
    "patient_id": "p-1",
    "time": "2026-03-10T12:00:00Z",
    "readings": [{"signal": "temperature", "value": 38.4, "unit": "Cel", "site": "oral"}, GOOD],
}
OXYGEN = {
    "type": "oxygen",
    "event_id": "e-2",
    "patient_id": "p-1",
    "time": "2026-03-10T12:00:00Z",
    "device": "nasal_cannula",
}


def record(base: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**base, **changes}).encode()


def without(base: dict[str, Any], field: str) -> bytes:
    return json.dumps({name: value for name, value in base.items() if name != field}).encode()


def reading(**changes: Any) -> bytes:
    return record(VITALS, readings=[{**GOOD, **changes}, GOOD])


def codes(intake: Intake) -> list[str]:
    return [rejection.code for rejection in intake.rejections]


# -- good events ------------------------------------------------------------------------------


def test_a_good_vitals_event():
    intake = decode(record(VITALS, received_at="2026-03-10T13:00:00.25+01:00", source="m"))
    assert intake == Intake(
        engine.Vitals(
            event_id="e-1",
            patient_id="p-1",
            time=NOON,
            received_at=NOON + 250_000,
            source="m",
            readings=(
                engine.Reading("temperature", 38.4, "oral"),
                engine.Reading("spo2", 97.0),
            ),
        )
    )


def test_defaults_are_the_engines():
    assert decode(record(OXYGEN, reason=None)).event == engine.Oxygen(
        event_id="e-2", patient_id="p-1", time=NOON, device="nasal_cannula", reason="hypoxia"
    )


def test_attribution_start_and_the_null_that_withdraws():
    raw = record(
        without_device(),
        type="attribution",
        finding="fever",
        other_cause=None,
        by="physician-1",
        **{"from": "2026-03-10T11:00:00Z"},
    )
    event = decode(raw).event
    assert isinstance(event, engine.Attribution)
    assert event.start == NOON - HOUR
    assert event.other_cause is None


def without_device() -> dict[str, Any]:
    return {name: value for name, value in OXYGEN.items() if name != "device"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_golden_inputs_become_engine_events_of_plain_types(name):
    for intake in decode(EXAMPLES[name], accept_ticks=True).each:
        assert intake.rejections == ()
        assert intake.event is not None
        for field in dataclasses.fields(intake.event):
            value = getattr(intake.event, field.name)
            assert type(value) in {str, int, float, bool, tuple, type(None)}, field.name
        if isinstance(intake.event, engine.Vitals):
            for each in intake.event.readings:
                assert {type(getattr(each, f.name)) for f in dataclasses.fields(each)} <= {
                    str,
                    float,
                    type(None),
                }


def test_the_engine_has_every_field_of_the_wire():
    kinds = {each.__name__.lower(): each for each in engine.PatientEvent.__args__}
    for name, model in SINGLE_MODELS.items():
        if name == "tick":
            continue
        wire = set(model.model_fields) - {"type"}
        assert {field.name for field in dataclasses.fields(kinds[name])} - {"bad", "usable"} == wire


def test_vocabularies_agree_with_the_models():
    assert set(EventType) == set(INPUT_MODELS)
    assert len(AlertType) == 15
    by_signal = {}
    for model in (TemperatureReading, RateReading, SaturationReading, PressureReading):
        for signal in model.model_fields["signal"].annotation.__args__:
            by_signal[signal] = model.model_fields["unit"].annotation.__args__
    assert by_signal == {str(signal): tuple(map(str, units)) for signal, units in UNITS.items()}


@pytest.mark.parametrize("word", [*ReasonCode, *Flag])
def test_every_code_has_one_sentence(word):
    sentence = word.advice if isinstance(word, ReasonCode) else word.meaning
    assert sentence[0].isupper()
    assert sentence.endswith((".", "?"))


# -- units ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fahrenheit", "celsius"),
    [(100.4, 38.0), (101.3, 38.5), (98.6, 37.0), (32, 0.0), (-40, -40.0), (104, 40.0)],
)
def test_fahrenheit_is_converted_exactly(fahrenheit, celsius):
    raw = reading(signal="temperature", value=fahrenheit, unit="[degF]")
    assert decode(raw).event.readings[0].value == celsius


@pytest.mark.parametrize("fahrenheit", [100.3, 100.39, 100.399999999999])
def test_just_below_the_limit_stays_below(fahrenheit):
    raw = reading(signal="temperature", value=fahrenheit, unit="[degF]")
    assert decode(raw).event.readings[0].value < 38.0


def test_kilopascals_are_converted_with_the_factor_of_ucum():
    raw = reading(signal="systolic_bp", value=13.3322, unit="kPa", method="cuff")
    assert decode(raw).event.readings[0] == engine.Reading("systolic_bp", 100.0, None, "cuff")


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


# -- key, clock, ticks --------------------------------------------------------------------------


def test_the_key_must_be_the_patient():
    raw = record(OXYGEN, patient_id="p-ü")
    assert decode(raw, key="p-ü".encode(), key_required=True).event is not None
    assert decode(raw).event is not None
    for key in (b"", b"p", b"P-\xc3\xbc", "p-ü".encode("latin-1"), b"p-\xc3\xbc "):
        assert codes(decode(raw, key=key)) == ["key_mismatch"]
    assert codes(decode(raw, key_required=True)) == ["key_mismatch"]


def test_a_time_in_the_future():
    two_days = record(OXYGEN, time="2026-03-12T12:00:00Z")
    intake = decode(two_days, now=NOON)
    assert codes(intake) == ["time_in_future"]
    assert "48.0 h after the wall clock" in intake.rejections[0].detail
    assert decode(two_days).event is not None  # a file: no clock to compare with
    late_clock = record(OXYGEN, time="2026-03-12T12:00:00Z", received_at="2026-03-10T12:00:00Z")
    assert codes(decode(late_clock)) == ["time_in_future"]
    replayed = record(OXYGEN, time="2126-03-10T12:00:00Z", received_at="2126-03-10T12:00:00Z")
    assert decode(replayed, now=NOON).event is not None


def test_the_edge_of_the_future():
    raw = record(OXYGEN)
    assert decode(raw, now=NOON - HOUR).event is not None
    assert codes(decode(raw, now=NOON - HOUR - 1)) == ["time_in_future"]
    assert codes(decode(raw, now=NOON - 1, max_ahead=0)) == ["time_in_future"]


def test_ticks_come_from_files_only():
    raw = b'{"type":"tick","event_id":"t","time":"2026-03-10T12:00:00Z"}'
    assert codes(decode(raw)) == ["tick_not_accepted"]
    assert decode(raw, accept_ticks=True).event == engine.Tick(NOON, "t")
    assert decode(raw, accept_ticks=True, key=b"x", key_required=True).event == engine.Tick(NOON)


# -- clinical vectors ---------------------------------------------------------------------------


def events_of(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        if "type" in node and "time" in node:
            return [node]
        return [event for inner in node.values() for event in events_of(inner)]
    if isinstance(node, list):
        return [event for inner in node for event in events_of(inner)]
    return []


def test_every_clinical_vector_decodes():
    files = sorted(VECTORS.glob("*.json"))
    if not files:
        pytest.skip("no vectors in tests/vectors")
    events = [event for file in files for event in events_of(json.loads(file.read_text("utf-8")))]
    assert len(events) > 500
    aside = []
    for event in events:
        intake = decode(json.dumps(event).encode(), accept_ticks=True)
        assert intake.event is not None, event["event_id"]
        aside += [(rejection.event_id, rejection.code) for rejection in intake.rejections]
    assert aside == [("V68-05", "unit_missing")]


# -- whatever comes -----------------------------------------------------------------------------

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from(["NaN", "1", "2026-03-10T12:00:00Z", "0000-00-00T00:00:00Z", "spo2", "%"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=8), inner)
    ),
    max_leaves=8,
)


calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
thorough = settings(calm, max_examples=150)


def check(raw: bytes) -> None:
    for now in (None, NOON):
        for intake in decode(raw, key=b"p-7f3a91", now=now, accept_ticks=True).each:
            assert intake.event is not None or len(intake.rejections) == 1
            for rejection in intake.rejections:
                assert rejection.code == ReasonCode(rejection.code)
                assert rejection.code != ReasonCode.INTERNAL
                assert len(rejection.detail) < 2000
                f"{rejection}".encode()


@calm
@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(raw):
    check(raw)


@calm
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_arbitrary_text_never_raises(text):
    check(text.encode())


@calm
@given(JSON_VALUES)
def test_arbitrary_json_never_raises(value):
    check(json.dumps(value).encode())


@thorough
@given(st.sampled_from(list(EXAMPLES.values())), st.data())
def test_mutated_bytes_never_raise(raw, data):
    mutated = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        if data.draw(st.booleans()):
            mutated[place] = data.draw(st.integers(0, 255))
        else:
            del mutated[place : place + data.draw(st.integers(1, 10))]
        if not mutated:
            break
    check(bytes(mutated))


@thorough
@given(st.sampled_from(list(EXAMPLES.values())), st.data())
def test_mutated_events_never_raise_and_agree_with_the_models(raw, data):
    event = copy.deepcopy(json.loads(raw))
    target = event
    if "readings" in event and data.draw(st.booleans()):
        target = data.draw(st.sampled_from(event["readings"]))
    names = st.sampled_from(sorted(target)) | st.text(max_size=8)
    for name in data.draw(st.lists(names, min_size=1, max_size=3)):
        if data.draw(st.booleans()):
            target.pop(name, None)
        else:
            target[name] = data.draw(JSON_VALUES)
    mutated = json.dumps(event).encode()
    check(mutated)
    parts = decode(mutated, accept_ticks=True).each
    if all(part.event is not None and not part.rejections for part in parts):
        INPUT_ADAPTER.validate_json(mutated)
