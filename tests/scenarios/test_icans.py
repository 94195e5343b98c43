"""ICANS on its own channel: every domain and edge of the table, and which instrument for whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts import Chart, clock


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
