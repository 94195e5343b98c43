"""Logs: readable by machines, and no patient in them."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import TYPE_CHECKING

import pytest
import structlog

from stream.logs import configure_logging, patient_hash
from stream.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "a key for this test only"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    structlog.reset_defaults()
    configure_logging(load_settings(hash_key=KEY, log_format="json", log_level="info"))
    yield written
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_one_json_object_a_line_and_a_hash_for_the_patient(
    lines: io.StringIO,
) -> None:
    structlog.get_logger("ward").info("graded", patient_id="p-17", grade=2)
    entry = json.loads(lines.getvalue())
    assert entry["event"] == "graded"
    assert entry["patient"] == patient_hash("p-17", KEY.encode())
    assert "p-17" not in json.dumps(entry)


def test_libraries_log_the_same_way(lines: io.StringIO) -> None:
    logging.getLogger("some.package").warning("careful with %s", "this")
    entry = json.loads(lines.getvalue())
    assert (entry["event"], entry["level"]) == ("careful with this", "warning")


def test_no_local_variables_in_tracebacks(lines: io.StringIO) -> None:
    def fail(patient: str) -> None:
        raise RuntimeError(str(len(patient)))

    try:
        fail("p-17-and-all-about-them")
    except RuntimeError:
        structlog.get_logger("ward").exception("failed")
    text = lines.getvalue()
    assert "RuntimeError" in text
    assert "p-17" not in text.split('"exception"')[1]


def test_the_hash_depends_on_the_key() -> None:
    assert patient_hash("p-17", b"one") != patient_hash("p-17", b"other")
    assert len(patient_hash("p-17", b"one")) == 16
