"""`step(state, event, ruleset) -> (state, outputs)`: total, pure, and all there is.

The processing clock moves first (timers due fire in their order), then the event is applied, then
what changed is said. Contract, "What the words mean exactly" 1-3. A timer due at the very instant
of an event waits until the clock moves on (or a tick says that the instant is over): what is true
at an instant depends on all its events, in whatever order they come.
"""

from __future__ import annotations

from typing import Final

from stream.engine.announce import Voice
from stream.engine.answers import hear
from stream.engine.course import evaluate, next_timer
from stream.engine.escalation import run_ladders
from stream.engine.events import Acknowledgement, AnyEvent, Micros, PatientEvent, Retraction, Tick
from stream.engine.fold import Fold
from stream.engine.intray import Intray
from stream.engine.outputs import Outcome, Outputs
from stream.engine.plausibility import screened
from stream.engine.raising import escalate, follow_up
from stream.engine.retention import forget
from stream.engine.ruleset import Ruleset
from stream.engine.signals import lose, next_signal, restore
from stream.engine.state import PatientRecord, PatientState
from stream.engine.timers import Reminder, next_reminder, remind
from stream.engine.withdrawals import withdraw_reminders

_ANSWERS: Final = (Acknowledgement, Retraction)


def due(state: PatientState) -> Micros | None:
    """The processing-clock time of the next timer; a tick before it changes nothing."""
    return state.record.next_due


def step(
    state: PatientState | None, event: AnyEvent, ruleset: Ruleset
) -> tuple[PatientState, Outputs]:
    """Move one patient by one event; `state` None for a patient never seen.

    Never mutates `state` and never raises for data that the edge let through.

    Raises:
        ValueError: a tick for a patient who is not there, or an event of another patient.
    """
    if state is None:
        if isinstance(event, Tick):
            raise ValueError("a tick belongs to patients that are there; state is None")
        state = PatientState(PatientRecord(event.patient_id), {})
    record = state.record
    if isinstance(event, Tick):
        if record.next_due is None or event.time < record.next_due:
            return state, Outputs(Outcome.TICK)
        return _moved(state, event.time, ruleset)
    if event.patient_id != record.patient_id:
        raise ValueError("the event belongs to another patient")
    return _applied(state, event, ruleset)


def _voice(tray: Intray, record: PatientRecord) -> Voice:
    floor, head = tray.base_until, record.chain_head
    derived = tray.derived
    return Voice(
        tray.patient_id,
        tray.context,
        record.published,
        floor,
        [],
        head,
        derived.told,
        derived.settled,
    )


def _moved(state: PatientState, time: Micros, ruleset: Ruleset) -> tuple[PatientState, Outputs]:
    tray = Intray(state, ruleset)
    voice = _voice(tray, state.record)
    now = _run_clock(voice, tray.now, state.record.clock, time)
    clock, next_due = max(time, state.record.clock), _next_due(voice, now)
    new = _rebuilt(tray, voice, now, clock, state.record.seq, next_due)
    return new, Outputs(Outcome.TICK, tuple(voice.alerts))


def _applied(
    state: PatientState, event: PatientEvent, ruleset: Ruleset
) -> tuple[PatientState, Outputs]:
    record = state.record
    received = event.received_at
    if received is None:
        received = max(event.time, record.clock)
    clock = max(received, record.clock)
    tray = Intray(state, ruleset)
    voice = _voice(tray, record)
    now, timer = tray.now, None
    if record.next_due is not None and record.next_due < clock:
        now = _run_clock(voice, now, record.clock, clock - 1)

    event, rejections = screened(event, ruleset, tray.now.weight_kg)
    before = now
    verdict = tray.take(event)
    voice.end_withdrawn = tray.end_withdrawn
    if tray.changed:
        voice.context = tray.context
        now, timer = tray.at(clock)
    next_due = record.next_due
    moved = now is not tray.now or voice.published is not record.published
    if moved or state.derived is None:
        if not tray.changed:
            timer = next_timer(now, voice.context)
        next_due = _catch_up(voice, now, clock, timer)
    if verdict.outcome is Outcome.DUPLICATE:
        rejections = ()
    elif verdict.outcome is not Outcome.REJECTED and (
        type(event) in _ANSWERS or event.replaces is not None
    ):
        if type(event) is not Acknowledgement:
            withdraw_reminders(voice, before, now, tray.voided, clock)
        rejections += hear(voice, now, event, tray.voided, clock)
        next_due = _next_due(voice, now)
    new = _rebuilt(tray, voice, now, clock, verdict.seq, next_due)
    return new, Outputs(
        verdict.outcome,
        tuple(voice.alerts),
        (*rejections, *verdict.rejections),
        late_by=max(0, clock - event.time),
    )


def _run_clock(voice: Voice, now: Fold, clock: Micros, until: Micros) -> Fold:
    """Fire what is due until then, in the order of due times; each says its due time."""
    rules = voice.context.rules
    moved = now
    while True:
        fold_due = next_timer(moved, voice.context)
        signal = next_signal(moved, voice.published, rules)
        reminder = next_reminder(moved, voice.published, rules)
        first = min(
            fold_due if fold_due is not None else until + 1,
            signal[0] if signal else until + 1,
            reminder[0] if reminder else until + 1,
        )
        run_ladders(voice, moved, min(first, until + 1), clock)
        if first > until:
            return moved
        emitted = max(first, clock)
        if fold_due == first:
            if moved is now:
                moved = now.copy()
            evaluate(moved, first, voice.context, settle=True)
            voice.announce(moved, emitted)
        elif signal and signal[0] == first:
            lose(voice, moved, signal[1], first, emitted)
        elif reminder:
            remind(voice, moved, reminder[1], first, emitted)
        escalate(voice, moved, emitted)


def _catch_up(voice: Voice, now: Fold, clock: Micros, timer: Micros | None) -> Micros | None:
    """Say what the event changed, and what it made overdue; returns when the next timer is due.

    `timer` is the fold's own.
    """
    restore(voice, now, clock)
    voice.announce(now, clock)
    rules = voice.context.rules
    signal = next_signal(now, voice.published, rules)
    while signal is not None and signal[0] < clock:
        lose(voice, now, signal[1], signal[0], clock)
        signal = next_signal(now, voice.published, rules)
    reminder = next_reminder(now, voice.published, rules)
    while reminder is not None and reminder[0] < clock:
        remind(voice, now, reminder[1], reminder[0], clock)
        reminder = next_reminder(now, voice.published, rules)
    follow_up(voice, now, clock)
    return _first(timer, signal, reminder, voice.published.alarms.due)


def _rebuilt(
    tray: Intray, voice: Voice, now: Fold, clock: Micros, seq: int, next_due: Micros | None
) -> PatientState:
    record = tray.record(
        clock=clock,
        seq=seq,
        published=voice.published,
        chain_head=voice.chain_head,
        next_due=next_due,
    )
    return forget(record, tray, now, voice.told, voice.settled)


def _next_due(voice: Voice, now: Fold) -> Micros | None:
    rules = voice.context.rules
    return _first(
        next_timer(now, voice.context),
        next_signal(now, voice.published, rules),
        next_reminder(now, voice.published, rules),
        voice.published.alarms.due,
    )


def _first(
    timer: Micros | None,
    signal: tuple[Micros, str] | None,
    reminder: tuple[Micros, Reminder] | None,
    alarm: Micros | None,
) -> Micros | None:
    first = timer
    if signal is not None and (first is None or signal[0] < first):
        first = signal[0]
    if reminder is not None and (first is None or reminder[0] < first):
        first = reminder[0]
    if alarm is not None and (first is None or alarm < first):
        first = alarm
    return first
