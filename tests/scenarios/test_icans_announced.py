"""ICANS as it is said: attributed, corrected, late, and never the grade."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts import Chart, history
from tests.scenarios.test_icans import spoken

# -- attribution, correction, late ----------------------------------------------------------------


def test_an_attribution_makes_it_0_for_its_span() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=5)
    chart.attribute("10:30", "neuro", "opioids", "10:00", "12:00")
    chart.expect(icans=0)
    chart.neuro("13:00", ice=5)
    chart.expect(icans=2)
    assert spoken(chart) == [(0, 2, "10:00"), (2, 0, "10:00"), (0, 2, "13:00")]


def test_an_attribution_withdrawn_brings_it_back() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=5)
    chart.attribute("10:30", "neuro", "opioids", "10:00")
    chart.attribute("11:00", "neuro", None, "10:00")
    chart.expect(icans=2)
    assert spoken(chart)[-1] == (0, 2, "10:00")


def test_attributions_of_the_syndrome_do_not_touch_it() -> None:
    for finding in ("fever", "hypotension", "hypoxia", "vasopressor"):
        chart = Chart()
        chart.neuro("10:00", ice=5)
        chart.attribute("10:30", finding, "other", "9:00")
        chart.expect(icans=2)


def test_the_only_assessment_retracted_is_taken_back() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=2, id="n1")
    chart.retract("10:20", "n1")
    chart.expect(icans=None)
    assert spoken(chart) == [(0, 3, "10:00"), (3, 0, "10:00")]


def test_the_last_assessment_retracted_gives_back_the_one_before() -> None:
    chart = Chart()
    chart.neuro("8:00", ice=8)
    chart.neuro("10:00", ice=2, id="n1")
    chart.retract("10:20", "n1")
    chart.expect(icans=1)
    assert spoken(chart) == [(0, 1, "8:00"), (1, 3, "10:00"), (3, 1, "8:00")]


def test_a_replacement_counts_instead() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=0, id="n1")
    chart.neuro("10:00", ice=9, replaces="n1", received="10:30")
    chart.expect(icans=1)
    assert spoken(chart) == [(0, 3, "10:00"), (3, 1, "10:00")]


def test_a_late_older_assessment_does_not_change_the_grade_now() -> None:
    chart = Chart()
    chart.neuro("12:00", ice=10)
    chart.neuro("10:00", ice=5, received="13:00")
    chart.expect(icans=0)


def test_a_late_grade_3_is_said_even_where_it_is_over() -> None:
    chart = Chart()
    chart.neuro("8:00", ice=8)
    chart.neuro("12:00", ice=10)
    chart.neuro("10:00", seizure="brief", ice=8, received="13:00")
    assert [c[1] for c in history(chart.state)["icans"]] == [1, 3, 0]  # type: ignore[arg-type]
    assert 3 in [to for _, to, _ in spoken(chart)]


def test_the_grade_that_is_shown_was_said() -> None:
    chart = Chart(therapy=None)
    chart.neuro("8:00", ice=5)
    chart.therapy("10:00")
    chart.neuro("20:00", ice=4)
    chart.expect(icans=2)
    assert [to for _, to, _ in spoken(chart)] == [2]


def test_the_same_grade_again_says_nothing() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=5, id="n1")
    chart.neuro("14:00", ice=4)
    chart.neuro("18:00", consciousness="to_voice")
    assert spoken(chart) == [(0, 2, "10:00")]


def test_a_duplicate_says_nothing() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=5)
    chart.replay(chart.events[-1])  # type: ignore[arg-type]
    chart.restart()
    chart.replay(chart.events[-1])  # type: ignore[arg-type]
    assert spoken(chart) == [(0, 2, "10:00")]


@pytest.mark.parametrize(
    ("signs", "priority"),
    [
        ({"ice": 8}, "medium"),
        ({"ice": 5}, "medium"),
        ({"ice": 1}, "high"),
        ({"motor_weakness": True}, "high"),
    ],
)
def test_priorities(signs: dict[str, Any], priority: str) -> None:
    chart = Chart()
    chart.neuro("10:00", **signs)
    assert [a.priority for a in chart.said("icans.changed")] == [priority]
    chart.neuro("14:00", ice=10, consciousness="awake", motor_weakness=False)
    assert chart.said("icans.changed")[-1].priority == "information"


@pytest.mark.parametrize(
    ("first", "then", "grade"),
    [
        ({"ice": 2}, {"consciousness": "awake"}, 3),  # an hourly check of the consciousness alone
        ({"ice": 8, "motor_weakness": True}, {"ice": 8}, 4),
        ({"ice": 8, "motor_weakness": True}, {"motor_weakness": False}, 1),
        ({"cerebral_oedema": "focal", "ice": 9}, {"ice": 10}, 3),
        ({"seizure": "brief"}, {"consciousness": "awake"}, 3),
        ({"seizure": "brief"}, {"ice": 10}, 0),  # a score was taken: no seizure now
        ({"seizure": "brief"}, {"seizure": "none"}, 0),
        ({"consciousness": "to_touch"}, {"ice": 9}, 1),
        ({"ice": 3}, {"ice": 9}, 1),
    ],
)
def test_what_was_not_assessed_keeps_its_finding(
    first: dict[str, Any], then: dict[str, Any], grade: int
) -> None:
    chart = Chart()
    chart.neuro("10:00", **first)
    chart.neuro("11:00", **then)
    chart.expect(icans=grade)


def test_the_same_grade_after_a_retraction_is_another_alert() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=1, id="wrong")
    chart.retract("10:30", "wrong")
    chart.neuro("10:00", ice=1, id="right", received="11:00")
    said = [(a.body["to_grade"], a.alert_id) for a in chart.said("icans.changed")]
    assert [grade for grade, _ in said] == [3, 0, 3]
    assert len({ident for _, ident in said}) == 3


# -- its own channel ------------------------------------------------------------------------------


def test_it_never_touches_the_grade() -> None:
    chart, plain = Chart(), Chart()
    for one in (chart, plain):
        one.at("10:00", temp=38.5, sbp=120, dbp=70)
        one.oxygen("10:30", "nasal_cannula", 2)
    chart.neuro("11:00", ice=0, motor_weakness=True, cerebral_oedema="diffuse")
    for one in (chart, plain):
        one.oxygen("12:00", "room_air")
        one.tick("14:00")
    assert chart.grades() == plain.grades()
    assert chart.look()["raw_grade"] == plain.look()["raw_grade"] == 1
    assert chart.look()["scales"] == plain.look()["scales"]


def test_before_any_therapy_nothing_is_said() -> None:
    chart = Chart(therapy=None)
    chart.neuro("10:00", ice=2)
    chart.expect(icans=None)
    assert spoken(chart) == []


def test_it_outlives_a_restart() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=5)
    chart.restart()
    chart.neuro("14:00", ice=2)
    chart.restart()
    chart.neuro("18:00", ice=10)
    assert spoken(chart) == [(0, 2, "10:00"), (2, 3, "14:00"), (3, 0, "18:00")]


def test_it_says_on_which_assessment_it_rests() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=5, id="nurse-7")
    (alert,) = chart.said("icans.changed")
    assert alert.reasons[0]["event_ids"] == ["nurse-7"]
