"""The life of an alarm: raised, answered, latched, shelved, superseded, cancelled, closed."""

from __future__ import annotations

from dataclasses import replace

from stream.engine import Outcome
from tests.charts import P0, Chart, clock

QUIET = replace(
    P0, ladders=replace(P0.ladders, rows=tuple(r for r in P0.ladders.rows if r.name != "signal"))
)
"""Without the ladder of signals: these charts are about grades, and chart little else."""


def chart(location: str | None = "7W/12") -> Chart:
    found = Chart(ruleset=QUIET)
    found.patient("0:10", location=location)
    return found


def fever(at: str = "10:00", **more: str) -> Chart:
    found = chart()
    found.at(at, temp=38.6, sbp=120, dbp=70, **more)
    return found


def on_pressor() -> Chart:
    found = fever()
    found.pump("11:00", "norepinephrine", 4, id="pump")
    return found


# -- ladders ---------------------------------------------------------------------------------------


def test_nobody_answers_at_grade_3() -> None:
    patient = on_pressor()
    patient.tick("13:06")
    assert [line for line in patient.told() if "grade 3" in line] == [
        "11:00 grade 3 opened 0 bedside_nurse physician",
        "11:05 grade 3 advanced 1 charge_nurse rapid_response",
        "11:10 grade 3 advanced 2 attending",
        *(f"{11 + m // 60}:{m % 60:02} grade 3 repeated 2 attending" for m in range(20, 120, 10)),
        "13:00 grade 3 repeated 0 bedside_nurse physician",
        "13:05 grade 3 advanced 1 charge_nurse rapid_response",
    ]


def test_a_ladder_ends_and_the_alarm_stays() -> None:
    patient = on_pressor()
    patient.tick("35:00")
    assert patient.told("grade")[-1] == "19:00 grade 3 exhausted"
    assert "grade 3 unacknowledged" in patient.alarms()
    assert len(patient.told()) < 80


def test_who_is_informed_besides_and_by_when() -> None:
    patient = fever()
    opened = patient.said("escalation.opened")[-1]
    assert opened.body["inform"] == {"notify": ["physician"], "within_s": 3600}
    assert opened.body["location"] == "7W/12"
    patient.answer("10:05", patient.alarm(1))
    patient.tick("20:00")
    assert patient.told("grade")[2:] == ["11:00 grade 1 informed 0 physician"]
    (informed,) = patient.said("escalation.informed")
    assert (informed.priority, informed.body["respond_by"]) == ("information", None)
    assert informed.body["state"] == "acknowledged"


def test_whom_a_step_has_told_is_not_informed_besides() -> None:
    patient = fever()
    patient.oxygen("10:30", "nasal_cannula", 2)
    patient.tick("16:00")
    assert "10:50 grade 2 advanced 2 physician" in patient.told("grade")
    assert not patient.said("escalation.informed")


def test_nobody_is_informed_of_an_alarm_that_a_higher_one_has_superseded() -> None:
    patient = fever()
    patient.answer("10:05", patient.alarm(1))
    patient.pump("10:59", "norepinephrine", 4, id="pump")
    patient.answer("11:01", patient.alarm(3))
    patient.tick("16:00")
    assert not patient.said("escalation.informed")


def test_an_outpatient_is_called() -> None:
    patient = chart("home")
    patient.at("10:00", temp=38.6, sbp=120, dbp=70)
    assert patient.told() == ["10:00 grade 1 opened 0 high_touch_nurse"]


def test_an_alert_that_comes_late_is_waited_for_from_when_it_was_said() -> None:
    patient = chart()
    patient.at("13:00", temp=37.0, sbp=120, dbp=70)
    patient.at("10:00", temp=38.6, received="13:00")
    opened = patient.said("escalation.opened")[-1]
    assert (clock(opened.effective_time), opened.body["respond_by"]) == (
        "13:00", "2026-03-01T13:15:00Z",
    )  # fmt: skip


def test_a_reminder_is_shown_again_each_shift() -> None:
    patient = fever()
    patient.tick("71:00")  # nobody measured anything for days: K8
    shown = [line for line in patient.told("reminder") if "K8" in line]
    assert shown == [
        "22:00 reminder K8 opened 0 worklist",
        "31:00 reminder K8 repeated 0 worklist",
        "43:00 reminder K8 repeated 0 worklist",
        "55:00 reminder K8 closed unanswered",
    ]


def test_a_site_can_do_without_ladders() -> None:
    patient = on_pressor()
    off = replace(QUIET, ladders=replace(QUIET.ladders, escalate=False))
    patient.ruleset = off
    before = len(patient.told())
    patient.oxygen("11:04", "bipap")
    patient.tick("20:00")
    assert (len(patient.told()), patient.alarms()) == (before, [])
    assert [grade for _, grade in patient.grades()] == [1, 3, 4]


# -- answers ---------------------------------------------------------------------------------------


def test_an_answer_ends_the_ladder_and_not_the_alarm() -> None:
    patient = on_pressor()
    patient.answer("11:07", patient.alarm(3))
    patient.tick("23:00")
    assert patient.told("grade")[-2:] == [
        "11:05 grade 3 advanced 1 charge_nurse rapid_response",
        "11:07 grade 3 acknowledged",
    ]
    (said,) = patient.said("escalation.acknowledged")
    assert (said.body["by"], said.body["reason"], said.body["after_s"]) == ("nurse-1", "seen", 420)
    assert "grade 3 acknowledged" in patient.alarms()


def test_an_answer_expires_when_the_grade_rises() -> None:
    patient = on_pressor()
    patient.answer("11:01", patient.alarm(3))
    patient.oxygen("12:00", "bipap")
    assert patient.told("grade")[-2:] == [
        "12:00 grade 4 opened 0 bedside_nurse rapid_response",
        "12:00 grade 3 closed superseded",
    ]
    closed = patient.said("escalation.closed")[-1]
    assert closed.body["by_alert"] == patient.alarm(4)
    assert [mark["what"] for mark in closed.body["trail"]] == ["opened", "acknowledged"]
    assert patient.alarms() == ["grade 4 unacknowledged"]


def test_the_same_answer_again_changes_nothing() -> None:
    patient = on_pressor()
    patient.answer("11:01", patient.alarm(3), id="ack")
    before = patient.alerts[:]
    again = patient.replay(patient.events[-1])  # type: ignore[arg-type]
    assert again.outcome is Outcome.DUPLICATE
    patient.answer("11:02", patient.alarm(3), by="nurse-2")
    assert patient.last is not None
    assert (patient.alerts, patient.last.rejections) == (before, ())


def codes(patient: Chart) -> list[str]:
    assert patient.last is not None
    return [rejection.code for rejection in patient.last.rejections]


def test_an_answer_to_nothing_is_told_and_counts_when_the_alert_comes() -> None:
    rehearsal = on_pressor()
    patient = fever()
    patient.answer("10:30", rehearsal.alarm(3))
    assert codes(patient) == ["unknown_alert"]
    patient.pump("11:00", "norepinephrine", 4, id="pump")
    assert patient.told("grade")[-1] == "11:00 grade 3 acknowledged"
    assert "grade 3 acknowledged" in patient.alarms()


def test_an_answer_to_an_alarm_that_is_over_is_told_why() -> None:
    patient = fever()
    lower = patient.alarm(1)
    patient.pump("11:00", "norepinephrine", 4)
    patient.answer("11:30", lower)
    assert codes(patient) == ["alarm_closed"]
    assert patient.last is not None
    assert "(superseded)" in patient.last.rejections[0].detail


def test_an_answer_that_was_entered_in_error_counts_no_more() -> None:
    patient = on_pressor()
    patient.answer("11:01", patient.alarm(3), id="ack")
    patient.retract("11:30", "ack")
    patient.tick("11:36")
    assert patient.told("grade")[-2:] == [
        "11:30 grade 3 reopened 0 bedside_nurse physician",
        "11:35 grade 3 advanced 1 charge_nurse rapid_response",
    ]


def test_an_alarm_is_shelved_and_comes_back() -> None:
    patient = fever()
    patient.answer("10:05", patient.alarm(1), "shelve", until="11:00", reason="blood drawn")
    patient.tick("11:20")
    assert patient.told() == [
        "10:00 grade 1 opened 0 bedside_nurse",
        "10:05 grade 1 shelved",
        "11:00 grade 1 unshelved 0 bedside_nurse",
        "11:00 grade 1 informed 0 physician",
        "11:15 grade 1 advanced 1 charge_nurse",
    ]
    (shelved,) = patient.said("escalation.shelved")
    assert (shelved.body["by"], shelved.body["reason"], shelved.body["until"]) == (
        "nurse-1", "blood drawn", "2026-03-01T11:00:00Z",
    )  # fmt: skip


def test_an_alarm_is_taken_off_the_shelf() -> None:
    patient = fever()
    patient.answer("10:05", patient.alarm(1), "shelve", until="11:00", reason="blood drawn")
    patient.answer("10:20", patient.alarm(1), "unshelve")
    assert patient.told()[-1] == "10:20 grade 1 unshelved 0 bedside_nurse"
    patient.answer("10:21", patient.alarm(1), "unshelve")
    assert codes(patient) == ["not_shelved"]


def test_an_answer_takes_an_alarm_off_the_shelf_for_good() -> None:
    patient = fever()
    patient.answer("10:05", patient.alarm(1), "shelve", until="11:00", reason="blood drawn")
    patient.answer("10:20", patient.alarm(1))
    patient.tick("14:00")
    assert patient.told("grade")[1:] == [
        "10:05 grade 1 shelved",
        "10:20 grade 1 acknowledged",
        "11:00 grade 1 informed 0 physician",
    ]
    assert "grade 1 acknowledged" in patient.alarms()


def test_what_cannot_be_shelved() -> None:
    patient = on_pressor()
    for until, reason, code in (
        (None, "x", "shelf_invalid"),
        ("11:00", "x", "shelf_invalid"),
        ("20:00", "x", "shelf_invalid"),
        ("12:00", " ", "shelf_invalid"),
        ("12:00", "transfer", None),
    ):
        patient.answer("11:02", patient.alarm(3), "shelve", until=until, reason=reason)
        assert codes(patient) == ([code] if code else [])
    patient.oxygen("11:30", "bipap")
    patient.answer("11:31", patient.alarm(4), "shelve", until="12:00", reason="transfer")
    assert codes(patient) == ["not_shelvable"]
    assert patient.alarms() == ["grade 4 unacknowledged"]


# -- what becomes of the cause ---------------------------------------------------------------------


def test_grade_3_latches_until_somebody_has_seen_it() -> None:
    patient = on_pressor()
    patient.pump("11:20", "norepinephrine", 0, "stop")
    patient.tick("12:25")
    assert "12:20 grade 3 returned" in patient.told("grade")
    assert patient.alarms() == ["grade 3 latched"]
    patient.tick("12:31")
    assert patient.told("grade")[-1] == "12:30 grade 3 repeated 2 attending"
    patient.answer("12:33", patient.alarm(3))
    assert patient.told("grade")[-2:] == [
        "12:33 grade 3 acknowledged",
        "12:33 grade 3 closed answered",
    ]
    assert patient.alarms() == []


def test_grade_2_returns_asks_no_more_and_is_closed_in_the_end() -> None:
    patient = fever()
    patient.oxygen("11:00", "nasal_cannula", 2)
    patient.oxygen("11:25", "room_air")
    patient.at("12:00", spo2=97)
    patient.tick("40:00")
    told = patient.told("grade")
    assert "12:25 grade 2 returned" in told
    assert told[-1] == "24:25 grade 2 closed unanswered"
    assert not [line for line in told if "repeated" in line and line > "12:25"]


def test_an_answered_alarm_is_closed_with_its_cause() -> None:
    patient = on_pressor()
    patient.answer("11:01", patient.alarm(3))
    patient.pump("11:20", "norepinephrine", 0, "stop")
    patient.tick("12:25")
    assert patient.told("grade")[-1] == "12:20 grade 3 closed returned"
    assert patient.alarms() == []


def test_a_retraction_cancels_the_alarm_with_its_trail() -> None:
    patient = on_pressor()
    patient.tick("11:06")
    patient.retract("11:07", "pump")
    closed = patient.said("escalation.closed")[-1]
    revised = patient.said("grade.revised")[-1]
    assert closed.body["why"] == "cancelled"
    assert closed.body["by_alert"] == revised.alert_id
    assert [(mark["what"], mark["time"][11:16]) for mark in closed.body["trail"]] == [
        ("opened", "11:00"),
        ("advanced", "11:05"),
    ]
    # nobody has come yet: they are told of the grade that is true
    assert patient.told("grade")[-1] == "11:07 grade 1 opened 0 bedside_nurse"


def test_a_candidate_that_is_confirmed_hands_over_to_the_grade() -> None:
    patient = chart()
    patient.oxygen("10:00", "nasal_cannula", 2)
    assert patient.alarms() == ["candidate 2 unacknowledged"]
    patient.at("10:05", temp=38.6, sbp=120, dbp=70)
    assert patient.told()[-1].endswith("candidate 2 closed confirmed")
    assert patient.alarms() == ["grade 2 unacknowledged"]


def test_a_discharge_closes_everything() -> None:
    patient = on_pressor()
    patient.outcome("12:00", "transferred")
    assert patient.told()[-1] == "12:00 grade 3 closed ended"
    assert patient.alarms() == []


def test_a_lost_signal_is_closed_when_it_is_back() -> None:
    patient = Chart()
    patient.at("10:00", temp=37.0)
    patient.tick("19:00")
    assert patient.alarms() == ["signal temperature unacknowledged"]
    patient.answer("19:00", patient.alarm(event="signal"))
    patient.at("19:30", temp=37.0)
    assert patient.told("signal")[-1] == "19:30 signal temperature closed returned"


# -- chatter and floods ----------------------------------------------------------------------------


def test_chatter_is_remarked_and_hides_nothing() -> None:
    patient = fever()
    for number, minute in enumerate((0, 15, 30)):
        patient.pump(f"11:{minute:02}", "norepinephrine", 4, id=f"pump{number}")
        patient.retract(f"11:{minute + 5:02}", f"pump{number}")
    third = [a for a in patient.said("escalation.opened") if a.body["grade"] == 3]
    assert [alert.body["chatter"] for alert in third] == [
        None, None, {"alarms": 3, "within_s": 3600},
    ]  # fmt: skip


def test_a_flood_is_told_as_one_and_hides_no_grade() -> None:
    few = replace(P0.ladders.alarms, flood_alarms=1)
    patient = Chart(ruleset=replace(P0, ladders=replace(P0.ladders, alarms=few)))
    patient.at("10:00", temp=37.0, sbp=120, dbp=70, spo2=97)
    patient.at("12:00", temp=38.4)
    patient.oxygen("12:05", "nasal_cannula", 2)  # from now on pressure is needed every hour
    patient.pump("12:06", "norepinephrine", 4)
    patient.tick("12:25")
    assert patient.told()[2:] == [
        "12:00 grade 1 opened 0 bedside_nurse",
        "12:05 grade 2 opened 0 bedside_nurse",
        "12:05 grade 1 closed superseded",
        "12:05 None summarised",
        "12:06 grade 3 opened 0 bedside_nurse physician",
        "12:06 grade 2 closed superseded",
        "12:11 grade 3 advanced 1 charge_nurse rapid_response",
        "12:15 None summarised",
        "12:15 signal spo2 exhausted",
        "12:15 signal blood_pressure opened 0 bedside_nurse biomedical",
        "12:16 grade 3 advanced 2 attending",
    ]
    begun, over = patient.said("escalation.summarised")
    assert (begun.body["over"], begun.body["count"], begun.priority) == (False, 1, "medium")
    (lost,) = [a for a in patient.said("signal.lost") if a.body["signal"] == "blood_pressure"]
    assert (over.body["over"], over.body["alerts"]) == (True, [lost.alert_id])
