"""One patient: what was written against what the events lead to, and what can be decided. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stream.engine.assess import looked_at
from stream.engine.retention import trimmed
from stream.verify.findings import Doubt, Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.engine import Alert, Ruleset
    from stream.engine.events import Micros
    from stream.engine.state import PatientRecord, PatientState
    from stream.verify.chain import Break, Chain, Digest
    from stream.verify.rebuild import Step

SHOWN_IDS = 5


def history(state: PatientState, rules: Ruleset, at: Micros, floor: Micros) -> dict[str, Any]:
    """What converges whatever the order of events: spans of grade, candidates, ICANS, episode.

    At the same clock, with the timers due then run, and from the same folded past on.
    """
    now = trimmed(looked_at(state, rules, at)[0], floor)
    return {
        "grades": [(c.time, c.grade, c.episode, c.episode_max) for c in now.history],
        "candidates": [(c.start, c.grade, c.why, c.end, c.how) for c in now.candidates],
        "icans": [(c.time, c.grade) for c in now.icans_history],
        "episode": now.episode,
        "raw": now.raw,
    }


def same_history(one: PatientState, other: PatientState, rules: Ruleset) -> bool:
    """Whether two states hold the same history as far back as both can tell."""
    at = max(one.record.clock, other.record.clock)
    floor = max(one.record.base_until, other.record.base_until)
    return history(one, rules, at, floor) == history(other, rules, at, floor)


@dataclass(slots=True)
class Said:
    """The alerts of a patient: those of the log, and which of them the events lead to."""

    chain: Chain
    ids: dict[str, list[Digest]] = field(default_factory=dict)
    explained: set[Digest] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)
    """Not there, but of an event that no worker has committed."""
    altered: dict[str, None] = field(default_factory=dict)

    def index(self) -> None:
        """The log is read: find alerts by id."""
        for digest, (_, ident) in self.chain.links.items():
            self.ids.setdefault(ident, []).append(digest)

    def expect(self, alert: Alert, *, committed: bool) -> None:
        """The events lead to this alert."""
        digest = bytes.fromhex(alert.digest)
        there = self.ids.get(alert.alert_id, ())
        if digest in self.chain.links:
            self.explained.add(digest)
        elif not there:
            (self.missing if committed else self.awaited).append(alert.alert_id)
        elif self.chain.unhashed:
            self.explained.update(there)
        else:
            self.altered[alert.alert_id] = None

    def unexplained(self) -> list[tuple[int, str]]:
        """Place and id of the alerts that no event leads to."""
        return [
            (place, ident)
            for digest, (place, ident) in self.chain.links.items()
            if digest not in self.explained and ident not in self.altered
        ]

    def differs(self) -> bool:
        """Whether the log is not what the events lead to."""
        return bool(self.missing or self.altered or self.unexplained())


@dataclass(slots=True)
class Patient:
    """Feed it the rebuilt steps in order, then ask for the verdict.

    `table` is the state as the tables hold it, None where they hold none. `topic` and `partition`
    are of the alerts.
    """

    patient_id: str
    topic: str
    partition: int
    said: Said
    table: PatientState | None = None
    readable: bool = True
    doubts: set[Doubt] = field(default_factory=set)
    state: PatientState | None = None
    began: float | None = None
    """Timestamp of the first record, in seconds."""
    _topics: set[str] = field(default_factory=set)
    _loose: bool = False
    _matched: bool = False
    _beyond: int = 0

    def take(self, step: Step, *, committed: bool, tick: bool) -> None:
        """One step of the rebuilt course; `committed`: workers are known to have taken it in."""
        if self.began is None:
            self.began = step.record.timestamp
        if tick:
            self.doubts.add(Doubt.TICKS)
        else:
            self._topics.add(step.record.topic)
            if len(self._topics) > 1:
                self.doubts.add(Doubt.TWO_TOPICS)
        if not committed and not self._loose:
            self._loose = True
            self._match(None if step.before is None else step.before.record)
        for alert in step.alerts:
            self.said.expect(alert, committed=committed)
        self.state = step.state
        if self._matched:
            self._beyond += 1
        elif self._loose:
            self._match(step.state.record)

    def _match(self, record: PatientRecord | None) -> None:
        """Where the tables stood, all alerts of before had been sent, committed or not."""
        if self._is_table(record):
            self._matched = True
            self.said.missing += self.said.awaited
            self.said.awaited.clear()

    def _is_table(self, record: PatientRecord | None) -> bool:
        """Whether the tables stood exactly here; a chain that began anew has another head."""
        if self.table is None or record is None:
            return self.table is None and record is None and self.readable
        stored = self.table.record
        if self.said.chain.unhashed:
            stored = replace(stored, chain_head=record.chain_head)
        return record == stored

    def verdict(self, rules: Ruleset, doubts: set[Doubt]) -> Iterator[Finding]:
        """All that is wrong or cannot be decided; `doubts` are those of the whole partition."""
        doubts = doubts | self.doubts
        if self.said.chain.unhashed:
            doubts.add(Doubt.MIGRATED)
            yield self._found(Kind.CHAIN_ANEW, detail=f"{self.said.chain.unhashed} older alerts")
        yield from self._of_alerts(doubts)
        yield from self._of_state(rules, doubts)

    # -- alerts --------------------------------------------------------------------------------

    def _of_alerts(self, doubts: set[Doubt]) -> Iterator[Finding]:
        said, chain = self.said, self.said.chain
        head = None if self.table is None else self.table.record.chain_head
        breaks = list(chain.breaks())
        if self.table is not None and (end := chain.lacks(head)) is not None:
            breaks.append(end)
        differs = said.differs()
        exact = differs and not doubts - {Doubt.MIGRATED}
        if exact:
            # what the rebuilt course says more exactly
            vague = (Kind.CHAIN_BROKEN, Kind.LAST_MISSING, Kind.BRANCH)
            breaks = [item for item in breaks if item.kind not in vague]
        yield from map(self._of_break, breaks)
        if exact:
            yield from self._exactly()
        elif differs:
            yield self._undecidable("the alerts", doubts)
        if self.table is not None and (beyond := chain.beyond(head)) and not chain.lacks(head):
            yield self._found(Kind.AHEAD, detail=f"{beyond} alerts")

    def _exactly(self) -> Iterator[Finding]:
        for ident in self.said.missing:
            yield self._found(Kind.MISSING, ids=(ident,))
        for ident in self.said.altered:
            places = tuple(self.said.chain.links[digest][0] for digest in self.said.ids[ident])
            yield self._found(Kind.ALTERED, places, (ident,))
        for place, ident in self.said.unexplained():
            yield self._found(Kind.UNKNOWN, (place,), (ident,))

    # -- the tables ----------------------------------------------------------------------------

    def _of_state(self, rules: Ruleset, doubts: set[Doubt]) -> Iterator[Finding]:
        if not self.readable:
            return
        if self._loose and self._matched:
            if self._beyond:
                yield self._found(Kind.TABLE_BEHIND, detail=f"{self._beyond} records")
            return
        if self._loose and doubts:
            # without doubts the tables must stand at one of the records since the committed one
            doubts = doubts | {Doubt.BEHIND}
        if self.state is None:
            if self.table is not None:
                yield from self._judged(Kind.PATIENT_UNKNOWN, "the patient", doubts)
        elif self.table is None:
            yield from self._judged(Kind.PATIENT_MISSING, "the patient", doubts)
        elif not self._equal(self.state, self.table):
            late = self.table.record.beyond_horizon or self.state.record.beyond_horizon
            if not same_history(self.state, self.table, rules):
                harmless = {Doubt.TICKS, Doubt.MIGRATED} | (set() if late else {Doubt.TWO_TOPICS})
                yield from self._judged(Kind.HISTORY, "the history", doubts - harmless)
            elif not doubts:
                yield self._found(Kind.STATE)

    def _equal(self, state: PatientState, table: PatientState) -> bool:
        return self._is_table(state.record) and dict(state.windows) == dict(table.windows)

    def _judged(self, kind: Kind, what: str, doubts: set[Doubt]) -> Iterator[Finding]:
        yield self._undecidable(what, doubts) if doubts else self._found(kind)

    # -- words ---------------------------------------------------------------------------------

    def _undecidable(self, what: str, doubts: set[Doubt]) -> Finding:
        reasons = "; ".join(sorted(doubts))
        said = self.said
        differing = (*said.missing, *said.altered, *(ident for _, ident in said.unexplained()))
        ids = differing[:SHOWN_IDS] if what == "the alerts" else ()
        return self._found(Kind.UNDECIDABLE, (), ids, f"{what}: not decidable because {reasons}")

    def _of_break(self, item: Break) -> Finding:
        return self._found(item.kind, item.places, item.alert_ids, item.detail)

    def _found(
        self,
        kind: Kind,
        places: tuple[int, ...] = (),
        ids: tuple[str, ...] = (),
        detail: str = "",
    ) -> Finding:
        return Finding(kind, self.patient_id, self.topic, self.partition, places, ids, detail)
