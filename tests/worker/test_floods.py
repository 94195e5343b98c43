"""A flood of bad records: few letters, nothing without a number, and nobody else silenced."""

from __future__ import annotations

from collections import Counter

from schemas.deadletter import DeadLetter
from stream.worker.floods import MINUTE, SHARE, WEIGHT_BYTES, FloodGate, Withheld
from stream.worker.records import SourceRecord
from tests.worker.harness import NOW, Worker

LIMIT = 600
EACH = LIMIT // SHARE


def bad(offset: int, key: bytes = b"p00", partition: int = 0, value: bytes = b"{") -> SourceRecord:
    return SourceRecord("vitals", partition, offset, NOW, key, value)


def letters(worker: Worker) -> list[DeadLetter]:
    return [DeadLetter.model_validate(v) for v in worker.broker.values("deadletter")]


def found(sent: list[DeadLetter]) -> set[int]:
    """The offsets of every record that was set aside, from the letters alone."""
    offsets = {letter.offset for letter in sent if letter.reason != "flood"}
    for letter in sent:
        if letter.suppressed is not None:
            for first, last in letter.suppressed.offsets:
                offsets.update(range(first, last + 1))
    return {offset for offset in offsets if offset is not None}


def test_every_record_of_a_flood_is_found_from_few_letters() -> None:
    worker = Worker()
    worker.work([bad(offset) for offset in range(0, 4000, 2)], size=500)
    sent = letters(worker)
    assert found(sent) == set(range(0, 4000, 2))
    assert Counter(letter.reason.value for letter in sent) == {"not_json": EACH, "flood": 4}
    told = sum(letter.suppressed.reasons["not_json"] for letter in sent if letter.suppressed)
    assert told == 2000 - EACH
    counted = worker.metrics.suppressed.labels("not_json")._value.get()
    assert counted == told
    assert worker.metrics.dead.labels("not_json")._value.get() == EACH
    assert worker.metrics.dead.labels("flood")._value.get() == 4
    assert worker.metrics.events.labels("vitals", "rejected")._value.get() == 2000


def test_a_flood_of_one_key_silences_no_other_key_and_no_other_partition() -> None:
    worker = Worker()
    worker.work([bad(offset) for offset in range(2000)])
    worker.work([bad(5000, b"p01"), bad(5001, b"p01"), bad(7, b"p02", partition=1)])
    alone = [letter for letter in letters(worker) if letter.reason != "flood"][EACH:]
    assert [(letter.partition, letter.offset) for letter in alone] == [(0, 5000), (0, 5001), (1, 7)]


def test_keys_made_up_for_each_record_are_limited_together() -> None:
    worker = Worker()
    worker.work([bad(offset, f"made-up-{offset}".encode()) for offset in range(2000)])
    sent = letters(worker)
    assert sum(letter.reason == "not_json" for letter in sent) == LIMIT
    assert found(sent) == set(range(2000))


def test_a_minute_later_letters_are_sent_again() -> None:
    gate = FloodGate(8)
    assert [gate.grants(bad(n), 0) for n in range(4)] == [True, True, False, False]
    assert not gate.grants(bad(5), MINUTE - 1)
    assert gate.grants(bad(6), MINUTE)


def test_large_letters_count_for_several() -> None:
    gate = FloodGate(400)
    giant = bad(0, value=b" " * WEIGHT_BYTES * 40)
    assert [gate.grants(giant, 0) for _ in range(5)] == [True, True, True, False, False]


def test_runs_of_offsets() -> None:
    withheld = Withheld()
    for offset in (9, 4, 5, 5, 6, 1):
        withheld.add("not_json", offset)
    assert withheld.spans() == [(1, 1), (4, 6), (9, 9)]
