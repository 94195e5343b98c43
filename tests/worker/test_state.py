"""The state as bytes, and the ward over the tables."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from zstandard import ZstdCompressor

from stream.engine.events import Reading, Vitals
from stream.engine.facts import Fact, Window
from stream.engine.state import PatientRecord
from stream.worker.codec import (
    DICTIONARY_FILE,
    FORMAT,
    Applied,
    StateFormatError,
    StoredPatient,
    Undo,
    decode_record,
    decode_stored_window,
    decode_window,
    encode_record,
    encode_window,
    patient_body,
)
from stream.worker.ledger import Ledger
from stream.worker.partitions import partition_of
from stream.worker.table_keys import split_window_key, window_key
from tests.worker.harness import PARTITIONS, Worker, record, records_in
from tests.worker.ward_events import START, event, lines, ward

EVERY_TYPE = [
    event("attribution", "a1", "p00", START, finding="fever", other_cause="line infection",
          **{"from": START.isoformat()}, by="dr"),
    event("medication", "m1", "p00", START, agent="tocilizumab", dose=560, unit="mg"),
    event("lab", "l1", "p00", START, analyte="crp", value=12.5, unit="mg/dL"),
    event("neuro", "n1", "p00", START, ice=8),
    event("outcome", "o1", "p00", START, outcome="discharged"),
    event("acknowledgement", "k1", "p00", START, alert_id="x", by="rn", action="acknowledge"),
]  # fmt: skip


@pytest.fixture(scope="module")
def full() -> Worker:
    worker = Worker()
    raw = [*lines(ward()), *lines(EVERY_TYPE)]
    worker.work([record(value, offset) for offset, value in enumerate(raw)])
    return worker


def test_every_state_comes_back_as_it_was(full: Worker) -> None:
    ward = full.rounds.ward
    kinds = set()
    for key in ward:
        state = ward.state(key)
        assert state is not None
        assert decode_record(encode_record(state.record)) == state.record
        for window in state.windows.values():
            assert decode_window(encode_window(window)) == window
            kinds |= {type(fact.event).__name__ for fact in window.facts}
    assert kinds >= {"Vitals", "Oxygen", "Infusion", "Therapy", "Patient", "Medication", "Lab",
                     "Neuro", "Outcome", "Acknowledgement", "Retraction"}  # fmt: skip


def test_a_restart_has_the_same_states_and_timers(full: Worker) -> None:
    before = {key: full.rounds.ward.state(key) for key in full.rounds.ward}
    due = {p: dict(full.rounds.ward.due(p)) for p in range(PARTITIONS)}
    grades = full.rounds.ward.grades()
    full.restart()
    assert {p: dict(full.rounds.ward.due(p)) for p in range(PARTITIONS)} == due
    assert full.rounds.ward.grades() == grades
    assert {key: full.rounds.ward.state(key) for key in full.rounds.ward} == before


def test_patients_of_other_partitions_are_forgotten(full: Worker) -> None:
    full.restart()
    full.rounds.ward.refresh({1})
    assert {partition_of(key, PARTITIONS) for key in full.rounds.ward} <= {1}
    assert all(split_window_key(k) for k in full.rounds.ward._windows)
    full.restart()


def test_the_dictionary_of_a_format_stays_as_it_is() -> None:
    """Else nothing that was written with it can be read: a new one belongs to a new format."""
    digest = hashlib.sha256(DICTIONARY_FILE.read_bytes()).hexdigest()
    assert (DICTIONARY_FILE.name, digest[:16]) == ("state_dictionary_9.zstd", "39177374e6f4a813")


def test_the_dictionary_makes_records_much_smaller(full: Worker) -> None:
    """Where it does not, it is time to train another (tests/worker/state_dictionary.py)."""
    records = [*records_in(full.broker.table("pc")).values()]
    without = ZstdCompressor(level=3, write_checksum=True)
    plain = sum(
        len(without.compress(patient_body(StoredPatient(record, {}, 0, None))))
        for record in records
    )
    assert sum(len(encode_record(record)) for record in records) < 0.6 * plain


@pytest.mark.parametrize("raw", [b"", b"\x00abc", b"\x01\x90", bytes([FORMAT + 1]) + b"\x90"])
def test_another_format_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(StateFormatError, match="application_id"):
        decode_record(raw)
    with pytest.raises(StateFormatError, match="application_id"):
        decode_window(raw)


def test_damage_is_refused_without_showing_the_chart() -> None:
    whole = encode_record(PatientRecord("secret-patient"))
    with pytest.raises(StateFormatError) as refused:
        decode_record(whole[:-3])
    assert "secret" not in str(refused.value)
    with pytest.raises(StateFormatError):
        decode_window(encode_window(Window())[:-1])


@pytest.mark.parametrize("start", [-1, 0, 1_772_000_000_000_000, -(2**40)])
@pytest.mark.parametrize("patient", [b"p", b"with\x00zero", "ä ".encode() * 40])
def test_window_keys(patient: bytes, start: int) -> None:
    assert split_window_key(window_key(patient, start)) == (patient, start)


def test_keys_of_others_are_not_window_keys() -> None:
    assert split_window_key(b"p1") is None
    assert split_window_key(b"a longer patient id") is None


def test_what_a_crash_left_beyond_the_record_is_written_over() -> None:
    """Windows acknowledged, record not: the next write of the patient mends the windows."""
    worker = Worker()
    records = [record(raw, offset) for offset, raw in enumerate(lines(ward(1)))][:24]
    worker.work(records[:20])
    records_before = worker.broker.table("pc")
    worker.work(records[20:])
    kept = [a for a in worker.broker.acknowledged if a[0] != "pc"]
    worker.broker.acknowledged = [*kept, *(("pc", k, v) for k, v in records_before.items())]
    worker.restart()
    assert worker.rounds.ward.state(b"p00") is not None
    assert worker.rounds.ward._torn[b"p00"]
    worker.work(records[20:])
    straight = Worker()
    straight.work(records)
    worker.restart()
    assert worker.rounds.ward.state(b"p00") == straight.rounds.ward.state(b"p00")
    assert not worker.rounds.ward._torn[b"p00"]


def test_a_restart_writes_no_window_anew_that_is_as_it_was(full: Worker) -> None:
    full.restart()
    before = len(full.broker.acknowledged)
    at = START + timedelta(hours=7)
    full.work([record(*lines([event("vitals", "next", "p00", at, readings=[])]), 900)])
    late = event("vitals", "next", "p00", at, readings=[
        {"signal": "heart_rate", "value": 80, "unit": "/min"},
    ])  # fmt: skip
    full.work([record(*lines([late]), 901)])
    assert sum(topic == "wc" for topic, *_ in full.broker.acknowledged[before:]) == 1


def test_older_windows_are_left_to_the_table_and_nothing_else_changes() -> None:
    records = [record(raw, offset) for offset, raw in enumerate(lines(ward(1)))]
    held, straight = Worker(), Worker()
    held.work(records, size=7)
    straight.work(records)
    state, same = (worker.rounds.ward.state(b"p00") for worker in (held, straight))
    assert state is not None and same is not None
    away = [state.windows[start].stored is not None for start in sorted(state.windows)]
    assert away == [True] * (len(away) - 1) + [False]
    assert state == same and same == state
    warm = event("vitals", "late", "p00", START + timedelta(minutes=95), readings=[
        {"signal": "temperature", "value": 39.4, "unit": "Cel"},
    ])  # fmt: skip
    wrong = event("retraction", "r", "p00", START + timedelta(hours=6), retracts="p00-v60")
    for worker in (held, straight):
        worker.work([record(raw, 900 + n) for n, raw in enumerate(lines([warm, wrong, warm]))])
    for worker in (held, straight):
        worker.restart()
    assert held.rounds.ward.state(b"p00") == straight.rounds.ward.state(b"p00")
    assert held.broker.values("alerts") == straight.broker.values("alerts")


def spo2(number: int, value: float) -> Fact:
    readings = (Reading("spo2", value),)
    vitals = Vitals(event_id=f"v{number}", patient_id="p", time=number, readings=readings)
    return Fact(number, number, vitals)


def thinned() -> tuple[Window, Window, Undo]:
    """A window, what a lower value makes of it, and how it was."""
    facts = (spo2(1, 95), spo2(2, 92), spo2(3, 99))
    return (
        Window(facts),
        Window((facts[0], facts[2], spo2(4, 90)), (0,)),
        Undo(4, (facts[1],), ()),
    )


def test_a_thinned_window_is_as_it_was_for_the_record_before() -> None:
    before, after, undo = thinned()
    raw = encode_window(after, undo)
    assert decode_window(raw) == after
    assert decode_stored_window(raw).at(4) == (after, False)
    assert decode_stored_window(raw).at(3) == (before, True)
    assert decode_stored_window(encode_window(after)).at(3) == (Window(after.facts[:2], (0,)), True)


def test_a_ledger_is_not_confused_by_repetition() -> None:
    ledger = Ledger()
    for offset in (5, 6, 9, 5, 6):  # read again after a seek back
        ledger.deliver(offset)
    ledger.settle(9)
    assert ledger.committable is None
    ledger.settle(5)
    ledger.settle(5)
    assert ledger.committable == 6
    ledger.settle(6)
    assert (ledger.committable, ledger.open) == (10, 0)
    ledger.settle(3)
    assert ledger.committable == 10


def test_only_what_was_applied_is_covered() -> None:
    applied = Applied(40, 1_000).grown(41, 900)  # clocks of two gateways
    assert applied == Applied(41, 1_000)
    assert applied.covers(41, 900)
    assert applied.covers(40, 1_000)
    assert not applied.covers(42, 900)
    assert not applied.covers(0, 1_001), "a topic that was made anew"
