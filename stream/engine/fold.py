"""The folded past of one patient: what a chart read up to an instant amounts to.

A `Fold` is a timed automaton: facts are applied in the order of event time, and between facts its
own timers run (`stream.engine.course`). It holds conclusions, not readings, so its size does not
grow with the stay. Every field is an immutable value: a copy is shallow and two folds never share
something that one of them changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

from stream.engine.conclusions import (
    NEVER,
    Candidate,
    Change,
    Dose,
    DoseQuestion,
    Given,
    LabValue,
    NeuroChange,
    Risk,
    Running,
    ScoreInputUsed,
    Screen,
    Why,
)
from stream.engine.events import Micros
from stream.engine.native import mypyc_attr

__all__ = [
    "NEVER",
    "Candidate",
    "Change",
    "Dose",
    "DoseQuestion",
    "Fold",
    "Given",
    "LabValue",
    "NeuroChange",
    "Risk",
    "Running",
    "ScoreInputUsed",
    "Screen",
    "Why",
]


@mypyc_attr(acyclic=True)
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
    baseline_ice: int | None = None
    hospitalised_for_crs: bool | None = None
    spo2_scale: int | None = None
    spo2_scale_at: Micros = NEVER
    spo2_scale_id: str = ""

    # therapy
    therapy: Micros | None = None
    first_therapy: Micros | None = None
    therapy_before: Micros | None = None
    """The dose before the newest one."""
    product: str = ""
    product_name: str = ""
    """As the catalogue spells it; as charted where it has no row."""
    therapy_class: str = ""
    product_class: str = ""
    """The class of the product's row; as charted where it has none."""
    dose_number: int | None = None
    therapy_id: str = ""
    product_doses: int = 0
    """Doses of the product given last, without another product between them."""
    dose_question: DoseQuestion | None = None
    """The last dose that came near after trouble with an earlier one (K9)."""
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
    fever_run: Micros = NEVER
    """The first fever of a run without a gap longer than the look-back."""
    fever_run_id: str = ""
    antipyretic_at: Micros = NEVER
    cooled: bool = False
    """A temperature below fever was read since the last antipyretic."""
    fever_again_at: Micros = NEVER
    fever_again_id: str = ""
    fever_again_location: str | None = None

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
    boluses: tuple[Micros, ...] = ()
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
    heart_rate_id: str = ""
    heart_rate_bad: Micros = NEVER
    respiratory_rate: float | None = None
    respiratory_rate_seen: Micros = NEVER
    respiratory_rate_id: str = ""
    respiratory_rate_bad: Micros = NEVER

    # drugs
    running: dict[str, Running] = field(default_factory=dict)
    pressor_since: Micros = NEVER
    """Since when a vasopressor has been running without a break; NEVER while none runs."""
    high_dose: dict[str, tuple[Micros, Micros]] = field(default_factory=dict)
    """By table: since when the dose has been high, and since when it may have been."""
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
    first_doses: dict[str, Dose] = field(default_factory=dict)
    """By agent, the first dose since the open episode began."""
    given: dict[str, Given] = field(default_factory=dict)
    iv_therapy_at: Micros = NEVER
    clotting_at: Micros = NEVER

    # laboratory, in each analyte's unit
    labs: dict[str, LabValue] = field(default_factory=dict)
    labs_before: dict[str, LabValue] = field(default_factory=dict)
    """The last results before the course of the newest product."""
    labs_before_at: Micros | None = None
    labs_earlier: dict[str, LabValue] = field(default_factory=dict)
    """The result before the last one, where the two may be compared."""
    iec_hs: Screen | None = None

    # neuro
    icans: int | None = None
    icans_at: Micros = NEVER
    icans_id: str = ""
    icans_domains: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By domain, the grade of its last assessment and the event."""
    not_assessable: bool = False
    ice_impaired: bool = False
    """The last ICE was below 10, and no lower than the patient's own baseline."""
    alert: bool | None = None
    alert_at: Micros = NEVER
    alert_id: str = ""
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
    closed_max: int = 0
    """The highest grade of the last closed episode."""
    worst: int = 0
    """The highest grade of all episodes."""
    support_ok: bool = False
    """Support of 2 or more has been there without a break since the fever rule was met."""

    # grade
    raw: int | None = None
    raw_steps: tuple[tuple[Micros, int], ...] = ()
    """Raw grades that the hold still sees: (from, grade), the last one current."""
    sign_since: Micros | None = None
    """Since when the raw grade has been 1 or more."""
    support_since: Micros | None = None
    """Since when the raw grade has been above fever alone."""
    grade: int = 0
    quiet_since: Micros | None = None
    history: tuple[Change, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    # beside the grade
    scale_steps: tuple[tuple[Micros, tuple[tuple[str, tuple[int, ...]], ...]], ...] = ()
    """What the hold still sees of the other scales: (from, scale and grades), the last current."""
    risks: dict[str, Risk] = field(default_factory=dict)
    risks_at: Micros = NEVER
    """When the scores were last looked at."""
    risks_due: Micros = -NEVER
    """When the first band that waits will have held long enough."""

    def copy(self) -> Fold:
        """A shallow copy; enough, since every value is immutable or replaced when changed."""
        new = Fold.__new__(Fold)
        new.time, new.settled, new.age_years = self.time, self.settled, self.age_years
        new.birth_date, new.weight_kg = self.birth_date, self.weight_kg
        new.baseline_charted, new.baseline_measured = self.baseline_charted, self.baseline_measured
        new.location, new.baseline_ice = self.location, self.baseline_ice
        new.hospitalised_for_crs, new.spo2_scale = self.hospitalised_for_crs, self.spo2_scale
        new.spo2_scale_at, new.spo2_scale_id = self.spo2_scale_at, self.spo2_scale_id
        new.therapy, new.first_therapy = self.therapy, self.first_therapy
        new.therapy_before, new.product = self.therapy_before, self.product
        new.product_name, new.therapy_class = self.product_name, self.therapy_class
        new.product_class, new.dose_number = self.product_class, self.dose_number
        new.therapy_id, new.product_doses = self.therapy_id, self.product_doses
        new.dose_question, new.before_therapy = self.dose_question, self.before_therapy
        new.temp, new.temp_at, new.temp_rank = self.temp, self.temp_at, self.temp_rank
        new.temp_site, new.temp_id = self.temp_site, self.temp_id
        new.temp_qualifies, new.temp_attributed = self.temp_qualifies, self.temp_attributed
        new.temp_seen, new.temp_bad = self.temp_seen, self.temp_bad
        new.temp_bad_unit, new.patch = self.temp_bad_unit, self.patch
        new.patch_since, new.fever_at, new.fever_id = self.patch_since, self.fever_at, self.fever_id
        new.fever_run, new.fever_run_id = self.fever_run, self.fever_run_id
        new.antipyretic_at, new.cooled = self.antipyretic_at, self.cooled
        new.fever_again_at, new.fever_again_id = self.fever_again_at, self.fever_again_id
        new.fever_again_location, new.bp_seen = self.fever_again_location, self.bp_seen
        new.bp_systolic, new.bp_diastolic = self.bp_systolic, self.bp_diastolic
        new.bp_mean, new.bp_id, new.bp_bad = self.bp_mean, self.bp_id, self.bp_bad
        new.bp_bad_unit, new.low_since = self.bp_bad_unit, self.low_since
        new.low_last, new.low_ids = self.low_last, self.low_ids
        new.low_confirmed, new.bolus_at = self.low_confirmed, self.bolus_at
        new.bolus_id, new.boluses = self.bolus_id, self.boluses
        new.relative_since, new.relative_last = self.relative_since, self.relative_last
        new.relative_ids, new.relative_confirmed = self.relative_ids, self.relative_confirmed
        new.line_at, new.line_systolic, new.cuff_at = self.line_at, self.line_systolic, self.cuff_at
        new.cuff_systolic, new.conflict_since = self.cuff_systolic, self.conflict_since
        new.device, new.device_at, new.device_since = self.device, self.device_at, self.device_since
        new.device_id, new.flow_lpm, new.fio2 = self.device_id, self.flow_lpm, self.fio2
        new.device_reason, new.o2_need_unverified = self.device_reason, self.o2_need_unverified
        new.spo2, new.spo2_seen, new.spo2_id = self.spo2, self.spo2_seen, self.spo2_id
        new.spo2_bad, new.spo2_bad_unit = self.spo2_bad, self.spo2_bad_unit
        new.sao2_at, new.air_good_at = self.sao2_at, self.air_good_at
        new.desat_since, new.desat_last = self.desat_since, self.desat_last
        new.desat_ids, new.desat_confirmed = self.desat_ids, self.desat_confirmed
        new.heart_rate, new.heart_rate_seen = self.heart_rate, self.heart_rate_seen
        new.heart_rate_id, new.heart_rate_bad = self.heart_rate_id, self.heart_rate_bad
        new.respiratory_rate = self.respiratory_rate
        new.respiratory_rate_seen = self.respiratory_rate_seen
        new.respiratory_rate_id = self.respiratory_rate_id
        new.respiratory_rate_bad, new.running = self.respiratory_rate_bad, self.running
        new.pressor_since, new.high_dose = self.pressor_since, self.high_dose
        new.zero_rate, new.orphan_stop = self.zero_rate, self.orphan_stop
        new.masked_at, new.masked_id, new.push_at = self.masked_at, self.masked_id, self.push_at
        new.push_id, new.oral_pressor_at = self.push_id, self.oral_pressor_at
        new.adjunct_at, new.doses, new.first_doses = self.adjunct_at, self.doses, self.first_doses
        new.given, new.iv_therapy_at = self.given, self.iv_therapy_at
        new.clotting_at, new.labs, new.labs_before = self.clotting_at, self.labs, self.labs_before
        new.labs_before_at, new.labs_earlier = self.labs_before_at, self.labs_earlier
        new.iec_hs, new.icans, new.icans_at = self.iec_hs, self.icans, self.icans_at
        new.icans_id, new.icans_domains = self.icans_id, self.icans_domains
        new.not_assessable, new.ice_impaired = self.not_assessable, self.ice_impaired
        new.alert, new.alert_at, new.alert_id = self.alert, self.alert_at, self.alert_id
        new.icans_history, new.outcome = self.icans_history, self.outcome
        new.death_crs, new.death_other = self.death_crs, self.death_other
        new.outcome_id, new.episode, new.episodes = self.outcome_id, self.episode, self.episodes
        new.onset, new.onset_id, new.late_onset = self.onset, self.onset_id, self.late_onset
        new.waived_at, new.waived_id = self.waived_at, self.waived_id
        new.last_closed, new.episode_max = self.last_closed, self.episode_max
        new.closed_max, new.worst, new.support_ok = self.closed_max, self.worst, self.support_ok
        new.raw, new.raw_steps, new.sign_since = self.raw, self.raw_steps, self.sign_since
        new.support_since, new.grade = self.support_since, self.grade
        new.quiet_since, new.history = self.quiet_since, self.history
        new.candidates, new.scale_steps, new.risks = self.candidates, self.scale_steps, self.risks
        new.risks_at, new.risks_due = self.risks_at, self.risks_due
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


NAMES: Final = tuple(each.name for each in fields(Fold))
"""Of its fields, in their order."""
