"""Published guidance in grade alerts: whose, with what was given, and never an order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from stream.engine.guidance import PREVAILS, SAYS
from tests.charts import P0, Chart

ORDER = re.compile(r"\b(give|administer|must|should|prescribe|shall)\b", re.IGNORECASE)
IMPERATIVE = re.compile(
    r"(^|[.;:]\s+)(start|stop|hold|withhold|restart|resume|repeat|add|use|take|consider|admit|"
    r"monitor|call|infuse|inject|order|increase|reduce|taper)\b",
    re.IGNORECASE,
)
DEVICES = {2: ("nasal_cannula", 2), 3: ("simple_mask", 6), 4: ("bipap", None)}

Row = dict[str, Any]


def graded(grade: int, product: str = "axi-cel", cls: str = "car_t", **profile: Any) -> Chart:
    """An episode that opens at 10:00 and is at the grade from 12:00 on."""
    chart = Chart(therapy=None)
    if profile:
        chart.patient("0:00", **profile)
    chart.therapy("0:00", product, cls, dose_number=1)
    chart.at("10:00", temp=38.5, sbp=120, dbp=70)
    if grade in DEVICES:
        chart.oxygen("12:00", *DEVICES[grade])
    return chart


def rows(chart: Chart) -> dict[str, Row]:
    return {row["id"]: row for row in chart.said()[-1].body["guidance"]}


ASCO = "asco-2021-car-t-g2-tocilizumab"


# -- every row ------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", P0.guidance, ids=lambda row: row.id)
def test_no_row_orders_anything(row: Any) -> None:
    for text in (row.text, row.evidence):
        assert not ORDER.search(text)
        assert not IMPERATIVE.search(text)
    assert row.citation
    assert row.version
    assert row.date


@pytest.mark.parametrize("rule", P0.timers.values(), ids=lambda rule: rule.code)
def test_no_reminder_orders_anything(rule: Any) -> None:
    assert not ORDER.search(rule.text)
    assert not IMPERATIVE.search(rule.text)
    assert rule.citation


@pytest.mark.parametrize("rule", P0.timers.values(), ids=lambda rule: rule.code)
def test_reminders_leave_the_judgement_to_the_clinician(rule: Any) -> None:
    assert rule.text.endswith(PREVAILS)


@pytest.mark.parametrize("grade", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("product", "cls"),
    [(name, row.therapy_class) for name, row in P0.products.products.items()]
    + [("a trial product", name) for name in P0.products.classes],
)
def test_every_alert_carries_guidance_that_says_whose_it_is(
    product: str, cls: str, grade: int
) -> None:
    chart = graded(grade, product, cls)
    shown = chart.said()[-1].body["guidance"]
    assert chart.said()[-1].body["to_grade"] == grade
    assert shown
    for row in shown:
        assert row["text"].startswith(SAYS)
        assert row["text"].endswith(PREVAILS)
        assert row["citation"]
        assert row["version"]
        assert row["date"]
        assert row["verified"] is (row["status"] != "mem")
        assert not ORDER.search(row["text"])
    assert len({row["id"] for row in shown}) == len(shown)


def test_what_is_from_memory_is_shown_as_unverified() -> None:
    shown = rows(graded(2))
    assert shown["sitc-2020-steroid"]["verified"] is False
    assert shown["ebmt-eha-2022-tocilizumab"]["verified"] is False
    assert shown[ASCO]["verified"] is True


# -- by grade -------------------------------------------------------------------------------------


def test_each_grade_has_its_own_rows() -> None:
    for grade in (1, 2, 3, 4):
        asco = {name for name in rows(graded(grade)) if name.startswith("asco")}
        assert asco
        assert all(f"-g{grade}-" in name for name in asco)


def test_grade_0_speaks_of_the_next_dose_alone() -> None:
    chart = graded(2, "tebentafusp", "bispecific")
    chart.oxygen("14:00", "room_air")
    for hour in range(16, 48, 4):
        chart.at(f"{hour}:00", temp=36.8, sbp=120, dbp=70)
    chart.tick("48:00")
    assert chart.said()[-1].body["to_grade"] == 0
    shown = rows(chart)
    assert shown
    assert {row["topic"] for row in shown.values()} <= {"resume", "rechallenge", "stop"}
    assert "tebentafusp-g2-premedication" in shown


def test_grade_0_under_car_t_has_nothing_to_say() -> None:
    chart = graded(1)
    for hour in range(12, 48, 4):
        chart.at(f"{hour}:00", temp=36.8, sbp=120, dbp=70)
    chart.tick("48:00")
    assert chart.said()[-1].body["to_grade"] == 0
    assert rows(chart) == {}


def test_grade_5_has_no_guidance() -> None:
    chart = graded(4)
    chart.outcome("20:00", "death", "crs")
    assert chart.said()[-1].body["to_grade"] == 5
    assert rows(chart) == {}


def test_on_the_way_down_the_next_dose_goes_by_the_worst_grade() -> None:
    chart = graded(3, "tebentafusp", "bispecific")
    chart.oxygen("20:00", "room_air")
    chart.tick("21:00")
    assert chart.said()[-1].body["to_grade"] == 1
    shown = rows(chart)
    assert "tebentafusp-g3-resume" in shown
    assert "tebentafusp-g1" in shown
    assert "tebentafusp-g3-steroid" not in shown


def test_a_revision_carries_the_guidance_of_the_grade_that_is_now_true() -> None:
    chart = graded(1)
    chart.oxygen("12:00", "nasal_cannula", 2, id="wrong")
    chart.retract("13:00", "wrong")
    assert chart.said()[-1].type == "grade.revised"
    assert "asco-2021-car-t-g1-supportive" in rows(chart)
    assert ASCO not in rows(chart)


# -- by therapy -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "wanted"),
    [
        ("car_t", "asco-2021-car-t-g2-tocilizumab"),
        ("tcr_t", "asco-2021-car-t-g2-tocilizumab"),
        ("til", "til-attribution"),
        ("bispecific", "engagers-supportive"),
        ("checkpoint_inhibitor", "ici-irae-g2-hold"),
        ("other_effector_cell", "sitc-2020-monitoring"),
        ("other_effector_cell", "other-effector-cell-supportive"),
    ],
)
def test_an_unknown_product_is_shown_the_rows_of_its_class(cls: str, wanted: str) -> None:
    shown = rows(graded(2, "a trial product", cls))
    assert wanted in shown
    named = {row.id for row in P0.guidance if row.products}
    assert not named & set(shown)


@pytest.mark.parametrize("product", ["tebentafusp", "tarlatamab", "glofitamab", "teclistamab"])
def test_a_product_is_shown_its_own_rows_and_no_other_product_s(product: str) -> None:
    shown = set(rows(graded(3, product, "bispecific")))
    assert any(product in row.products and row.id in shown for row in P0.guidance)
    foreign = {row.id for row in P0.guidance if row.products and product not in row.products}
    assert not foreign & shown


@pytest.mark.parametrize(
    ("product", "carries"), [("ic9_car19", True), ("axi-cel", False), ("a trial product", False)]
)
@pytest.mark.parametrize("grade", [3, 4])
def test_rimiducid_is_only_for_cells_that_carry_ic9(
    product: str, carries: bool, grade: int
) -> None:
    shown = rows(graded(grade, product))
    assert any("rimiducid" in row["text"] for row in shown.values()) is carries


def test_no_product_but_the_one_that_carries_it_is_shown_rimiducid() -> None:
    for name, row in P0.products.products.items():
        shown = rows(graded(4, name, row.therapy_class))
        mentioned = any("rimiducid" in r["text"] for r in shown.values())
        assert mentioned is (row.suicide_gene == "iC9")


# -- what has been given --------------------------------------------------------------------------


def test_nothing_on_record() -> None:
    assert rows(graded(2))[ASCO]["given"] == "tocilizumab: none on record"
    assert "limits" not in rows(graded(2))[ASCO]


def test_doses_are_counted_in_a_day_and_in_all_with_the_time_since_the_last() -> None:
    chart = graded(1)
    chart.give("11:00", "tocilizumab")
    chart.give("34:00", "tocilizumab")
    chart.give("43:00", "tocilizumab")
    chart.oxygen("46:30", "nasal_cannula", 2)
    assert rows(chart)[ASCO]["given"] == (
        "tocilizumab: 2 in the last 24 h, 3 in all, the last 3 h 30 min before"
    )


def test_a_dose_after_the_change_is_not_counted_in_it() -> None:
    chart = graded(1)
    chart.give("13:00", "tocilizumab")
    chart.oxygen("12:00", "nasal_cannula", 2, received="14:00")
    assert chart.said()[-1].effective_time < chart.events[-2].time
    assert rows(chart)[ASCO]["given"] == "tocilizumab: none on record"


def test_a_retracted_dose_is_not_counted() -> None:
    chart = graded(1)
    chart.give("11:00", "tocilizumab", id="wrong")
    chart.retract("11:10", "wrong")
    chart.oxygen("12:00", "nasal_cannula", 2)
    assert rows(chart)[ASCO]["given"] == "tocilizumab: none on record"


def test_the_published_interval_of_each_guideline_is_its_own() -> None:
    chart = graded(1)
    chart.give("11:00", "tocilizumab")
    chart.oxygen("18:00", "nasal_cannula", 2)
    shown = rows(chart)
    assert shown[ASCO]["limits"] == ["tocilizumab: the published interval ends in 1 h 00 min"]
    assert "limits" not in shown["cartox-2018-tocilizumab"]  # 6 h there


def test_the_published_most_in_a_day() -> None:
    chart = graded(1)
    for hour in (11, 19, 27):
        chart.give(f"{hour}:00", "tocilizumab")
    chart.oxygen("34:59", "nasal_cannula", 2)
    assert "tocilizumab: 3 of at most 3 in 24 h" in rows(chart)[ASCO]["limits"]
    later = graded(1)
    for hour in (11, 19, 27):
        later.give(f"{hour}:00", "tocilizumab")
    later.at("34:00", temp=38.4)
    later.oxygen("35:00", "nasal_cannula", 2)
    assert "limits" not in rows(later)[ASCO]


def test_the_published_most_in_all() -> None:
    chart = graded(1)
    for hour in (11, 41, 71, 101):
        chart.give(f"{hour}:00", "tocilizumab")
    for hour in range(20, 150, 8):
        chart.at(f"{hour}:00", temp=38.4, sbp=120, dbp=70)
    chart.oxygen("150:00", "nasal_cannula", 2)
    assert rows(chart)[ASCO]["limits"] == ["tocilizumab: 4 of at most 4 in all"]


def test_more_doses_than_are_kept_one_by_one_are_still_counted() -> None:
    chart = graded(1)
    for hour in range(20, 32):
        chart.give(f"{hour}:00", "acetaminophen")
    chart.at("33:00", temp=38.4)
    chart.oxygen("33:00", "nasal_cannula", 2)
    chart.oxygen("34:00", "room_air")
    chart.tick("35:00")
    given = rows(chart)["asco-2021-car-t-g1-supportive"]["given"]
    assert "12 in all" in given


def test_the_count_of_a_day_is_no_smaller_than_it_was() -> None:
    chart = graded(1)
    for hour in range(20, 32):
        chart.give(f"{hour}:00", "fluid_bolus")
    chart.oxygen("33:00", "nasal_cannula", 2)
    given = rows(chart)["asco-2021-car-t-g2-supportive"]["given"]
    assert "12 in the last 24 h, 12 in all" in given


# -- the published dose ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (70, "For 70 kg that is 560 mg."),
        (110, "For 110 kg that is 800 mg."),
        (100, "For 100 kg that is 800 mg."),
        (30, "For 30 kg that is 240 mg."),
        (29, "For 29 kg that is 348 mg."),
    ],
)
def test_the_published_dose_for_the_weight(weight: float, words: str) -> None:
    assert words in rows(graded(2, weight_kg=weight))[ASCO]["text"]


def test_without_a_weight_no_dose_is_worked_out() -> None:
    text = rows(graded(2))[ASCO]["text"]
    assert "No weight is charted" in text
    assert "that is" not in text


@pytest.mark.parametrize("weight", [0.0, -3.0, 7000.0])
def test_a_weight_that_cannot_be_works_out_no_dose(weight: float) -> None:
    text = rows(graded(2, weight_kg=weight))[ASCO]["text"]
    assert "cannot be" in text
    assert "that is" not in text


# -- the prompt of intensive care at grade 2 -----------------------------------------------------


def prompted(chart: Chart, at: str) -> list[str]:
    return [prompt["text"] for prompt in chart.look(at)["prompts"]]


def test_grade_2_alone_prompts_nobody() -> None:
    assert prompted(graded(2), "12:30") == []


@pytest.mark.parametrize(("flow", "said"), [(3.9, False), (4, True), (6, True)])
def test_four_litres_at_grade_2_are_a_sign(flow: float, said: bool) -> None:
    chart = graded(1)
    chart.oxygen("12:00", "nasal_cannula", flow)
    texts = prompted(chart, "12:30")
    assert bool(texts) is said
    if said:
        assert f"Now: oxygen {flow:g} L/min." in texts[0]
        assert rows_of(chart)[-1]["status"] == "DESIGN"
        assert rows_of(chart)[-1]["text"] == texts[0]


def test_a_rising_lactate_and_a_shock_index_of_one_are_signs() -> None:
    chart = graded(2)
    chart.lab("12:05", "lactate", 1.8, "mmol/L")
    assert prompted(chart, "12:10") == []
    chart.lab("13:05", "lactate", 2.6, "mmol/L")
    chart.at("13:10", hr=120, sbp=110, dbp=70)
    (text,) = prompted(chart, "13:15")
    assert "shock_index high, rising lactate" in text


def test_grade_3_has_guidance_in_place_of_the_prompt() -> None:
    chart = graded(3)
    assert prompted(chart, "12:30") == []
    assert any(row["topic"] == "intensive_care" for row in rows_of(chart))


def rows_of(chart: Chart) -> list[Row]:
    return list(chart.said()[-1].body["guidance"])
