"""The committed schemas, the AsyncAPI document and the golden examples agree with the models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from schemas import SCHEMA_BASE
from schemas.alerts import OUTPUT_ADAPTER, OUTPUT_MODELS
from schemas.compatibility import breaking_changes
from schemas.deadletter import DeadLetter
from schemas.delivery import Delivery, Undelivered
from schemas.events import INPUT_ADAPTER, INPUT_MODELS
from schemas.generate import DIRECTORY, documents, drift, write
from schemas.status import Status

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = sorted((DIRECTORY / "examples").glob("*.json"))


OTHERS = {
    "deadletter": DeadLetter,
    "delivery": Delivery,
    "undelivered": Undelivered,
    "status": Status,
}


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def schema_names() -> list[str]:
    return [path for path in documents() if path.endswith(".schema.json")]


def test_committed_files_are_what_the_models_say():
    assert drift(DIRECTORY) == []


def test_drift_tells_of_missing_changed_and_leftover_files(tmp_path):
    write(tmp_path)
    assert drift(tmp_path) == []
    (tmp_path / "vitals.schema.json").unlink()
    (tmp_path / "status.schema.json").write_text("{}")
    (tmp_path / "gone.schema.json").write_text("{}")
    assert drift(tmp_path) == [
        "vitals.schema.json is missing",
        "status.schema.json is not what the models say",
        "gone.schema.json is generated no more",
    ]


@pytest.mark.parametrize("name", schema_names())
def test_schemas_are_valid_described_and_carry_the_major_version(name):
    schema = load(DIRECTORY / name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == SCHEMA_BASE + name
    assert "/v1/" in schema["$id"]
    assert schema["title"]
    for place, field in fields_of(schema):
        assert field.get("description"), f"{name}: {place} has no description"


def fields_of(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    models = [schema, *schema.get("$defs", {}).values()]
    return [
        (f"{model.get('title')}.{name}", field)
        for model in models
        for name, field in model.get("properties", {}).items()
    ]


# -- golden examples --------------------------------------------------------------------------


def kind_of(example: dict[str, Any]) -> str:
    return example.get("type", "status").replace("delivery.delivered", "delivery")


def test_there_is_an_example_of_every_type():
    kinds = {kind_of(load(path)) for path in EXAMPLES}
    assert kinds == {*INPUT_MODELS, *OUTPUT_MODELS, *OTHERS}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_stay_valid_by_the_models(path):
    raw, kind = path.read_bytes(), kind_of(load(path))
    if kind in INPUT_MODELS:
        assert INPUT_ADAPTER.validate_json(raw).type == kind
    elif kind in OUTPUT_MODELS:
        alert = OUTPUT_ADAPTER.validate_json(raw)
        assert alert.type == kind
        assert not alert.model_extra
    else:
        assert not OTHERS[kind].model_validate_json(raw).model_extra


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_stay_valid_by_the_committed_schemas(path):
    example = load(path)
    kind = kind_of(example)
    union = "input-event" if kind in INPUT_MODELS else "alert" if kind in OUTPUT_MODELS else kind
    for name in {kind, union}:
        schema = load(DIRECTORY / f"{name}.schema.json")
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        jsonschema.Draft202012Validator(schema, format_checker=checker).validate(example)


@pytest.mark.parametrize("kind", OUTPUT_MODELS)
def test_readers_of_alerts_tolerate_unknown_fields(kind):
    example = load(DIRECTORY / "examples" / f"{kind}.json")
    example["added_in_a_later_release"] = {"nested": [1]}
    assert OUTPUT_ADAPTER.validate_json(json.dumps(example)).type == kind
    schema = load(DIRECTORY / f"{kind}.schema.json")
    jsonschema.Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("kind", INPUT_MODELS)
def test_schemas_and_models_refuse_unknown_fields_of_inputs(kind):
    example = load(DIRECTORY / "examples" / f"{kind}.json")
    example["extra"] = 1
    with pytest.raises(ValueError, match="extra"):
        INPUT_ADAPTER.validate_json(json.dumps(example))
    schema = load(DIRECTORY / f"{kind}.schema.json")
    assert not jsonschema.Draft202012Validator(schema).is_valid(example)


# -- promises ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "direction"),
    [("input-event", "input"), ("alert", "output"), ("deadletter", "output"), ("status", "output")],
)
def test_nothing_that_was_promised_is_broken(name, direction):
    promised = load(DIRECTORY / "baseline" / f"{name}.schema.json")
    now = json.loads(documents()[f"{name}.schema.json"])
    assert breaking_changes(promised, now, direction) == []


# -- AsyncAPI ---------------------------------------------------------------------------------


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for inner in node.values() for ref in references(inner)]
    if isinstance(node, list):
        return [ref for inner in node for ref in references(inner)]
    return []


def resolve(document: dict[str, Any], reference: str) -> object:
    path, _, pointer = reference.partition("#")
    found: Any = load(DIRECTORY / path) if path else document
    for part in pointer.split("/")[1:]:
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def test_every_reference_of_the_asyncapi_document_resolves():
    document = load(DIRECTORY / "asyncapi.json")
    found = references(document)
    assert len(found) > 50
    for reference in found:
        assert resolve(document, reference)


def test_the_asyncapi_document_speaks_of_every_topic_and_type():
    document = load(DIRECTORY / "asyncapi.json")
    assert document["asyncapi"] == "3.0.0"
    topics = {"vitals", "care", "alerts", "deadletter", "audit", "undelivered", "status"}
    assert set(document["channels"]) == topics
    inputs = set(INPUT_MODELS) - {"tick"}
    assert set(document["channels"]["vitals"]["messages"]) == inputs
    assert set(document["channels"]["care"]["messages"]) == inputs
    assert set(document["channels"]["alerts"]["messages"]) == set(OUTPUT_MODELS)
    actions = {key: each["action"] for key, each in document["operations"].items()}
    assert actions == {
        "receive-vitals": "receive",
        "receive-care": "receive",
        "send-alerts": "send",
        "send-deadletter": "send",
        "send-audit": "send",
        "send-undelivered": "send",
        "send-status": "send",
    }
    for channel in document["channels"].values():
        assert channel["bindings"]["kafka"]["bindingVersion"] == "0.5.0"
    status = document["channels"]["status"]["bindings"]["kafka"]["topicConfiguration"]
    assert status["cleanup.policy"] == ["compact"]
    for name in OUTPUT_MODELS:
        headers = resolve(document, document["components"]["messages"][name]["headers"]["$ref"])
        assert {"ce_id", "ce_source", "ce_type", "ce_specversion"} <= set(headers["required"])
