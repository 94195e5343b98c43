"""Every threshold that grading uses, as one frozen value.

The numbers live in `stream/rules/*.toml` with a source per row; `stream.rules.load_ruleset`
validates them and builds this. Durations are microseconds, as all times of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from stream.engine.events import Micros

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class PressureLimit:
    """Systolic limit of a child younger than `below_years`: `base + per_year * completed years`."""

    below_years: float
    base_mmhg: float
    per_year_mmhg: float


@dataclass(frozen=True, slots=True)
class DeviceRule:
    """What an oxygen device counts for.

    `kind`: `air` (nothing), `low_flow` and `high_flow` (the flow decides, see
    `Ruleset.flow_boundary_lpm`), `fixed` (`grade` whatever the flow).
    """

    kind: str
    grade: int
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class StaleLimit:
    """Age at which a signal counts as lost: usual, and from `Ruleset.tight_from_grade` on."""

    usual: Micros
    tight: Micros
    flag: str


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
    overlap: Micros
    push_dose_agents: tuple[str, ...]
    push_dose: Micros
    oral_pressor_agents: tuple[str, ...]
    oral_pressor: Micros
    dose_limits: dict[str, tuple[float, str]]

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

    # reminders
    tocilizumab_interval: Micros
    tocilizumab_count: Micros
    tocilizumab_text: str
    tocilizumab_citation: str

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
