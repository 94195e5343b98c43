"""A worker's topics and tables, whole and tampered with, against the rebuilt histories."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stream.engine.state import PatientRecord
from stream.verify.findings import Doubt, Kind, Weight
from stream.verify.rebuild import by_record_time
from stream.worker.codec import FORMAT, encode_record
from stream.worker.table_keys import patient_of
from tests.charts import P0
from tests.verify.held import Held, Log, kinds, only, verified
from tests.worker.harness import Worker, alter
from tests.worker.ward_events import lines, ward

if TYPE_CHECKING:
    from stream.worker.records import SourceRecord

EVENTS = lines(ward(5))
POISON = (b"{", b'{"type":"nothing","patient_id":"p00"}', b"\xff", b" " * 300_000)


@pytest.fixture(scope="module")
def worked() -> tuple[Held, Worker]:
    held, worker = Held(), Worker()
    records = held.send(EVENTS[:200])
    records += [held.put("vitals", b"p00", raw) for raw in POISON]
    records += [held.put("vitals", b"p00", EVENTS[0], partition=3)]  # not where the patient belongs
    records += held.send(EVENTS[200:])
    worker.work(records, 40)
    held.written_by(worker)
    return held, worker


@pytest.fixture
def held(worked: tuple[Held, Worker]) -> Held:
    """Topics of one's own to tamper with: everything came through one of them, no ticks."""
    whole = worked[0]
    logs = {place: Log(list(log.records)) for place, log in whole.logs.items()}
    return Held(logs, {name: dict(table) for name, table in whole.tables.items()})


def test_what_a_worker_writes_is_consistent(held: Held) -> None:
    report = verified(held)
    assert report.consistent
    assert report.findings == []
    assert report.seen["patients"] == 5
    assert report.seen["alerts"] > 20
    assert report.seen["records"] == len(EVENTS) + len(POISON) + 1


def test_exact_repeats_after_a_crash_are_counted_and_nothing_else(held: Held) -> None:
    for record in held.alerts_of("p01")[-3:]:
        held.put("alerts", record.key, record.value)
    report = verified(held)
    assert report.findings == []
    assert report.seen["repeats"] == 3


# -- tampering, each with its word ------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 2, -1])
def test_a_missing_alert_is_named(held: Held, place: int) -> None:
    record = held.alerts_of("p01")[place]
    assert record.value is not None
    held.tamper(record, None)
    finding = only(verified(held), Kind.MISSING)
    assert finding.ids == (json.loads(record.value)["alert_id"],)
    assert finding.patient == "p01"


@pytest.mark.parametrize("place", [0, 2, -1])
def test_an_altered_alert_is_named(held: Held, place: int) -> None:
    record = held.alerts_of("p01")[place]
    assert record.value is not None
    held.tamper(record, record.value.replace(b'"priority":"', b'"priority": "'))
    finding = only(verified(held), Kind.ALTERED)
    assert finding.ids == (json.loads(record.value)["alert_id"],)
    assert finding.offsets == (record.offset,)


def test_alerts_in_the_wrong_order_are_named(held: Held) -> None:
    first, second = held.alerts_of("p02")[1:3]
    held.swap(first, second)
    finding = only(verified(held), Kind.REORDERED)
    assert finding.offsets == (first.offset, second.offset)


def test_an_alert_that_no_event_leads_to_is_named(held: Held) -> None:
    last = held.alerts_of("p03")[-1]
    assert last.value is not None
    forged = {**json.loads(last.value), "alert_id": "forged", "to_grade": 0}
    held.put("alerts", last.key, json.dumps(forged).encode())
    finding = only(verified(held), Kind.UNKNOWN)
    assert finding.ids == ("forged",)


def test_what_is_no_alert_or_somebody_elses_is_named(held: Held) -> None:
    held.put("alerts", b"p03", b"nothing")
    held.put("alerts", b"p03", held.alerts_of("p02")[0].value)
    assert kinds(verified(held)) == {Kind.UNREADABLE: 1, Kind.WRONG_PLACE: 1}


def test_another_history_in_the_table_is_found(held: Held) -> None:
    """As if events had been lost: the table of a worker that saw only some of them."""
    other = Worker()
    some = [r for r in held.logs["vitals", home(held, "p01")].records if r.key == b"p01"]
    other.work(some[: len(some) // 2])
    for name in ("pc", "wc"):
        mine = {k: v for k, v in held.tables[name].items() if not patient_of(k).startswith(b"p01")}
        held.tables[name] = mine | other.broker.table(name)
    assert kinds(verified(held)) == {Kind.HISTORY: 1}


def test_a_record_that_was_altered_beside_the_history_is_found(held: Held) -> None:
    def other(record: PatientRecord) -> PatientRecord:
        said = replace(record.published, reminders=())
        return replace(record, published=said, seq=record.seq + 1)

    alter(held.tables["pc"], held.tables["wc"], b"p01", other)
    assert kinds(verified(held)) == {Kind.STATE: 1}


def test_patients_missing_or_unknown_in_the_table_are_found(held: Held) -> None:
    del held.tables["pc"][b"p01"]
    held.tables["pc"][b"p99"] = encode_record(PatientRecord("p99"))
    assert kinds(verified(held)) == {Kind.PATIENT_MISSING: 1, Kind.PATIENT_UNKNOWN: 1}


def test_a_table_of_another_format_is_named_and_the_alerts_are_checked_all_the_same(
    held: Held,
) -> None:
    held.tables["pc"][b"p01"] = bytes([FORMAT + 1]) + held.tables["pc"][b"p01"][1:]
    held.tamper(held.alerts_of("p01")[1], None)
    assert kinds(verified(held)) == {Kind.FORMAT: 1, Kind.MISSING: 1}


def test_one_patient_alone(held: Held) -> None:
    held.tamper(held.alerts_of("p01")[1], None)
    assert kinds(verified(held, "p01")) == {Kind.MISSING: 1}
    report = verified(held, "p02")
    assert report.consistent
    assert report.seen["patients"] == 1


# -- while workers run ------------------------------------------------------------------------


def test_tables_behind_the_input_are_said_to_be_so_and_are_no_finding(held: Held) -> None:
    """A crash between alerts and tables, and events that nobody has read."""
    worker = Worker()
    worker.work(held.logs["vitals", home(held, "p00")].records[:60], 20)
    held.tables = {"pc": worker.broker.table("pc"), "wc": worker.broker.table("wc")}
    held.offsets = {"vitals": 40}
    for place, log in list(held.logs.items()):
        if place[1] != home(held, "p00"):
            del held.logs[place]
        elif place[0] == "alerts":
            log.records[:] = log.records[: len(worker.broker.values("alerts")) + 1]
    report = verified(held)
    assert report.consistent
    assert report.count(Weight.UNDECIDED) == 0
    found = {finding.kind for finding in report.findings}
    assert found == {Kind.BEHIND, Kind.TABLE_BEHIND, Kind.AHEAD}


def test_tampering_is_found_while_workers_run_too(held: Held) -> None:
    """The offsets are committed late, but the table tells that the alert must have been sent."""
    held.offsets = {"vitals": 0}
    held.tamper(held.alerts_of("p01")[0], None)
    held.tamper(held.alerts_of("p02")[-1], None)
    assert kinds(verified(held)) == {Kind.MISSING: 2}


def test_a_table_that_stands_at_no_record_is_found_while_workers_run_too(held: Held) -> None:
    held.offsets = {"vitals": 40}
    patients, windows = held.tables["pc"], held.tables["wc"]
    alter(patients, windows, b"p01", lambda record: replace(record, seq=record.seq + 1))
    other = Worker()  # as if what was committed had never reached the table
    other.work([r for r in held.logs["vitals", home(held, "p02")].records if r.key == b"p02"][:3])
    patients |= other.broker.table("pc")
    assert kinds(verified(held)) == {Kind.STATE: 1, Kind.HISTORY: 1}


def test_offsets_that_do_not_fit_the_topic_are_findings(held: Held) -> None:
    number = home(held, "p01")
    held.offsets = {"vitals": 3}
    held.logs["vitals", number].first = 5
    assert kinds(verified(held))[Kind.DELETED_UNREAD] == 1
    held.offsets = {"vitals": 10**6}
    assert kinds(verified(held))[Kind.BEYOND_END] >= 1


# -- what cannot be decided -------------------------------------------------------------------


def reasons(held: Held) -> set[str]:
    report = verified(held)
    assert report.consistent, kinds(report)
    said = [f.detail for f in report.findings if f.kind is Kind.UNDECIDABLE]
    return {doubt.name for doubt in Doubt if any(doubt.value in text for text in said)}


def test_input_that_was_deleted_decides_nothing_but_is_said(held: Held) -> None:
    held.logs["vitals", home(held, "p01")].first = 30
    assert reasons(held) == {"RETENTION"}


def test_a_chain_is_checked_where_the_input_was_deleted(held: Held) -> None:
    held.logs["vitals", home(held, "p01")].first = 30
    held.tamper(held.alerts_of("p01")[-1], None)
    assert Kind.LAST_MISSING in kinds(verified(held))


def test_alerts_that_were_deleted_leave_an_unknown_beginning(held: Held) -> None:
    log = held.logs["alerts", home(held, "p01")]
    log.first = held.alerts_of("p01")[1].offset + 1
    assert Kind.BEGINNING in kinds(verified(held))


def test_alerts_under_another_ruleset_are_not_called_wrong(held: Held) -> None:
    report = verified(held, rules=replace(P0, hash="another", down=P0.down * 2))
    assert report.consistent
    assert report.count(Weight.UNDECIDED) > 0


def two_topics(*, swapped: bool) -> Held:
    """Therapy and drugs through `care`; the worker read one of them later than it came."""
    held, worker = Held(), Worker()
    records: list[SourceRecord] = []
    for raw in EVENTS:
        kind = json.loads(raw)["type"]
        records += held.send([raw], "vitals" if kind in ("vitals", "oxygen") else "care")
    if swapped:
        care = next(n for n, r in enumerate(records) if r.value and b"norepinephrine" in r.value)
        records.insert(care + 30, records.pop(care))
    worker.work(records, 40)
    held.written_by(worker)
    return held


def test_two_topics_in_the_order_of_their_records_are_decided() -> None:
    assert verified(two_topics(swapped=False)).findings == []


def test_two_topics_in_another_order_have_the_same_history_and_open_alerts() -> None:
    held = two_topics(swapped=True)
    assert reasons(held) == {"TWO_TOPICS"}
    held.tamper(held.alerts_of("p01")[1], None)
    assert not verified(held).consistent


def test_a_crash_with_another_order_leaves_a_branch_that_is_named() -> None:
    """The batch is read in one order, its alerts are sent; afterwards in another order."""
    held, other = two_topics(swapped=False), two_topics(swapped=True)
    (patient,) = {
        f.patient for f in verified(other).findings if f.kind is Kind.UNDECIDABLE and f.patient
    }
    theirs = {record.value for record in other.alerts_of(patient)}
    abandoned = [record for record in held.alerts_of(patient) if record.value not in theirs]
    first = abandoned[0].offset
    log = other.logs["alerts", abandoned[0].partition]
    ahead = [r for r in log.records if r.offset < first]
    log.records = [
        replace(r, offset=n)
        for n, r in enumerate([*ahead, abandoned[0], *log.records[len(ahead) :]])
    ]
    report = verified(other)
    assert report.consistent
    assert kinds(report) == {Kind.BRANCH: 1, Kind.UNDECIDABLE: 1}


def test_ticks_in_their_order_are_decided_and_lost_ticks_are_said() -> None:
    held, worker = Held(), Worker()
    records = [*held.send(EVENTS), *held.tick("2026-03-02T12:00:00Z")]
    worker.work(records)
    held.written_by(worker)
    assert verified(held).findings == []
    for number in range(4):
        held.logs["ticks", number].records.clear()
        held.logs["ticks", number].first = 1
    assert reasons(held) == {"TICKS"}


def test_an_event_that_is_too_far_ahead_at_its_time_is_not_called_lost(held: Held) -> None:
    """Refused or taken: that depends on the clock at which the worker read it."""
    worker = Worker()
    held = Held(clock=1_772_362_800.0)  # 11:00; the worker's own clock is years ahead
    worker.work(held.send([_without_receipt(raw) for raw in EVENTS]))
    held.written_by(worker)
    assert reasons(held) == {"FUTURE"}


def _without_receipt(raw: bytes) -> bytes:
    event = json.loads(raw)
    del event["received_at"]
    return json.dumps(event).encode()


def home(held: Held, patient: str) -> int:
    """The patient's partition."""
    return held.alerts_of(patient)[0].partition


# -- order ------------------------------------------------------------------------------------


def test_logs_are_merged_by_time_and_no_record_overtakes_its_own_log() -> None:
    held = Held()
    a, b = held.put("a", b"k", b"1"), held.put("b", b"k", b"2")
    late = replace(b, timestamp=0.0, offset=1)  # a broker's clock went back
    c = held.put("a", b"k", b"3")
    assert list(by_record_time([[a, c], [b, late]])) == [a, b, late, c]
