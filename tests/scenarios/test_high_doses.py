"""Pressors on the other scales: how many, high doses and their clocks, doses not known."""

from __future__ import annotations

from tests.scenarios.scale_charts import ill, low, says

# -- (1) one vasopressor at a low dose, several ----------------------------------------------------


def test_one_vasopressor_at_a_low_dose_is_2_or_3() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 4)
    says(chart, "18:00", astct=3, ctcae=3, lee=2, penn=3, cartox=2, mskcc=2)


def test_several_vasopressors_are_3_and_vasopressin_counts_outside_astct() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 4)
    chart.pump("11:00", "vasopressin", 0.03, unit="U/min")
    says(chart, "11:10", astct=3, ctcae=3, lee=2, cartox=2)
    says(chart, "12:00", astct=3, ctcae=[3, 4], lee=3, penn=3, cartox=3, mskcc=2)
    chart.pump("12:00", "phenylephrine", 40)
    says(chart, "12:15", astct=4, ctcae=4, lee=3, penn=3, cartox=3, mskcc=2)


def test_vasopressin_as_the_only_vasopressor_is_one_at_no_high_dose() -> None:
    chart = ill()
    chart.pump("11:00", "vasopressin", 0.04, unit="U/min")
    says(chart, "20:00", astct=3, ctcae=3, lee=2, penn=3, cartox=2, mskcc=2)


# -- (5) the clock of three hours ------------------------------------------------------------------


def test_a_high_dose_counts_from_three_hours_on() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    says(chart, "13:59", astct=3, ctcae=3, lee=2, penn=3, cartox=2)
    says(chart, "14:00", astct=3, ctcae=[3, 4], lee=3, penn=4, cartox=3)


def test_the_high_dose_is_said_without_a_new_event() -> None:
    """The clock is a timer of the patient: a later alert carries what the scales say by then."""
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    chart.oxygen("14:30", "bipap")
    assert chart.said()[-2].body["other_scales"]["lee-2014"] == 2
    assert chart.said()[-1].body["other_scales"]["penn-2018"] == 4


def test_an_interrupted_pump_restarts_the_clock_of_high_doses() -> None:
    for action in ("stop", "rate"):
        chart = ill()
        chart.pump("11:00", "norepinephrine", 25)
        chart.pump("13:00", "norepinephrine", 0, action)
        chart.pump("13:05", "norepinephrine", 25)
        says(chart, "16:04", lee=2, penn=3, cartox=2)
        says(chart, "16:05", lee=3, penn=4, cartox=3)


def test_a_rate_below_the_limit_restarts_the_clock_of_high_doses() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    chart.pump("13:00", "norepinephrine", 8, "rate")
    chart.pump("13:05", "norepinephrine", 25, "rate")
    says(chart, "16:04", lee=2, penn=3)
    says(chart, "16:05", lee=3, penn=4)


def test_a_change_of_a_rate_above_the_limit_does_not_restart_it() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    chart.pump("13:00", "norepinephrine", 40, "rate")
    chart.pump("13:30", "norepinephrine", 21, "running")
    says(chart, "14:00", lee=3, penn=4)


def test_a_late_word_from_the_pump_takes_the_high_dose_back() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 25)
    chart.tick("14:30")
    says(chart, lee=3)
    chart.pump("12:00", "norepinephrine", 5, "rate", received="14:40")
    says(chart, lee=2, penn=3)


# -- how much is high ------------------------------------------------------------------------------


def test_high_is_by_weight_in_penn_and_by_the_minute_in_lee() -> None:
    heavy, light = ill(weight=120), ill(weight=45)
    for chart in (heavy, light):
        chart.pump("11:00", "norepinephrine", 12)
    says(heavy, "15:00", lee=2, penn=3)
    says(light, "15:00", lee=2, penn=4)
    heavy.pump("15:00", "norepinephrine", 22, "rate")
    says(heavy, "18:00", lee=3, penn=3)


def test_with_vasopressin_half_the_dose_is_high() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 12)
    says(chart, "15:00", penn=3)
    chart.pump("15:00", "vasopressin", 0.03, unit="U/min")
    says(chart, "17:59", penn=3)
    says(chart, "18:00", penn=4)


def test_another_vasopressor_does_not_lower_a_high_dose() -> None:
    chart = ill()
    chart.pump("11:00", "epinephrine", 12)
    says(chart, "14:00", penn=4)
    chart.pump("15:00", "norepinephrine", 1)
    says(chart, "18:30", penn=4)


# -- the clock of a day ----------------------------------------------------------------------------


def test_a_pressor_for_a_day_is_3_in_mskcc_alone() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 4)
    says(chart, "34:59", mskcc=2, lee=2, cartox=2)
    says(chart, "35:00", mskcc=3, lee=2, cartox=2)


def test_a_change_of_agents_without_a_gap_keeps_the_day_and_a_gap_ends_it() -> None:
    changed, gap = ill(), ill()
    for chart, stop, start in ((changed, "20:10", "20:00"), (gap, "20:00", "20:10")):
        chart.pump("11:00", "norepinephrine", 4)
        first, second = sorted([(start, "phenylephrine", 30, "start"), (stop, *STOP)])
        chart.pump(*first)
        chart.pump(*second)
    says(changed, "35:00", mskcc=3)
    says(gap, "35:00", mskcc=2)
    says(gap, "44:10", mskcc=3)


STOP = ("norepinephrine", 0, "stop")


# -- doses that are not known ----------------------------------------------------------------------


def test_an_unknown_weight_leaves_a_dose_per_kilogram_open() -> None:
    chart = ill(weight=None)
    chart.pump("11:00", "norepinephrine", 25)
    says(chart, "13:59", lee=2, penn=3)
    says(chart, "14:00", lee=3, penn=[3, 4])
    other = ill(weight=None)
    other.pump("11:00", "norepinephrine", 0.3, unit="ug/kg/min")
    says(other, "14:00", lee=[2, 3], penn=4, cartox=[2, 3], ctcae=[3, 4])


def test_a_quarantined_dose_leaves_the_dose_open_and_the_pressor_counts() -> None:
    chart = ill()
    chart.pump("11:00", "norepinephrine", 7.56, unit="ug/kg/min")
    says(chart, "13:59", astct=3, lee=2, penn=3)
    says(chart, "14:00", astct=3, lee=[2, 3], penn=[3, 4], cartox=[2, 3])
    chart.pump("14:30", "norepinephrine", 0.0756, "rate", unit="ug/kg/min")
    says(chart, "15:30", lee=2, penn=3)


def test_an_agent_that_no_table_knows_leaves_the_dose_open() -> None:
    chart = ill()
    chart.pump("11:00", "metaraminol", 50)
    says(chart, "14:00", astct=3, lee=[2, 3], penn=[3, 4])


def test_still_low_on_a_high_dose_or_on_several_is_refractory_or_not_yet() -> None:
    chart = ill()
    chart.pump("10:30", "norepinephrine", 25)
    low(chart)
    says(chart, "14:00", mskcc=[3, 4])
    child = ill(age=4, weight=16)
    for agent in ("norepinephrine", "epinephrine"):
        child.pump("10:30", agent, 0.05, unit="ug/kg/min")
    says(child, "11:00", child=3)
    low(child)
    says(child, child=[3, 4])
