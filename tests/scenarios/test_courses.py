"""Courses that the vectors leave out, each with the rule that it is about."""

from __future__ import annotations

from stream.engine.events import Reading, Vitals
from tests.charts import Chart


def test_r1_the_site_nearer_to_the_core_wins_within_a_quarter_of_an_hour() -> None:
    chart = Chart()
    chart.at("10:00", temp=37.6, site="oral")
    chart.at("10:10", temp=38.4, site="axillary")
    chart.expect(raw_grade=0)
    chart.at("10:16", temp=38.4, site="axillary")
    chart.expect(raw_grade=1)


def test_r1_a_patch_opens_no_episode_on_less_than_ten_minutes() -> None:
    chart = Chart()
    for minute in range(10):
        chart.at(f"10:{minute:02}", temp=38.6, method="continuous")
    chart.expect(raw_grade=0)
    chart.at("10:10", temp=38.6, method="continuous")
    chart.expect(raw_grade=1)


def test_r1_a_suspect_value_may_raise_and_never_lower() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.6)
    chart.at("11:00", temp=36.5, quality="suspect")
    chart.expect(raw_grade=1)
    chart.at("12:00", temp=36.5)
    chart.expect(raw_grade=0)


def test_r2_an_attribution_revises_and_its_withdrawal_restores() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.attribute("12:00", "fever", "transfusion", "9:00")
    assert chart.grades() == [("changed", 1), ("revised", 0)]
    chart.expect(episode=None, flags={"ATTR_FEVER"})
    chart.attribute("13:00", "fever", None, "9:00")
    chart.expect(episode=1, grade=1, no_flags={"ATTR_FEVER"})


def test_r3_fever_before_the_therapy_opens_nothing() -> None:
    chart = Chart(therapy=None)
    chart.at("9:00", temp=38.5)
    chart.expect(raw_grade=None, grade=None, flags={"OUT_OF_SCOPE"})
    chart.therapy("10:00")
    chart.expect(raw_grade=0)
    chart.at("11:00", temp=38.4)
    assert [alert.effective_time for alert in chart.said()] == [chart.events[-1].time]


def test_r4_the_waiver_lasts_for_the_episode_and_no_longer() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5, sbp=120, dbp=70)
    chart.give("10:30", "tocilizumab")
    for hour in range(12, 40, 3):
        chart.at(f"{hour}:00", temp=36.8, sbp=120, dbp=70)
    assert chart.grades() == [("changed", 1), ("changed", 0)]
    chart.at("45:00", sbp=80, dbp=50)
    chart.at("45:10", sbp=80, dbp=50)
    chart.expect(raw_grade=0, candidate_grade=2, flags={"NO_FEVER_ONSET"})


def test_r5_support_that_began_while_eligible_keeps_its_grade_when_the_fever_lapses() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.pump("20:00", "norepinephrine", 4)
    chart.at("30:00", temp=36.8)
    chart.expect(at="60:00", raw_grade=3, no_flags={"FEVER_LAPSED"})
    chart.pump("61:00", "norepinephrine", 0, "stop")
    chart.pump("62:00", "norepinephrine", 4)
    chart.expect(raw_grade=0, candidate_grade=3, flags={"FEVER_LAPSED"})


def test_r6_a_pair_more_than_half_an_hour_apart_confirms_nothing() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5, sbp=84, dbp=50)
    chart.at("10:31", sbp=84, dbp=50)
    chart.expect(raw_grade=1, flags={"REPEAT_BP"})
    chart.at("11:01", sbp=84, dbp=50)
    chart.expect(raw_grade=2, no_flags={"REPEAT_BP"})


def test_r6_one_low_reading_and_a_bolus_confirm_each_other_either_way_round() -> None:
    for first, second in (("10:00", "10:30"), ("10:30", "10:00")):
        chart = Chart()
        chart.at("9:00", temp=38.5, sbp=120, dbp=70)
        if first < second:
            chart.at(first, sbp=84, dbp=50)
            chart.give(second, "fluid_bolus", dose=500.0, unit="mL")
        else:
            chart.give(second, "fluid_bolus", dose=500.0, unit="mL")
            chart.at(first, sbp=84, dbp=50)
        chart.expect(raw_grade=2)


def test_r6_an_arterial_line_needs_two_minutes_and_wins_over_the_cuff() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    for second in range(0, 119, 7):
        chart.at(f"10:{second // 60:02}:{second % 60:02}", sbp=80, dbp=50, method="arterial_line")
    chart.expect(raw_grade=1)
    chart.at("10:02:00", sbp=80, dbp=50, method="arterial_line")
    chart.expect(raw_grade=2)
    chart.at("10:05", sbp=120, dbp=70, method="cuff")
    chart.expect(raw_grade=2)
    chart.at("10:06", sbp=120, dbp=70, method="arterial_line")
    chart.expect(raw_grade=1)


def test_r7_mean_pressure_is_not_judged_in_children() -> None:
    chart = Chart(age=8)
    chart.at("10:00", temp=38.5, map=50)
    chart.at("10:10", map=50)
    chart.expect(raw_grade=1)


def test_r8_the_baseline_is_measured_before_the_infusion_and_frozen() -> None:
    chart = Chart(therapy=None)
    for hour in (0, 8, 16, 24, 32, 40):
        chart.at(f"{hour}:00", sbp=160, dbp=90)
    chart.therapy("72:00")
    chart.at("80:00", temp=38.5, sbp=118, dbp=70)
    chart.at("80:10", sbp=118, dbp=70)
    chart.expect(raw_grade=1, candidate_grade=2, flags={"REL_HYPOTENSION"})


def test_r10_the_third_agent_does_not_make_four_before_its_time() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.pump("11:00", "norepinephrine", 4)
    chart.pump("11:00", "phenylephrine", 40)
    chart.expect(at="11:14", raw_grade=3, flags={"AGENT_SWITCH"})
    chart.expect(at="11:15", raw_grade=4, no_flags={"AGENT_SWITCH"})
    chart.pump("12:00", "phenylephrine", 0, "stop")
    chart.pump("12:00", "epinephrine", 2)
    chart.expect(raw_grade=3, flags={"AGENT_SWITCH"})


def test_r12_a_push_dose_candidate_ends_by_itself() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.give("11:00", "phenylephrine", dose=100.0, unit="ug")
    chart.tick("12:30")
    raised, closed = chart.said("candidate.raised", "candidate.closed")
    assert (raised.body["candidate_grade"], raised.body["why"]) == (3, "push_dose")
    assert closed.body["why"] == "ended"
    assert closed.effective_time == raised.effective_time + 3_600_000_000


def test_r12_an_adjunct_is_flagged_however_it_is_given() -> None:
    for by_pump in (True, False):
        chart = Chart()
        chart.at("10:00", temp=38.5)
        if by_pump:
            chart.pump("11:00", "methylene_blue", 1, unit="mg/kg/h")
        else:
            chart.give("11:00", "methylene_blue", dose=100.0, unit="mg")
        chart.expect(raw_grade=1, flags={"ADJUNCT"})


def test_r14_the_label_boundary_is_a_setting_of_the_ruleset() -> None:
    from dataclasses import replace

    from tests.charts import P0

    label = replace(P0, flow_boundary_inclusive=True)
    for flow, astct, by_label in ((5.9, 2, 2), (6.0, 2, 3), (6.5, 3, 3)):
        for ruleset, grade in ((P0, astct), (label, by_label)):
            chart = Chart(ruleset=ruleset)
            chart.at("10:00", temp=38.5)
            chart.oxygen("10:10", "nasal_cannula", flow)
            chart.expect(raw_grade=grade)


def test_r16_more_than_the_home_device_counts_in_full() -> None:
    chart = Chart()
    chart.oxygen("9:00", "nasal_cannula", 2, reason="home")
    chart.at("10:00", temp=38.5)
    chart.expect(raw_grade=1, flags={"HOME_DEVICE"})
    chart.oxygen("11:00", "nasal_cannula", 4)
    chart.expect(raw_grade=2, no_flags={"HOME_DEVICE"})


def test_r18_two_low_saturations_a_quarter_of_an_hour_apart() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5, spo2=88)
    chart.at("10:16", spo2=88)
    chart.expect(raw_grade=1)
    chart.at("10:31", spo2=88)
    chart.expect(raw_grade=2, flags={"HYPOXIA_NO_DEVICE"})
    chart.oxygen("10:40", "simple_mask", 5)
    chart.expect(raw_grade=3, no_flags={"HYPOXIA_NO_DEVICE"})


def test_r18_a_blood_gas_overrides_the_oximeter() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5, spo2=94)
    chart.lab("10:05", "sao2", 86, "%")
    chart.at("10:06", spo2=94)
    chart.lab("10:14", "sao2", 86, "%")
    chart.expect(raw_grade=2, flags={"HYPOXIA_NO_DEVICE"})


def test_r19_an_attribution_with_an_end_lets_the_grade_come_back() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.oxygen("10:05", "nasal_cannula", 3)
    chart.attribute("10:06", "hypoxia", "pulmonary embolism", "10:00", "12:00")
    chart.tick("14:00")
    assert chart.grades() == [("changed", 1), ("changed", 2), ("revised", 1), ("changed", 2)]


def test_r21_death_of_another_cause_freezes_the_grade_and_is_flagged() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.outcome("11:00", "death", "other")
    chart.tick("80:00")
    assert chart.grades() == [("changed", 1)]
    assert chart.said("signal.lost") == []
    chart.expect(grade=1, flags={"DEATH_OTHER"})


def test_r22_good_readings_of_an_event_with_a_bad_one_count() -> None:
    chart = Chart()
    chart.at("10:00", temp=385, sbp=84, dbp=50)
    assert [r.code for r in chart.last.rejections] == ["implausible_value"]  # type: ignore[union-attr]
    chart.at("10:05", temp=38.5)
    chart.at("10:10", sbp=84, dbp=50)
    chart.expect(raw_grade=2, no_flags={"IMPLAUSIBLE_TEMP"})


def test_r22_an_enormous_dose_is_reported_and_the_agent_counts() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.pump("11:00", "norepinephrine", 7.56, unit="ug/kg/min")
    assert [r.code for r in chart.last.rejections] == ["implausible_dose"]  # type: ignore[union-attr]
    chart.expect(raw_grade=3)


def test_r23_a_stop_without_a_start_waits_for_it() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.pump("12:00", "norepinephrine", 0, "stop")
    chart.expect(flags={"ORPHAN_STOP"}, raw_grade=1)
    chart.pump("11:00", "norepinephrine", 5, received="12:30")
    chart.expect(no_flags={"ORPHAN_STOP"}, raw_grade=1, grade=3)


def test_r24_an_episode_does_not_close_on_stale_data() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5, sbp=120, dbp=70)
    chart.at("12:00", temp=36.8, sbp=120, dbp=70)
    chart.tick("48:00")
    chart.at("50:00", temp=36.8)
    chart.tick("50:30")
    assert chart.grades() == [("changed", 1)]
    chart.at("51:00", sbp=120, dbp=70)
    chart.tick("51:00")
    assert chart.grades() == [("changed", 1), ("changed", 0)]


def test_r24_an_open_candidate_is_not_quiet_time() -> None:
    chart = Chart()
    chart.put(type(chart.events[0]), "0:00", baseline_systolic=170.0)
    chart.at("10:00", temp=38.5, sbp=160, dbp=90)
    for hour in range(12, 60, 2):
        chart.at(f"{hour}:00", temp=36.8, sbp=112, dbp=70)
        chart.at(f"{hour}:10", sbp=112, dbp=70)
    assert chart.grades() == [("changed", 1)]
    chart.expect(candidate_grade=2)


def test_r25_a_correction_takes_the_place_of_what_it_replaces_without_the_hold() -> None:
    chart = Chart()
    wrong = chart.at("10:00", temp=39.5)
    right = (Reading("temperature", 36.9),)
    chart.put(Vitals, "10:00", received="10:30", readings=right, replaces=wrong)
    first, revision = chart.said()
    assert revision.type == "grade.revised"
    assert revision.supersedes == first.alert_id
    assert revision.body["to_grade"] == 0
    assert revision.body["history"] == [{"grade": 0, "from": "2026-03-01T10:00:00Z", "until": None}]


def test_r25_a_revision_that_makes_the_patient_sicker_now_rings_as_loud_as_the_grade() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.oxygen("11:00", "nasal_cannula", 2)
    chart.oxygen("12:00", "bipap", received="13:00")
    assert chart.said()[-1].priority == "high"
    chart.oxygen("11:30", "simple_mask", 5, received="13:30")
    revision = chart.said()[-1]
    assert (revision.type, revision.priority) == ("grade.revised", "information")


def test_r26_a_lost_signal_comes_back_and_says_so_once() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5, sbp=120, dbp=70)
    chart.tick("15:00")
    chart.tick("16:00")
    (lost,) = chart.said("signal.lost")
    assert (lost.body["signal"], lost.priority) == ("blood_pressure", "low")
    chart.at("16:30", sbp=118, dbp=70)
    (back,) = chart.said("signal.restored")
    assert back.body["signal"] == "blood_pressure"
    chart.expect(no_flags={"STALE_BP"})


def test_icans_stands_on_its_own_channel() -> None:
    chart = Chart()
    chart.at("10:00", temp=38.5)
    chart.neuro("11:00", ice=5)
    chart.neuro("12:00", assessable=False)
    chart.expect(icans=2, flags={"NOT_ASSESSABLE"}, raw_grade=1)
    chart.neuro("13:00", ice=10)
    assert [a.body["to_grade"] for a in chart.said("icans.changed")] == [2, 0]
    assert chart.grades() == [("changed", 1)]


def test_candidates_follow_the_support_up_and_are_confirmed_by_the_fever() -> None:
    chart = Chart()
    chart.oxygen("10:00", "nasal_cannula", 2)
    chart.oxygen("11:00", "bipap")
    chart.oxygen("12:00", "nasal_cannula", 2)
    chart.expect(candidate_grade=2)
    chart.at("13:00", temp=38.3)
    raised = [a.body["candidate_grade"] for a in chart.said("candidate.raised")]
    assert raised == [2, 4]
    (closed,) = chart.said("candidate.closed")
    assert closed.body["why"] == "confirmed"
    assert chart.grades() == [("changed", 2)]


def test_the_same_id_from_another_source_is_another_event() -> None:
    chart = Chart()
    chart.at("10:00", temp=36.8, id="17")
    chart.put(Vitals, "11:00", id="17", source="b", readings=(Reading("temperature", 38.5),))
    chart.expect(raw_grade=1)
    chart.put(Vitals, "12:00", id="17", source="b", readings=(Reading("temperature", 36.0),))
    assert [r.code for r in chart.last.rejections] == ["id_conflict"]  # type: ignore[union-attr]
