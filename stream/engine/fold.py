"""The folded past of one patient: what a chart read up to an instant amounts to.

A `Fold` is a timed automaton: facts are applied in the order of event time, and between facts its
own timers run (`stream.engine.course`). It holds conclusions, not readings, so its size does not
grow with the stay. Every field is an immutable value: a copy is shallow and two folds never share
something that one of them changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stream.engine.events import Micros

NEVER: Micros = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Running:
    """One agent on a pump: since when without a break, last heard of when, by which events."""

    since: Micros
    seen: Micros
    rate: float
    unit: str
    start_id: str
    seen_id: str


@dataclass(frozen=True, slots=True)
class Why:
    """A coded reason with the events that it rests on (see `stream.engine.reasons`)."""

    code: str
    event_ids: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """The emitted grade became `grade` at `time`."""

    time: Micros
    grade: int
    raw: int
    episode: int
    episode_max: int
    flags: tuple[str, ...]
    whys: tuple[Why, ...]
    mean_bp: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate raised at `start` with `grade`, now at `level`.

    `how` it ended: `confirmed`, `ended`, or `raised` (another one took its place).
    """

    start: Micros
    grade: int
    level: int
    why: str
    flags: tuple[str, ...]
    whys: tuple[Why, ...]
    end: Micros | None = None
    how: str | None = None
    mean_bp: float | None = None
    episode: int | None = None


@dataclass(frozen=True, slots=True)
class NeuroChange:
    """The ICANS grade became `grade` at `time`."""

    time: Micros
    grade: int
    whys: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose of tocilizumab and the emitted grade at that time."""

    time: Micros
    event_id: str
    grade: int


@dataclass
class Fold:
    """See the module. Units: degrees Celsius, mmHg, percent, L/min; times in microseconds."""

    time: Micros = NEVER
    """Everything before this, and the facts at it, is in."""
    settled: bool = False
    """The timers due at `time` have run too: they wait until no fact of that instant can follow."""

    # profile
    age_years: float | None = None
    birth_date: str | None = None
    weight_kg: float | None = None
    baseline_charted: float | None = None
    baseline_measured: float | None = None
    location: str | None = None

    # therapy
    therapy: Micros | None = None
    first_therapy: Micros | None = None
    product: str = ""
    therapy_class: str = ""
    dose_number: int | None = None
    before_therapy: tuple[tuple[Micros, float], ...] = ()
    """Systolic readings before the first infusion, at most one a quarter of an hour."""

    # temperature
    temp: float | None = None
    temp_at: Micros = NEVER
    temp_rank: int = 0
    temp_site: str = ""
    temp_id: str = ""
    temp_qualifies: bool = False
    temp_attributed: bool = False
    temp_seen: Micros = NEVER
    temp_bad: Micros = NEVER
    temp_bad_unit: Micros = NEVER
    patch: tuple[tuple[Micros, float], ...] = ()
    patch_since: Micros = NEVER
    fever_at: Micros = NEVER
    """The last qualifying fever: in scope, not attributed."""
    fever_id: str = ""

    # blood pressure
    bp_seen: Micros = NEVER
    bp_systolic: float | None = None
    bp_diastolic: float | None = None
    bp_mean: float | None = None
    bp_id: str = ""
    bp_bad: Micros = NEVER
    bp_bad_unit: Micros = NEVER
    low_since: Micros | None = None
    low_last: Micros = NEVER
    low_ids: tuple[str, ...] = ()
    low_confirmed: Micros | None = None
    bolus_at: Micros = NEVER
    bolus_id: str = ""
    relative_since: Micros | None = None
    relative_last: Micros = NEVER
    relative_ids: tuple[str, ...] = ()
    relative_confirmed: bool = False
    line_at: Micros = NEVER
    line_systolic: float | None = None
    cuff_at: Micros = NEVER
    cuff_systolic: float | None = None
    conflict_since: Micros | None = None

    # oxygen
    device: str | None = None
    device_at: Micros = NEVER
    device_since: Micros = NEVER
    device_id: str = ""
    flow_lpm: float | None = None
    fio2: float | None = None
    device_reason: str = "hypoxia"
    o2_need_unverified: bool = False
    spo2: float | None = None
    spo2_seen: Micros = NEVER
    spo2_id: str = ""
    spo2_bad: Micros = NEVER
    spo2_bad_unit: Micros = NEVER
    sao2_at: Micros = NEVER
    air_good_at: Micros = NEVER
    desat_since: Micros | None = None
    desat_last: Micros = NEVER
    desat_ids: tuple[str, ...] = ()
    desat_confirmed: Micros | None = None

    # other signals, for display and scores
    heart_rate: float | None = None
    heart_rate_seen: Micros = NEVER
    heart_rate_bad: Micros = NEVER
    respiratory_rate: float | None = None
    respiratory_rate_seen: Micros = NEVER
    respiratory_rate_bad: Micros = NEVER

    # drugs
    running: dict[str, Running] = field(default_factory=dict)
    zero_rate: tuple[str, ...] = ()
    orphan_stop: tuple[str, ...] = ()
    masked_at: Micros = NEVER
    """The last drug that can hide fever."""
    masked_id: str = ""
    push_at: Micros = NEVER
    push_id: str = ""
    oral_pressor_at: Micros = NEVER
    adjunct_at: Micros = NEVER
    doses: tuple[Dose, ...] = ()

    # neuro
    icans: int | None = None
    icans_at: Micros = NEVER
    not_assessable: bool = False
    icans_history: tuple[NeuroChange, ...] = ()

    # outcome
    outcome: str | None = None
    death_crs: bool = False
    death_other: bool = False
    outcome_id: str = ""

    # episode
    episode: int | None = None
    episodes: int = 0
    onset: Micros = NEVER
    onset_id: str = ""
    late_onset: bool = False
    waived_at: Micros | None = None
    waived_id: str = ""
    last_closed: Micros = NEVER
    episode_max: int = 0
    support_ok: bool = False
    """Support of 2 or more has been there without a break since the fever rule was met."""

    # grade
    raw: int | None = None
    raw_steps: tuple[tuple[Micros, int], ...] = ()
    """Raw grades that the hold still sees: (from, grade), the last one current."""
    grade: int = 0
    quiet_since: Micros | None = None
    history: tuple[Change, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    def copy(self) -> Fold:
        """A shallow copy; enough, since every value is immutable or replaced when changed."""
        new = Fold.__new__(Fold)
        new.__dict__.update(self.__dict__)
        return new

    @property
    def candidate(self) -> Candidate | None:
        """The open candidate."""
        if self.candidates and self.candidates[-1].end is None:
            return self.candidates[-1]
        return None

    @property
    def baseline_systolic(self) -> float | None:
        """mmHg; a charted baseline wins over the measured one."""
        return (
            self.baseline_charted if self.baseline_charted is not None else self.baseline_measured
        )

    @property
    def ended(self) -> bool:
        """Died, discharged or transferred: nothing is missed by silence any more."""
        return self.outcome is not None
