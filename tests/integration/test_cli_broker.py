"""The commands that talk to a broker, with one there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from brokers import Broker

Done = subprocess.CompletedProcess[str]
EVENTS = [
    {
        "type": "therapy",
        "event_id": "e-1",
        "patient_id": "p-1",
        "time": "2026-03-01T00:00:00Z",
        "received_at": "2026-03-01T00:00:00Z",
        "product": "tarlatamab",
        "therapy_class": "bispecific",
    },
    {
        "type": "vitals",
        "event_id": "e-2",
        "patient_id": "p-1",
        "time": "2026-03-01T10:00:00Z",
        "received_at": "2026-03-01T10:00:05Z",
        "readings": [{"signal": "temperature", "value": 38.6, "unit": "Cel"}],
    },
]


class Ward:
    """The command with a prefix, a group and a folder of the test's own."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        name = f"cli-{time.time_ns():x}"
        clean = {name: value for name, value in os.environ.items() if "STORMWATCH" not in name}
        self.folder = folder
        self.environment = clean | {
            "STORMWATCH_BOOTSTRAP_SERVERS": bootstrap,
            "STORMWATCH_TOPIC_PREFIX": f"{name}.",
            "STORMWATCH_APPLICATION_ID": name,
            "STORMWATCH_PARTITIONS": "2",
            "STORMWATCH_METRICS_PORT": "0",
            "STORMWATCH_TICKS": "off",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "stream.cli", *words],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> Done:
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)


@pytest.fixture
def ward(broker: Broker, tmp_path: Path) -> Iterator[Ward]:
    yield Ward(broker.bootstrap, tmp_path)


def test_from_topics_to_the_tail_of_the_alerts(ward: Ward) -> None:
    missing = ward.run("topics", "check")
    assert missing.returncode == 3
    assert "is missing" in missing.stderr
    assert ward.run("tail", "--until-idle", "1").returncode == 3

    made = ward.run("topics", "create")
    assert made.returncode == 0, made.stderr
    assert made.stdout.count("created ") == 9
    again = ward.run("topics", "create")
    assert (again.returncode, again.stdout.count("kept ")) == (0, 9)
    assert ward.run("topics", "check").returncode == 0
    wrong = ward.run("topics", "check", "--set", "partitions=3")
    assert wrong.returncode == 3
    assert "set partitions = 2" in wrong.stderr

    file = ward.folder / "ward.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in EVENTS) + "no event\n")
    worker = ward.start("worker")
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith("worker ready")
        sent = ward.run("replay", str(file))
        assert sent.returncode == 0, sent.stderr
        assert "3 events read, 3 acknowledged, 0 failed" in sent.stderr
        deadline = time.monotonic() + 30
        while True:
            tail = ward.run("tail", "--from-beginning", "--json", "--until-idle", "1")
            letters = ward.run("tail", "deadletter", "--from-beginning", "--until-idle", "1")
            if (tail.stdout and letters.stdout) or time.monotonic() > deadline:
                break
        opened = json.loads(tail.stdout.splitlines()[1])
        word = ("--by", "nurse-1", "--at", "2026-03-01T10:02:00Z")
        seen = ward.run("ack", opened["alert_id"], *word, "--reason", "at the bedside")
        assert (seen.returncode, seen.stderr) == (0, "")
        assert "alarm grade 1 acknowledged, by nurse-1" in seen.stdout
        other = ("--by", "nurse-2", *word[2:])
        again = ward.run("ack", opened["alert_id"], *other, "--wait", "1")
        assert again.returncode == 0
        assert "it changes nothing: nurse-1 answered at 2026-03-01T10:02:00Z" in again.stdout
        late = ward.run("ack", "nothing", *word, "--patient", "p-1")
        assert late.returncode == 1
        assert "not taken: unknown_alert: no alarm of alert 'nothing' is open" in late.stderr
        answered = ward.run("tail", "--from-beginning", "--json", "--until-idle", "1")
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=30)
    assert worker.returncode == 0

    graded = ward.run("grade", str(file))
    assert tail.stdout == graded.stdout
    assert answered.stdout.startswith(graded.stdout)
    alert = json.loads(tail.stdout.splitlines()[0])
    assert alert["to_grade"] == 1
    burden = json.loads(ward.run("burden", "--json").stdout)
    assert (burden["alarms"], burden["answered"]) == (1, 1)
    assert burden["time_to_answer_s"]["all"]["median"] == 115
    assert "not_json" in letters.stdout
    readable = ward.run("tail", "--from-beginning", "--until-idle", "1", "--patient", "p-1")
    assert "p-1  medium  grade 0 -> 1" in readable.stdout
    other = ward.run("tail", "--from-beginning", "--until-idle", "1", "--patient", "p-2")
    assert other.stdout == ""
    status = ward.run("tail", "status", "--from-beginning", "--until-idle", "1")
    assert "p-1  grade 1" in status.stdout

    for subject in (alert["alert_id"], "p-1"):  # from the topics, and the same as from the file
        explained = ward.run("explain", subject, "--json")
        assert explained.returncode == 0, explained.stderr
        assert json.loads(explained.stdout)["grade"] == 1
        if subject == alert["alert_id"]:  # the answers are not in the file
            assert explained.stdout == ward.run("explain", subject, str(file), "--json").stdout
    assert json.loads(ward.run("explain", alert["alert_id"], "--json").stdout)["alert"] == alert
    unknown = ward.run("explain", "p-9")
    assert unknown.returncode == 1
    assert "neither the key of an input event nor the id of an alert" in unknown.stderr
    stranger = ward.folder / "strict.toml"
    stranger.write_text(
        '[ruleset]\nbased_on = "P0"\nname = "strict"\nversion = "1"\n'
        '[[guidance.rows]]\nid = "site-1"\ntopic = "supportive"\ngrades = [1]\n'
        'text = "a word of the ward."\ncitation = "Ward 7"\nversion = "1"\ndate = "2026"\n'
        'status = "site"\n'
    )
    other = ward.run("explain", alert["alert_id"], "--ruleset", str(stranger))
    assert other.returncode == 1
    assert "explained with strict 1" in other.stderr


def test_tail_ends_at_ctrl_c(ward: Ward) -> None:
    assert ward.run("topics", "create").returncode == 0
    tail = ward.start("tail")
    time.sleep(4)
    tail.send_signal(signal.SIGINT)
    _, err = tail.communicate(timeout=30)
    assert tail.returncode == 130
    assert err == ""


def test_a_worker_without_topics_refuses_to_start(ward: Ward) -> None:
    done = ward.run("worker")
    assert done.returncode == 3
    assert "is missing" in done.stderr
