"""Replay without a broker: files, keys, topics, pace, stopping, failures."""

import io
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from stream.gateways.clif import read_clif
from stream.gateways.jsonl import encode, read_lines, write_jsonl
from stream.gateways.replay import KafkaSink, MissingTopicError, align_patients, outgoing, replay

from .clif_folder import FIXTURE


class FakeProducer:
    """Answers at once; fails the values that hold `bad`."""

    def __init__(self):
        self.records = []
        self.flushed = self.closed = False
        self.topics = {}

    def partitions_for(self, topic):
        if "nowhere" in topic:
            raise KafkaTimeoutError("no metadata")
        return self.topics.get(topic, {0})

    def send(self, topic, value, key, timestamp_ms):
        if b"refused" in value:
            raise KafkaTimeoutError("no metadata")
        future = Future()
        self.records.append((topic, key, value, timestamp_ms))
        if b"bad" in value:
            future.failure(KafkaTimeoutError("not acknowledged"))
        else:
            future.success(None)
        return future

    def flush(self):
        self.flushed = True

    def close(self):
        self.closed = True


def event(minute, kind="vitals", patient="p1", **fields):
    moment = f"2150-01-01T00:{minute:02d}:00Z"
    return {
        "type": kind,
        "event_id": f"{kind}{minute}{patient}",
        "patient_id": patient,
        "time": moment,
        "received_at": moment,
        **fields,
    }


@pytest.fixture
def producer():
    return FakeProducer()


def sink_of(producer, **options):
    return KafkaSink("unused:9092", producer=producer, **options)


def test_a_file_holds_what_kafka_gets(tmp_path, producer):
    path = tmp_path / "events.jsonl"
    count = write_jsonl(read_clif(FIXTURE).events, path)
    result = replay(read_clif(FIXTURE).events, sink_of(producer))
    assert result.ok
    assert result.sent == count > 1000
    assert [value for _, _, value, _ in producer.records] == path.read_bytes().splitlines()
    again = FakeProducer()
    replay((raw for _, raw in read_lines(path)), sink_of(again))
    assert [r[:3] for r in again.records] == [r[:3] for r in producer.records]
    assert not list(tmp_path.glob(".*"))


def test_keys_topics_and_timestamps(producer):
    events = [event(0, patient="påtient"), event(1, "infusion")]
    before = time.time() * 1000 - 1
    replay(events, sink_of(producer, topic_prefix="ward7."))
    assert [(t, k) for t, k, _, _ in producer.records] == [
        ("ward7.vitals", "påtient".encode()),
        ("ward7.vitals", b"p1"),
    ]
    assert all(before <= stamp <= time.time() * 1000 for *_, stamp in producer.records)
    assert producer.flushed
    split = FakeProducer()
    with sink_of(split, route="split") as sink:
        replay(events, sink)
    assert [t for t, *_ in split.records] == ["vitals", "care"]
    assert split.closed


@pytest.mark.parametrize(
    "raw",
    [
        b"not json",
        b"[1]",
        b'"text"',
        b"\xff\xfe",
        b'{"patient_id": 7}',
        b'{"patient_id": "\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_lines_that_are_no_events_go_as_they_are(raw, producer):
    result = replay([raw], sink_of(producer), speed=1000)
    assert result.ok
    assert producer.records[0][1:3] == (None, raw)


def test_ticks_stay_here(producer):
    tick = {"type": "tick", "time": "2150-01-01T00:00:00Z"}
    result = replay([event(0), tick], sink_of(producer))
    assert (result.read, result.sent, result.ticks_left_out) == (2, 1, 1)


def test_every_result_is_checked(producer):
    events = [event(0), event(1, note="bad"), event(2, note="refused")]
    result = replay(events, sink_of(producer))
    assert (result.sent, result.failed, result.ok) == (1, 2, False)
    assert len(result.errors) == 2
    assert any("not acknowledged" in text for text in result.errors)


def test_a_missing_topic_is_said_before_anything_is_sent(producer):
    with pytest.raises(MissingTopicError, match=r"no topic nowhere.vitals or nowhere.care"):
        sink_of(producer, route="split", topic_prefix="nowhere.")
    assert producer.closed
    assert not producer.records
    producer.topics["care"] = None
    assert sink_of(producer).failed == 0


def test_it_gives_up_when_nothing_is_taken(producer):
    events = [event(0, patient=f"bad{n}") for n in range(50)]
    result = replay(events, sink_of(producer), give_up_after=10)
    assert (result.read, result.failed, result.stopped) == (10, 10, "failures")


def test_refused_rows_become_dead_letters_beside_the_count(producer):
    sink = sink_of(producer)
    result = replay(read_clif(FIXTURE, on_refused=sink.dead_letter).events, sink)
    dead = [r for r in producer.records if r[0] == "deadletter"]
    assert dead
    assert result.sent + len(dead) == len(producer.records)
    assert dead[0][1].startswith(b"clif-")


def test_speed(producer):
    events = [event(0), event(1), event(2)]
    began = time.monotonic()
    replay(events, sink_of(producer), speed=600)
    assert 0.19 <= time.monotonic() - began < 2
    began = time.monotonic()
    replay(events, sink_of(producer), speed=1, longest_wait_s=0.05)
    assert 0.09 <= time.monotonic() - began < 2


def test_progress_is_told_at_the_end(producer):
    told = []
    replay([event(0), event(5)], sink_of(producer), progress=told.append)
    assert (told[-1].read, told[-1].sent) == (2, 2)
    assert told[-1].received_at == datetime(2150, 1, 1, 0, 5, tzinfo=UTC)


def test_stop_ends_a_wait(producer):
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    result = replay([event(0), event(59)], sink_of(producer), speed=1, stop=stop)
    assert (result.stopped, result.sent) == ("asked", 1)
    assert producer.flushed


def test_sigint_stops_cleanly_and_the_handler_is_put_back(producer):
    before = signal.getsignal(signal.SIGINT)

    def events():
        yield event(0)
        signal.raise_signal(signal.SIGINT)
        yield event(1)

    result = replay(events(), sink_of(producer))
    assert (result.stopped, result.sent) == ("asked", 1)
    assert signal.getsignal(signal.SIGINT) is before


def test_lines_are_numbered_and_not_judged(tmp_path, monkeypatch):
    content = b'{"a":1}\r\n\n  \nnot json\n\xff'
    expected = [(1, b'{"a":1}'), (4, b"not json"), (5, b"\xff")]
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    assert list(read_lines(path)) == expected
    assert list(read_lines(io.BytesIO(content))) == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert list(read_lines("-")) == expected


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    def broken():
        yield event(0)
        raise RuntimeError

    path = tmp_path / "x.jsonl"
    with pytest.raises(RuntimeError):
        write_jsonl(broken(), path)
    assert not list(tmp_path.iterdir())


def test_not_a_number_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(event(0, value=float("nan")))


def test_aligned_stays_begin_together():
    to = datetime(2026, 3, 1, 10, tzinfo=UTC)
    original = list(read_clif(FIXTURE, {"27617929", "20338077"}).events)
    moved = align_patients(original, to, stagger=timedelta(minutes=5))
    assert len(moved) == len(original)
    starts = [e["time"] for e in moved if e["type"] == "therapy"]
    assert starts == ["2026-03-01T10:00:00Z", "2026-03-01T10:05:00Z"]
    known = [datetime.fromisoformat(e["received_at"]) for e in moved]
    assert known == sorted(known)
    assert all(e["event_id"].endswith("@20260301T100000Z") for e in moved)
    assert outgoing(moved[0]).patient_id == moved[0]["patient_id"]
    with pytest.raises(ValueError, match="without patient_id"):
        align_patients([{"type": "tick", "time": "2150-01-01T00:00:00Z"}], to)
    with pytest.raises(ValueError, match="offset"):
        align_patients(original, datetime(2026, 3, 1))  # noqa: DTZ001
