"""The systemd unit says what the worker does: its settings, its exit codes, its stop."""

from __future__ import annotations

import re
from pathlib import Path

from stream.settings import PREFIX, Settings
from stream.worker.run import EXIT_REFUSED
from stream.worker.watch import WatchPolicy

UNIT = (Path(__file__).parents[1] / "deploy/systemd/stormwatch-worker@.service").read_text()


def value(name: str) -> str:
    (found,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(found)


def test_every_variable_is_a_setting() -> None:
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", UNIT))
    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_it_starts_again_whatever_the_end_but_not_what_a_person_has_to_mend() -> None:
    assert value("Restart") == "always"
    assert value("StartLimitIntervalSec") == "0"
    assert value("RestartPreventExitStatus") == str(EXIT_REFUSED)


def test_it_waits_for_an_orderly_stop() -> None:
    assert int(value("TimeoutStopSec")) > WatchPolicy().stop_s
