"""`stormwatch verify` on files of alerts; with a broker it is tested in `tests/integration`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.worker.ward_events import lines, ward

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


@pytest.fixture
def alerts(cli: Cli, tmp_path: Path) -> list[str]:
    events = tmp_path / "ward.jsonl"
    events.write_bytes(b"".join(raw + b"\n" for raw in lines(ward(2))))
    said = cli("grade", events).out.splitlines(keepends=True)
    assert len(said) > 10
    return said


def written(tmp_path: Path, alerts: list[str]) -> Path:
    path = tmp_path / "alerts.jsonl"
    path.write_text("".join(alerts), "utf-8")
    return path


def test_what_grade_says_is_whole(cli: Cli, tmp_path: Path, alerts: list[str]) -> None:
    done = cli("verify", written(tmp_path, alerts))
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "consistent"
    assert f"alerts: {len(alerts)}" in done.out
    assert "whether alerts are missing behind its last ones" in " ".join(done.out.split())


def test_a_line_left_out_is_found_and_named(cli: Cli, tmp_path: Path, alerts: list[str]) -> None:
    first = json.loads(alerts[0])["patient_id"]
    mine = [n for n, line in enumerate(alerts) if json.loads(line)["patient_id"] == first]
    after = json.loads(alerts[mine[2]])
    path = written(tmp_path, [*alerts[: mine[1]], *alerts[mine[1] + 1 :]])
    done = cli("verify", path)
    assert done.code == 1
    assert "1 findings" in done.err
    assert f":{mine[2]}" in done.out  # one line up, since one is missing
    assert first not in done.out
    (broken, _end, summary) = cli("verify", path, "--json", "--show-patients").objects
    assert broken["kind"] == "chain_broken"
    assert (broken["patient"], broken["alert_ids"]) == (first, [after["alert_id"]])
    assert broken["offsets"] == [mine[2]]
    assert (summary["findings"], summary["consistent"]) == (1, False)
    other = {json.loads(line)["patient_id"] for line in alerts} - {first}
    assert cli("verify", path, "--patient", other.pop()).code == 0


def test_a_file_that_begins_later_is_not_decidable(
    cli: Cli, tmp_path: Path, alerts: list[str]
) -> None:
    path = written(tmp_path, alerts[6:])
    done = cli("verify", path)
    assert done.code == 0
    assert "Not decidable: chain_beginning" in done.out
    assert cli("verify", path, "--strict").code == 1


def test_alerts_from_standard_input(program: Cli, alerts: list[str]) -> None:
    done = program("verify", "-", "--json", stdin="".join(alerts).encode())
    assert done.objects[-1]["alerts"] == len(alerts)


def test_what_is_no_alert_is_said(cli: Cli, tmp_path: Path, alerts: list[str]) -> None:
    done = cli("verify", written(tmp_path, [*alerts, "no alert\n"]), "--json")
    assert done.code == 1
    found = {item.get("kind"): item for item in done.objects}
    assert found["unreadable_alert"]["offsets"] == [len(alerts) + 1]
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_text("{}\n")
    assert "no alert could be read" in cli("verify", nothing).err
    assert cli("verify", tmp_path / "missing.jsonl").code == 2


def test_without_a_broker_it_ends_with_3(program: Cli) -> None:
    done = program("verify", "--bootstrap", "127.0.0.1:1")
    assert done.code == 3
    assert "no Kafka broker serves us" in done.err
    assert "Traceback" not in done.err
