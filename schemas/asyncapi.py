"""The AsyncAPI 3.0.0 document: topics, what they carry, and their Kafka bindings."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from schemas import CE_TYPE_PREFIX, CONTRACT_VERSION, SCHEMA_BASE
from schemas.alerts import OUTPUT_MODELS
from schemas.deadletter import DeadLetter
from schemas.delivery import Delivery, Undelivered
from schemas.events import INPUT_MODELS
from schemas.status import Status

BINDING_VERSION = "0.5.0"

_TOPICS = {
    "vitals": ("receive", "High-rate measurements; takes any input event."),
    "care": ("receive", "Everything else that is said about a patient; takes any input event."),
    "alerts": ("send", "What Stormwatch says about patients, as CloudEvents in binary mode."),
    "deadletter": ("send", "What could not be taken, with its original bytes and a coded reason."),
    "audit": ("send", "What the router did with alerts: to whom, when, with what answer."),
    "undelivered": ("send", "Dead letters of one route; the address ends in the route's name."),
    "status": ("send", "The newest state of each patient; compacted, for boards."),
}
_SAME_PARTITIONS = " Keyed by patient_id; all keyed topics have the same number of partitions."


def asyncapi_document() -> dict[str, Any]:
    """The document, ready for JSON. Payloads are `$ref`s to the JSON Schemas beside it."""
    carried = {
        "vitals": [name for name in INPUT_MODELS if name != "tick"],
        "care": [name for name in INPUT_MODELS if name != "tick"],
        "alerts": list(OUTPUT_MODELS),
        "deadletter": ["deadletter"],
        "audit": ["delivery"],
        "undelivered": ["undelivered"],
        "status": ["status"],
    }
    return {
        "asyncapi": "3.0.0",
        "id": "urn:dev:stormwatch",
        "info": {
            "title": "Stormwatch",
            "version": f"{CONTRACT_VERSION}.0.0",
            "description": (
                "Real-time monitor for cytokine release syndrome. Research software; not for"
                " clinical use. Unknown fields are refused on input and to be tolerated on output."
                " Topics may bear a prefix of the site."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, names) for topic, names in carried.items()},
        "operations": {
            f"{action}-{topic}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic}"},
                "summary": text,
            }
            for topic, (action, text) in _TOPICS.items()
        },
        "components": {
            "messages": {
                **{name: _message(name, model) for name, model in INPUT_MODELS.items()},
                **{
                    name: {
                        **_message(name, model),
                        "headers": {"$ref": "#/components/schemas/cloudevent-headers"},
                    }
                    for name, model in OUTPUT_MODELS.items()
                },
                "deadletter": _message("deadletter", DeadLetter),
                "delivery": _message("delivery", Delivery),
                "undelivered": _message("undelivered", Undelivered),
                "status": _message("status", Status),
            },
            "schemas": {"cloudevent-headers": _cloudevent_headers()},
        },
    }


def _channel(topic: str, names: list[str]) -> dict[str, Any]:
    policy = "compact" if topic == "status" else "delete"
    return {
        "address": topic,
        "description": _TOPICS[topic][1] + _SAME_PARTITIONS,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic,
                "topicConfiguration": {"cleanup.policy": [policy]},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _message(name: str, model: type) -> dict[str, Any]:
    key = "The original record's key." if name == "deadletter" else "The patient_id, in UTF-8."
    summary, _, more = cleandoc(model.__doc__ or "").partition("\n\n")
    described = {"description": more} if more else {}
    return {
        "name": name,
        "title": name,
        "summary": summary,
        **described,
        "contentType": "application/json",
        "payload": {"$ref": f"./{name}.schema.json"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": key},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _cloudevent_headers() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    prefix = CE_TYPE_PREFIX.replace(".", r"\.")
    return {
        "type": "object",
        "title": "CloudEvents 1.0 attributes, Kafka binding, binary mode",
        "description": "Header values are UTF-8 text; the record's value is the alert itself.",
        "required": ["content-type", "ce_specversion", "ce_id", "ce_source", "ce_type"],
        "properties": {
            "content-type": {"type": "string", "const": "application/json"},
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_id": {**text, "description": "The alert_id."},
            "ce_source": {**text, "format": "uri-reference", "description": "Who computed it."},
            "ce_type": {
                "type": "string",
                "pattern": rf"^{prefix}.+\.v{CONTRACT_VERSION}$",
                "description": "Such as dev.stormwatch.grade.changed.v1.",
            },
            "ce_time": {"type": "string", "format": "date-time", "description": "emitted_time."},
            "ce_subject": {**text, "description": "The patient_id."},
            "ce_dataschema": {
                "type": "string",
                "format": "uri",
                "description": f"Such as {SCHEMA_BASE}grade.changed.schema.json.",
            },
        },
    }
