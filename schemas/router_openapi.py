"""The OpenAPI 3.1 document of the router's endpoint: probes, metrics, people's answers."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from schemas import CONTRACT_VERSION
from schemas.acknowledgements import AcknowledgementAnswer, AcknowledgementRequest
from schemas.openapi import metrics_operation, probe_operation, refused_response

_PROBES = {
    "/livez": "Whether the process should go on; where not, start it anew.",
    "/readyz": "Whether every route reads and what is sent is written down.",
}
_ANSWERS = {
    "200": "Taken before; the same event was written once more.",
    "202": "Taken; `late` where the alert was superseded or its escalation closed before.",
    "404": "No alert of this id was said in the last two days.",
    "409": "It contradicts the alert, or what was sent before with this `event_id`.",
    "422": "No acknowledgement; the text names the field.",
    "503": "No broker has taken it: send it again.",
}
_TURNED_AWAY = {
    "400": "The body is not complete.",
    "401": "No token, or another one.",
    "403": "The router has no token, and takes no acknowledgements.",
    "411": "No Content-Length.",
    "413": "More than eight kilobytes.",
    "4XX": "No HTTP request, or another method.",
}


def router_openapi_document() -> dict[str, Any]:
    """The document, ready for JSON; the router serves it at /openapi.json."""
    _, models = models_json_schema(
        [(AcknowledgementRequest, "validation"), (AcknowledgementAnswer, "validation")],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stormwatch router",
            "version": f"{CONTRACT_VERSION}.0.0",
            "description": (
                "Bound to loopback unless told otherwise. Reading needs no authentication and tells"
                " nothing of a patient; answers to alerts need the token of the settings. A"
                " connection has three seconds for its request and three for the answer; of more"
                " than 32 connections the oldest is closed."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:9109"}],
        "paths": {
            "/metrics": {"get": metrics_operation()},
            **{path: {"get": probe_operation(path, text)} for path, text in _PROBES.items()},
            "/openapi.json": {"get": _this()},
            "/acknowledgements": {"post": _acknowledge()},
        },
        "components": {
            "schemas": models["$defs"],
            "responses": {"Refused": refused_response()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _this() -> dict[str, Any]:
    return {
        "operationId": "openapi",
        "summary": "This document.",
        "responses": {
            "200": {
                "description": "The document.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "4XX": {"$ref": "#/components/responses/Refused"},
        },
    }


def _acknowledge() -> dict[str, Any]:
    said = {"application/json": {"schema": {"$ref": "#/components/schemas/AcknowledgementAnswer"}}}
    plain = {"text/plain": {"schema": {"type": "string", "minLength": 1}}}
    return {
        "operationId": "acknowledge",
        "summary": "A person's answer to an alert, for the topic `care`.",
        "security": [{"token": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/AcknowledgementRequest"}
                }
            },
        },
        "responses": {
            **{code: {"description": text, "content": said} for code, text in _ANSWERS.items()},
            **{
                code: {"description": text, "content": plain} for code, text in _TURNED_AWAY.items()
            },
        },
    }
