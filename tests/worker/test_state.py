"""The state as bytes, and the ward over the tables."""

from __future__ import annotations

import pytest

from stream.engine.facts import Window
from stream.engine.state import PatientRecord
from stream.worker.codec import (
    FORMAT,
    StateFormatError,
    decode_record,
    decode_window,
    encode_record,
    encode_window,
    split_window_key,
    window_key,
)
from stream.worker.ledger import Ledger
from stream.worker.partitions import partition_of
from tests.worker.harness import PARTITIONS, Worker, record
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
    events = lines(ward(1))
    worker.work([record(raw) for raw in events[:20]])
    records_before = worker.broker.table("pc")
    worker.work([record(raw) for raw in events[20:24]])
    torn = worker.broker.table("wc")
    kept = [a for a in worker.broker.acknowledged if a[0] != "pc"]
    worker.broker.acknowledged = [*kept, *(("pc", k, v) for k, v in records_before.items())]
    worker.restart()
    worker.work([record(raw) for raw in events[20:24]])
    assert worker.broker.table("wc") == torn
    straight = Worker()
    straight.work([record(raw) for raw in events[:24]])
    assert worker.broker.table("pc") == straight.broker.table("pc")


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
