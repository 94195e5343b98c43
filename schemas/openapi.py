"""The OpenAPI 3.1 document of a worker's endpoint: probes and metrics, nothing of a patient."""

from __future__ import annotations

from typing import Any

from schemas import CONTRACT_VERSION

_PROBES = {
    "/livez": "Whether the process should go on; where not, start it anew.",
    "/readyz": "Whether its tables are restored and it does its work now.",
    "/health": "An older name of /livez.",
    "/health/live": "An older name of /livez.",
    "/health/ready": "An older name of /readyz.",
}


def openapi_document() -> dict[str, Any]:
    """The document, ready for JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stormwatch worker",
            "version": f"{CONTRACT_VERSION}.0.0",
            "description": (
                "Bound to loopback unless told otherwise, read-only and without authentication. A"
                " connection has three seconds for its request and three for the answer; a request"
                " may have eight kilobytes; of more than 32 connections the oldest is closed."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:9108"}],
        "paths": {
            "/metrics": {"get": metrics_operation()},
            **{path: {"get": probe_operation(path, text)} for path, text in _PROBES.items()},
        },
        "components": {"responses": {"Refused": refused_response()}},
    }


def refused_response() -> dict[str, Any]:
    """What is said to whatever is no request."""
    return {
        "description": "Not a GET or HEAD, no such path, or no HTTP request at all.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }


def metrics_operation() -> dict[str, Any]:
    """GET /metrics."""
    return {
        "operationId": "metrics",
        "summary": "Every metric in Prometheus' text format. No label holds a patient.",
        "responses": {
            "200": {
                "description": "The metrics.",
                "content": {"text/plain": {"schema": {"type": "string", "minLength": 1}}},
            },
            "4XX": {"$ref": "#/components/responses/Refused"},
        },
    }


def probe_operation(path: str, text: str) -> dict[str, Any]:
    """GET of a probe at `path`; `text` says what it asks."""
    said = {"text/plain": {"schema": {"type": "string", "minLength": 1}}}
    return {
        "operationId": path.strip("/").replace("/", "-"),
        "summary": text,
        "parameters": [
            {
                "name": "verbose",
                "in": "query",
                "description": "Present, with any value: every check in a line of its own.",
                "allowEmptyValue": True,
                "schema": {"type": "string"},
            }
        ],
        "responses": {
            "200": {"description": "Yes.", "content": said},
            "503": {"description": "No; the text says why.", "content": said},
            "4XX": {"$ref": "#/components/responses/Refused"},
        },
    }
