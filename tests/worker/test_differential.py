"""Between two whole states only what changed is written, and a crash anywhere loses none of it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from stream.engine.events import Reading, Vitals
from stream.engine.facts import Fact, Window
from stream.engine.state import PatientRecord
from stream.worker import codec
from stream.worker.codec import decode_patient
from stream.worker.stored_state import MOST_FACTS, change, stored_state
from stream.worker.table_keys import differential_key, is_differential
from tests.worker.harness import BrokerDownError, Worker, record
from tests.worker.ward_events import START, event, lines

if TYPE_CHECKING:
    from stream.worker.records import SourceRecord

KEY = b"p00"


def second(number: int, dice: random.Random) -> dict[str, Any]:
    """One set of a monitor that measures every second."""
    at = START + timedelta(seconds=number)
    readings = [
        {"signal": "systolic_bp", "value": round(118 + dice.gauss(0, 4)), "unit": "mm[Hg]"},
        {"signal": "spo2", "value": round(96 + dice.gauss(0, 1)), "unit": "%"},
        {"signal": "heart_rate", "value": round(82 + dice.gauss(0, 3)), "unit": "/min"},
    ]
    return event("vitals", f"v{number}", "p00", at, readings=readings)


def monitored(seconds: int, seed: int = 0) -> list[SourceRecord]:
    """A patient at such a monitor, with a fever in between, and what somebody corrects."""
    dice = random.Random(seed)
    told = [
        event("therapy", "t", "p00", START, product="axi-cel", therapy_class="car_t"),
        event("patient", "p", "p00", START, weight_kg=70),
    ]
    for number in range(seconds):
        told.append(second(number, dice))
        at = START + timedelta(seconds=number)
        if number in (200, 700):
            hot = {"signal": "temperature", "value": 38.6, "unit": "Cel", "site": "oral"}
            told.append(event("vitals", f"hot{number}", "p00", at, readings=[hot]))
        if number % 97 == 96:
            told.append(event("retraction", f"r{number}", "p00", at, retracts=f"v{number - 3}"))
    return [record(raw, offset) for offset, raw in enumerate(lines(told))]


RECORDS = monitored(900)
EVERY = 10


@pytest.fixture(scope="module")
def straight() -> Worker:
    worker = Worker()
    worker.work(RECORDS, EVERY)
    return worker


def test_most_writes_of_a_monitored_patient_are_one_small_record(straight: Worker) -> None:
    sent = [(key, value) for t, key, value in straight.broker.acknowledged if t == "pc"]
    parts = [value for key, value in sent if is_differential(key or b"") and value]
    wholes = [value for key, value in sent if key == KEY and value]
    windows = [value for t, _, value in straight.broker.acknowledged if t == "wc" and value]
    assert len(parts) > 2 * len(wholes)
    small, large = (sum(map(len, values)) / len(values) for values in (parts, windows))
    assert small < large / 2


def test_all_is_read_back_at_any_time() -> None:
    worker = Worker()
    for first in range(0, len(RECORDS), EVERY):
        worker.work(RECORDS[first : first + EVERY])
        before = worker.rounds.ward.state(KEY)
        worker.restart()
        assert worker.rounds.ward.state(KEY) == before
        assert not worker.rounds.ward._torn[KEY]


@pytest.mark.parametrize("seed", range(10))
def test_a_crash_at_any_acknowledgement_loses_nothing(straight: Worker, seed: int) -> None:
    dice = random.Random(seed)
    worker = Worker()
    at = 0
    while at < len(RECORDS):
        size = dice.choice([1, 3, EVERY])
        worker.broker.down_at = dice.choice([None, "pc", "wc"])
        worker.broker.allow = dice.randint(0, 2)
        try:
            worker.work(RECORDS[at : at + size])
        except BrokerDownError:
            worker.broker.down_at = None
            worker.restart()
        else:
            at += size
            if dice.random() < 0.1:
                worker.restart()
    worker.broker.down_at = None
    assert worker.rounds.ward.state(KEY) == straight.rounds.ward.state(KEY)
    worker.restart()
    assert worker.rounds.ward.state(KEY) == straight.rounds.ward.state(KEY)
    said = dict.fromkeys(value for t, _, value in worker.broker.acknowledged if t == "alerts")
    assert list(said) == [v for t, _, v in straight.broker.acknowledged if t == "alerts"]


def test_a_differential_of_another_whole_state_says_nothing(straight: Worker) -> None:
    """It stays in the table when the state is written whole: its turn is over."""
    worker = Worker()
    for one in RECORDS:
        worker.work([one])
        table = worker.broker.table("pc")
        turn = decode_patient(table[KEY]).turn
        if differential_key(KEY) in table and turn > 3 and worker.rounds.ward._written[KEY].moved:
            break
    state = worker.rounds.ward.state(KEY)
    old = worker.broker.table("pc")[differential_key(KEY)]
    fever = event("vitals", "hot", "p00", START + timedelta(hours=1), readings=[
        {"signal": "temperature", "value": 39.6, "unit": "Cel", "site": "oral"},
    ])  # fmt: skip
    worker.work([record(raw, 5000) for raw in lines([fever])])
    after = worker.rounds.ward.state(KEY)
    assert state is not None and after is not None and after.record.seq > state.record.seq
    table = worker.broker.table("pc")
    assert (table[differential_key(KEY)], decode_patient(table[KEY]).turn) == (old, turn + 1)
    worker.restart()
    assert worker.rounds.ward.state(KEY) == after


def test_a_change_of_the_newest_window_is_of_few_facts() -> None:
    worker = Worker(write_after=1e9)
    ward = worker.rounds.ward
    worker.work(RECORDS[:30])
    writes = ward.writes([KEY], 0.0)
    assert set(writes.records) == {KEY} and writes.windows
    ward.written(writes)
    written, before = ward._written[KEY], ward.state(KEY)
    assert before is not None
    for count in range(1, 2 * MOST_FACTS):
        worker.work([RECORDS[29 + count]])
        state = ward.state(KEY)
        assert state is not None
        changed = change(written, before.windows, state)
        held = [fact.seq for window in state.windows.values() for fact in window.facts]
        many = sum(seq > before.record.seq for seq in held) > MOST_FACTS
        assert (changed is None) == (many or len(state.windows) > len(before.windows)), count
    assert changed is None


def test_an_alert_is_written_without_a_window(straight: Worker) -> None:
    """What became of the newest one goes with the record."""
    sent = [(t, k) for t, k, _ in straight.broker.acknowledged if t in ("pc", "wc")]
    alone = [at for at, one in enumerate(sent) if one == ("pc", KEY) and sent[at - 1][0] == "pc"]
    assert alone
    state = straight.rounds.ward.state(KEY)
    assert state is not None and state.record.published.changes


def test_a_crash_of_the_version_before_is_mended_too() -> None:
    """A window of format 9, which has no turns, that is later than its record."""
    low, high, lower = (Fact(n, n, vitals(n, v)) for n, v in ((1, 92), (2, 99), (3, 90)))
    record = PatientRecord("p00", clock=2, seq=2)
    undo = (3, codec._to_rows((low,)), ())
    body = codec._encoder.encode((codec._to_rows((high, lower)), (0,), undo))
    window = bytes([9]) + codec._compressor.compress(body)
    patient = bytes([9]) + codec._compressor.compress(codec._encoder.encode((record, {})))
    stored = stored_state(patient, None, {0: window})
    assert stored.state.windows == {0: Window((low, high))}
    assert stored.torn == {0}


def vitals(number: int, spo2: float) -> Vitals:
    readings = (Reading("spo2", spo2),)
    return Vitals(event_id=f"v{number}", patient_id="p00", time=number, readings=readings)


def test_whatever_was_said_is_in_the_whole_state() -> None:
    worker = Worker()
    for first in range(0, len(RECORDS), EVERY):
        worker.work(RECORDS[first : first + EVERY])
        state = worker.rounds.ward.state(KEY)
        assert state is not None
        whole = decode_patient(worker.broker.table("pc")[KEY])
        assert whole.record.published == state.record.published
    assert state.record.published.changes
