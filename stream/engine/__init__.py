"""The one engine: grading as pure functions of (state, event, ruleset).

`step` is the door in and `Outputs` the door out; `due` tells the shell when a tick would do
something; `assess` looks without touching. Nothing here reads a clock, a file or a socket.

All but this module and `native` is also compiled (mypyc, `deploy/compile_engine.py`). That is why
the classes of which a step makes some have their constructors written out, each field Final:
compiled, such a one is made in a sixth of the time that a frozen dataclass takes. Where a field is
not, a store decodes into it; it is never assigned to again all the same.
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
