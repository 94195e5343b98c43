"""`stormwatch grade`: the stream's bytes, and what becomes of bad lines."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from schemas.deadletter import DeadLetter
from stream.offline import OfflineEngine
from stream.rules import load_ruleset

from .conftest import FEVER, lines, therapy, tick, vitals

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli

LOW = {"systolic_bp": 82.0, "diastolic_bp": 46.0}
FINE = {"systolic_bp": 118.0, "diastolic_bp": 72.0}


def test_one_alert_a_line_and_exactly_the_engine_s_bytes(cli: Cli, tmp_path: Path) -> None:
    events = (
        *FEVER,
        vitals("v-2", "11:00", **LOW),
        vitals("v-3", "11:10", **LOW),
        vitals("v-4", "12:00", **FINE),
        vitals("v-5", "13:30", **FINE),
    )
    file = tmp_path / "ward.jsonl"
    file.write_bytes(lines(*events))
    engine = OfflineEngine(load_ruleset())
    expected = [
        alert.to_bytes().decode()
        for event in events
        for alert in engine.take(json.dumps(event).encode()).alerts
    ]
    result = cli("grade", file)
    assert result.code == 0
    assert result.err == ""
    assert result.out.splitlines() == expected
    assert [
        (alert["from_grade"], alert["to_grade"])
        for alert in result.objects
        if alert["type"] == "grade.changed"
    ] == [(0, 1), (1, 2), (2, 1)]


def test_standard_input_and_files_are_read_in_their_order(cli: Cli, tmp_path: Path) -> None:
    first, last = tmp_path / "first.jsonl", tmp_path / "last.jsonl"
    first.write_bytes(lines(FEVER[0]))
    last.write_bytes(lines(vitals("v-2", "11:00", **LOW), vitals("v-3", "11:10", **LOW)))
    result = cli("grade", first, "-", last, stdin=lines(FEVER[1]))
    assert [alert["to_grade"] for alert in result.clinical] == [1, 2]


def test_a_tick_lets_the_timers_of_all_patients_so_far_run_out(cli: Cli) -> None:
    events = []
    for patient in ("p-2", "p-1"):
        events += [
            therapy(patient),
            vitals(f"{patient}-1", "10:00", patient, temperature=38.6),
            vitals(f"{patient}-2", "11:00", patient, **LOW),
            vitals(f"{patient}-3", "11:10", patient, **LOW),
            vitals(f"{patient}-4", "11:20", patient, **FINE),
        ]
    result = cli("grade", "-", stdin=lines(*events, tick("12:20"), therapy("p-3")))
    changes = [alert for alert in result.objects if alert["type"] == "grade.changed"]
    falls = [alert for alert in changes if alert["to_grade"] < alert["from_grade"]]
    # In the order in which they first appeared, each at the moment its hold ended.
    assert [(alert["patient_id"], alert["effective_time"]) for alert in falls] == [
        ("p-2", "2026-03-01T12:20:00Z"),
        ("p-1", "2026-03-01T12:20:00Z"),
    ]


def test_bad_lines_are_told_with_file_line_code_and_detail(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "ward.jsonl"
    file.write_bytes(b"not json\n\n" + lines(FEVER[0]) + b'{"type":"vital"}\r\n' + lines(FEVER[1]))
    result = cli("grade", file)
    assert result.code == 0
    assert [alert["to_grade"] for alert in result.clinical] == [1]
    told = result.err.splitlines()
    assert told[0].startswith(f"{file}:1: not_json: ")
    assert told[1].startswith(f"{file}:4: unknown_type: ")
    assert len(told) == 2


def test_a_bad_reading_is_set_aside_alone(cli: Cli) -> None:
    event = vitals("v-1", "10:00", temperature=38.6)
    event["readings"].append({"signal": "spo2", "value": 96})
    result = cli("grade", "-", stdin=lines(FEVER[0], event))
    assert result.code == 0
    assert result.err.startswith("-:2: unit_missing: ")
    assert [alert["to_grade"] for alert in result.clinical] == [1]


def test_the_engine_s_rejections_are_told_too(cli: Cli) -> None:
    retraction = {
        "type": "retraction",
        "event_id": "r-1",
        "patient_id": "p-1",
        "time": "2026-03-01T11:00:00Z",
        "retracts": "never-seen",
    }
    conflict = vitals("v-1", "10:00", temperature=36.6)
    result = cli("grade", "-", stdin=lines(*FEVER, retraction, conflict))
    assert result.code == 0
    assert "-:4: id_conflict: " in result.err


def test_dead_letters_keep_the_original_bytes(cli: Cli, tmp_path: Path) -> None:
    kept = tmp_path / "refused.jsonl"
    bad = b'{"type": "vitals", "oops": "\xc3\xa9"}'
    result = cli("grade", "-", "--deadletter", kept, stdin=bad + b"\n" + lines(*FEVER))
    assert result.code == 0
    (line,) = kept.read_bytes().splitlines()
    letter = DeadLetter.model_validate_json(line)
    assert letter.value_base64 is not None
    assert base64.b64decode(letter.value_base64) == bad
    assert (letter.topic, letter.offset) == (None, 1)
    assert letter.advice


def test_strict_ends_at_the_first_bad_line(cli: Cli) -> None:
    result = cli("grade", "-", "--strict", stdin=lines(FEVER[0]) + b"{\n" + lines(FEVER[1]))
    assert result.code == 1
    assert result.out == ""
    assert "-:2: not_json: " in result.err
    assert "stopped at -:2 (--strict)" in result.err
    assert cli("grade", "-", "--strict", stdin=lines(*FEVER)).code == 0


def test_nothing_readable_is_a_failure(cli: Cli) -> None:
    for stdin in (b"", b"\n\n", b"{\n[]\n"):
        result = cli("grade", "-", stdin=stdin)
        assert result.code == 1
        assert "no event could be read from -" in result.err


def test_files_that_cannot_be_used(cli: Cli, tmp_path: Path) -> None:
    for wrong in ("nowhere.jsonl", tmp_path):
        result = cli("grade", wrong)
        assert result.code == 2
        assert f"cannot read {wrong}" in result.err
    result = cli("grade", "-", "--deadletter", tmp_path / "no" / "such" / "folder", stdin=b"{}\n")
    assert result.code == 2
    assert "cannot write" in result.err


def test_a_ruleset_that_cannot_be_used(cli: Cli, tmp_path: Path) -> None:
    wrong = tmp_path / "rules.toml"
    wrong.write_text("[parameters.fever_c]\nvalue = 38\n")
    for file in (wrong, tmp_path / "none.toml"):
        result = cli("grade", "-", "--ruleset", file, stdin=lines(*FEVER))
        assert result.code == 2
        assert "ruleset" in result.err
        assert "Traceback" not in result.err


def test_it_says_what_it_knows_before_the_input_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "stream.cli", "grade", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(lines(*FEVER))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["to_grade"] == 1
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    file = tmp_path / "ward.jsonl"
    many = [therapy()]
    for hour in range(10, 24):
        many.append(vitals(f"a-{hour}", f"{hour}:00", temperature=38.6, **LOW))
        many.append(vitals(f"b-{hour}", f"{hour}:10", **LOW))
    file.write_bytes(lines(*many))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "stream.cli", "grade", str(file)],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 1
