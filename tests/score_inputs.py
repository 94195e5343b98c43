"""Values for a score, and how the packaged table declares its inputs."""

from __future__ import annotations

from typing import Any

from stream.engine.scores import Value

CALM: dict[str, Value] = {  # NEWS2 0
    "respiratory_rate": 16,
    "spo2": 97,
    "on_oxygen": False,
    "systolic_bp": 120,
    "heart_rate": 70,
    "alert": True,
    "temperature": 37.0,
}


def inputs(document: dict[str, Any], score: str, name: str) -> dict[str, Any]:
    (found,) = [item for item in document[score]["inputs"] if item["name"] == name]
    assert isinstance(found, dict)
    return found
