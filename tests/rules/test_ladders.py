"""Ladders as data: whom the packaged ones tell, what a site may change, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stream.engine.ladders import EVENTS, Ladders
from stream.engine.ruleset import MINUTE
from stream.rules import RulesetError, load_ruleset
from stream.rules.documents import loaded, packaged, reference_values
from stream.rules.floors import weakened
from stream.rules.ladders import build_ladders
from stream.rules.limits import beyond_limits
from stream.rules.rows import cells

Table = dict[str, Any]
PACKAGED = load_ruleset().ladders
NIGHT_ROW = """
[[ladders.rows]]
id = "site-nights"
for = [{ event = "grade", grades = [2] }]
units = ["7W"]
hours = [{ from = "19:00", until = "07:00" }]
source = "Ward policy 7"
[[ladders.rows.rungs]]
number = 1
notify = ["site-night_manager"]
respond_s = 300
[ladders.roles.site-night_manager]
text = "the night manager"
source = "Ward policy 7"
"""
HEAD = '[ruleset]\nbased_on = "P0"\nname = "ward-7"\nversion = "2026-11"\n'


def micros(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000


def ladder(
    ladders: Ladders, event: str, grade: int, priority: str = "medium", location: str = "7W/1",
    at: str = "2026-03-01T12:00", *, outpatient: bool = False,
) -> str:  # fmt: skip
    found = ladders.ladder(event, grade, priority, location, outpatient=outpatient, time=micros(at))
    assert found is not None
    return found.name


def changed(change: Callable[[Table], object]) -> Ladders:
    table = deepcopy(packaged()["ladders"])
    change(table)
    return build_ladders(table)


def row(table: Table, name: str) -> Table:
    found: Table = next(row for row in table["rows"] if row["id"] == name)
    return found


def site(tmp_path: Path, text: str) -> Ladders:
    (tmp_path / "ward.toml").write_text(HEAD + text)
    found = loaded(tmp_path / "ward.toml")
    told = [*found.problems, *beyond_limits(found.document)]
    told += weakened(cells(found.document), reference_values())
    if told:
        raise RulesetError("\n".join(told))
    return build_ladders(found.document["ladders"])


G4 = "0 bedside_nurse rapid_response, 2 charge_nurse physician, 4 paging_operator"
G3 = "0 bedside_nurse physician, 5 charge_nurse rapid_response, 10 attending"
G2 = "0 bedside_nurse, 10 charge_nurse, 20 physician"


@pytest.mark.parametrize(
    ("event", "grade", "priority", "expected"),
    [
        ("grade", 4, "high", G4),
        ("candidate", 3, "high", G4),
        ("grade", 3, "high", G3),
        ("grade", 2, "medium", G2),
        ("candidate", 3, "medium", G2),
        ("grade", 1, "medium", "0 bedside_nurse, 15 charge_nurse, 60 physician"),
        ("candidate", 2, "medium", "0 bedside_nurse, 15 charge_nurse, 60 physician"),
        ("risk", 0, "medium", "0 bedside_nurse, 10 charge_nurse physician, 20 rapid_response"),
        ("signal", 0, "low", "0 bedside_nurse biomedical, 15 charge_nurse"),
        ("reminder", 0, "low", "0 worklist"),
    ],
)
def test_the_packaged_ladders_are_those_of_the_reference(
    event: str, grade: int, priority: str, expected: str
) -> None:
    rungs, at, told = PACKAGED.named(ladder(PACKAGED, event, grade, priority)), 0, []
    assert rungs is not None
    for rung in rungs.rungs:
        told.append(f"{at // MINUTE} {' '.join(rung.notify)}")
        at += rung.respond or 0
    assert ", ".join(told) == expected


def test_every_alarm_has_a_ladder_at_every_hour_and_nobody_is_told_of_grade_5() -> None:
    for event, grades in EVENTS.items():
        for grade in grades or (0,):
            for hour in range(24):
                ladder(PACKAGED, event, grade, at=f"2026-03-01T{hour:02}:59")
    none = PACKAGED.ladder("grade", 5, "high", None, outpatient=False, time=0)
    assert none is None


def test_an_outpatient_at_grade_1_is_called() -> None:
    assert ladder(PACKAGED, "grade", 1, outpatient=True) == "grade-1-outpatient"
    assert ladder(PACKAGED, "grade", 2, outpatient=True) == "grade-2"


def test_a_role_that_is_not_there_at_night_has_another_in_its_place() -> None:
    roles = ("bedside_nurse", "biomedical", "charge_nurse")
    assert PACKAGED.reached(roles, micros("2026-03-01T16:59")) == roles
    assert PACKAGED.reached(roles, micros("2026-03-01T17:00")) == ("bedside_nurse", "charge_nurse")
    assert PACKAGED.reached(roles, micros("2026-03-01T06:59")) == ("bedside_nurse", "charge_nurse")


def test_a_site_adds_a_ladder_for_a_unit_at_night(tmp_path: Path) -> None:
    ladders = site(tmp_path, NIGHT_ROW)
    for at, where, expected in (
        ("2026-03-01T23:59", "7w/3", "site-nights"),
        ("2026-03-02T00:00", "7W/3", "site-nights"),
        ("2026-03-01T06:59", "7W", "site-nights"),
        ("2026-03-01T07:00", "7W/3", "grade-2"),
        ("2026-03-01T18:59", "7W/3", "grade-2"),
        ("2026-03-01T23:59", "8E/3", "grade-2"),
    ):
        assert ladder(ladders, "grade", 2, location=where, at=at) == expected
    assert ladder(ladders, "grade", 3, at="2026-03-01T23:59") == "grade-3"


def test_hours_are_local_and_follow_summer_time(tmp_path: Path) -> None:
    zone = '[ladders.site]\ntime_zone = "Europe/Berlin"\nsource = "Ward policy 7"\n'
    ladders = site(tmp_path, zone + NIGHT_ROW)
    for at, expected in (
        ("2026-03-28T17:59", "grade-2"),  # 18:59 in winter
        ("2026-03-28T18:00", "site-nights"),
        ("2026-03-29T16:59", "grade-2"),  # 18:59 in summer
        ("2026-03-29T17:00", "site-nights"),
    ):
        assert ladder(ladders, "grade", 2, at=at) == expected
    assert ladders.next_shift(micros("2026-03-28T18:00")) == micros("2026-03-29T05:00")
    assert ladders.next_shift(micros("2026-03-29T05:00")) == micros("2026-03-29T17:00")


def test_a_site_changes_a_rung_and_says_why(tmp_path: Path) -> None:
    text = (
        '[[ladders.rows]]\nid = "grade-2"\nsource = "Ward policy 7"\n'
        "[[ladders.rows.rungs]]\nnumber = 1\nrespond_s = 300\n"
        '[ladders.roles]\nsource = "Ward policy 7"\nbiomedical = { hours = [] }\n'
    )
    ladders = site(tmp_path, text)
    named = ladders.named("grade-2")
    assert named is not None
    assert [rung.respond for rung in named.rungs] == [5 * MINUTE, 10 * MINUTE, 30 * MINUTE]
    assert named.source.endswith("site: Ward policy 7 (rungs)")
    assert ladders.reached(("biomedical",), micros("2026-03-01T03:00")) == ("biomedical",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (NIGHT_ROW.replace('source = "Ward policy 7"\n[[', "[["), "needs a `source`"),
        (NIGHT_ROW.replace("site-nights", "nights"), "ladders.rows.nights is no row"),
        (NIGHT_ROW.replace("respond_s = 300", "respond_s = 9"), "expected 30 to 14400 s"),
        (
            '[[ladders.rows]]\nid="grade-4"\nsource="x"\nrungs=[{number=1, respond_s=600}]\n',
            "ladders.rows.grade-4.rungs.1.respond_s = 600: expected 30 to 240",
        ),
        (
            '[[ladders.rows]]\nid = "grade-4"\nsource = "x"\nfor = []\n',
            "ladders.rows.grade-4.for cannot be changed",
        ),
        ('[ladders.alarms]\nshelved_to_grade = 4\nsource = "x"\n', "grade 4 is never shelved"),
        (
            '[ladders.alarms]\nscores_silent_from_grade = 2\nsource = "x"\n',
            "expected a whole number, 3 to 5",
        ),
        ('[ladders.alarms]\nflood_alarms = 70\nsource = "x"\n', "expected a whole number, 5 to 50"),
        ('[ladders.site]\ntime_zone = "Mars/Olympus"\nsource = "x"\n', "such as Europe/Berlin"),
    ],
)
def test_what_a_site_may_not_write(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RulesetError) as caught:
        site(tmp_path, text)
    assert says in str(caught.value)


def test_ladders_of_units_that_no_place_shares_stand_beside_each_other() -> None:
    def two_wards(table: Table) -> None:
        table["rows"].extend(
            {**row(table, "grade-3"), "id": name, "units": [unit]}
            for name, unit in (("site-a", "7*"), ("site-b", "8?"))
        )

    ladders = changed(two_wards)
    assert [ladder(ladders, "grade", 3, location=place) for place in ("7W/1", "8E/1", "8/1")] == [
        "site-a", "site-b", "grade-3",
    ]  # fmt: skip


HALF = [{"from": "07:00", "until": "23:30"}]
REFUSED: dict[str, tuple[Callable[[Table], object], str]] = {
    "nobody on a rung": (
        lambda t: row(t, "grade-3")["rungs"][1].update(notify=[]),
        "ladders.rows.grade-3.rungs[2].notify = []: expected at least one role",
    ),
    "no such role": (
        lambda t: row(t, "grade-3")["rungs"][1].update(notify=["chief"]),
        "ladders.rows.grade-3.rungs.2.notify: 'chief' is no role",
    ),
    "a role without anybody around midnight": (
        lambda t: t["roles"]["charge_nurse"].update(hours=HALF),
        "'charge_nurse' is nobody at 00:00",
    ),
    "stand-ins in a circle": (
        lambda t: [
            t["roles"]["charge_nurse"].update(hours=HALF, instead="paging_operator"),
            t["roles"]["paging_operator"].update(hours=HALF, instead="charge_nurse"),
        ],
        "'charge_nurse' is nobody at",
    ),
    "a ladder with a gap around midnight": (
        lambda t: row(t, "grade-3").update(hours=HALF),
        "none is for grade 3 (information) at 00:00 in every unit",
    ),
    "scores of medium priority that ask nobody": (
        lambda t: t["rows"].remove(row(t, "risk")),
        "none is for risk (medium) at 00:00 in every unit",
    ),
    "a ladder for one unit only": (
        lambda t: row(t, "grade-3").update(units=["icu"]),
        "none is for grade 3 (information) at 00:00 in every unit",
    ),
    "two ladders for one alarm": (
        lambda t: t["rows"].append({**row(t, "grade-3"), "id": "grade-3b"}),
        "ladders.rows.grade-3b and ladders.rows.grade-3 are both for grade 3",
    ),
    "two ladders for one unit, by patterns": (
        lambda t: t["rows"].extend(
            {**row(t, "grade-3"), "id": name, "units": [unit]}
            for name, unit in (("site-a", "7*"), ("site-b", "[5-7]w"))
        ),
        "ladders.rows.site-b and ladders.rows.site-a are both for grade 3",
    ),
    "two ladders for one unit, by endless patterns": (
        lambda t: t["rows"].extend(
            {**row(t, "grade-3"), "id": name, "units": [unit]}
            for name, unit in (("site-a", 600 * "7?"), ("site-b", 1200 * "7"), ("site-c", "8*"))
        ),
        "ladders.rows.site-b and ladders.rows.site-a are both for grade 3",
    ),
    "two ladders for one unit, in other letters": (
        lambda t: t["rows"].extend(
            {**row(t, "grade-3"), "id": name, "units": [unit]}
            for name, unit in (("site-a", "7W"), ("site-b", "7w"))
        ),
        "ladders.rows.site-b and ladders.rows.site-a are both for grade 3",
    ),
    "one id twice": (lambda t: t["rows"].append(row(t, "screen")), "'screen' stands there twice"),
    "rounds without an interval": (
        lambda t: row(t, "grade-4").pop("again_s"),
        "ladders.rows.grade-4.rounds = 4: expected again_s",
    ),
    "a round before the last is over": (
        lambda t: row(t, "grade-4").update(again_s=600),
        "ladders.rows.grade-4.again_s = 600: expected at least 7140",
    ),
    "a repeat that waits for nothing": (
        lambda t: row(t, "revision")["rungs"][0].update(repeats=3),
        "expected respond_s or each_shift beside it",
    ),
    "a repeat in the middle": (
        lambda t: row(t, "grade-4")["rungs"][0].update(repeats=3),
        "only the last rung is said again",
    ),
    "a grade 4 that waits": (
        lambda t: row(t, "grade-4")["rungs"][0].update(respond_s=3600),
        "grades 3 and 4 cannot wait",
    ),
    "a site's critical candidate that waits": (
        lambda t: t["rows"].append(
            {
                **row(t, "signal"),
                "id": "site-slow",
                "for": [{"event": "candidate", "grades": [3]}],
            }
        ),
        "ladders.rows.site-slow.rungs.1.respond_s: expected at most",
    ),
    "a unit that no location has": (
        lambda t: row(t, "grade-3").update(units=["7W/*"]),
        "ladders.rows.grade-3.units = ['7W/*']: expected the part of the location before",
    ),
    "rungs out of order": (
        lambda t: row(t, "grade-4")["rungs"].reverse(),
        "rungs are numbered from 1 in their order",
    ),
    "no time of the day": (
        lambda t: t["shifts"].update(starts=["24:00"]),
        "expected times of the day such as 07:00",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_no_ladder_may_be(fault: str) -> None:
    change, says = REFUSED[fault]
    with pytest.raises(RulesetError) as caught:
        changed(change)
    assert says in str(caught.value)
