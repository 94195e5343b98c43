"""A worker whose engine has a fault: it raises for one event. The rest of it is as it is."""

from __future__ import annotations

import sys
from typing import Any

from stream.worker import grader, run
from stream.worker.__main__ import main

POISON = "poison-for-the-engine"


class FaultyGrader(grader.RulesetGrader):
    def step(self, state: Any, event: Any) -> Any:
        if getattr(event, "event_id", "") == POISON:
            return self.step(state, event)  # without end: a RecursionError, from deep inside
        return super().step(state, event)


if __name__ == "__main__":
    run.RulesetGrader = FaultyGrader  # type: ignore[misc]
    sys.exit(main())
