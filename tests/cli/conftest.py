"""Commands run in this process (fast) or as programs of their own (true)."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from stream.cli import run

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[Json]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def clinical(self) -> list[Json]:
        """What was said of patients, without who has to answer it."""
        return [each for each in self.objects if not each["type"].startswith("escalation.")]


class Cli(Protocol):
    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Result: ...


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no file of whoever runs the tests; help as wide as it is read."""
    for name in list(os.environ):
        if name.startswith("STORMWATCH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Cli:
    def call(*arguments: str | Path, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run([str(word) for word in arguments])
        out, err = capfdbinary.readouterr()
        return Result(code, out.decode(), err.decode())

    return call


@pytest.fixture
def program() -> Cli:
    def call(*arguments: str | Path, stdin: bytes = b"") -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "stream.cli", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


PATIENT = {"patient_id": "p-1"}


def vitals(event_id: str, time: str, patient_id: str = "p-1", /, **values: float) -> Json:
    """A `vitals` event; `time` is HH:MM of 1 March 2026."""
    units = {"temperature": "Cel", "systolic_bp": "mm[Hg]", "diastolic_bp": "mm[Hg]", "spo2": "%"}
    return {
        "type": "vitals",
        "event_id": event_id,
        "patient_id": patient_id,
        "time": f"2026-03-01T{time}:00Z",
        "readings": [
            {"signal": name, "value": value, "unit": units[name]} for name, value in values.items()
        ],
    }


def therapy(patient_id: str = "p-1") -> Json:
    return {
        "type": "therapy",
        "event_id": f"therapy-{patient_id}",
        "patient_id": patient_id,
        "time": "2026-03-01T00:00:00Z",
        "product": "tarlatamab",
        "therapy_class": "bispecific",
    }


def tick(time: str) -> Json:
    return {"type": "tick", "time": f"2026-03-01T{time}:00Z"}


def lines(*events: Json) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


FEVER = (therapy(), vitals("v-1", "10:00", temperature=38.6))
"""One patient who reaches grade 1 at 10:00."""
