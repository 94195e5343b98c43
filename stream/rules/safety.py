"""What no parameter set may be, a site's or a full one: against itself, or against the contract.

How far each number may go is in `limits.toml`; what must fit together is here, as comparisons.
"""

from __future__ import annotations

from itertools import pairwise
from math import nextafter
from typing import TYPE_CHECKING

from schemas.flags import Flag
from schemas.vocabulary import Device, InfusionAgent, InfusionUnit, Medicine, Signal, Site
from stream.engine.ruleset import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream.engine.ruleset import Ruleset

PRIORITIES = ("information", "low", "medium", "high")
"""From the least to the loudest."""
MEDICINES = (
    "masking_agents",
    "bolus_agents",
    "push_dose_agents",
    "oral_pressor_agents",
    "clotting_agents",
    "nutrition_agents",
    "antipyretic_agents",
    "anti_il6_agents",
)
"""Parameters that list medicines of the contract."""
KINDS = ("air", "low_flow", "high_flow", "fixed")


RANKS = (
    ("core", "bladder", "rectal"),
    ("oral",),
    ("tympanic",),
    ("temporal",),
    ("axillary",),
    ("skin",),
)
"""Sites from the most to the least reliable; a site that is not named ranks at most as oral."""
ORDER = (
    ("near_fever_c", "<", "fever_c", "near fever is below fever"),
    ("critical_mean_mmhg", "<", "adult_mean_mmhg", "critical is lower than low"),
    ("spo2_low", "<=", "o2_need_spo2", "below the limit oxygen is needed"),
    ("flow_boundary_lpm", "<", "flow_max_lpm", "the boundary must be a possible flow"),
    ("flow_low_grade", "<", "flow_high_grade", "more oxygen is a higher grade"),
    ("pair_min_gap_s", "<", "bp_pair_s", "else no two readings could confirm each other"),
    ("pair_min_gap_s", "<", "spo2_pair_s", "else no two readings could confirm each other"),
    ("arterial_min_s", "<=", "arterial_preferred_s", "else the line is left before it confirms"),
    ("spo2_continuous_min_s", "<=", "spo2_pair_s", "continuous reading confirms sooner than two"),
    ("baseline_to_s", "<", "baseline_from_s", "the baseline begins before it ends"),
    ("down_s", "<=", "quiet_s", "an episode must not close while a grade is held"),
    ("push_dose_s", "<=", "quiet_s", "a candidate must not outlast quiet time"),
    ("temp_stale_s", "<=", "quiet_s", "freshness needed to close is within quiet time"),
    ("bp_stale_s", "<=", "quiet_s", "freshness needed to close is within quiet time"),
    ("lookback_s", "<=", "horizon_s", "fever that counts must not be folded"),
    ("fold_stride_s", "<=", "horizon_s", "folding goes in strides shorter than what is kept"),
    ("keep_facts", "<", "max_facts", "what is always kept must fit into what can be kept"),
    ("fold_slack", "<", "max_facts", "folding goes in strides shorter than what is kept"),
)
"""Parameters by name, of which the first must be less (or not more) than the second, and why."""
GRADES = (
    ("fever", "hypotension"),
    ("hypotension", "one_vasopressor"),
    ("one_vasopressor", "multiple_vasopressors"),
    ("multiple_vasopressors", "death"),
)
"""Signs of which the first never makes a higher grade than the second."""
THRESHOLDS = (
    ("temperature", ("fever_c", "near_fever_c")),
    ("spo2", ("spo2_low", "o2_need_spo2")),
    ("systolic_bp", ("adult_systolic_mmhg", "arterial_flush_mmhg")),
    ("mean_bp", ("adult_mean_mmhg", "critical_mean_mmhg")),
)
"""Signals and the thresholds that must be plausible values of them."""


def contradictions(rules: Ruleset) -> list[str]:
    """Everything in a ruleset that does not fit together, a sentence each."""
    return [
        *_order(rules),
        *_spans(rules),
        *_ranks(rules),
        *_children(rules),
        *_plausible(rules),
        *_words(rules),
        *_priorities(rules),
        *_floors(rules),
        *_doses(rules),
    ]


def _number(rules: Ruleset, name: str) -> float:
    """The value of a parameter as its row has it."""
    if name.endswith("_s"):
        return float(getattr(rules, name.removesuffix("_s"))) / SECOND
    return float(getattr(rules, name))


def _order(rules: Ruleset) -> Iterator[str]:
    for less, sign, more, why in ORDER:
        low, high = _number(rules, less), _number(rules, more)
        if low > high or (sign == "<" and low == high):
            yield (
                f"parameters.{less} = {low:.12g}: expected {sign} parameters.{more} "
                f"({high:.12g}): {why}"
            )
    for sign, worse in GRADES:
        if rules.grades[sign] > rules.grades[worse]:
            yield (
                f"grades.{sign} = {rules.grades[sign]}: expected <= grades.{worse} "
                f"({rules.grades[worse]})"
            )


def _spans(rules: Ruleset) -> Iterator[str]:
    if rules.horizon < rules.quiet + rules.down:
        yield (
            f"parameters.horizon_s = {rules.horizon / SECOND:.12g}: expected >= quiet_s + down_s "
            f"({(rules.quiet + rules.down) / SECOND:.12g}): an open episode must not be folded"
        )
    for code, timer in rules.timers.items():
        if timer.most_in_day > timer.most_in_all:
            yield (
                f"timers.{code}.most_in_day = {timer.most_in_day}: expected <= most_in_all "
                f"({timer.most_in_all})"
            )
    for name, limit in rules.stale.items():
        if limit.tight > limit.usual:
            yield (
                f"stale.{name}.tight_s = {limit.tight / SECOND:.12g}: expected <= usual_s "
                f"({limit.usual / SECOND:.12g}): a higher grade is watched more closely"
            )


def _ranks(rules: Ruleset) -> Iterator[str]:
    ranks = rules.site_rank
    pairs = [
        (better, worse)
        for above, below in pairwise(RANKS)
        for better in above
        for worse in below
        if better in ranks and worse in ranks
    ]
    for better, worse in pairs:
        if ranks[better] <= ranks[worse]:
            yield (
                f"parameters.site_rank.{better} = {ranks[better]}: expected above "
                f"parameters.site_rank.{worse} ({ranks[worse]}): the more reliable site counts"
            )
    if ranks.get("unknown", 0) > ranks.get("oral", 0):
        yield (
            f"parameters.site_rank.unknown = {ranks['unknown']}: expected at most "
            f"parameters.site_rank.oral ({ranks.get('oral')}): nobody knows where it was taken"
        )


def _children(rules: Ruleset) -> Iterator[str]:
    for younger, older in pairwise(rules.child_limits):
        if younger.below_years >= older.below_years:
            yield (
                f"parameters.child_limits: below_years {younger.below_years:g} is followed by "
                f"{older.below_years:g}: expected ascending ages"
            )
    for limit in rules.child_limits:
        end = limit.below_years
        if end > rules.adult_years:
            yield (
                f"parameters.child_limits: below_years {end:g}: expected <= "
                f"parameters.adult_years ({rules.adult_years:g})"
            )
        before, after = rules.systolic_limit(nextafter(end, 0.0)), rules.systolic_limit(end)
        if before > after:
            yield (
                f"parameters.child_limits: {before:g} mm[Hg] up to {end:g} years and {after:g} "
                "from then on: expected limits that do not fall with age, and end at the adult's"
            )


def _plausible(rules: Ruleset) -> Iterator[str]:
    for signal in Signal:
        if signal not in rules.plausible:
            yield f"plausible.{signal} is missing: expected [low, high]"
    for watched, names in THRESHOLDS:
        low, high = rules.plausible.get(watched, (float("-inf"), float("inf")))
        for name in names:
            value = _number(rules, name)
            if not low < value < high:
                yield (
                    f"plausible.{watched} = [{low:g}, {high:g}]: expected to hold "
                    f"parameters.{name} ({value:g}), else nothing ever passes it"
                )


def _words(rules: Ruleset) -> Iterator[str]:
    yield from _same("devices", rules.devices, Device)
    yield from _same("agents", rules.agent_class, InfusionAgent)
    yield from _same("parameters.site_rank", rules.site_rank, [*Site, "unknown"])
    yield from _among("parameters.near_fever_sites", rules.near_fever_sites, Site)
    for name in MEDICINES:
        agents = getattr(rules, name)
        yield from _among(f"parameters.{name}", agents, Medicine)
        if not agents:
            yield f"parameters.{name} is empty: expected at least one"
    yield from _among("dose_limits", rules.dose_limits, InfusionAgent)
    units = [unit for _, unit in rules.dose_limits.values()]
    yield from _among("dose_limits: the unit", units, InfusionUnit)
    yield from _among("stale: the flag", [row.flag for row in rules.stale.values()], Flag)
    yield from _among("devices: the kind", [row.kind for row in rules.devices.values()], KINDS)


def _among(name: str, words: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    expected = [str(word) for word in known]
    for word in sorted(set(words) - set(expected)):
        yield f"{name} {word!r} is not of the contract: expected {', '.join(expected)}"


def _same(name: str, words: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    there, expected = set(words), {str(word) for word in known}
    for word in sorted(expected - there):
        yield f"{name}.{word} is missing: expected every word of the contract"
    for word in sorted(there - expected):
        yield f"{name}.{word} is not of the contract: expected {', '.join(sorted(expected))}"


def _priorities(rules: Ruleset) -> Iterator[str]:
    for name, table, grades in (
        ("grade", rules.grade_priority, (1, 2, 3, 4, 5)),
        ("candidate", rules.candidate_priority, (2, 3, 4)),
        ("icans", rules.icans_priority, (1, 2, 3, 4)),
    ):
        for grade in grades:
            if table.get(grade) not in PRIORITIES:
                yield (
                    f"priorities.{name}.{grade} = {table.get(grade)!r}: expected one of "
                    f"{', '.join(PRIORITIES)}"
                )
                break
        else:
            for lower, higher in pairwise(grades):
                if PRIORITIES.index(table[lower]) > PRIORITIES.index(table[higher]):
                    yield (
                        f"priorities.{name}.{higher} = {table[higher]!r}: expected at least "
                        f"{table[lower]!r}, as grade {lower} has"
                    )


def _floors(rules: Ruleset) -> Iterator[str]:
    for name, floors in (("ice_floor", rules.ice_floor), ("capd_floor", rules.capd_floor)):
        values = [floor for floor, _ in floors]
        if not values or values[-1] != 0 or any(a <= b for a, b in pairwise(values)):
            yield f"icans.{name} = {values}: expected descending floors that end at 0"


def _doses(rules: Ruleset) -> Iterator[str]:
    doses = [name for name, score in rules.scores.items() if score.method == "dose"]
    for row in rules.guidance:
        if row.dose and row.dose not in doses:
            yield (
                f"guidance.{row.id}.dose = {row.dose!r}: expected a score that works out a dose "
                f"({', '.join(doses)})"
            )
