"""The one engine: grading as pure functions of (state, event, ruleset).

`step` is the door in and `Outputs` the door out; `due` tells the shell when a tick would do
something; `assess` looks without touching. Nothing here reads a clock, a file or a socket.
"""

from __future__ import annotations

from stream.engine.assess import assess
from stream.engine.events import AnyEvent, PatientEvent, Tick
from stream.engine.outputs import Alert, Outcome, Outputs, Rejection
from stream.engine.ruleset import Ruleset
from stream.engine.state import PatientState
from stream.engine.step import due, step

__all__ = [
    "Alert",
    "AnyEvent",
    "Outcome",
    "Outputs",
    "PatientEvent",
    "PatientState",
    "Rejection",
    "Ruleset",
    "Tick",
    "assess",
    "due",
    "step",
]
