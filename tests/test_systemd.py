"""The systemd units say what their programs do: settings, exit codes, stop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stream.router import run as router
from stream.settings import PREFIX, Settings
from stream.worker.run import EXIT_REFUSED
from stream.worker.watch import WatchPolicy

UNITS = Path(__file__).parents[1] / "deploy/systemd"
STOPS = {
    "stormwatch-worker@.service": WatchPolicy().stop_s,
    "stormwatch-router.service": router.STOP_S,
}
each = pytest.mark.parametrize("unit", STOPS)


def value(unit: str, name: str) -> str:
    (found,) = re.findall(rf"^{name}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)
    return str(found)


def test_every_unit_is_looked_at() -> None:
    assert {path.name for path in UNITS.glob("*.service")} == set(STOPS)


@each
def test_every_variable_is_a_setting(unit: str) -> None:
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", (UNITS / unit).read_text()))
    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


@each
def test_it_starts_again_whatever_the_end_but_not_what_a_person_has_to_mend(unit: str) -> None:
    assert value(unit, "Restart") == "always"
    assert value(unit, "StartLimitIntervalSec") == "0"
    assert EXIT_REFUSED == router.EXIT_REFUSED
    assert value(unit, "RestartPreventExitStatus") == str(EXIT_REFUSED)


@each
def test_it_waits_for_an_orderly_stop(unit: str) -> None:
    assert int(value(unit, "TimeoutStopSec")) > STOPS[unit]
