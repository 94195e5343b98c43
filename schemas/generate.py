"""Writes the contract as JSON Schema 2020-12, AsyncAPI 3.0 and OpenAPI 3.1: `schemas/v1/`.

`python -m schemas.generate` writes; `drift` tells what is not as the models would write it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from schemas import CONTRACT_VERSION, SCHEMA_BASE
from schemas.alerts import OUTPUT_ADAPTER, OUTPUT_MODELS
from schemas.asyncapi import asyncapi_document
from schemas.deadletter import DeadLetter
from schemas.delivery import Delivery, Undelivered
from schemas.events import INPUT_ADAPTER, INPUT_MODELS
from schemas.openapi import openapi_document
from schemas.router_openapi import router_openapi_document
from schemas.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

DIALECT = GenerateJsonSchema.schema_dialect
DIRECTORY = Path(__file__).parent / f"v{CONTRACT_VERSION}"


def documents() -> dict[str, str]:
    """Every generated file: path relative to `DIRECTORY` to its text."""
    files = {
        f"{name}.schema.json": _schema(name, adapter, title) for name, adapter, title in _roots()
    }
    files["asyncapi.json"] = _text(asyncapi_document())
    files["openapi.json"] = _text(openapi_document())
    files["openapi-router.json"] = _text(router_openapi_document())
    return files


def write(directory: Path = DIRECTORY) -> None:
    """Write every generated file; nothing else in `directory` is touched."""
    directory.mkdir(parents=True, exist_ok=True)
    for path, text in documents().items():
        (directory / path).write_text(text, encoding="utf-8")


def drift(directory: Path = DIRECTORY) -> list[str]:
    """One sentence per committed file that is missing, different, or no longer generated."""
    expected = documents()
    found: list[str] = []
    for path, text in expected.items():
        file = directory / path
        if not file.is_file():
            found.append(f"{path} is missing")
        elif file.read_text(encoding="utf-8") != text:
            found.append(f"{path} is not what the models say")
    committed = {file.name for file in directory.glob("*.json")}
    found.extend(f"{name} is generated no more" for name in sorted(committed - expected.keys()))
    return found


def _roots() -> Iterator[tuple[str, TypeAdapter[Any], str]]:
    for name, model in INPUT_MODELS.items():
        yield name, TypeAdapter(model), f"Input event {name}"
    yield "input-event", INPUT_ADAPTER, "Any input event"
    for name, alert in OUTPUT_MODELS.items():
        yield name, TypeAdapter(alert), f"Output event {name}"
    yield "alert", OUTPUT_ADAPTER, "Any output event of the topic alerts"
    yield "deadletter", TypeAdapter(DeadLetter), "Dead letter"
    yield "delivery", TypeAdapter(Delivery), "What the router did with alerts"
    yield "undelivered", TypeAdapter(Undelivered), "Dead letter of a route"
    yield "status", TypeAdapter(Status), "Newest state of a patient"


def _schema(name: str, adapter: TypeAdapter[Any], title: str) -> str:
    body = adapter.json_schema(by_alias=True, mode="validation")
    body.pop("title", None)
    _without_discriminators(body)
    head = {"$schema": DIALECT, "$id": f"{SCHEMA_BASE}{name}.schema.json", "title": title}
    return _text({**head, **body})


def _without_discriminators(schema: object) -> None:
    """Drop OpenAPI's `discriminator`: JSON Schema has no such word, AsyncAPI another one."""
    if isinstance(schema, dict):
        if isinstance(schema.get("oneOf"), list):
            schema.pop("discriminator", None)
        for inner in schema.values():
            _without_discriminators(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _without_discriminators(inner)


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else DIRECTORY)
