"""Risk windows of products: phases with a countdown, and onsets later than published."""

from __future__ import annotations

from typing import Any

import pytest

from stream.engine.ruleset import HOUR, MINUTE, SECOND
from tests.charts import P0, START, Chart, clock

CATALOGUE = P0.products
DOSED = [
    (name, window.from_dose, window)
    for name, product in [*CATALOGUE.products.items(), *CATALOGUE.classes.items()]
    for window in product.windows
]


def treated(product: str, cls: str, dose: int | None = 1) -> Chart:
    chart = Chart(therapy=None)
    chart.therapy("0:00", product, cls, dose_number=dose)
    return chart


def window(chart: Chart, at: int | str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = chart.look(clock(at) if isinstance(at, int) else at)["risk_window"]
    return found


def class_of(name: str) -> str:
    row = CATALOGUE.products.get(name) or CATALOGUE.classes[name]
    return row.therapy_class


def charted_as(name: str) -> str:
    return name if name in CATALOGUE.products else "a trial product"


@pytest.mark.parametrize(
    ("name", "dose", "row"), DOSED, ids=[f"{name}-{dose}" for name, dose, _ in DOSED]
)
def test_the_phases_of_each_window(name: str, dose: int, row: Any) -> None:
    chart = treated(charted_as(name), class_of(name), dose)
    edges = [
        (0, "before_peak" if row.peak_from else "peak"),
        (row.peak_from, "peak" if row.peak_from < row.peak_to else None),
        (row.peak_to, "after_peak" if row.peak_to < row.end else "ended"),
        (row.end, "ended"),
        (row.end + 5 * HOUR, "ended"),
    ]
    for after, phase in edges:
        seen = window(chart, START + after)
        assert seen["phase"] == phase
        assert seen["remaining_s"] == max(0, row.end - after) // SECOND
    if row.peak_from:
        assert window(chart, START + row.peak_from - MINUTE)["phase"] == "before_peak"
    assert window(chart, START + row.end - MINUTE)["remaining_s"] == 60
    assert seen["citation"] == row.source
    assert seen["status"] == row.status
    assert seen["dose_number"] == dose


@pytest.mark.parametrize(
    ("product", "dose", "hours"),
    [
        ("tebentafusp", 1, 24),
        ("Kimmtrak", 3, 24),
        ("tebentafusp", 4, 12),
        ("tarlatamab", 2, 48),
        ("tarlatamab", 3, 24),
        ("mosunetuzumab", 3, 48),
        ("tebentafusp", None, 24),  # a dose that is not numbered counts as the first
    ],
)
def test_the_window_goes_by_the_dose(product: str, dose: int | None, hours: int) -> None:
    chart = treated(product, "bispecific", dose)
    assert window(chart)["remaining_s"] == hours * 3600


@pytest.mark.parametrize(("product", "dose"), [("teclistamab", 4), ("glofitamab", 4)])
def test_after_the_step_up_there_is_no_window(product: str, dose: int) -> None:
    assert treated(product, "bispecific", dose).look()["risk_window"] is None


def test_each_dose_opens_its_own_window() -> None:
    chart = treated("tebentafusp", "bispecific")
    assert window(chart, "30:00")["phase"] == "ended"
    chart.therapy("168:00", "tebentafusp", "bispecific", dose_number=2)
    seen = window(chart, "172:00")
    assert (seen["phase"], seen["dose_number"]) == ("peak", 2)


def test_a_dose_entered_in_error_closes_its_window() -> None:
    chart = treated("tebentafusp", "bispecific")
    wrong = chart.therapy("168:00", "tebentafusp", "bispecific", dose_number=2)
    chart.retract("169:00", wrong)
    assert window(chart)["phase"] == "ended"


def test_without_a_therapy_there_is_none() -> None:
    chart = Chart(therapy=None)
    chart.at("10:00", temp=38.5)
    assert chart.look()["risk_window"] is None


def test_the_last_check_is_shown() -> None:
    chart = treated("axi-cel", "car_t")
    assert window(chart)["last_check"] is None
    chart.at("10:00", temp=36.8)
    chart.at("12:00", sbp=120, dbp=70)
    chart.at("13:00", hr=80)
    assert window(chart)["last_check"] == "2026-03-01T12:00:00Z"


# -- late onset -----------------------------------------------------------------------------------

DAYS = {"tarlatamab": 15, "checkpoint_inhibitor": 31, "nivolumab": 31, "pembrolizumab": 31}


@pytest.mark.parametrize(
    "name",
    ["tebentafusp", "tarlatamab", "nivolumab", "axicabtagene_ciloleucel", "lifileucel",
     "afamitresgene_autoleucel", "glofitamab", *CATALOGUE.classes],
)  # fmt: skip
@pytest.mark.parametrize(("past", "late"), [("0:00", False), ("0:01", True)])
def test_an_onset_later_than_published_is_graded_and_flagged(
    name: str, past: str, late: bool
) -> None:
    days = DAYS.get(name, 14)
    chart = treated(charted_as(name), class_of(name))
    chart.at(f"{days * 24}:{past[-2:]}", temp=38.5, sbp=120, dbp=70)
    chart.expect(raw_grade=1, grade=1)
    assert ("LATE_ONSET" in chart.look()["flags"]) is late
    assert ("LATE_ONSET" in chart.said()[-1].flags) is late


def test_an_onset_is_late_after_the_newest_dose_only() -> None:
    chart = treated("tebentafusp", "bispecific")
    chart.therapy("336:00", "tebentafusp", "bispecific", dose_number=3)
    chart.at("400:00", temp=38.5)
    chart.expect(grade=1, no_flags={"LATE_ONSET"})


def test_late_onset_lasts_for_its_episode() -> None:
    chart = treated("axi-cel", "car_t")
    chart.at("340:00", temp=38.5, sbp=120, dbp=70)
    chart.oxygen("341:00", "nasal_cannula", 2)
    assert all("LATE_ONSET" in alert.flags for alert in chart.said())
    chart.retract("342:00", chart.events[1].event_id)  # the therapy
    chart.therapy("300:00", "axi-cel", "car_t", received="342:00")
    chart.expect(grade=2, no_flags={"LATE_ONSET"})


def test_a_known_product_charted_with_another_class_keeps_its_own_window() -> None:
    chart = treated("Imdelltra", "other_effector_cell")
    assert window(chart)["product"] == "tarlatamab"
    chart.at(f"{14 * 24 + 5}:00", temp=38.5)
    chart.expect(no_flags={"LATE_ONSET"})


# -- missed checks inside the window --------------------------------------------------------------


def test_a_missed_check_is_reminded_of_inside_the_window_without_any_sign() -> None:
    chart = treated("tarlatamab", "bispecific", 1)
    chart.at("6:00", temp=36.8)
    chart.tick("18:00")
    assert chart.reminders() == [("K8", "18:00")]
    assert window(chart)["min_check_interval_s"] == 12 * 3600


def test_a_dose_counts_as_the_last_check() -> None:
    chart = treated("tarlatamab", "bispecific", 1)
    chart.at("6:00", temp=36.8)
    chart.therapy("10:00", "tarlatamab", "bispecific", dose_number=2)
    chart.tick("21:59")
    assert chart.reminders("K8") == []
    chart.tick("22:00")
    assert chart.reminders("K8") == [("K8", "22:00")]
