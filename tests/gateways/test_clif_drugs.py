"""Each oddity of drugs in real CLIF data: infusions and doses, passed on, ignored or refused."""

import pytest

from stream.gateways.clif import read_clif

from .clif_folder import play

C = "medication_admin_continuous"
I = "medication_admin_intermittent"


def infusion(
    folder,
    minutes,
    action,
    dose,
    *,
    order="1",
    agent="norepinephrine",
    unit="mcg/kg/min",
    category="",
):
    folder.add(
        C,
        minutes,
        med_category=agent,
        med_dose=dose,
        med_dose_unit=unit,
        med_order_id=order,
        mar_action_name=action,
        mar_action_category=category,
    )


def test_actions_of_an_infusion(folder):
    infusion(folder, 0, "[Started]", 0.05)
    infusion(folder, 5, "ChangeDose/Rate", 7.56)
    infusion(folder, 10, "Paused", 0.0)
    infusion(folder, 15, "[Restarted]", 0.1)
    infusion(folder, 18, "Rewritten", 0.1)
    infusion(folder, 20, "Paused, [Restarted]", 0.1)
    infusion(folder, 25, "ChangeDose/Rate", 0.0)
    infusion(folder, 30, "FinishedRunning", 0.2)
    infusion(folder, 35, "something new", 0.2)
    infusion(folder, 40, None, 0.2, category="dose_change")
    folder.write()
    events, feed, refused = play(folder)
    assert [(e["action"], e["rate"]) for e in events] == [
        ("start", 0.05),  # as the 32-bit float was written
        ("rate", 7.56),
        ("stop", 0.0),
        ("start", 0.1),
        ("running", 0.1),
        ("rate", 0.0),
        ("stop", 0.0),
        ("rate", 0.2),
    ]
    assert {e["unit"] for e in events} == {"ug/kg/min"}
    assert feed.counts.outcomes[C]["ignored: rewritten"] == 1
    assert [r.reason for r in refused] == ["invalid_value"]


@pytest.mark.parametrize(
    ("charted", "unit"), [("units/hour", "U/h"), ("units/min", "U/min"), ("Units/Min", "U/min")]
)
def test_vasopressin_keeps_the_unit_it_was_charted_in(folder, charted, unit):
    infusion(folder, 0, "[Started]", 2.4, agent="vasopressin", unit=charted)
    folder.write()
    [event], _, _ = play(folder)
    assert (event["rate"], event["unit"]) == (2.4, unit)


@pytest.mark.parametrize(
    ("unit", "dose", "reason"),
    [
        ("mL/hour", 5.0, "unknown_unit"),
        (None, 5.0, "unit_missing"),
        ("mcg/kg/min", None, "missing_field"),
        ("mcg/kg/min", -0.1, "invalid_value"),
    ],
)
def test_a_rate_that_cannot_be_understood_is_refused(folder, unit, dose, reason):
    infusion(folder, 0, "[Started]", dose, unit=unit)
    folder.write()
    events, feed, _ = play(folder)
    assert not events
    assert feed.counts.outcomes[C] == {f"refused: {reason}": 1}


def test_a_new_bag_is_no_stop(folder):
    infusion(folder, 0, "[Started]", 0.1, order="1")
    infusion(folder, 60, "FinishedRunning", 0.0, order="1")
    infusion(folder, 60, "[Started]", 0.1, order="2")
    infusion(folder, 117, "[Started]", 0.1, order="3")  # the next one overlaps for three minutes
    infusion(folder, 120, "FinishedRunning", 0.0, order="2")
    infusion(folder, 150, "Stopped", 0.0, order="3")
    folder.write()
    events, feed, _ = play(folder)
    assert [e["action"] for e in events] == ["start", "start", "start", "stop"]
    assert feed.counts.outcomes[C]["ignored: another_order_runs"] == 2


def test_an_order_never_heard_of_again_does_not_keep_the_agent_running(folder):
    infusion(folder, 0, "[Started]", 0.1, order="lost")
    infusion(folder, 60, "[Started]", 0.1, order="2")
    infusion(folder, 90, "Stopped", 0.0, order="2")
    folder.write()
    assert [e["action"] for e in play(folder)[0]] == ["start", "start", "stop"]


def test_an_infusion_of_no_length_is_over(folder):
    infusion(folder, 0, "[Started]", 0.1)
    infusion(folder, 0, "Stopped", 0.0)
    folder.write()
    events, _, _ = play(folder)
    assert [e["action"] for e in events] == ["start", "stop"]  # in the order of their ids


def test_other_drugs_are_ignored_by_name(folder):
    infusion(folder, 0, "[Started]", 20.0, agent="propofol")
    infusion(folder, 0, "[Started]", 66.7, agent="acetaminophen", unit="mg/min")
    infusion(folder, 15, "FinishedRunning", 0.0, agent="acetaminophen", unit="mg/min")
    folder.write()
    [event], feed, _ = play(folder)
    assert (event["type"], event["agent"], "dose" in event) == (
        "medication",
        "acetaminophen",
        False,
    )
    assert feed.counts.outcomes[C] == {
        "mapped": 1,
        "ignored: agent_not_used": 1,
        "ignored: rest_of_a_dose": 1,
    }


def dose(folder, category, amount, unit, minutes=0, route="", action="given"):
    folder.add(
        I,
        minutes,
        med_category=category,
        med_dose=amount,
        med_dose_unit=unit,
        med_route_name=route,
        med_route_category="iv",
        mar_action_category=action,
    )


def test_doses(folder):
    dose(folder, "tocilizumab", 560.0, "mg")
    dose(folder, "dexamethasone", 1.0, "dose", 1)
    dose(folder, "sodium chloride", 500.0, "mL", 2, "03-IV Fluid Bolus; Bolus")
    dose(folder, "sodium chloride", 100.0, "mL", 3, "08-Antibiotics (IV); Mixed solution")
    dose(folder, "vancomycin", 1.0, "dose", 4)
    dose(folder, "acetaminophen", 650.0, "mg", 5, action="not_given")
    folder.write()
    (toci, dexa, bolus), feed, refused = play(folder)
    assert (toci["agent"], toci["dose"], toci["unit"], toci["route"]) == (
        "tocilizumab",
        560.0,
        "mg",
        "iv",
    )
    assert "dose" not in dexa
    assert (bolus["agent"], bolus["dose"], bolus["unit"]) == ("fluid_bolus", 500.0, "mL")
    assert feed.counts.outcomes[I] == {
        "mapped": 3,
        "ignored: fluid_not_charted_as_bolus": 1,
        "ignored: agent_not_used": 1,
        "ignored: not_given": 1,
    }
    assert [(r.reason, r.whole) for r in refused] == [("unknown_unit", False)]


def test_charted_cells_replace_the_assumption(folder):
    dose(folder, "axicabtagene_ciloleucel", 1.0, "dose", 60)
    folder.write()
    events = list(read_clif(folder.path).events)
    [therapy] = [e for e in events if e["type"] == "therapy"]
    assert therapy["product"] == "axicabtagene_ciloleucel"
    assert therapy["therapy_class"] == "car_t"
    assert therapy["source"] == f"clif:{I}"
