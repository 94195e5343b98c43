"""The engine as the worker sees it: a narrow door, so that the shell can be tested alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from stream.engine import due, step
from stream.engine.assess import status

if TYPE_CHECKING:
    from stream.engine import AnyEvent, Outputs, PatientState, Ruleset
    from stream.engine.events import Micros


class Grader(Protocol):
    """Pure functions of a patient's state."""

    def step(
        self, state: PatientState | None, event: AnyEvent
    ) -> tuple[PatientState | None, Outputs]:
        """Apply one event or tick; never changes `state`."""

    def due(self, state: PatientState) -> Micros | None:
        """When the next timer fires; None: nothing waits."""

    def status(self, state: PatientState) -> dict[str, Any]:
        """The `status` topic's JSON object."""


@dataclass(frozen=True, slots=True)
class RulesetGrader:
    """The engine with one ruleset."""

    ruleset: Ruleset

    def step(self, state: PatientState | None, event: AnyEvent) -> tuple[PatientState, Outputs]:
        """See `stream.engine.step`."""
        return step(state, event, self.ruleset)

    def due(self, state: PatientState) -> Micros | None:
        """See `stream.engine.due`."""
        return due(state)

    def status(self, state: PatientState) -> dict[str, Any]:
        """See `stream.engine.assess.status`."""
        return status(state, self.ruleset)
