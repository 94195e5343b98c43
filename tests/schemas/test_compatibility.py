"""`breaking_changes` finds what breaks and lets pass what only adds."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from schemas.compatibility import breaking_changes
from schemas.generate import documents

INPUT = json.loads(documents()["input-event.schema.json"])
OUTPUT = json.loads(documents()["alert.schema.json"])


def changed(schema: dict[str, Any], model: str, change: Any) -> dict[str, Any]:
    new = copy.deepcopy(schema)
    change(new["$defs"][model])
    return new


def test_a_schema_breaks_nothing_of_itself():
    assert breaking_changes(INPUT, copy.deepcopy(INPUT), "input") == []
    assert breaking_changes(OUTPUT, copy.deepcopy(OUTPUT), "output") == []


INPUT_BREAKS = {
    "field removed": ("OxygenEvent", lambda m: m["properties"].pop("fio2"), "fio2 is gone"),
    "newly required": ("OxygenEvent", lambda m: m["required"].append("fio2"), "fio2 is now"),
    "word removed": ("Device", lambda m: m["enum"].remove("niv"), "'niv' is gone"),
    "unit removed": (
        "TemperatureReading",
        lambda m: m["properties"]["unit"]["enum"].remove("[degF]"),
        "'[degF]' is gone",
    ),
    "upper limit fell": (
        "LabEvent",
        lambda m: m["properties"]["value"].update(maximum=10),
        "maximum fell",
    ),
    "lower limit rose": (
        "LabEvent",
        lambda m: m["properties"]["value"].update(minimum=0),
        "minimum rose",
    ),
    "new limit": (
        "OxygenEvent",
        lambda m: m["properties"]["event_id"].update(pattern="^a"),
        "pattern is now",
    ),
    "shorter list": (
        "VitalsEvent",
        lambda m: m["properties"]["readings"].update(maxItems=8),
        "maxItems fell",
    ),
    "narrower type": (
        "LabEvent",
        lambda m: m["properties"]["value"].update(type="integer"),
        "type was number, is integer",
    ),
    "null refused": (
        "OxygenEvent",
        lambda m: m["properties"].update(fio2={"type": "number"}),
        "null is gone",
    ),
    "open list closed": (
        "MedicationEvent",
        lambda m: m["properties"]["agent"].update(enum=["tocilizumab"]),
        "now only a list of words",
    ),
}


@pytest.mark.parametrize("name", INPUT_BREAKS)
def test_narrowing_an_input_breaks(name):
    model, change, expected = INPUT_BREAKS[name]
    found = breaking_changes(INPUT, changed(INPUT, model, change), "input")
    assert len(found) >= 1
    assert any(expected in each for each in found), found


def test_removing_an_event_type_breaks():
    new = copy.deepcopy(INPUT)
    new["oneOf"] = [each for each in new["oneOf"] if each["$ref"] != "#/$defs/LabEvent"]
    assert breaking_changes(INPUT, new, "input") == ["the whole: type lab is gone"]


def test_refusing_unknown_fields_breaks():
    old = {"type": "object", "properties": {"a": {}}}
    new = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    assert breaking_changes(old, new) == ["the whole: unknown fields are now refused"]


@pytest.mark.parametrize(
    ("model", "change"),
    [
        ("OxygenEvent", lambda m: m["properties"].update(humidified={"type": "boolean"})),
        ("Device", lambda m: m["enum"].append("t_piece")),
        ("LabEvent", lambda m: m["properties"]["value"].pop("maximum")),
        ("VitalsEvent", lambda m: m["properties"]["readings"].update(maxItems=32)),
        ("LabEvent", lambda m: m["required"].remove("unit")),
        ("NeuroEvent", lambda m: m["properties"]["ice"]["anyOf"][0].update(type="number")),
    ],
)
def test_adding_to_an_input_breaks_nothing(model, change):
    assert breaking_changes(INPUT, changed(INPUT, model, change), "input") == []


OUTPUT_BREAKS = {
    "field removed": ("Reminder", lambda m: m["properties"].pop("citation"), "citation is gone"),
    "may be missing": ("Reminder", lambda m: m["required"].remove("text"), "text may now be"),
    "word removed": ("Priority", lambda m: m["enum"].remove("low"), "'low' is gone"),
    "wider type": (
        "Reminder",
        lambda m: m["properties"]["text"].update(type="array"),
        "type was string, is array",
    ),
    "null added": (
        "Reminder",
        lambda m: m["properties"].update(text={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "may now be null",
    ),
}


@pytest.mark.parametrize("name", OUTPUT_BREAKS)
def test_taking_from_an_output_breaks(name):
    model, change, expected = OUTPUT_BREAKS[name]
    found = breaking_changes(OUTPUT, changed(OUTPUT, model, change), "output")
    assert any(expected in each for each in found), found


def test_adding_to_an_output_breaks_nothing():
    new = changed(OUTPUT, "Reminder", lambda m: m["properties"].update(link={"type": "string"}))
    new["$defs"]["Priority"]["enum"].append("lowest")
    new["$defs"]["Note"] = {"type": "object", "properties": {"type": {"const": "note"}}}
    new["oneOf"].append({"$ref": "#/$defs/Note"})
    assert breaking_changes(OUTPUT, new, "output") == []
