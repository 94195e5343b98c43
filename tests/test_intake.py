"""Records at the edge: good ones become engine events, bad ones coded rejections, none an error."""

from __future__ import annotations

import copy
import dataclasses
import json
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
from schemas.vocabulary import UNITS
from stream.engine import events as engine
from stream.intake import HOUR, Intake, decode
from tests.intake_records import OXYGEN, VITALS, codes, reading, record, without_device

NOON = 1_773_144_000_000_000  # 2026-03-10T12:00:00Z
VECTORS = Path(__file__).parent / "vectors"
EXAMPLES = {
    path.stem: path.read_bytes()
    for path in sorted((DIRECTORY / "examples").glob("*.json"))
    if json.loads(path.read_bytes()).get("type") in INPUT_MODELS
}


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
thorough = settings(calm, max_examples=60)


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
