"""A changelog of an older version: read where nothing has to be guessed, or refused by name."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from stream.worker.codec import (
    FORMAT,
    READABLE,
    decode_patient,
    decode_window,
    encode_patient,
    encode_window,
)
from tests.worker.harness import Worker, offline, record
from tests.worker.stored_shape import FILE, shape

Old = dict[str, Any]


def old(number: int) -> Old:
    """Real bytes of an older worker: its tables, its alerts, the events before and after."""
    file = Path(__file__).parents[1] / "data" / f"state_format_{number}.json"
    content: Old = json.loads(file.read_text("utf-8"))
    return content


def table(content: Old, name: str) -> dict[bytes, bytes]:
    return {base64.b64decode(key): base64.b64decode(value) for key, value in content[name].items()}


def without_hash(values: list[bytes], *, alarms: bool = False) -> list[dict[str, Any]]:
    """What every version says: before format 5 there were no alarms, before 6 none of scores."""
    alerts = [json.loads(value) for value in values]
    return [
        {k: v for k, v in a.items() if k not in ("previous_hash", "engine_version", "ruleset")}
        for a in alerts
        if not a["type"].startswith("escalation.") or (alarms and a.get("event") != "risk")
    ]


def migrated(content: Old) -> Worker:
    """A worker of today on those tables."""
    worker = Worker()
    for topic, name in (("pc", "patients"), ("wc", "windows")):
        worker.broker.acknowledged += [(topic, *item) for item in table(content, name).items()]
    worker.restart()
    return worker


def said_after(content: Old) -> list[tuple[bytes | None, bytes]]:
    worker = migrated(content)
    before = len(worker.broker.acknowledged)
    first = len(content["before"])
    worker.work([record(raw.encode(), n) for n, raw in enumerate(content["after"], first)])
    sent = worker.broker.acknowledged[before:]
    return [(key, value) for topic, key, value in sent if topic == "alerts" and value is not None]


@pytest.mark.parametrize("number", sorted(READABLE - {FORMAT}))
def test_an_older_format_goes_on_where_it_stood(number: int) -> None:
    content = old(number)
    said = [value for _, value in said_after(content)]
    raw = [text.encode() for text in (*content["before"], *content["after"])]
    before = [alert.encode() for alert in content["alerts"]]
    alarms = number >= 5
    assert without_hash(before + said, alarms=alarms) == without_hash(offline(raw), alarms=alarms)
    assert len(said) >= 3


def test_chains_of_format_2_begin_anew_with_the_next_alert() -> None:
    first: dict[bytes | None, Any] = {}
    for key, value in said_after(old(2)):
        first.setdefault(key, json.loads(value)["previous_hash"])
    assert first == {b"p00": None}  # the other patient has said all before


@pytest.mark.parametrize("number", sorted(READABLE - {FORMAT}))
def test_what_is_written_is_of_the_newest_format(number: int) -> None:
    for value in table(old(number), "patients").values():
        assert value[0] == number
        assert encode_patient(decode_patient(value))[0] == FORMAT
    for value in table(old(number), "windows").values():
        assert value[0] == number
        assert encode_window(decode_window(value))[0] == FORMAT


def test_the_readme_says_which_formats_are_read() -> None:
    readme = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8")
    older = sorted(READABLE - {FORMAT})
    assert older == [*range(older[0], FORMAT)]
    assert f"a format of their own ({FORMAT}). Formats {older[0]} to {older[-1]} are read" in readme


def test_another_shape_of_the_state_is_another_format() -> None:
    assert shape() == FILE.read_text("utf-8"), (
        "a stored dataclass changed: raise FORMAT in stream/worker/codec.py, say there what older "
        "formats lack (or take them out of READABLE), keep bytes of the old one in tests/data, and "
        "run python -m tests.worker.stored_shape"
    )
