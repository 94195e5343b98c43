"""Each oddity that real CLIF data holds, one test each: passed on, noted, ignored or refused.

Those of drugs are in test_clif_drugs.py.
"""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stream.gateways.clif import ClifError, read_clif

from .clif_folder import at, play


def vital(folder, category, value, minutes=0, name="", **cells):
    folder.add(
        "vitals", minutes, vital_category=category, vital_name=name, vital_value=value, **cells
    )


@pytest.mark.parametrize(
    ("category", "value", "signal", "unit"),
    [
        ("temp_c", 97.2, "temperature", "Cel"),
        ("temp_c", 38.4, "temperature", "Cel"),
        ("map", -27.0, "mean_bp", "mm[Hg]"),
        ("map", 0.0, "mean_bp", "mm[Hg]"),
        ("map", 801.0, "mean_bp", "mm[Hg]"),
        ("heart_rate", 0.0, "heart_rate", "/min"),
        ("respiratory_rate", 0.0, "respiratory_rate", "/min"),
        ("spo2", 0.0, "spo2", "%"),
        ("spo2", 29.0, "spo2", "%"),
    ],
)
def test_values_pass_as_charted_for_the_engine_to_judge(folder, category, value, signal, unit):
    vital(folder, category, value)
    folder.write()
    [event], feed, refused = play(folder)
    assert event["readings"] == [{"signal": signal, "value": value, "unit": unit}]
    assert not refused
    assert feed.counts.outcomes["vitals"] == {"mapped": 1}


def test_cuff_and_line_at_one_time_are_two_events(folder):
    for name, low in (("Non Invasive Blood Pressure", 88.0), ("Arterial Blood Pressure", 101.0)):
        vital(folder, "sbp", low, name=f"{name} systolic")
        vital(folder, "map", low - 30, name=f"{name} mean")
    vital(folder, "heart_rate", 90.0, name="Heart Rate")
    folder.write()
    events, feed, _ = play(folder)
    assert [
        (
            e["event_id"].removeprefix("clif:vitals:100:21500101T080000Z"),
            e["readings"][0].get("method"),
        )
        for e in events
    ] == [
        ("", None),
        (":arterial_line", "arterial_line"),
        (":cuff", "cuff"),
    ]
    assert [len(e["readings"]) for e in events] == [1, 2, 2]
    assert feed.counts.outcomes["vitals"]["mapped"] == 5


def test_two_arms_are_not_mixed(folder):
    for side, high, low in (("Left", 138.0, 83.0), ("Right", 134.0, 78.0)):
        vital(folder, "sbp", high, name=f"Manual Blood Pressure Systolic {side}")
        vital(folder, "dbp", low, name=f"Manual Blood Pressure Diastolic {side}")
    folder.write()
    events, _, _ = play(folder)
    pairs = [{r["signal"]: r["value"] for r in e["readings"]} for e in events]
    assert {"systolic_bp": 138.0, "diastolic_bp": 83.0} in pairs
    assert {"systolic_bp": 134.0, "diastolic_bp": 78.0} in pairs
    assert len({e["event_id"] for e in events}) == 2


def test_sites_known_and_unknown(folder):
    vital(folder, "temp_c", 38.1, meas_site_name="Esophogeal")
    vital(folder, "temp_c", 37.9, 1, meas_site_name="Forehead?")
    folder.write()
    (core, unknown), feed, _ = play(folder)
    assert core["readings"][0]["site"] == "core"
    assert "site" not in unknown["readings"][0]
    assert feed.counts.notes["site_unknown"] == 1


def test_weight_is_a_profile_and_height_is_not_used(folder):
    vital(folder, "weight_kg", 71.5)
    vital(folder, "weight_kg", 0.0, 1)
    vital(folder, "height_cm", 180.0)
    vital(folder, "shoe_size", 43.0)
    vital(folder, "spo2", float("nan"))
    vital(folder, "spo2", None)
    folder.write()
    [weight], feed, refused = play(folder)
    assert (weight["type"], weight["weight_kg"]) == ("patient", 71.5)
    assert feed.counts.outcomes["vitals"] == {
        "mapped": 1,
        "ignored: category_not_used": 1,
        "refused: invalid_value": 1,
        "refused: unknown_signal": 1,
        "refused: not_finite": 1,
        "refused: missing_field": 1,
    }
    assert len(refused) == 4


def test_exact_duplicates_are_one_event(folder):
    for _ in range(2):
        vital(folder, "spo2", 97.0)
        folder.add("labs", lab_category="crp", lab_value_numeric=12.0, reference_unit="mg/L")
    folder.write()
    events, feed, _ = play(folder)
    assert len(events) == 2
    assert feed.counts.outcomes["vitals"] == {"mapped": 1, "ignored: exact_duplicate": 1}
    assert feed.counts.outcomes["labs"] == {"mapped": 1, "ignored: exact_duplicate": 1}


# ── oxygen ────────────────────────────────────────────────────────────────────────────────────
DEVICES = [
    ({"device_category": "Nasal Cannula", "lpm_set": 20.0}, "nasal_cannula"),
    ({"device_category": "High Flow NC"}, "high_flow_nasal_cannula"),
    ({"device_category": "hfnc"}, "high_flow_nasal_cannula"),
    ({"device_category": "Face Mask", "device_name": "Non-rebreather"}, "non_rebreather"),
    ({"device_category": "Face Mask", "device_name": "Venti mask "}, "venturi_mask"),
    ({"device_category": "Face Mask", "device_name": "Aerosol-cool"}, "open_mask"),
    ({"device_category": "Face Mask", "device_name": "Face tent"}, "open_mask"),
    ({"device_category": "Face Mask"}, "simple_mask"),
    ({"device_category": "NIPPV", "device_name": "Bipap mask "}, "bipap"),
    ({"device_category": "NIPPV"}, "niv"),
    ({"device_category": "CPAP"}, "cpap"),
    ({"device_category": "Room Air"}, "room_air"),
    ({"device_category": "Trach Collar"}, "trach_collar"),
    ({"device_category": "IMV", "tracheostomy": True}, "trach_collar"),
    ({"device_category": "IMV", "device_name": "Tracheostomy tube"}, "trach_collar"),
    ({"device_category": "IMV", "tracheostomy": True, "peep_set": 5.0}, "invasive_ventilation"),
    (
        {"device_category": "IMV", "tracheostomy": True, "mode_category": "SIMV"},
        "invasive_ventilation",
    ),
    ({"device_category": "IMV", "tracheostomy": True, "mode_name": "Standby"}, "trach_collar"),
    ({"device_category": "IMV", "device_name": "Endotracheal tube"}, "invasive_ventilation"),
]


@pytest.mark.parametrize(("cells", "device"), DEVICES)
def test_devices(folder, cells, device):
    folder.add("respiratory_support", **cells)
    folder.write()
    [event], _, refused = play(folder)
    assert event["device"] == device
    assert event.get("flow_lpm") == cells.get("lpm_set")
    assert not refused


def test_a_tube_without_settings_is_noted(folder):
    folder.add("respiratory_support", device_category="IMV", device_name="Endotracheal tube")
    folder.write()
    assert play(folder)[1].counts.notes == {"tube_without_settings": 1}


def test_fio2_in_percent_is_set_aside_and_the_device_stays(folder):
    folder.add("respiratory_support", 0, device_category="Face Mask", fio2_set=0.4)
    folder.add("respiratory_support", 1, device_category="Face Mask", fio2_set=40.0)
    folder.add("respiratory_support", 2, device_category="Face Mask", lpm_set=100.0)
    folder.write()
    events, feed, refused = play(folder)
    assert [e.get("fio2") for e in events] == [0.4, None, None]
    assert "flow_lpm" not in events[2]
    assert feed.counts.notes == {"fio2_set_aside": 1, "flow_set_aside": 1}
    assert feed.counts.outcomes["respiratory_support"] == {"mapped": 3}
    assert [(r.reason, r.whole) for r in refused] == [("implausible_value", False)] * 2


def test_an_unknown_device_is_refused_with_its_row(folder):
    folder.add("respiratory_support", device_category="Other", device_name="Other", peep_set=5.0)
    folder.write()
    events, feed, [refusal] = play(folder)
    assert not events
    assert feed.counts.outcomes["respiratory_support"] == {"refused: unknown_device": 1}
    assert refusal.row["device_name"] == "Other"
    assert refusal.patient_id == "clif-100"


def test_rows_without_a_device_carry_nothing_forward(folder):
    folder.add("respiratory_support", 0, mode_category="SIMV", peep_set=5.0)  # nothing before
    folder.add("respiratory_support", 1, device_category="IMV", mode_category="SIMV")
    folder.add("respiratory_support", 2, mode_category="SIMV", peep_set=5.0)
    folder.add("respiratory_support", 3, fio2_set=0.4)
    folder.write()
    events, feed, _ = play(folder)
    assert len(events) == 1
    assert feed.counts.outcomes["respiratory_support"] == {
        "mapped": 1,
        "refused: missing_field": 1,
        "ignored: no_device_ventilator_settings": 1,
        "ignored: no_device": 1,
    }


# ── laboratory, stay ──────────────────────────────────────────────────────────────────────────
def lab(folder, category, value, unit, minutes=0, **cells):
    folder.add(
        "labs",
        minutes,
        lab_category=category,
        lab_value_numeric=value,
        reference_unit=unit,
        **cells,
    )


def test_labs_come_when_the_result_is_there(folder):
    lab(folder, "crp", 53.0, "mg/L", lab_result_dttm=at(69), lab_value="___")
    lab(folder, "platelet_count", 85.0, "10^3/µL", 1)
    lab(folder, "inr", 1.4, None, 2)
    folder.write()
    (platelets, inr, crp), _, _ = play(folder)
    assert (crp["analyte"], crp["value"], crp["unit"]) == ("crp", 53.0, "mg/L")
    assert (crp["time"], crp["received_at"]) == ("2150-01-01T08:00:00Z", "2150-01-01T09:09:00Z")
    assert (platelets["analyte"], platelets["unit"]) == ("platelets", "10*3/uL")
    assert platelets["received_at"] == platelets["time"]
    assert (inr["analyte"], inr["unit"]) == ("inr", "1")


@pytest.mark.parametrize("text", ["___", "ND .  Not Done, WBC <=0.1.", "UNABLE TO REPORT.", None])
def test_results_that_are_no_numbers_are_refused(folder, text):
    lab(folder, "platelet_count", None, "10*3/uL", lab_value=text)
    lab(folder, "potassium", None, "mmol/L", lab_value=text)
    lab(folder, "ldh", 240.0, "furlongs")
    lab(folder, "ldh", 240.0, " ", 1)
    folder.write()
    events, feed, _ = play(folder)
    assert not events
    assert feed.counts.outcomes["labs"] == {
        "refused: wrong_type": 1,
        "ignored: analyte_not_used": 1,
        "refused: unknown_unit": 1,
        "refused: unit_missing": 1,
    }


def test_the_stay_itself(folder):
    folder.rows["patient"].append({"patient_id": "7"})
    folder.add("adt", 5, location_name="Medical ICU", location_category="icu")
    folder.write()
    events = list(read_clif(folder.path).events)
    assert [e["type"] for e in events] == ["patient", "therapy", "patient", "outcome"]
    age, therapy, place, outcome = events
    assert {e["patient_id"] for e in events} == {"clif-100"}
    assert age["age_years"] == 61
    assert (therapy["product"], therapy["therapy_class"]) == (
        "simulated_at_admission",
        "other_effector_cell",
    )
    assert "assumption" in therapy["source"]
    assert therapy["time"] == "2150-01-01T08:00:00Z"
    assert place["location"] == "Medical ICU"
    assert (outcome["outcome"], outcome["cause"]) == ("discharged", None)


@pytest.mark.parametrize(
    ("death_min", "category", "outcome", "minutes", "row"),
    [
        (600, "Expired", "death", 600, "mapped"),
        (600, "Home", "death", 600, "mapped"),
        (900_000, "Home", "discharged", 4320, "ignored: death_outside_the_stays"),
        (5000, "Expired", "death", 4320, "ignored: death_outside_the_stays"),
        (None, "Acute Care Hospital", "transferred", 4320, "ignored: no_death"),
        (None, None, "discharged", 4320, "ignored: no_death"),
    ],
)
def test_how_stays_end(folder, death_min, category, outcome, minutes, row):
    folder.rows["hospitalization"][0]["discharge_category"] = category
    death = None if death_min is None else at(death_min)
    folder.rows["patient"].append({"patient_id": "7", "death_dttm": death})
    folder.write()
    feed = read_clif(folder.path)
    [event] = [e for e in feed.events if e["type"] == "outcome"]
    assert (event["outcome"], event["time"]) == (
        outcome,
        at(minutes).isoformat().replace("+00:00", "Z"),
    )
    assert feed.counts.outcomes["patient"] == {row: 1}


def test_a_stay_that_goes_on_has_no_outcome(folder):
    folder.rows["hospitalization"][0] |= {"discharge_category": "Still Admitted"}
    folder.stay("101", discharge_dttm=None)
    folder.write()
    feed = read_clif(folder.path)
    assert "outcome" not in {e["type"] for e in feed.events}
    assert feed.counts.add_up


# ── times and the folder ──────────────────────────────────────────────────────────────────────
def test_times_without_a_zone_are_refused(folder):
    vital(folder, "spo2", 97.0)
    folder.write(naive=("vitals",))
    events, feed, [refusal] = play(folder)
    assert not events
    assert feed.counts.outcomes["vitals"] == {"refused: time_without_offset": 1}
    assert refusal.row["vital_value"] == 97.0


def test_times_out_of_all_range_are_refused(folder):
    folder.add(
        "vitals",
        vital_category="spo2",
        vital_value=97.0,
        recorded_dttm=datetime(1, 1, 1, tzinfo=UTC),
    )
    folder.write()
    _, feed, _ = play(folder)
    assert feed.counts.outcomes["vitals"] == {"refused: time_out_of_range": 1}


def test_rows_of_no_known_stay_are_refused(folder):
    vital(folder, "spo2", 97.0)
    folder.add("vitals", stay="999", vital_category="spo2", vital_value=97.0)
    folder.add("vitals", stay=None, vital_category="spo2", vital_value=97.0)
    folder.write()
    _, feed, refused = play(folder)
    assert feed.counts.outcomes["vitals"] == {"mapped": 1, "refused: missing_field": 2}
    assert len(refused) == 2


def test_choosing_stays(folder):
    folder.stay("101", "8")
    folder.stay("102", "8")
    vital(folder, "spo2", 97.0)
    folder.add("vitals", stay="102", vital_category="spo2", vital_value=95.0)
    folder.write()
    for chosen in ({"102"}, {"clif-102"}):
        feed = read_clif(folder.path, chosen)
        assert {e["patient_id"] for e in feed.events} == {"clif-102"}
        assert feed.counts.outcomes["vitals"] == {"mapped": 1, "ignored: stay_not_chosen": 1}
        assert feed.counts.add_up
    assert [s.patient_id for s in read_clif(folder.path, limit=2).stays] == ["clif-100", "clif-101"]
    with pytest.raises(ClifError, match="no stay 5, 6"):
        read_clif(folder.path, {"6", "5", "100"})


def test_only_the_first_hours(folder):
    vital(folder, "spo2", 97.0, 59)
    vital(folder, "spo2", 96.0, 61)
    folder.write()
    feed = read_clif(folder.path, hours=1)
    assert [e["type"] for e in feed.events] == ["patient", "therapy", "vitals"]
    assert feed.counts.outcomes["vitals"] == {"mapped": 1, "ignored: after_the_hours_asked_for": 1}
    assert feed.counts.add_up


def test_the_official_file_names_are_read(folder):
    vital(folder, "spo2", 97.0)
    folder.write(prefix="clif_")
    assert len(play(folder)[0]) == 1


def test_what_is_not_a_clif_folder_is_said(tmp_path, folder):
    with pytest.raises(ClifError, match="not a CLIF folder"):
        read_clif(tmp_path / "nowhere")
    folder.write()
    (tmp_path / "vitals.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(ClifError, match=r"vitals.parquet cannot be read as Parquet"):
        read_clif(tmp_path)


def test_a_missing_column_is_named(tmp_path, folder):
    folder.write()
    pq.write_table(pa.table({"hospitalization_id": ["100"]}), tmp_path / "vitals.parquet")
    with pytest.raises(ClifError, match=r"lacks the CLIF column.* recorded_dttm, vital_category"):
        read_clif(tmp_path)
