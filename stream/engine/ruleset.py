"""Every threshold that grading uses, as one frozen value.

The numbers live in `stream/rules/*.toml` with a source per row; `stream.rules.load_ruleset`
validates them and builds this. Durations are microseconds, as all times of the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stream.engine.events import Micros
from stream.engine.guidance import GuidanceRow
from stream.engine.laboratory import LabRule
from stream.engine.ladders import Ladders
from stream.engine.products import Catalogue
from stream.engine.scales import Scales
from stream.engine.score_definitions import ScoreDefinition

SECOND: Final[Micros] = 1_000_000
MINUTE: Final[Micros] = 60 * SECOND
HOUR: Final[Micros] = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class PressureLimit:
    """Systolic limit of a child younger than `below_years`: `base + per_year * completed years`."""

    below_years: float
    base_mmhg: float
    per_year_mmhg: float


@dataclass(frozen=True, slots=True)
class OxygenFraction:
    """Estimated FiO2: `low` to `high`, or `low` and `per_lpm` for each L/min up to `high`."""

    low: float
    high: float
    per_lpm: float = 0.0


@dataclass(frozen=True, slots=True)
class DeviceRule:
    """What an oxygen device counts for.

    `kind`: `air` (nothing), `low_flow` and `high_flow` (the flow decides, see
    `Ruleset.flow_boundary_lpm`), `fixed` (`grade` whatever the flow).
    """

    kind: str
    grade: int
    mapped: bool = False
    support: str = "none"
    """Class for the scales that go by oxygen fraction: `nasal` `blow_by` `mask`
    `noninvasive` `invasive`."""
    fio2: OxygenFraction | None = None
    """What it gives where no fraction is charted; None: that cannot be told."""


@dataclass(frozen=True, slots=True)
class StaleLimit:
    """Age at which a signal counts as lost: usual, and from `Ruleset.tight_from_grade` on."""

    usual: Micros
    tight: Micros
    flag: str


@dataclass(frozen=True, slots=True)
class PressorTable:
    """What one scale calls a high dose of vasopressors, for at least `held`.

    `alone`: agent -> (dose, unit) for a single agent. `combined` and `with_vasopressin`:
    norepinephrine equivalents in `unit`, several agents without and with vasopressin. `weights`:
    agent -> (equivalent per unit of dose, unit of that dose).
    """

    name: str
    alone: Mapping[str, tuple[float, str]]
    combined: float
    with_vasopressin: float
    unit: str
    weights: Mapping[str, tuple[float, str]]
    held: Micros
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class OrganRule:
    """Multiples above which each CTCAE grade begins: of the upper limit, and of the baseline.

    `baseline_first`: where the baseline was above the limit, its multiples alone count (CTCAE v5,
    transaminases and bilirubin); otherwise the worse of the two counts (creatinine).
    """

    analytes: tuple[str, ...]
    of_limit: tuple[tuple[float, int], ...]
    of_baseline: tuple[tuple[float, int], ...]
    baseline_first: bool
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class TimerRule:
    """A cited reminder (K1 to K10): what it says, whom it is for, and its numbers."""

    code: str
    text: str
    citation: str
    status: str
    products: tuple[str, ...] = ()
    """Names of `products.toml`; empty: all."""
    therapy_classes: tuple[str, ...] = ()
    premedicated_classes: tuple[str, ...] = ()
    """Classes whose next dose a premedication announces."""
    grade: int = 0
    after: Micros = 0
    within: Micros = 0
    most_in_day: int = 0
    most_in_all: int = 0
    day: Micros = 0


@dataclass(frozen=True, slots=True)
class WorseningRule:
    """Signs that ask for an early look by intensive care while the grade is `grade`.

    `bands`: scores and the band that counts; `rising`: analytes that counts when they rise.
    """

    grade: int
    oxygen_lpm: float
    bands: tuple[tuple[str, str], ...]
    rising: tuple[str, ...]
    rising_within: Micros
    """Both results are younger than this."""
    text: str
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class LabCriterion:
    """A result that counts in the IEC-HS screen: above or below a bound.

    `multiple` is of the laboratory's upper (or, with `below`, lower) limit; `value` is in the
    analyte's unit; either suffices.
    """

    name: str
    analyte: str
    below: bool
    multiple: float | None
    value: float | None
    baseline_multiple: float | None
    instead: bool
    """Where the baseline was above the limit, its multiple counts in place of the limit's."""


@dataclass(frozen=True, slots=True)
class IecHsRule:
    """The screen for IEC-HS: ferritin and enough of the common criteria within one span."""

    ferritin: LabCriterion
    rise: float
    rise_within: Micros
    common: tuple[LabCriterion, ...]
    other: tuple[LabCriterion, ...]
    common_needed: int
    cluster: Micros
    priority: str
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A validated parameter set; see the TOML rows for what each value means and where from."""

    name: str
    version: str
    hash: str
    scale: str

    grades: dict[str, int]
    """What each sign alone makes: the rows of the consensus table, by name."""

    # fever
    fever_c: float
    near_fever_c: float
    near_fever_sites: tuple[str, ...]
    site_rank: dict[str, int]
    site_window: Micros
    patch_window: Micros
    lookback: Micros
    temp_stale: Micros

    # blood pressure
    bp_stale: Micros
    bp_pair: Micros
    bp_bolus: Micros
    pair_min_gap: Micros
    arterial_min: Micros
    arterial_preferred: Micros
    arterial_pulse_pressure_mmhg: float
    arterial_flush_mmhg: float
    source_conflict_mmhg: float
    source_conflict: Micros
    adult_years: float
    adult_systolic_mmhg: float
    adult_mean_mmhg: float
    child_limits: tuple[PressureLimit, ...]
    relative_drop_mmhg: float
    relative_drop_fraction: float
    baseline_from: Micros
    baseline_to: Micros
    baseline_min_readings: int
    critical_mean_mmhg: float

    # vasopressors
    agent_class: dict[str, str]
    base_of_salt: Mapping[str, float]
    """Agent -> how much base a unit of mass of its salt holds."""
    overlap: Micros
    push_dose_agents: tuple[str, ...]
    push_dose: Micros
    oral_pressor_agents: tuple[str, ...]
    oral_pressor: Micros
    dose_limits: dict[str, tuple[float, str]]
    ceiling_weight_kg: float
    """By which a dose that is not per kg is judged while no weight is known."""

    # oxygen
    devices: dict[str, DeviceRule]
    flow_boundary_lpm: float
    flow_boundary_inclusive: bool
    flow_low_grade: int
    flow_high_grade: int
    flow_max_lpm: float
    spo2_low: float
    spo2_pair: Micros
    spo2_continuous_min: Micros
    sao2_override: Micros
    o2_need_spo2: float
    o2_need_window: Micros

    # episode
    masking_agents: tuple[str, ...]
    bolus_agents: tuple[str, ...]
    premedication: Micros
    down: Micros
    quiet: Micros
    late_onset: Micros

    # signals
    plausible: dict[str, tuple[float, float]]
    stale: dict[str, StaleLimit]
    device_stale: Micros
    tight_from_grade: int

    # ICANS (ASTCT 2019): lowest ICE of each grade, and the domains
    ice_floor: tuple[tuple[int, int], ...]
    capd_floor: tuple[tuple[int, int], ...]
    icans_domains: dict[str, dict[str, int]]
    motor_weakness_grade: int
    capd_below_years: float
    aphasia_grade: int

    # beside the grade
    scales: Scales
    pressor_tables: Mapping[str, PressorTable]
    fio2_margin: float
    """How far an estimated oxygen fraction may be off."""
    pressor_long: Micros
    treatment_counts: Micros
    clotting_agents: tuple[str, ...]
    nutrition_agents: tuple[str, ...]
    intravenous_routes: tuple[str, ...]
    outpatient_words: tuple[str, ...]
    inpatient_words: tuple[str, ...]
    neutropenia_anc: float
    organs: Mapping[str, OrganRule]
    iec_hs: IecHsRule
    labs: Mapping[str, LabRule]
    scores: Mapping[str, ScoreDefinition]
    announced: tuple[ScoreDefinition, ...]
    """Those whose change of band is said."""
    score_sample: Micros
    products: Catalogue
    guidance: tuple[GuidanceRow, ...]
    followed_agents: frozenset[str]
    """Medicines whose doses are counted, because guidance or a trend speaks of them."""
    antipyretic_agents: tuple[str, ...]
    same_dose: Micros
    """Two doses closer than this are one, charted again."""
    anti_il6_agents: tuple[str, ...]

    # reminders K1 to K10, and the prompt of intensive care
    timers: Mapping[str, TimerRule]
    worsening: WorseningRule

    # who is told of it
    ladders: Ladders

    # what is said how loudly
    grade_priority: dict[int, str]
    candidate_priority: dict[int, str]
    icans_priority: dict[int, str]

    # memory
    horizon: Micros
    keep_facts: int
    max_facts: int
    fold_slack: int
    fold_stride: Micros
    dense_per_minute: int

    def named(self) -> dict[str, str]:
        """What every alert carries: name, version and hash of all thresholds in force."""
        return {"name": self.name, "version": self.version, "hash": self.hash}

    def systolic_limit(self, age_years: float | None) -> float:
        """mmHg below which systolic pressure is low; an unknown age is judged as an adult's."""
        if age_years is not None:
            for limit in self.child_limits:
                if age_years < limit.below_years:
                    return limit.base_mmhg + limit.per_year_mmhg * int(age_years)
        return self.adult_systolic_mmhg

    def is_adult(self, age_years: float | None) -> bool:
        """An unknown age is judged as an adult's: the stricter limits."""
        return age_years is None or age_years >= self.adult_years
