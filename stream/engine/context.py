"""What a fold is judged by besides its facts: the ruleset and the clinicians' attributions."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from stream.engine.conclusions import NEVER
from stream.engine.events import Attribution, Micros
from stream.engine.native import mypyc_attr
from stream.engine.ruleset import Ruleset

FOREVER: Final[Micros] = 1 << 62


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Span:
    """An attribution in force: [start, until), by which event, to what other cause."""

    start: Micros
    until: Micros
    event_id: str
    cause: str


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Context:
    """Ruleset and attributions; `boundaries` are the instants at which an attribution turns."""

    rules: Ruleset
    spans: dict[str, tuple[Span, ...]] = field(default_factory=dict)
    boundaries: tuple[Micros, ...] = ()

    def attributed(self, finding: str, time: Micros) -> Span | None:
        """The attribution that takes `finding` at `time` to another cause."""
        for span in self.spans.get(finding, ()):
            if span.start <= time < span.until:
                return span
        return None

    def attributed_until(self, finding: str, time: Micros) -> Micros:
        """The end of the last attribution of `finding` that is over at `time`, else NEVER."""
        last = NEVER
        for span in self.spans.get(finding, ()):
            if last < span.until <= time:
                last = span.until
        return last

    def boundary_after(self, time: Micros) -> Micros | None:
        """The next instant after `time` at which an attribution begins or ends."""
        if not self.boundaries:
            return None
        index = bisect_right(self.boundaries, time)
        return self.boundaries[index] if index < len(self.boundaries) else None


def context_of(
    rules: Ruleset, attributions: tuple[Attribution, ...], voided: frozenset[str]
) -> Context:
    """The attributions in force: of those with one finding and start the newest word counts.

    Contract, "What the words mean exactly" 7: a withdrawal is found by finding and start.
    """
    newest: dict[tuple[str, Micros], Attribution] = {}
    for event in attributions:
        if event.event_id in voided:
            continue
        key = (event.finding, event.start)
        held = newest.get(key)
        if held is None or (held.time, held.event_id) < (event.time, event.event_id):
            newest[key] = event
    spans: dict[str, list[Span]] = {}
    edges: set[Micros] = set()
    for (finding, start), event in sorted(newest.items()):
        if event.other_cause is None:
            continue
        until = FOREVER if event.until is None else event.until
        if until <= start:
            continue
        spans.setdefault(finding, []).append(Span(start, until, event.event_id, event.other_cause))
        edges.add(start)
        if until != FOREVER:
            edges.add(until)
    return Context(
        rules, {finding: tuple(items) for finding, items in spans.items()}, tuple(sorted(edges))
    )
