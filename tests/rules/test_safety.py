"""Limits and contradictions: what no ruleset may be."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.engine.ruleset import HOUR, MINUTE, PressureLimit, Ruleset, StaleLimit
from stream.rules import load_ruleset
from stream.rules.documents import packaged
from stream.rules.floors import lower_for_children, weakened
from stream.rules.limits import beyond_limits, limit_of, limits, tables
from stream.rules.overrides import fixed
from stream.rules.rows import IDENTITIES, cells
from stream.rules.safety import contradictions

P0 = load_ruleset()
PACKAGED = packaged()


def numbers(value: Any) -> list[float]:
    items = value if isinstance(value, list) else [value]
    return [x for x in items if isinstance(x, (int, float)) and not isinstance(x, bool)]


@cache
def overridable() -> list[str]:
    return [
        cell.row
        for cell in cells(PACKAGED)
        if numbers(cell.value)
        and not fixed(cell.row)
        and not (cell.row.split(".")[-1] in IDENTITIES and ".schedule." in cell.row)
    ]


def test_every_number_that_a_site_can_change_has_limits() -> None:
    assert len(overridable()) > 100
    assert [row for row in overridable() if limit_of(row) is None] == []


def test_the_packaged_set_is_within_its_limits_and_agrees_with_itself() -> None:
    assert beyond_limits(packaged()) == []
    assert contradictions(P0) == []


def test_every_limit_is_used_and_says_why() -> None:
    rows = {cell.row for cell in cells(PACKAGED)}
    used = {limit_of(row) for row in rows}
    for limit in limits():
        assert limit.minimum <= limit.maximum, limit.rows
        assert limit.why, limit.rows
        if "*" not in limit.rows:
            assert limit in used, limit.rows


@pytest.mark.parametrize("kind", ["words", "priorities", "multiples", "ranges"])
def test_every_floor_is_of_a_row_and_says_why(kind: str) -> None:
    rows = [cell.row for cell in cells(PACKAGED)]
    for pattern, floor in tables()[kind].items():
        assert any(fnmatchcase(row, pattern) for row in rows), pattern
        assert floor["why"], pattern


def test_the_packaged_set_is_no_weaker_than_itself() -> None:
    values = {cell.row: cell.value for cell in cells(PACKAGED)}
    assert list(weakened(cells(PACKAGED), values)) == []
    assert lower_for_children(P0, PACKAGED) == []


def test_limits_for_children_may_be_a_little_lower() -> None:
    *younger, last = P0.child_limits
    rules = replace(P0, child_limits=(*younger, replace(last, base_mmhg=85.0)))
    assert lower_for_children(rules, PACKAGED) == []
    rules = replace(P0, child_limits=(*younger, replace(last, base_mmhg=84.0)))
    (said,) = lower_for_children(rules, PACKAGED)
    assert said.startswith("parameters.child_limits: 84 mm[Hg] at 10 years: expected at least 85")


@settings(deadline=None)
@given(data=st.data())
def test_a_number_beyond_its_limits_is_found_and_named(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from([r for r in overridable() if r.startswith("parameters.")]))
    limit = limit_of(row)
    assert limit is not None
    value = data.draw(
        st.one_of(
            st.floats(max_value=limit.minimum, exclude_max=True),
            st.floats(min_value=limit.maximum, exclude_min=True),
            st.just(float("nan")),
        )
    )
    assert limit.broken(value)
    assert not limit.broken(limit.minimum)
    assert not limit.broken(limit.maximum)
    name = row.split(".")[1]
    if row == f"parameters.{name}":
        parameters = {
            **PACKAGED["parameters"],
            name: {**PACKAGED["parameters"][name], "value": value},
        }
        (problem,) = beyond_limits({"parameters": parameters})
        assert problem.startswith(f"{row} = ")
        assert limit.why in problem


def without(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (replace(P0, near_fever_c=38.0), "near_fever_c = 38: expected < parameters.fever_c (38)"),
        (replace(P0, critical_mean_mmhg=70.0), "critical_mean_mmhg = 70: expected < parameters.ad"),
        (replace(P0, spo2_low=95.0), "spo2_low = 95: expected <= parameters.o2_need_spo2 (94)"),
        (replace(P0, baseline_to=P0.baseline_from), "baseline_to_s = 259200: expected < "),
        (replace(P0, flow_low_grade=3), "flow_low_grade = 3: expected < parameters.flow_high"),
        (replace(P0, quiet=P0.down - 1), "expected <= parameters.quiet_s"),
        (replace(P0, horizon=P0.quiet), "horizon_s = 86400: expected >= quiet_s + down_s (90000)"),
        (replace(P0, keep_facts=4096), "keep_facts = 4096: expected < parameters.max_facts"),
        (
            replace(P0, lookback=P0.horizon + HOUR),
            "lookback_s = 176400: expected <= parameters.hor",
        ),
        (replace(P0, pair_min_gap=P0.bp_pair), "no two readings could confirm each other"),
        (replace(P0, push_dose=P0.quiet + HOUR), "push_dose_s = 90000: expected <= parameters.q"),
        (
            replace(P0, stale={**P0.stale, "spo2": StaleLimit(MINUTE, HOUR, "STALE_SPO2")}),
            "stale.spo2.tight_s = 3600: expected <= usual_s (60)",
        ),
        (
            replace(P0, grades={**P0.grades, "hypotension": 4}),
            "grades.hypotension = 4: expected <=",
        ),
        (replace(P0, grades={**P0.grades, "one_vasopressor": 5}), "expected <= grades.multiple_"),
        (replace(P0, adult_systolic_mmhg=80.0), "mm[Hg] up to 18 years and 80 from then on"),
        (
            replace(P0, child_limits=(PressureLimit(10, 70, 2), PressureLimit(5, 90, 0))),
            "below_years 10 is followed by 5: expected ascending ages",
        ),
        (replace(P0, adult_years=16.0), "below_years 18: expected <= parameters.adult_years (16)"),
        (
            replace(P0, plausible={**P0.plausible, "temperature": (25.0, 37.8)}),
            "plausible.temperature = [25, 37.8]: expected to hold parameters.fever_c (38)",
        ),
        (replace(P0, plausible=without(P0.plausible, "spo2")), "plausible.spo2 is missing"),
        (replace(P0, devices=without(P0.devices, "niv")), "devices.niv is missing"),
        (
            replace(P0, devices={**P0.devices, "scuba": P0.devices["niv"]}),
            "devices.scuba is not of the contract",
        ),
        (replace(P0, agent_class=without(P0.agent_class, "ephedrine")), "agents.ephedrine is miss"),
        (
            replace(P0, devices={**P0.devices, "niv": replace(P0.devices["niv"], kind="tight")}),
            "devices: the kind 'tight' is not of the contract",
        ),
        (
            replace(P0, stale={**P0.stale, "spo2": StaleLimit(HOUR, HOUR, "OLD")}),
            "stale: the flag 'OLD' is not of the contract",
        ),
        (
            replace(P0, site_rank={**P0.site_rank, "rectal": 4}),
            "parameters.site_rank.rectal = 4: expected above parameters.site_rank.oral (5)",
        ),
        (
            replace(P0, guidance=(replace(P0.guidance[0], dose="easix"),)),
            "dose = 'easix': expected a score that works out a dose (tocilizumab_dose)",
        ),
        (replace(P0, masking_agents=("aspirin",)), "parameters.masking_agents 'aspirin'"),
        (replace(P0, masking_agents=()), "parameters.masking_agents is empty"),
        (replace(P0, site_rank=without(P0.site_rank, "oral")), "parameters.site_rank.oral is miss"),
        (replace(P0, dose_limits={"dopamine": (50.0, "mL/h")}), "the unit 'mL/h' is not of"),
        (
            replace(P0, grade_priority={**P0.grade_priority, 4: "low"}),
            "priorities.grade.4 = 'low': expected at least 'high'",
        ),
        (
            replace(P0, candidate_priority={2: "medium", 3: "medium"}),
            "priorities.candidate.4 = None: expected one of",
        ),
        (replace(P0, ice_floor=((3, 2), (7, 1), (0, 3))), "icans.ice_floor = [3, 7, 0]"),
    ],
)
def test_what_does_not_fit_together_is_told(rules: Ruleset, says: str) -> None:
    assert says in "\n".join(contradictions(rules))
