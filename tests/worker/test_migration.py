"""A changelog of an older version: read where nothing has to be guessed, or refused by name."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from stream.worker.codec import decode_record, encode_record
from tests.worker.harness import Worker, offline, record
from tests.worker.stored_shape import FILE, shape

OLD: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "state_format_2.json").read_text("utf-8")
)
"""Real bytes of a worker of engine 0.2.0: its tables, its alerts, the events before and after."""


def table(name: str) -> dict[bytes, bytes]:
    return {base64.b64decode(key): base64.b64decode(value) for key, value in OLD[name].items()}


def without_hash(values: list[bytes]) -> list[dict[str, Any]]:
    alerts = [json.loads(value) for value in values]
    return [
        {k: v for k, v in alert.items() if k not in ("previous_hash", "engine_version")}
        for alert in alerts
    ]


@pytest.fixture
def migrated() -> Worker:
    """A worker of today on the tables of format 2."""
    worker = Worker()
    for topic, name in (("pc", "patients"), ("wc", "windows")):
        worker.broker.acknowledged += [(topic, key, value) for key, value in table(name).items()]
    worker.restart()
    return worker


def test_format_2_goes_on_where_it_stood(migrated: Worker) -> None:
    before = len(migrated.broker.acknowledged)
    migrated.work([record(raw.encode(), n) for n, raw in enumerate(OLD["after"])])
    sent = migrated.broker.acknowledged[before:]
    said = [value for topic, _, value in sent if topic == "alerts" and value is not None]
    raw = [text.encode() for text in (*OLD["before"], *OLD["after"])]
    assert without_hash([a.encode() for a in OLD["alerts"]] + said) == without_hash(offline(raw))
    assert len(said) >= 3


def test_its_chains_begin_anew_with_the_next_alert(migrated: Worker) -> None:
    before = len(migrated.broker.acknowledged)
    migrated.work([record(raw.encode(), n) for n, raw in enumerate(OLD["after"])])
    first: dict[bytes | None, Any] = {}
    for topic, key, value in migrated.broker.acknowledged[before:]:
        if topic == "alerts" and value is not None:
            first.setdefault(key, json.loads(value)["previous_hash"])
    assert first == {b"p00": None}  # the other patient has said all before


def test_what_is_written_is_of_the_newest_format() -> None:
    for value in table("patients").values():
        assert value[0] == 2
        assert encode_record(decode_record(value))[0] == 3


def test_another_shape_of_the_state_is_another_format() -> None:
    assert shape() == FILE.read_text("utf-8"), (
        "a stored dataclass changed: raise FORMAT in stream/worker/codec.py, say there what older "
        "formats lack (or take them out of READABLE), keep bytes of the old one in tests/data, and "
        "run python -m tests.worker.stored_shape"
    )
