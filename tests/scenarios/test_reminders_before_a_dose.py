"""Reminder K9: what is published about the next dose, before it is given."""

from __future__ import annotations

import pytest

from stream.engine.ruleset import HOUR
from tests.charts import Chart, clock
from tests.scenarios.reminder_courses import rounds, second_before


def dosed(product: str, *, grade: int = 2, cls: str = "bispecific", number: int = 1) -> Chart:
    """A dose at 0:00, an episode of this grade from 24:00 on that is closed at 54:00."""
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, cls, dose_number=number)
    chart.at("24:00", temp=38.5, sbp=120, dbp=70)
    if grade >= 2:
        chart.oxygen("25:00", "nasal_cannula" if grade == 2 else "simple_mask", 2)
    chart.oxygen("27:00", "room_air")
    rounds(chart, 28, 64, 4, 36.8)
    chart.expect(episode=None, grade=0)
    return chart


def k9(chart: Chart) -> list[str]:
    return [a.body["text"] for a in chart.said("reminder") if a.body["timer"] == "K9"]


@pytest.mark.parametrize(("grade", "said"), [(1, 0), (2, 1), (3, 1)])
def test_k9_obe_cel_asks_a_day_before_the_second_part(grade: int, said: int) -> None:
    chart = dosed("obe-cel", cls="car_t", grade=grade)
    chart.tick("191:59:59")
    assert chart.reminders("K9") == []
    chart.tick("240:00")
    assert chart.reminders("K9") == [("K9", "192:00")] * said


def test_k9_obe_cel_says_what_is_published_after_grade_2_and_after_grade_3() -> None:
    for grade, words in ((2, "delay of the second part to day 21"), (3, "no second part")):
        chart = dosed("obe-cel", cls="car_t", grade=grade)
        chart.tick("192:00")
        (text,) = k9(chart)
        assert words in text
        assert f"reached grade {grade}" in text
        (alert,) = [a for a in chart.said("reminder") if a.body["timer"] == "K9"]
        assert "Aucatzyl" in alert.body["citation"]


def test_k9_obe_cel_asks_about_an_open_episode_of_grade_1() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "obe-cel", "car_t", dose_number=1)
    rounds(chart, 180, 188, 4, 38.4)
    chart.tick("193:00")
    assert chart.reminders("K9") == [("K9", "192:00")]
    assert "an episode is open" in k9(chart)[0]


def test_k9_obe_cel_has_no_third_part() -> None:
    chart = dosed("obe-cel", cls="car_t", number=2)
    chart.tick("600:00")
    assert chart.reminders("K9") == []


def test_k9_other_car_t_has_no_next_dose() -> None:
    chart = dosed("axi-cel", cls="car_t", grade=3)
    chart.give("100:00", "acetaminophen", intent="premedication")
    chart.tick("600:00")
    assert chart.reminders("K9") == []


def test_k9_glofitamab_asks_when_the_syndrome_was_not_over_for_72_hours() -> None:
    """Dose 2 is due at 168:00; the episode of grade 1 closes at 110:00."""
    chart = Chart(therapy=None)
    chart.therapy("0:00", "glofitamab", "bispecific", dose_number=1)
    chart.at("78:00", temp=38.4, sbp=120, dbp=70)
    rounds(chart, 86, 140, 4, 36.9)
    chart.expect(episode=None)
    chart.tick("168:00")
    assert chart.reminders("K9") == [("K9", "144:00")]
    assert "not been over for the published time" in k9(chart)[0]
    assert "72 h" in k9(chart)[0]


def test_k9_glofitamab_over_for_72_hours_asks_nothing() -> None:
    chart = dosed("glofitamab", grade=1)  # closed at 52:00
    rounds(chart, 68, 160, 8, 36.8)
    chart.tick("168:00")
    chart.therapy("168:00", "glofitamab", "bispecific", dose_number=2)
    chart.tick("169:00")
    assert chart.reminders("K9") == []


def test_k9_glofitamab_counts_the_72_hours_up_to_the_dose() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "glofitamab", "bispecific", dose_number=1)
    chart.at("48:00", temp=38.4, sbp=120, dbp=70)
    rounds(chart, 56, 160, 4, 36.9)  # closed at 80:00, 88 h before dose 2 at 168:00
    chart.tick("168:00")
    assert chart.reminders("K9") == []


@pytest.mark.parametrize(("hours", "said"), [(71, 1), (72, 0)])
def test_k9_glofitamab_the_dose_itself_asks(hours: int, said: int) -> None:
    chart = dosed("glofitamab", grade=1, number=9)  # beyond the schedule: nothing asks before
    closed = next(a.effective_time for a in chart.said() if a.body["to_grade"] == 0)
    chart.therapy(clock(closed + hours * HOUR), "glofitamab", "bispecific", dose_number=10)
    chart.tick("200:00")
    assert len(chart.reminders("K9")) == said


@pytest.mark.parametrize(("number", "hours"), [(1, 168), (2, 168), (3, 168)])
def test_k9_tebentafusp_is_weekly(number: int, hours: int) -> None:
    chart = dosed("tebentafusp", number=number)
    chart.tick(second_before(f"{hours - 24}:00"))
    assert chart.reminders("K9") == []
    chart.tick(f"{hours + 48}:00")
    assert chart.reminders("K9") == [("K9", f"{hours - 24}:00")]
    assert "dexamethasone 4 mg" in k9(chart)[0]


def test_k9_tebentafusp_is_weekly_from_dose_4_on_too() -> None:
    chart = dosed("tebentafusp", number=4)
    chart.tick("168:00")
    assert chart.reminders("K9") == [("K9", "144:00")]


def test_k9_a_premedication_asks_at_once() -> None:
    chart = dosed("tebentafusp")
    chart.give("120:00", "dexamethasone", intent="premedication")
    chart.tick("120:00")
    assert chart.reminders("K9") == [("K9", "120:00")]
    chart.tick("160:00")
    assert chart.reminders("K9") == [("K9", "120:00")]


def test_k9_a_treatment_is_no_premedication() -> None:
    chart = dosed("tebentafusp")
    chart.give("120:00", "dexamethasone")
    chart.give("120:30", "acetaminophen", intent="prophylaxis")
    chart.tick("140:00")
    assert chart.reminders("K9") == []


def test_k9_the_dose_itself_asks() -> None:
    chart = dosed("tebentafusp")
    chart.therapy("130:00", "tebentafusp", "bispecific", dose_number=2)
    chart.tick("150:00")
    assert chart.reminders("K9") == [("K9", "130:00")]


def test_k9_never_twice_for_one_dose() -> None:
    chart = dosed("tebentafusp")
    chart.tick("150:00")
    chart.give("166:00", "dexamethasone", intent="premedication")
    chart.give("167:00", "acetaminophen", intent="premedication")
    chart.restart()
    chart.therapy("168:00", "tebentafusp", "bispecific", dose_number=2)
    chart.tick("300:00")
    assert chart.reminders("K9") == [("K9", "144:00")]


def test_k9_asks_about_each_dose_of_the_schedule() -> None:
    chart = dosed("tebentafusp")
    chart.therapy("168:00", "tebentafusp", "bispecific", dose_number=2)
    chart.tick("340:00")
    assert chart.reminders("K9") == [("K9", "144:00"), ("K9", "312:00")]


def test_k9_the_first_dose_is_not_asked_about() -> None:
    chart = Chart(therapy=None)
    chart.give("-1:00", "dexamethasone", intent="premedication")
    chart.therapy("0:00", "tebentafusp", "bispecific", dose_number=1)
    chart.tick("160:00")
    assert chart.reminders("K9") == []


def test_k9_a_checkpoint_inhibitor_is_asked_about_by_its_premedication_and_its_dose() -> None:
    for at, chart in (("500:00", dosed("nivolumab", cls="checkpoint_inhibitor")),):
        chart.therapy(at, "nivolumab", "checkpoint_inhibitor", dose_number=2)
        chart.tick(at)
        assert chart.reminders("K9") == [("K9", at)]
        assert "withheld at grade 2" in k9(chart)[0]


def test_k9_grade_1_asks_nothing() -> None:
    for product in ("tebentafusp", "tarlatamab", "mosunetuzumab", "epcoritamab"):
        chart = dosed(product, grade=1)
        chart.tick("160:00")
        chart.therapy("168:00", product, "bispecific", dose_number=2)
        chart.tick("169:00")
        assert chart.reminders("K9") == []


def test_k9_names_the_dose_by_its_charted_number() -> None:
    chart = dosed("tebentafusp", number=2)
    chart.tick("150:00")
    assert "Dose 3:" in k9(chart)[0]


def test_k9_shows_what_is_from_memory_as_unverified() -> None:
    chart = dosed("teclistamab", number=4)
    chart.therapy("168:00", "teclistamab", "bispecific", dose_number=5)
    chart.tick("169:00")
    (alert,) = [a for a in chart.said("reminder") if a.body["timer"] == "K9"]
    assert "48 h in hospital after the next dose" in alert.body["text"]
    assert alert.body["status"] == "mem" or "memory" in alert.body["text"]


def test_k9_another_product_begins_with_its_first_dose() -> None:
    chart = dosed("axi-cel", cls="car_t")
    chart.therapy("1000:00", "tebentafusp", "bispecific")
    chart.tick("1160:00")
    assert "Dose 2:" in k9(chart)[-1]


def test_k9_an_older_dose_charted_late_asks_nothing_again() -> None:
    chart = dosed("tebentafusp", number=2)
    chart.therapy("130:00", "tebentafusp", "bispecific", dose_number=3)
    chart.tick("131:00")
    assert chart.reminders("K9") == [("K9", "130:00")]
    chart.therapy("-168:00", "tebentafusp", "bispecific", dose_number=1, received="132:00")
    chart.tick("140:00")
    assert chart.reminders("K9") == [("K9", "130:00")]
