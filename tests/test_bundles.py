"""A bundle at the edge: its events one by one, and each fault where it belongs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.events import INPUT_ADAPTER, MAX_EVENTS
from stream.gateways.bundling import bundled
from stream.gateways.replay_sink import outgoing
from stream.intake import MAX_BYTES, decode

NOON = 1_773_144_000_000_000  # 2026-03-10T12:00:00Z


def heart_rate(number: int, patient: str = "p-1", **changes: Any) -> dict[str, Any]:
    return {
        "type": "vitals",
        "event_id": f"e-{number}",
        "patient_id": patient,
        "time": f"2026-03-10T12:00:{number % 60:02}Z",
        "readings": [{"signal": "heart_rate", "value": 80 + number % 60, "unit": "/min"}],
        **changes,
    }


def bundle(*events: Any, **changes: Any) -> bytes:
    return json.dumps({"type": "bundle", "patient_id": "p-1", "events": events, **changes}).encode()


def reasons(raw: bytes, **checks: Any) -> list[tuple[str, str]]:
    """Code and detail of all that is refused of a record."""
    parts = decode(raw, **checks).each
    return [(each.code, each.detail) for part in parts for each in part.rejections]


OXYGEN = {
    "type": "oxygen",
    "event_id": "o-1",
    "patient_id": "p-1",
    "time": "2026-03-10T12:00:00Z",
    "device": "room_air",
}
EVENTS = [heart_rate(1), OXYGEN, heart_rate(2)]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_bundle_is_its_events_in_order(indent):
    raw = json.dumps(json.loads(bundle(*EVENTS)), indent=indent).encode()
    alone = [decode(json.dumps(event).encode()).event for event in EVENTS]
    intake = decode(raw, key=b"p-1", key_required=True, now=NOON)
    assert [part.event for part in intake.parts] == alone
    assert [part.place for part in intake.parts] == [0, 1, 2]
    assert intake.event is None
    assert reasons(raw) == []
    INPUT_ADAPTER.validate_json(raw)


NAN = {"signal": "heart_rate", "value": float("nan"), "unit": "/min"}
BAD_INSIDE: dict[str, tuple[Any, str, str]] = {
    "no event": (17, "not_an_object", "expected a JSON object"),
    "without a device": ({**OXYGEN, "device": None}, "wrong_type", "device is null"),
    "of another patient": (heart_rate(3, "p-22"), "key_mismatch", "the bundle's patient_id (3"),
    "a bundle": (json.loads(bundle(OXYGEN)), "unknown_type", 'type is "bundle"'),
    "a tick": ({"type": "tick", "time": OXYGEN["time"]}, "tick_not_accepted", "type is tick"),
    "not a number": (heart_rate(3, readings=[NAN]), "not_finite", "readings[0].value is nan"),
    "no unit": (
        heart_rate(3, readings=[{"signal": "heart_rate", "value": 80}]),
        "unit_missing",
        "readings[0].unit is missing",
    ),
    "ahead": (
        heart_rate(3, time="2026-03-10T15:00:00Z"),
        "time_in_future",
        "2.0 h after the wall clock",
    ),
}


@pytest.mark.parametrize("name", BAD_INSIDE)
def test_a_bad_event_is_set_aside_alone_with_its_place(name):
    bad, code, detail = BAD_INSIDE[name]
    raw = bundle(EVENTS[0], bad, EVENTS[2])
    ((found, text),) = reasons(raw, key=b"p-1", now=NOON + 3_600_000_000, accept_ticks=True)
    assert found == code
    assert text.startswith("events[1]: ")
    assert detail in text
    good = [part.event.event_id for part in decode(raw, now=NOON).parts if part.event is not None]
    assert [each for each in good if each != "e-3"] == ["e-1", "e-2"]


def test_a_field_twice_in_one_event_refuses_that_event_only():
    raw = bundle(*EVENTS).replace(b'"device"', b'"event_id": "o-2", "device"')
    ((code, detail),) = reasons(raw)
    assert (code, detail) == (
        "invalid_value",
        'events[1]: the field "event_id" is there twice in one object; send it once',
    )


def test_a_place_never_gets_into_the_chart():
    """What the engine keeps of a bad reading is the same as without a bundle."""
    event = BAD_INSIDE["no unit"][0]
    (part,) = decode(bundle(event)).parts
    assert part.event == decode(json.dumps(event).encode()).event


BAD_ENVELOPES: dict[str, tuple[bytes, str, str]] = {
    "no events": (bundle(), "invalid_value", "events is a list of 0"),
    "events as text": (bundle(events="e-1"), "wrong_type", 'events is "e-1"'),
    "events missing": (b'{"type":"bundle","patient_id":"p-1"}', "missing_field", "events is"),
    "too many": (
        bundle(*[heart_rate(n) for n in range(MAX_EVENTS + 1)]),
        "too_many_items",
        f"events holds {MAX_EVENTS + 1} events",
    ),
    "no patient": (bundle(*EVENTS, patient_id=None), "wrong_type", "patient_id is null"),
    "another field": (bundle(*EVENTS, event_id="b-1"), "unknown_field", "event_id"),
    "a field twice": (
        bundle(*EVENTS).replace(b'"events"', b'"patient_id": "p-1", "events"', 1),
        "invalid_value",
        "is there twice",
    ),
    "another key": (bundle(*EVENTS, patient_id="p-22"), "key_mismatch", "the record's key (3"),
    "cut short": (bundle(*EVENTS)[:-20], "not_json", "the record is not JSON"),
    "large": (bundle(heart_rate(1, source="x" * MAX_BYTES)), "too_large", "bytes"),
    "deep": (bundle(0).replace(b"0]", b"[" * 3000 + b"]" * 3001), "too_deep", "nests deeper"),
}


@pytest.mark.parametrize("name", BAD_ENVELOPES)
def test_a_bad_envelope_is_one_dead_letter(name):
    raw, code, detail = BAD_ENVELOPES[name]
    ((found, text),) = reasons(raw, key=b"p-1")
    assert found == code
    assert detail in text


# -- the gateway --------------------------------------------------------------------------------


def ids(record: bytes) -> list[str]:
    content = json.loads(record)
    events = content["events"] if content["type"] == "bundle" else [content]
    return [event["event_id"] for event in events]


def test_what_comes_of_a_patient_within_the_time_is_one_record():
    feed = [heart_rate(n, f"p-{n % 2}") for n in (0, 1, 2, 3, 5, 7, 8)]
    records = list(bundled(feed, 2))
    assert [ids(record) for record in records] == [["e-0", "e-2"], ["e-1", "e-3"], ["e-5", "e-7"],
                                                   ["e-8"]]  # fmt: skip
    assert json.loads(records[-1]) == feed[-1]
    first = outgoing(records[0])
    assert (first.patient_id, first.received_at) == ("p-0", outgoing(feed[2]).received_at)


def test_a_bundle_is_never_longer_than_the_contract_lets_it_be():
    many = [heart_rate(0, event_id=f"e-{n}") for n in range(MAX_EVENTS + 1)]
    assert [len(ids(record)) for record in bundled(many, 9)] == [MAX_EVENTS, 1]
    large = [heart_rate(n, source="x" * (MAX_BYTES // 3)) for n in range(4)]
    records = list(bundled(large, 9))
    assert [ids(record) for record in records] == [["e-0", "e-1"], ["e-2", "e-3"]]
    assert max(map(len, records)) <= MAX_BYTES


def test_two_routes_have_bundles_of_their_own():
    feed = [heart_rate(1), heart_rate(2), OXYGEN, heart_rate(3)]
    records = list(bundled(feed, 9, split=True))
    assert [ids(record) for record in records] == [["e-1", "e-2"], ["o-1"], ["e-3"]]
    assert [outgoing(record).vitals for record in records] == [True, False, True]
    assert not outgoing(bundle(*EVENTS)).vitals


def test_ticks_bundles_and_unreadable_lines_pass_as_they_are():
    tick = b'{"type":"tick","time":"2026-03-10T12:00:02Z"}'
    odd = json.dumps(heart_rate(4)).encode("utf-16")
    whole = bundle(heart_rate(5))
    feed = [heart_rate(1), b"no event", tick, heart_rate(2), odd, whole, heart_rate(6)]
    records = list(bundled(feed, 60))
    assert [r for r in records if r in (b"no event", tick, odd, whole)] == [
        b"no event", tick, odd, whole,
    ]  # fmt: skip
    assert records.index(tick) == 2
    assert ids(records[3]) == ["e-2"]
