"""Taking an event in: duplicates, corrections, retractions, late data; then the fold anew.

Rules R25 and contract 3, 4, 7. A retraction or a replacement counts whenever it arrives, before or
after the event that it speaks of, and may itself be retracted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stream.engine.chart import apply_instant
from stream.engine.checkpoints import Checkpoints
from stream.engine.context import Context, context_of
from stream.engine.course import advance, next_timer
from stream.engine.events import (
    Acknowledgement,
    Attribution,
    Micros,
    Patient,
    PatientEvent,
    Retraction,
    Therapy,
)
from stream.engine.events import Outcome as StayEnd
from stream.engine.facts import (
    Fact,
    Window,
    facts_held,
    first_difference,
    has_many,
    inserted,
    last_taken_out,
    mark_of,
    minute_of,
    same_content,
    same_event,
    shift_of,
    window_of,
)
from stream.engine.fold import NEVER, Fold
from stream.engine.native import mypyc_attr
from stream.engine.outputs import Outcome, Rejection
from stream.engine.places import Places
from stream.engine.ruleset import MINUTE, Ruleset
from stream.engine.state import Derived, PatientRecord, PatientState, Published, Void
from stream.engine.timeline import refold

ATTRIBUTIONS_KEPT: Final = 256
_EMPTY: Final = Window()
_NONE_VOID: Final[frozenset[str]] = frozenset()


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Verdict:
    """What became of an event, and the number of the patient's facts after it."""

    outcome: Final[Outcome]
    seq: Final[int]
    rejections: Final[tuple[Rejection, ...]]

    def __init__(
        self,
        outcome: Outcome,
        seq: int,
        rejections: tuple[Rejection, ...] = (),
    ) -> None:
        self.outcome = outcome
        self.seq = seq
        self.rejections = rejections


@mypyc_attr(acyclic=True)
class Intray:
    """A working copy of one state for one step; the state itself is never changed."""

    def __init__(self, state: PatientState, rules: Ruleset) -> None:
        record = state.record
        self.rules = rules
        self.patient_id = record.patient_id
        self.base, self.base_until = record.base, record.base_until
        self.attributions, self.voids = record.attributions, record.voids
        self.beyond_horizon = record.beyond_horizon
        self.windows: Mapping[Micros, Window] = state.windows
        self.changed = self.filed = False
        self.minute = NEVER
        """The start of the minute that the event's fact lies in."""
        self.end_withdrawn: Micros | None = None
        """The time of a death, discharge or transfer that the event says never was."""
        self._record = record
        derived = state.derived
        if derived is None or derived.context.rules is not rules:
            derived = derive(state, rules)
        self.derived = derived
        self.context: Context = derived.context
        self.voided = derived.voided
        self.mark = derived.mark
        self.shift = shift_of(state.windows, derived.mark)
        self.head, self.now = derived.head, derived.now
        self.checkpoints = derived.checkpoints
        self.count, self.oldest = derived.count, derived.oldest
        self.head_due, self.places = derived.head_due, derived.places

    def record(
        self,
        *,
        clock: Micros,
        seq: int,
        published: Published,
        chain_head: str | None,
        next_due: Micros | None,
    ) -> PatientRecord:
        """The record after this step."""
        return PatientRecord(
            patient_id=self.patient_id,
            clock=clock,
            seq=seq,
            base=self.base,
            base_until=self.base_until,
            attributions=self.attributions,
            voids=self.voids,
            published=published,
            chain_head=chain_head,
            next_due=next_due,
            beyond_horizon=self.beyond_horizon,
        )

    def at(self, clock: Micros) -> tuple[Fold, Micros | None]:
        """The head with the timers run that are due before `clock`, and when the next one is."""
        return _run(self.head, self.head_due, clock, self.context)

    # -- one event -----------------------------------------------------------------------------

    def take(self, event: PatientEvent) -> Verdict:
        """Take the event in.

        Afterwards `changed` says whether the fold is another one, `filed` whether a window is.
        """
        seq = self._record.seq
        held = self._held(event)
        if held is not None:
            if same_content(held, event):
                return Verdict(Outcome.DUPLICATE, seq)
            detail = (
                f"event_id {event.event_id!r} was already used for other content; the first one "
                "counts: send a correction with a new event_id and `replaces`"
            )
            return Verdict(Outcome.REJECTED, seq, (self._reject(event, "id_conflict", detail),))
        if isinstance(event, Attribution) and len(self.attributions) >= ATTRIBUTIONS_KEPT:
            detail = f"{ATTRIBUTIONS_KEPT} attributions are on record for this patient"
            return Verdict(Outcome.REJECTED, seq, (self._reject(event, "record_full", detail),))
        rejections: tuple[Rejection, ...] = ()
        touched: list[Micros] = []
        targets = _targets(event)
        for target in targets:
            rejections += self._void(event, target, touched)
        if isinstance(event, Attribution):
            self._attribute(event, touched)
        elif isinstance(event, (Retraction, Acknowledgement)) or event.time >= self.base_until:
            self._insert(Fact(event.time, seq + 1, event), touched)
        elif isinstance(event, (Therapy, Patient)):
            self._insert(Fact(self.base_until, seq + 1, event), touched)
        else:
            self.beyond_horizon = max(self._record.clock, event.received_at or NEVER)
            late = self._reject(
                event,
                "too_late",
                "older than the part of the record that can still be revised; "
                "chart it in the patient's notes",
            )
            if touched:
                self._fold(min(touched))
            return Verdict(Outcome.TOO_LATE, seq, (*rejections, late))
        if touched:
            alone = not targets and type(event) is not Attribution
            self._fold(min(touched), self.minute + MINUTE if alone else None)
        return Verdict(Outcome.ACCEPTED, seq + 1, rejections)

    def _reject(self, event: PatientEvent, code: str, detail: str) -> Rejection:
        return Rejection(event.event_id, event.patient_id, code, detail)

    def _held(self, event: PatientEvent) -> PatientEvent | None:
        if isinstance(event, Attribution):
            for attribution in self.attributions:
                if (attribution.event_id, attribution.source) == (event.event_id, event.source):
                    return attribution
        for window in self.places.of(event.event_id, self.windows):
            for fact in window.facts:
                if same_event(fact, event):
                    return fact.event
        return None

    def _insert(self, fact: Fact, touched: list[Micros]) -> None:
        key = window_of(fact.at, self.shift)
        old = self.windows.get(key, _EMPTY)
        self.minute = minute_of(fact.at, self.mark, self.shift)
        new = inserted(old, fact, self.minute, self.mark, self.rules)
        if new is old:
            return
        self.windows, self.filed = {**self.windows, key: new}, True
        self.count += len(new.facts) - len(old.facts)
        self.oldest = key if self.oldest is None else min(key, self.oldest)
        self.places.add(fact, key)
        if isinstance(fact.event, (Retraction, Acknowledgement)):
            return
        newest = not touched and fact.at > self.head.time
        if newest and len(new.facts) > len(old.facts):
            self._append(fact)
            return
        first = first_difference(old, new, self.minute)
        if first is None:
            return
        if newest:
            self._exchange(old, new, fact, first)
        else:
            touched.append(first)

    def _append(self, fact: Fact) -> None:
        """The usual case: the newest fact. Everything before its minute is a checkpoint."""
        if fact.event.event_id in self.voided:
            return
        # a fact that does not count may lie behind this one, and a checkpoint at it
        self.checkpoints = self.checkpoints.until(fact.at)
        if self.minute > self.head.time:
            many = has_many(self.windows.get(window_of(self.head.time, self.shift)))
            self.checkpoints = self.checkpoints.with_head(
                self.head, fact.at, self.mark, self.shift, many=many
            )
        head = self.head.copy()
        if self.head_due is not None and self.head_due < fact.at:
            advance(head, fact.at, self.context, inclusive=False)
        apply_instant(head, fact.at, (fact.event,), self.context)
        self._turn(head)

    def _exchange(self, old: Window, new: Window, fact: Fact, first: Micros) -> None:
        """The newest fact of a thinned minute, in which it takes the place of earlier ones."""
        last = last_taken_out(old, new, self.minute)
        self._fold(first, last + 1, fact.at)

    def _turn(self, head: Fold) -> None:
        self.head, self.changed = head, True
        self.head_due = next_timer(head, self.context)

    def _fold(
        self, touched: Micros, as_before: Micros | None = None, fresh: Micros | None = None
    ) -> None:
        head, self.checkpoints = refold(
            self.base,
            self.base_until,
            self.windows,
            self.checkpoints,
            touched,
            self.context,
            self.voided,
            before=self.head,
            as_before=as_before,
            fresh=fresh,
        )
        self._turn(head)

    # -- corrections ---------------------------------------------------------------------------

    def _void(
        self, event: PatientEvent, target: str, touched: list[Micros]
    ) -> tuple[Rejection, ...]:
        before = self.voided
        self.voids = (*self.voids, Void(event.event_id, target, event.time))
        self.voided = resolve(self.voids)
        for event_id in before ^ self.voided:
            found = self._anywhere(event_id)
            if found is not None:
                start = found.start if isinstance(found, Attribution) else found.time
                touched.append(min(start, found.time))
                if (
                    isinstance(found, StayEnd)
                    and event_id in self.voided
                    and not isinstance(event, StayEnd)
                ):
                    self.end_withdrawn = found.time
        if touched:
            self.context = context_of(self.rules, self.attributions, self.voided)
        if self._anywhere(target) is None:
            detail = (
                f"{target!r} is not on record (never seen, thinned or beyond the horizon); it will "
                "not count if it still arrives: check the id"
            )
            return (self._reject(event, "unknown_target", detail),)
        return ()

    def _anywhere(self, event_id: str) -> PatientEvent | None:
        for attribution in self.attributions:
            if attribution.event_id == event_id:
                return attribution
        for window in self.places.of(event_id, self.windows):
            for fact in window.facts:
                if fact.event.event_id == event_id:
                    return fact.event
        return None

    def _attribute(self, event: Attribution, touched: list[Micros]) -> None:
        self.attributions = (*self.attributions, event)
        self.context = context_of(self.rules, self.attributions, self.voided)
        touched.append(event.start)


def _run(
    head: Fold, due: Micros | None, clock: Micros, context: Context
) -> tuple[Fold, Micros | None]:
    if due is None or due >= clock:
        return head, due
    now = head.copy()
    advance(now, clock, context, inclusive=False)
    return now, next_timer(now, context)


def _targets(event: PatientEvent) -> tuple[str, ...]:
    if event.replaces is None and type(event) is not Retraction:
        return ()
    targets = [event.replaces] if event.replaces else []
    if isinstance(event, Retraction):
        targets.append(event.retracts)
    return tuple(dict.fromkeys(target for target in targets if target != event.event_id))


def resolve(voids: tuple[Void, ...]) -> frozenset[str]:
    """The ids that do not count: voided by an event that itself counts."""
    by_target: dict[str, list[str]] = {}
    for void in voids:
        by_target.setdefault(void.target, []).append(void.by)
    counts: dict[str, bool] = {}
    for target in sorted(by_target):
        # depth first without recursion: a long chain of retractions must not end the program
        path = [target]
        while path:
            event_id = path[-1]
            voiders = by_target.get(event_id, ())
            if event_id in counts and counts[event_id] is False:
                path.pop()
                continue
            counts.setdefault(event_id, True)  # in a circle the one asked about is left alone
            unknown = next((by for by in voiders if by not in counts), None)
            if unknown is not None:
                path.append(unknown)
                continue
            counts[event_id] = not any(counts[by] for by in voiders)
            path.pop()
    without = frozenset(target for target in by_target if not counts[target])
    return without or _NONE_VOID


def derive(state: PatientState, rules: Ruleset) -> Derived:
    """Fold the stored parts of a state (after a restart, or under another ruleset)."""
    record = state.record
    voided = resolve(record.voids)
    context = context_of(rules, record.attributions, voided)
    head, checkpoints = refold(
        record.base,
        record.base_until,
        state.windows,
        Checkpoints(),
        record.base_until,
        context,
        voided,
    )
    head_due = next_timer(head, context)
    now, _ = _run(head, head_due, record.clock, context)
    return Derived(
        context=context,
        voided=voided,
        head=head,
        now=now,
        checkpoints=checkpoints,
        count=facts_held(state.windows),
        head_due=head_due,
        oldest=min(state.windows, default=None),
        places=Places(state.windows),
        mark=mark_of(record.patient_id),
    )
