"""Reminders K1, K7 and K8: signs that go on, and nobody who looks."""

from __future__ import annotations

import pytest

from tests.charts import Chart
from tests.scenarios.reminder_courses import (
    nobody_comes,
    rounds,
    second_before,
    three_days_of_fever,
)

# -- K1: fever for three days at grade 1 ----------------------------------------------------------


def test_k1_waits_for_the_grade_to_be_1() -> None:
    chart = three_days_of_fever()
    chart.oxygen("80:00", "nasal_cannula", 2)
    chart.tick("83:00")
    assert chart.reminders("K1") == []
    chart.oxygen("83:30", "room_air")
    chart.at("84:00", temp=38.4, sbp=120, dbp=70)
    chart.tick("90:00")
    assert chart.reminders("K1") == [("K1", "84:30")]


def test_k1_counts_from_the_first_fever_of_a_run_without_a_gap_of_a_day() -> None:
    chart = Chart()
    rounds(chart, 10, 34, 8, 38.4)
    rounds(chart, 42, 66, 8, 36.9)  # the last fever was at 34:00
    rounds(chart, 70, 94, 8, 38.4)
    chart.tick("100:00")
    assert chart.reminders("K1") == []


def test_k1_does_not_count_fever_of_another_cause() -> None:
    chart = Chart()
    chart.attribute("9:00", "fever", "infection", "9:00", "20:00")
    rounds(chart, 10, 88, 6, 38.4)
    chart.tick("90:00")
    assert chart.reminders("K1") == []
    chart.at("90:00", temp=38.4, sbp=120, dbp=70)
    chart.tick("95:00")
    assert chart.reminders("K1") == [("K1", "94:00")]  # the first fever that counts: 22:00


def test_k1_needs_a_fever_of_the_last_day() -> None:
    chart = Chart()
    rounds(chart, 10, 50, 8, 38.4)
    chart.tick("83:00")
    assert chart.reminders("K1") == []


def test_k1_speaks_again_in_another_run_of_fever() -> None:
    chart = three_days_of_fever()
    rounds(chart, 82, 120, 6, 36.8)
    rounds(chart, 130, 210, 8, 38.4)
    chart.tick("211:00")
    assert chart.reminders("K1") == [("K1", "202:00")]


# -- K7: signs for a week -------------------------------------------------------------------------


def test_k7_waits_for_a_sign_to_be_there() -> None:
    chart = Chart()
    rounds(chart, 10, 172, 6, 38.4)
    rounds(chart, 176, 188, 4, 36.9)
    chart.tick("189:00")
    assert chart.reminders("K7") == []
    chart.at("190:00", temp=38.3)
    chart.tick("191:00")
    assert chart.reminders("K7") == [("K7", "190:00")]


def test_k7_counts_each_episode_for_itself() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.4, sbp=120, dbp=70)
    rounds(chart, 14, 42, 4, 36.9)
    rounds(chart, 100, 200, 6, 38.4)
    chart.tick("201:00")
    assert chart.reminders("K7") == []


def test_k7_counts_support_without_fever() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.4, sbp=120, dbp=70)
    chart.oxygen("11:00", "nasal_cannula", 2)
    chart.give("12:00", "tocilizumab")
    rounds(chart, 14, 176, 6, 36.9)
    chart.tick("178:00")
    assert chart.reminders("K7") == [("K7", "178:00")]


# -- K8: nobody looked ----------------------------------------------------------------------------


def test_k8_either_sign_is_a_check() -> None:
    chart = nobody_comes()
    chart.at("20:00", temp=37.0)
    chart.at("30:00", sbp=120, dbp=70)
    chart.tick("41:59:59")
    assert chart.reminders("K8") == []
    chart.tick("42:00")
    assert chart.reminders("K8") == [("K8", "42:00")]


def test_k8_a_pulse_is_no_check() -> None:
    chart = nobody_comes()
    chart.at("20:00", hr=90, rr=16, spo2=97)
    chart.tick("22:00")
    assert chart.reminders("K8") == [("K8", "22:00")]


def test_k8_speaks_again_after_another_gap() -> None:
    chart = nobody_comes()
    chart.at("23:00", temp=38.2)
    chart.tick("36:00")
    assert chart.reminders("K8") == [("K8", "22:00"), ("K8", "35:00")]


@pytest.mark.parametrize(
    ("product", "cls", "dose", "hours"),
    [
        ("axi-cel", "car_t", 1, 24),
        ("tebentafusp", "bispecific", 1, 12),
        ("tarlatamab", "bispecific", 2, 12),
        ("lifileucel", "til", 1, 12),
        ("afami-cel", "tcr_t", 1, 12),
    ],
)
def test_k8_keeps_to_the_interval_of_the_window_before_any_episode(
    product: str, cls: str, dose: int, hours: int
) -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, cls, dose_number=dose)
    chart.tick(second_before(f"{hours}:00"))
    assert chart.reminders("K8") == []
    chart.tick("120:00")
    assert chart.reminders("K8") == [("K8", f"{hours}:00")]


@pytest.mark.parametrize(
    ("product", "dose"), [("tebentafusp", 4), ("tarlatamab", 3), ("mosunetuzumab", 1)]
)
def test_k8_asks_for_nothing_where_no_interval_is_published(product: str, dose: int) -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, "bispecific", dose_number=dose)
    chart.tick("120:00")
    assert chart.reminders("K8") == []


def test_k8_ends_with_the_window() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "tebentafusp", "bispecific", dose_number=1)
    chart.at("13:00", temp=36.8, sbp=120, dbp=70)  # the next check would be due at 25:00
    chart.tick("60:00")
    assert chart.reminders("K8") == [("K8", "12:00")]


def test_k8_ends_with_the_episode() -> None:
    chart = Chart(therapy=None)
    chart.therapy("0:00", "mosunetuzumab", "bispecific", dose_number=1)
    chart.at("10:00", temp=38.4, sbp=120, dbp=70)
    rounds(chart, 14, 42, 4, 36.9)
    chart.expect(episode=None)
    chart.tick("90:00")
    assert chart.reminders("K8") == []
