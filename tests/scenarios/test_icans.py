"""ICANS on its own channel: every domain and edge of the table, and which instrument for whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts import Chart, clock, history


def assessed(*, age: float | None = 60, **signs: Any) -> int | None:
    chart = Chart(age=age)
    chart.neuro("10:00", **signs)
    grade: int | None = chart.look()["icans"]
    return grade


def spoken(chart: Chart) -> list[tuple[int, int, str]]:
    """(from, to, effective time) of every icans.changed."""
    return [
        (a.body["from_grade"], a.body["to_grade"], clock(a.effective_time))
        for a in chart.said("icans.changed")
    ]


# -- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ice", "grade"),
    [(10, 0), (9, 1), (8, 1), (7, 1), (6, 2), (5, 2), (4, 2), (3, 2), (2, 3), (1, 3), (0, 3)],
)
def test_ice(ice: int, grade: int) -> None:
    assert assessed(ice=ice) == grade


@pytest.mark.parametrize(("capd", "grade"), [(0, 0), (1, 1), (8, 1), (9, 3), (30, 3)])
def test_capd(capd: int, grade: int) -> None:
    assert assessed(age=5, capd=capd) == grade


@pytest.mark.parametrize(
    ("sign", "word", "grade"),
    [
        ("consciousness", "awake", 0),
        ("consciousness", "to_voice", 2),
        ("consciousness", "to_touch", 3),
        ("consciousness", "unarousable", 4),
        ("seizure", "none", 0),
        ("seizure", "brief", 3),
        ("seizure", "prolonged_or_repetitive", 4),
        ("motor_weakness", False, 0),
        ("motor_weakness", True, 4),
        ("cerebral_oedema", "none", 0),
        ("cerebral_oedema", "focal", 3),
        ("cerebral_oedema", "diffuse", 4),
    ],
)
def test_each_sign_beside_a_full_ice(sign: str, word: Any, grade: int) -> None:
    assert assessed(ice=10, **{sign: word}) == grade


@pytest.mark.parametrize(
    ("signs", "grade"),
    [
        ({"ice": 8, "consciousness": "to_voice"}, 2),
        ({"ice": 5, "consciousness": "awake", "seizure": "brief"}, 3),
        ({"ice": 0, "consciousness": "awake", "aphasia": True}, 3),
        ({"ice": 0, "consciousness": "unarousable"}, 4),
        ({"ice": 9, "motor_weakness": True, "cerebral_oedema": "focal"}, 4),
        ({"consciousness": "to_touch", "seizure": "none"}, 3),
    ],
)
def test_the_worst_domain_decides(signs: dict[str, Any], grade: int) -> None:
    assert assessed(**signs) == grade


def test_aphasia_alone_is_no_domain() -> None:
    assert assessed(ice=10, aphasia=True) == 0


@pytest.mark.parametrize(
    "signs",
    [
        {"seizure": "none"},
        {"motor_weakness": False},
        {"cerebral_oedema": "none"},
        {"seizure": "none", "motor_weakness": False, "cerebral_oedema": "none"},
    ],
)
def test_that_nothing_was_seen_is_no_assessment(signs: dict[str, Any]) -> None:
    chart = Chart()
    chart.neuro("10:00", **signs)
    chart.expect(icans=None, flags={"NOT_ASSESSABLE"})


# -- instruments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "ice", "capd", "grade"),
    [
        (11, 3, 9, 3),  # a child of 11: CAPD
        (11.99, 3, 0, 0),
        (12, 3, 9, 2),  # from 12 on: ICE
        (12, 10, 20, 0),
        (60, 7, 30, 1),
    ],
)
def test_age_chooses_the_instrument(age: float, ice: int, capd: int, grade: int) -> None:
    assert assessed(age=age, ice=ice, capd=capd) == grade


def test_the_birthday_changes_the_instrument() -> None:
    chart = Chart(age=None)
    chart.patient("-1:00", birth_date="2014-03-02")  # 12 years old on the second day of the chart
    chart.neuro("10:00", ice=2)
    chart.expect(icans=None)
    chart.patient("30:00", birth_date="2014-03-02")
    chart.neuro("30:00", ice=2)
    chart.expect(icans=3)


@pytest.mark.parametrize(("age", "signs"), [(5, {"ice": 0}), (11, {"ice": 0}), (12, {"capd": 20})])
def test_the_wrong_instrument_alone_is_no_assessment(age: float, signs: dict[str, Any]) -> None:
    chart = Chart(age=age)
    chart.neuro("10:00", **signs)
    chart.expect(icans=None, flags={"NOT_ASSESSABLE"})
    assert spoken(chart) == []


def test_the_wrong_instrument_hides_no_other_sign() -> None:
    assert assessed(age=5, ice=10, seizure="brief") == 3
    assert assessed(age=40, capd=0, consciousness="to_voice") == 2


@pytest.mark.parametrize(("signs", "grade"), [({"ice": 5}, 2), ({"capd": 9}, 3), ({"capd": 3}, 1)])
def test_where_the_age_is_not_known_whoever_charted_a_score_knew_it(
    signs: dict[str, Any], grade: int
) -> None:
    assert assessed(age=None, **signs) == grade


def test_the_age_that_comes_late_corrects_the_grade() -> None:
    chart = Chart(age=None)
    chart.neuro("10:00", ice=2)
    chart.expect(icans=3)
    chart.patient("5:00", age_years=6, received="11:00")
    chart.expect(icans=None)
    assert spoken(chart)[-1][1] == 0


# -- baseline -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ice", "grade"), [(10, 0), (8, 0), (7, 0), (6, 2), (2, 3)])
def test_an_ice_no_lower_than_the_own_baseline_is_no_finding(ice: int, grade: int) -> None:
    chart = Chart()
    chart.patient("1:00", baseline_ice=7)
    chart.neuro("10:00", ice=ice)
    chart.expect(icans=grade)


def test_the_baseline_excuses_no_other_domain() -> None:
    chart = Chart()
    chart.patient("1:00", baseline_ice=5)
    chart.neuro("10:00", ice=5, consciousness="to_voice")
    chart.expect(icans=2)


def test_an_impaired_baseline_is_flagged() -> None:
    chart = Chart()
    chart.patient("1:00", baseline_ice=5)
    chart.neuro("10:00", ice=6)
    plain = Chart()
    plain.neuro("10:00", ice=10)
    new = set(chart.look()["flags"]) - set(plain.look()["flags"])
    assert new, "nothing says that the ICE was excused by the baseline"


# -- not assessable -------------------------------------------------------------------------------


def test_not_assessable_keeps_the_last_grade_and_is_flagged() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=5)
    chart.neuro("14:00", assessable=False)
    chart.expect(icans=2, flags={"NOT_ASSESSABLE"})
    assert spoken(chart) == [(0, 2, "10:00")]
    chart.neuro("18:00", ice=10)
    chart.expect(icans=0, no_flags={"NOT_ASSESSABLE"})


def test_a_score_charted_as_not_assessable_is_not_0() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=0, consciousness="unarousable", assessable=False)
    chart.expect(icans=None, flags={"NOT_ASSESSABLE"})


@pytest.mark.parametrize(
    ("signs", "grade"),
    [
        ({"seizure": "brief"}, 3),
        ({"motor_weakness": True}, 4),
        ({"cerebral_oedema": "diffuse"}, 4),
    ],
)
def test_what_can_be_seen_under_sedation_counts(signs: dict[str, Any], grade: int) -> None:
    assert assessed(assessable=False, **signs) == grade


def test_sedation_does_not_lower_by_the_absence_of_a_sign() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=2)
    chart.neuro("12:00", assessable=False, seizure="none", motor_weakness=False)
    chart.expect(icans=3)


def test_silence_keeps_the_last_grade() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=5)
    chart.expect(at="90:00", icans=2)


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


def test_aphasia_without_a_score_counts_as_an_ice_of_0() -> None:
    chart = Chart()
    chart.neuro("10:00", consciousness="awake", aphasia=True)
    chart.expect(icans=3)


def test_a_score_of_the_wrong_instrument_is_flagged() -> None:
    chart = Chart(age=8)
    chart.neuro("10:00", ice=2, consciousness="awake")
    chart.expect(icans=0, flags={"NOT_ASSESSABLE"})


def test_a_confused_patient_is_not_alert() -> None:
    chart = Chart()
    chart.neuro("10:00", ice=2, consciousness="awake")
    news2 = {item["name"]: item["value"] for item in chart.look()["scores"]["news2"]["inputs"]}
    assert news2["alert"] is False
    chart.neuro("12:00", ice=10)
    news2 = {item["name"]: item["value"] for item in chart.look()["scores"]["news2"]["inputs"]}
    assert news2["alert"] is True


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
