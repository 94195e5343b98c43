"""The state of one patient: a small record, the windows of facts, and what is derived from them.

The record and the windows are what a shell stores (plain dataclasses of standard types). The record
is the commit mark: `PatientState.assemble` drops facts that are newer than it, so a shell that
writes windows first and the record last never counts an event that it has not acknowledged.

What is forgotten, and when: facts older than the ruleset's horizon (48 h) once more than
`keep_facts` are held, and the oldest ones beyond `max_facts` at any age, are folded into
`PatientRecord.base`; from then on they can no longer be corrected or retracted, and what arrives
with an older event time is refused as `too_late` (a therapy, a profile and an attribution still
count, from the end of the folded past on). A minute with many readings is thinned (see
`stream.engine.facts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from stream.engine.alarms import Alarms
from stream.engine.checkpoints import Checkpoints
from stream.engine.context import Context
from stream.engine.events import Attribution, Micros
from stream.engine.facts import Fact, Window
from stream.engine.facts import window as rebuilt
from stream.engine.fold import NEVER, Candidate, Change, Fold, NeuroChange
from stream.engine.native import mypyc_attr
from stream.engine.places import Places


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Said:
    """A grade that was announced: from when, how high, by which alert."""

    time: Micros
    grade: int
    alert_id: str
    episode_max: int = 0

    def __init__(
        self,
        time: Micros,
        grade: int,
        alert_id: str,
        episode_max: int = 0,
    ) -> None:
        self.time = time
        self.grade = grade
        self.alert_id = alert_id
        self.episode_max = episode_max


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class SaidCandidate:
    """A candidate that was announced; `end` is that which was announced too."""

    start: Micros
    grade: int
    alert_id: str
    end: Micros | None


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class LostSignal:
    """A signal that was announced as lost."""

    signal: str
    last_seen: Micros
    since: Micros


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class SaidReminder:
    """A reminder that was said: its timer, what it was about, and when it was due."""

    code: str
    number: int
    due: Micros
    withdrawn: bool = False
    """What it rested on was entered in error: it may be said anew."""


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class SaidRisk:
    """The band of a score that was announced last."""

    band: str
    value: float | None
    alert_id: str
    time: Micros


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class SaidScreen:
    """What was announced last of the IEC-HS screen."""

    positive: bool
    time: Micros
    alert_id: str


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Published:
    """Everything that was said about the patient and may still have to be revised."""

    changes: tuple[Said, ...] = ()
    candidates: tuple[SaidCandidate, ...] = ()
    icans: tuple[Said, ...] = ()
    lost: tuple[LostSignal, ...] = ()
    icans_told: int = 0
    signals_told: int = 0
    candidates_told: int = 0
    """How many alerts of these channels were said: what is said again is another occurrence."""
    reminders: tuple[SaidReminder, ...] = ()
    """The newest of each timer."""
    risks: dict[str, SaidRisk] = field(default_factory=dict)
    iec_hs: SaidScreen | None = None
    alarms: Alarms = field(default_factory=Alarms)
    """Which of it somebody has to answer, and how far its ladder has got."""
    revisions: int = 0
    last_alert: str | None = None

    def __init__(
        self,
        changes: tuple[Said, ...] = (),
        candidates: tuple[SaidCandidate, ...] = (),
        icans: tuple[Said, ...] = (),
        lost: tuple[LostSignal, ...] = (),
        icans_told: int = 0,
        signals_told: int = 0,
        candidates_told: int = 0,
        reminders: tuple[SaidReminder, ...] = (),
        risks: dict[str, SaidRisk] | None = None,
        iec_hs: SaidScreen | None = None,
        alarms: Alarms | None = None,
        revisions: int = 0,
        last_alert: str | None = None,
    ) -> None:
        self.changes = changes
        self.candidates = candidates
        self.icans = icans
        self.lost = lost
        self.icans_told = icans_told
        self.signals_told = signals_told
        self.candidates_told = candidates_told
        self.reminders = reminders
        self.risks = {} if risks is None else risks
        self.iec_hs = iec_hs
        self.alarms = Alarms() if alarms is None else alarms
        self.revisions = revisions
        self.last_alert = last_alert

    def copy(self) -> Published:
        """One of the caller's own, to be changed before anybody else has it."""
        return Published(
            self.changes,
            self.candidates,
            self.icans,
            self.lost,
            self.icans_told,
            self.signals_told,
            self.candidates_told,
            self.reminders,
            self.risks,
            self.iec_hs,
            self.alarms,
            self.revisions,
            self.last_alert,
        )

    @property
    def grade(self) -> int:
        """The last grade said; 0 before anything is said."""
        return self.changes[-1].grade if self.changes else 0

    @property
    def sickness(self) -> int:
        """The highest grade that holds as said: of the syndrome, of a candidate, of ICANS."""
        suspected = (each.grade for each in self.candidates if each.end is None)
        icans = self.icans[-1].grade if self.icans else 0
        return max(self.grade, icans, *suspected)


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Void:
    """Event `by` (a retraction or a replacement) makes event `target` not count."""

    by: str
    target: str
    time: Micros


NO_PAST: Final = Fold()
"""The past of everybody of whom nothing is folded yet; never changed."""


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class PatientRecord:
    """The small part of the state, never changed; `clock` is the patient's processing clock."""

    patient_id: str
    clock: Micros = NEVER
    seq: int = 0
    base: Fold = field(default_factory=Fold)
    base_until: Micros = NEVER
    """The folded past ends here; facts before it are forgotten."""
    attributions: tuple[Attribution, ...] = ()
    voids: tuple[Void, ...] = ()
    published: Published = field(default_factory=Published)
    chain_head: str | None = None
    """The digest of the last alert said: the next one carries it."""
    next_due: Micros | None = None
    beyond_horizon: Micros | None = None
    """When data older than the folded past was last refused."""

    def __init__(
        self,
        patient_id: str,
        clock: Micros = NEVER,
        seq: int = 0,
        base: Fold | None = None,
        base_until: Micros = NEVER,
        attributions: tuple[Attribution, ...] = (),
        voids: tuple[Void, ...] = (),
        published: Published | None = None,
        chain_head: str | None = None,
        next_due: Micros | None = None,
        beyond_horizon: Micros | None = None,
    ) -> None:
        self.patient_id = patient_id
        self.clock = clock
        self.seq = seq
        self.base = NO_PAST if base is None else base
        self.base_until = base_until
        self.attributions = attributions
        self.voids = voids
        self.published = Published() if published is None else published
        self.chain_head = chain_head
        self.next_due = next_due
        self.beyond_horizon = beyond_horizon


Told = tuple[tuple[Change, ...], tuple[Candidate, ...], tuple[NeuroChange, ...]]
"""A fold's histories of grades, candidates and ICANS as they were when they were announced."""


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Derived:
    """What follows from record, windows and ruleset; never stored.

    `head` is the fold after the last fact, `now` the same with its timers run to the clock (the
    same object where none was due). Neither is ever changed.
    """

    context: Final[Context]
    voided: Final[frozenset[str]]
    head: Final[Fold]
    now: Final[Fold]
    checkpoints: Final[Checkpoints]
    count: Final[int]
    head_due: Final[Micros | None]
    """When the head's next timer runs."""
    oldest: Final[Micros | None]
    """The start of the oldest window."""
    places: Final[Places]
    told: Final[Told | None]
    """What the record's `published` is up to; None where that is not known."""
    mark: Final[Micros]
    """Where the patient's minutes begin; see `facts.mark_of`."""
    settled: Final[Published | None]
    """The record's `published`, where its alarms have been followed up; see `raising.follow_up`."""

    def __init__(
        self,
        context: Context,
        voided: frozenset[str],
        head: Fold,
        now: Fold,
        checkpoints: Checkpoints,
        count: int,
        head_due: Micros | None,
        oldest: Micros | None,
        places: Places,
        mark: Micros,
        told: Told | None = None,
        settled: Published | None = None,
    ) -> None:
        self.context = context
        self.voided = voided
        self.head = head
        self.now = now
        self.checkpoints = checkpoints
        self.count = count
        self.head_due = head_due
        self.oldest = oldest
        self.places = places
        self.mark = mark
        self.told = told
        self.settled = settled


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class PatientState:
    """See the module."""

    record: Final[PatientRecord]
    windows: Final[Mapping[Micros, Window]]
    derived: Derived | None = field(compare=False, repr=False)

    def __init__(
        self,
        record: PatientRecord,
        windows: Mapping[Micros, Window],
        derived: Derived | None = None,
    ) -> None:
        self.record = record
        self.windows = windows
        self.derived = derived

    @classmethod
    def assemble(cls, record: PatientRecord, windows: Mapping[Micros, Window]) -> PatientState:
        """A state from its stored parts.

        Facts that the record does not know are dropped (they come again), and so are windows of
        the folded past (their end was not stored any more).
        """
        known: dict[Micros, Window] = {}
        for start, window in windows.items():
            if start < record.base_until:
                continue
            facts: tuple[Fact, ...] = window.facts
            if any(fact.seq > record.seq for fact in facts):
                facts = tuple(fact for fact in facts if fact.seq <= record.seq)
            if facts:
                known[start] = rebuilt(facts, window.dense)
        return cls(record, known)
