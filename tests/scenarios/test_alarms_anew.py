"""Alarms asked about anew, or never: an end that was none, late data, a flood, a shelf."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.charts import P0, Chart, clock

QUIET = replace(
    P0, ladders=replace(P0.ladders, rows=tuple(r for r in P0.ladders.rows if r.name != "signal"))
)
FIRST_ASKED = "grade 3 opened 0 bedside_nurse physician"


def on_pressor(location: str = "7W/12") -> Chart:
    found = Chart(ruleset=QUIET)
    found.patient("0:10", location=location)
    found.at("10:00", temp=38.6, sbp=120, dbp=70)
    found.pump("11:00", "norepinephrine", 4, id="pump")
    return found


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [("discharged", None), ("transferred", None), ("death", "other"), ("death", "crs")],
)
def test_an_end_that_was_entered_in_error_is_no_answer(outcome: str, cause: str | None) -> None:
    patient = on_pressor()
    patient.outcome("11:02", outcome, cause, id="end")
    patient.retract("11:04", "end")
    patient.restart()
    patient.tick("11:10")
    assert patient.told("grade")[-3:] == [
        "11:02 grade 3 closed ended",
        f"11:04 {FIRST_ASKED}",
        "11:09 grade 3 advanced 1 charge_nurse rapid_response",
    ]
    patient.answer("11:10", patient.alarm(3))
    assert patient.alarms() == ["grade 3 acknowledged"]


def test_a_patient_who_is_monitored_elsewhere_is_asked_about_there() -> None:
    patient = on_pressor()
    patient.neuro("11:01", ice=5)
    patient.outcome("11:02", "transferred")
    patient.patient("11:30", location="icu/4")
    assert patient.alarms() == []
    patient.at("11:32", sbp=100, dbp=60)
    assert patient.alarms() == ["grade 3 unacknowledged", "icans 2 unacknowledged"]
    opened = patient.said("escalation.opened")[-2]
    assert (clock(opened.effective_time), opened.body["location"]) == ("11:32", "icu/4")


def test_a_grade_that_was_charted_after_the_end_is_asked_about_when_the_patient_is_back() -> None:
    patient = Chart(ruleset=QUIET)
    patient.outcome("10:30", "transferred")
    patient.at("10:00", temp=38.6, sbp=120, dbp=70, received="11:00")
    assert (patient.grades(), patient.told("grade")) == ([("changed", 1)], [])
    patient.at("11:30", sbp=120, dbp=70)
    assert patient.told("grade") == ["11:30 grade 1 opened 0 bedside_nurse"]


def test_nobody_is_asked_about_a_patient_who_has_left_with_nothing_open() -> None:
    patient = on_pressor()
    patient.pump("11:20", "norepinephrine", 0, "stop")
    patient.tick("12:25")
    patient.answer("12:30", patient.alarm(3))
    patient.outcome("13:00", "discharged", id="end")
    patient.retract("13:05", "end")
    assert patient.told("grade")[-1] == "12:30 grade 3 closed answered"


def test_a_late_rise_that_was_over_leaves_the_grade_in_force() -> None:
    """Fever is charted late: with it oxygen was grade 2, and is grade 1 by now."""
    patient = Chart(ruleset=QUIET)
    patient.oxygen("10:00", "nasal_cannula", 2)
    patient.oxygen("10:30", "room_air")
    patient.at("13:00", spo2=97, sbp=120, dbp=70)
    patient.at("10:00", temp=38.6, received="13:05")
    assert patient.grades() == [("changed", 2), ("changed", 1)]
    opened = patient.said("escalation.opened")[-1]
    assert patient.told("grade") == ["13:05 grade 1 opened 0 bedside_nurse"]
    assert (opened.body["alert"], opened.priority) == (patient.said()[-1].alert_id, "medium")


def test_of_one_matter_a_flood_leaves_the_highest() -> None:
    few = replace(P0.ladders.alarms, flood_alarms=1)
    patient = Chart(ruleset=replace(P0, ladders=replace(P0.ladders, alarms=few)))
    patient.at("12:00", temp=38.4, sbp=120, dbp=70, spo2=97)
    patient.neuro("12:01", ice=9)
    patient.answer("12:02", patient.alarm(1))
    patient.neuro("12:03", ice=8)
    patient.neuro("12:04", ice=6)
    patient.tick("12:12")
    assert patient.told("icans") == ["12:11 icans 2 opened 0 bedside_nurse"]
    assert patient.alarms() == ["grade 1 acknowledged", "icans 2 unacknowledged"]


def test_what_comes_out_of_a_flood_closes_the_lower_one() -> None:
    few = replace(P0.ladders.alarms, flood_alarms=1)
    patient = Chart(ruleset=replace(P0, ladders=replace(P0.ladders, alarms=few)))
    patient.neuro("12:00", ice=9)
    patient.at("12:01", temp=38.4, sbp=120, dbp=70, spo2=97)
    patient.neuro("12:02", ice=6)
    patient.tick("12:13")
    assert patient.told("icans") == [
        "12:00 icans 1 opened 0 bedside_nurse",
        "12:12 icans 2 opened 0 bedside_nurse",
        "12:12 icans 1 closed superseded",
    ]


def test_off_the_shelf_the_ladder_has_all_its_rounds() -> None:
    patient = on_pressor()
    patient.tick("17:30")  # the last of four rounds
    patient.answer("17:30", patient.alarm(3), "shelve", until="18:00", reason="in theatre")
    patient.tick("27:00")
    begun = [
        line.split()[0]
        for line in patient.told("grade")
        if line.endswith(" 0 bedside_nurse physician")
    ]
    assert begun == ["11:00", "13:00", "15:00", "17:00", "18:00", "20:00", "22:00", "24:00"]
    assert patient.told("grade")[-1] == "26:00 grade 3 exhausted"
    assert not patient.said("escalation.informed")


def test_a_screen_that_rested_on_a_withdrawn_result_is_cancelled() -> None:
    patient = on_pressor()
    patient.lab("12:00", "ferritin", 900, "ng/mL")
    patient.lab("12:00", "fibrinogen", 1.2, "g/L")
    patient.lab("12:00", "platelets", 18, "10*9/L", id="other patient's")
    patient.retract("12:20", "other patient's")
    closed = patient.said("escalation.closed")[-1]
    assert patient.told("iec_hs")[-1] == "12:20 iec_hs closed cancelled"
    assert closed.body["by_alert"] == patient.said("iec_hs.changed")[-1].alert_id


@pytest.mark.parametrize("before", [None, 9])
def test_a_neurotoxicity_that_was_charted_too_high_is_asked_about_as_it_is(
    before: int | None,
) -> None:
    patient = Chart(ruleset=QUIET)
    if before is not None:
        patient.neuro("10:50", ice=before)
    patient.neuro("11:00", ice=1, id="typo")
    patient.neuro("11:00", ice=6, replaces="typo", received="11:02")
    assert patient.told("icans")[-2:] == [
        "11:02 icans 3 closed cancelled",
        "11:02 icans 2 opened 0 bedside_nurse",
    ]
    opened = patient.said("escalation.opened")[-1]
    assert (opened.body["alert"], opened.priority) == (
        patient.said("icans.changed")[-1].alert_id,
        "medium",
    )


def test_who_had_answered_is_not_asked_about_a_neurotoxicity_that_was_lower() -> None:
    patient = Chart(ruleset=QUIET)
    patient.neuro("11:00", ice=1, id="typo")
    patient.answer("11:01", patient.alarm(3, "icans"))
    patient.neuro("11:00", ice=6, replaces="typo", received="11:02")
    assert patient.told("icans")[-1] == "11:02 icans 3 closed cancelled"


def test_a_grade_that_a_correction_came_back_to_is_asked_about_by_its_last_alert() -> None:
    """The alarm of the first one was closed for the higher grade: nobody answers it any more."""
    patient = Chart(ruleset=QUIET)
    patient.at("10:00", temp=38.6, sbp=120, dbp=70, spo2=97)
    patient.pump("10:10", "norepinephrine", 4, id="pump")
    patient.retract("10:12", "pump")
    assert patient.alarms() == ["grade 1 unacknowledged"]
    before = patient.alarm(1)
    patient.outcome("10:20", "discharged", id="end")
    patient.retract("10:22", "end")
    assert patient.told("grade")[-1] == "10:22 grade 1 opened 0 bedside_nurse"
    assert patient.alarm(1) == before


def test_a_neurotoxicity_whose_time_was_corrected_is_asked_about_when_the_patient_is_back() -> None:
    patient = Chart(ruleset=QUIET)
    patient.neuro("11:00", ice=1, id="early")
    patient.neuro("11:05", ice=1, replaces="early", received="11:06")
    before = patient.alarm(3, "icans")
    patient.outcome("11:07", "discharged", id="end")
    patient.retract("11:08", "end")
    assert patient.alarms() == ["icans 3 unacknowledged"]
    assert patient.alarm(3, "icans") == before


def test_what_a_new_alarm_closes_hides_nothing_of_a_patient_who_is_back() -> None:
    """Back with a vasopressor: the score of the same step asks nobody beside grade 3."""
    patient = Chart(ruleset=QUIET)
    patient.oxygen("9:00", "room_air")
    patient.neuro("10:30", ice=5, consciousness="awake")
    patient.at("10:50", temp=38.6, sbp=118, dbp=70, hr=132, rr=26, spo2=97)
    patient.outcome("11:02", "transferred")
    patient.pump("11:30", "norepinephrine", 4)
    assert [a.body["band"] for a in patient.said("risk.changed") if a.body["score"] == "news2"]
    assert patient.alarms() == ["grade 3 unacknowledged", "icans 2 unacknowledged"]


def test_an_alarm_that_stays_closed_when_the_patient_is_back_takes_no_answer() -> None:
    """A signal is said to be lost again; the alarm of the first time is over."""
    patient = Chart()
    patient.at("10:00", temp=38.6, sbp=120, dbp=70, spo2=97)
    patient.tick("20:00")
    lost = next(alarm for alarm in patient.said("escalation.opened") if alarm.body["subject"])
    patient.outcome("20:02", "discharged")
    patient.at("20:10", temp=38.6, sbp=120, dbp=70, spo2=97)
    asked = len(patient.said("escalation.opened"))
    patient.answer("20:11", lost.body["alert"])
    assert patient.last is not None
    (refused,) = patient.last.rejections
    assert refused.code == "alarm_closed"
    assert "(ended, not asked about anew)" in refused.detail
    patient.at("20:12", temp=38.6, sbp=120, dbp=70, spo2=97)
    assert len(patient.said("escalation.opened")) == asked


def latched() -> Chart:
    """A grade 3 that nobody answered has fallen to 1 at 12:20; discharged at 12:30."""
    patient = on_pressor()
    patient.pump("11:20", "norepinephrine", 0, "stop")
    patient.tick("12:25")
    assert patient.alarms() == ["grade 3 latched"]
    patient.outcome("12:30", "discharged", id="end")
    return patient


@pytest.mark.parametrize("monitored", [False, True])
@pytest.mark.parametrize("how", ["retracted", "replaced"])
def test_what_had_latched_asks_on_when_the_end_was_entered_in_error(
    how: str, monitored: bool
) -> None:
    patient = latched()
    if monitored:  # the monitor knows of no discharge
        patient.at("12:32", sbp=120, dbp=70)
        assert patient.alarms() == ["grade 1 unacknowledged"]
    patient.restart()
    if how == "retracted":
        patient.retract("12:34", "end")
    else:
        patient.neuro("12:34", ice=10, replaces="end")
    patient.tick("12:40")
    assert patient.alarms() == ["grade 3 latched"]
    assert [line for line in patient.told("grade") if "grade 3" in line][-3:] == [
        "12:30 grade 3 closed ended",
        f"12:34 {FIRST_ASKED}",
        "12:39 grade 3 advanced 1 charge_nurse rapid_response",
    ]
    patient.answer("12:40", patient.alarm(3))
    assert patient.told("grade")[-1] == "12:40 grade 3 closed answered"


def test_nobody_is_asked_about_what_was_over_when_the_patient_left() -> None:
    patient = latched()
    patient.at("36:00", temp=38.6, sbp=120, dbp=70)
    assert patient.told("grade")[-2:] == [
        "12:30 grade 3 closed ended",
        "36:00 grade 1 opened 0 bedside_nurse",
    ]
    # a later end that was entered in error is another matter; so is a time that is corrected
    patient.outcome("37:00", "transferred", id="other")
    patient.retract("37:05", "other")
    patient.outcome("12:31", "discharged", replaces="end", received="37:10")
    assert patient.alarms() == ["grade 1 unacknowledged"]


def test_what_had_latched_and_was_answered_is_over_for_good() -> None:
    patient = on_pressor()
    patient.pump("11:20", "norepinephrine", 0, "stop")
    patient.tick("12:25")
    patient.answer("12:26", patient.alarm(3))
    patient.outcome("12:30", "discharged", id="end")
    patient.retract("12:34", "end")
    assert patient.alarms() == []


def test_a_neurotoxicity_that_had_latched_asks_on_too() -> None:
    patient = Chart(ruleset=QUIET)
    patient.neuro("11:00", ice=1)
    patient.neuro("11:10", ice=8)
    assert patient.alarms() == ["icans 3 latched"]
    patient.outcome("11:20", "discharged", id="end")
    patient.retract("11:21", "end")
    assert patient.alarms() == ["icans 3 latched"]
