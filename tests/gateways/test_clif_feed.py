"""The feed as a whole: order, ids, counts, the contract; on the fixture and on the whole set."""

import random
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.deadletter import DeadLetter, ReasonCode
from schemas.events import INPUT_ADAPTER
from schemas.vocabulary import Analyte, Device, InfusionAgent, InfusionUnit, Medicine, Site
from stream.gateways.clif import main, read_clif
from stream.gateways.clif_deadletter import dead_letter
from stream.gateways.clif_maps import load_maps
from stream.gateways.jsonl import encode

from .clif_folder import FIXTURE, at

DEMO_EVENTS = Path(__file__).parents[2] / "stream" / "demo" / "data" / "icu_patients.jsonl"


def sort_key(event):
    return (
        datetime.fromisoformat(event["received_at"]),
        datetime.fromisoformat(event["time"]),
        event["event_id"],
    )


def check_feed(folder):
    refused = []
    feed = read_clif(folder, on_refused=refused.append)
    events = list(feed.events)
    counts = feed.counts
    assert counts.add_up, counts.missing()
    for name, read in counts.read.items():
        assert pq.ParquetFile(folder / f"{name}.parquet").metadata.num_rows == read
    assert events == sorted(events, key=sort_key)
    assert len({e["event_id"] for e in events}) == len(events)
    assert counts.events.total() == len(events)
    readings = sum(len(e["readings"]) for e in events if e["type"] == "vitals")
    weights = sum("weight_kg" in e for e in events)
    assert counts.outcomes["vitals"]["mapped"] == readings + weights
    assert sum(r.whole for r in refused) == counts.total("refused")
    for refusal in refused:
        DeadLetter.model_validate_json(dead_letter(refusal))
    for event in events:
        INPUT_ADAPTER.validate_json(encode(event))
    therapies = [e for e in events if e["type"] == "therapy"]
    assert {e["patient_id"] for e in therapies} == {e["patient_id"] for e in events}
    return feed, events


def test_the_fixture_adds_up():
    feed, events = check_feed(FIXTURE)
    assert len(feed.stays) == 4
    kinds = {e["type"] for e in events}
    assert kinds == {
        "vitals",
        "oxygen",
        "infusion",
        "medication",
        "lab",
        "therapy",
        "patient",
        "outcome",
    }
    fahrenheit = [
        r["value"]
        for e in events
        if e["type"] == "vitals"
        for r in e["readings"]
        if r["signal"] == "temperature" and r["value"] > 90
    ]
    assert sorted(fahrenheit) == [97.2, 98.9, 99.0]
    assert feed.counts.outcomes["medication_admin_continuous"]["ignored: another_order_runs"] > 1
    assert feed.counts.notes["flow_set_aside"] == 1


def test_the_whole_demo_set_adds_up(demo_set):
    feed, events = check_feed(demo_set)
    counts = feed.counts
    assert counts.read["vitals"] == 35_160
    assert counts.outcomes["vitals"] == {"mapped": 35_129, "ignored: category_not_used": 31}
    assert counts.outcomes["labs"]["refused: wrong_type"] == 8
    assert len(events) > 20_000


def test_again_is_the_same_bytes_and_counts_start_anew():
    feed = read_clif(FIXTURE)
    first = [encode(e) for e in feed.events]
    counted = str(feed.counts)
    assert [encode(e) for e in feed.events] == first
    assert str(feed.counts) == counted


def test_neither_the_order_of_rows_nor_the_choice_of_stays_changes_events(tmp_path):
    for path in FIXTURE.glob("*.parquet"):
        table = pq.read_table(path)
        rows = list(range(table.num_rows))
        random.Random(7).shuffle(rows)
        pq.write_table(table.take(rows), tmp_path / path.name)
    events = list(read_clif(FIXTURE).events)
    assert list(read_clif(tmp_path).events) == events
    one = [e for e in events if e["patient_id"] == "clif-29842315"]
    assert list(read_clif(FIXTURE, {"29842315"}).events) == one


def test_overlapping_stays_are_merged(folder):
    folder.stay("101", "8", admission_dttm=at(30))
    for minutes in range(0, 120, 10):
        for stay in ("100", "101"):
            folder.add("vitals", minutes, stay, vital_category="spo2", vital_value=95.0)
    folder.add(
        "labs", -300, "101", lab_category="crp", lab_value_numeric=1.0, reference_unit="mg/L"
    )
    folder.write()
    events = list(read_clif(folder.path).events)
    assert events == sorted(events, key=sort_key)
    assert events[0]["type"] == "lab"


def test_the_counts_print_as_a_table():
    feed = read_clif(FIXTURE)
    list(feed.events)
    lines = str(feed.counts).splitlines()
    assert lines[0].split() == ["table", "outcome", "rows"]
    assert any(line.startswith("vitals") and "= rows read" in line for line in lines)


def test_the_tables_speak_the_contract():
    maps = load_maps()
    assert {rule.device for rule in maps.devices if rule.device} <= set(Device)
    assert {rule.refuse for rule in maps.devices if rule.refuse} <= set(ReasonCode)
    assert set(maps.infusions.values()) <= set(InfusionAgent)
    assert set(maps.infusion_units.values()) <= set(InfusionUnit)
    assert set(maps.sites.values()) <= set(Site)
    assert set(maps.labs.values()) <= set(Analyte)
    assert set(maps.labs_without_unit) <= set(maps.labs)
    adjuncts = {"methylene_blue", "hydroxocobalamin"}  # kept, and change no grade
    assert set(maps.doses.values()) <= set(Medicine) | adjuncts
    actions = {*maps.actions_by_name.values(), *maps.actions_by_category.values()}
    assert {a for a in actions if not a.startswith("ignore:")} == {
        "start",
        "rate",
        "stop",
        "running",
    }


def test_the_command_writes_json_lines(capfdbinary):
    assert main([str(FIXTURE), "--patients", "20338077", "--hours", "24"]) == 0
    out, err = capfdbinary.readouterr()
    events = list(read_clif(FIXTURE, {"20338077"}, hours=24).events)
    assert out.splitlines() == [encode(e) for e in events]
    assert b"= rows read" in err


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path)])
    assert caught.value.code == 2
    assert "not a CLIF folder" in capsys.readouterr().err


def test_the_demo_s_patients_are_made_from_the_fixture():
    stays = {"27617929", "20338077", "22342963"}
    events = read_clif(FIXTURE, stays, hours=72).events
    assert DEMO_EVENTS.read_bytes().splitlines() == [encode(e) for e in events]
    assert (DEMO_EVENTS.parent / "NOTICE").read_text("utf-8").count("10.13026/dp1f-ex47") == 1
    assert "10.13026/dp1f-ex47" in (FIXTURE / "NOTICE").read_text("utf-8")


def test_floats_of_32_bits_are_read_as_written():
    rates = {e["rate"] for e in read_clif(FIXTURE).events if e["type"] == "infusion"}
    assert all(len(repr(rate)) <= 12 for rate in rates)
