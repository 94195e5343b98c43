"""The routes file: what is refused and in which words, and where an alert goes."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from stream.router.config import RoutesError, load_routes
from stream.router.matching import decide, takes
from tests.router.alarms import MONDAY, alert, raw_alert, routes

EXAMPLE = Path(__file__).parents[2] / "deploy/router/routes.toml"
WEBHOOK = '[receiver.r]\nkind = "webhook"\nurl = "{}"\nsecret = "{}"\n'
SPARE = '[receiver.spare]\nkind = "file"\npath = "b"\n'
LEADING = '[[route]]\nname = "a"\nreceiver = "r"\n'


def ward(extra: str) -> str:
    return f'[[route]]\nname = "a"\n{extra}\n[[route]]\nname = "rest"\nfallback = true\n'


def test_the_packaged_routes_and_the_example_can_be_used() -> None:
    assert [route.name for route in load_routes(None).route] == ["file"]
    kinds = {receiver.kind for receiver in load_routes(EXAMPLE).receiver.values()}
    assert kinds == {"webhook", "alertmanager", "smtp", "hl7", "fhir", "file"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ward('priority = ["urgent"]'), "route 'a': priority.0: 'urgent' cannot be used"),
        (ward('type = ["grade.chnged"]'), "route 'a': type.0: expected a type of alert"),
        (ward('priorty = ["high"]'), "route 'a': priorty: no such field"),
        (ward('hours = [{ from = "8", until = "17:00" }]'), "hours.0.from: expected a time of day"),
        (ward('hours = [{ from = "08:00" }]'), "route 'a': hours.0.until: is missing"),
        (ward("group = { window_s = 0 }"), "group.window_s: 0 cannot be used"),
        (ward('receiver = "nobody"'), "receiver 'nobody' is not described in a table"),
        (ward("").replace('"rest"', '"a"'), "route 'a': the name is taken twice"),
        ('[[route]]\nname = "a"\npriority = ["high"]\n', "alerts that no route takes"),
        (ward('otherwise = "nobody"'), "otherwise: there is no route 'nobody'"),
        (ward('otherwise = "a"'), "it leads back to itself (a -> a)"),
        (
            ward('otherwise = "rest"') + 'otherwise = "a"\n',
            "route 'a': otherwise: it leads back to itself (a -> rest -> a)",
        ),
        ('time_zone = "Mars"\n' + ward(""), "time_zone: no such zone 'Mars'"),
        (LEADING + WEBHOOK.format("https://a.example", "hunter2"), "secret: expected env:NAME"),
        (LEADING + WEBHOOK.format("ftp://a", "env:S"), "receiver 'r': url: expected a URL"),
        (LEADING + WEBHOOK.format("http://10.0.0.1/", "env:S"), "10.0.0.1 would be reached unenc"),
        (LEADING + '[receiver.r]\nkind = "pigeon"\n', "receiver 'r': Input tag 'pigeon'"),
        (
            LEADING + WEBHOOK.format("https://a", "env:S") + WEBHOOK.replace("r]", "b]", 1),
            "receiver 'b': url: expected a URL",
        ),
        (
            LEADING + WEBHOOK.format("https://a", "env:S") + SPARE,
            "receiver 'spare': no route leads to it",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(RoutesError) as caught:
        routes(text)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("condition", "fits", "not_"),
    [
        ('type = ["grade.*"]', {}, {"type": "signal.lost"}),
        ('priority = ["high", "medium"]', {"priority": "medium"}, {"priority": "low"}),
        ('role = ["phys*"]', {"notify": ["nurse", "physician"]}, {"notify": ["nurse"]}),
        ('role = ["physician"]', {"notify": ["physician"]}, {}),
        (
            'role = ["intensivist"]',
            {"type": "escalation.informed", "notify": ["intensivist"], "priority": "information"},
            {"type": "escalation.informed", "notify": ["nurse"], "priority": "information"},
        ),
        ('unit = ["ward-7/*"]', {"location": "ward-7/bed-1"}, {"location": "ward-70/bed-1"}),
        ('unit = ["ward-7/*"]', {"location": "ward-7/bed-1"}, {}),
    ],
)
def test_a_condition_lets_through_what_it_names_and_the_fallback_takes_the_rest(
    condition: str, fits: dict[str, str], not_: dict[str, str]
) -> None:
    loaded = routes(ward(condition))
    there, elsewhere = alert(**fits), alert(**not_)  # type: ignore[arg-type]
    assert (takes(loaded, "a", there, None), takes(loaded, "rest", there, None)) == (True, False)
    assert takes(loaded, "a", elsewhere, None) is False
    assert takes(loaded, "rest", elsewhere, None) is True


def test_a_unit_is_a_name_for_patterns_of_locations() -> None:
    loaded = routes('[units]\nicu = ["icu-*", "Medical*"]\n' + ward('unit = ["icu"]'))
    assert takes(loaded, "a", alert(), "Medical Intensive Care Unit")
    assert not takes(loaded, "a", alert(), "ward-7/bed-1")


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-02T07:00:00Z", True),  # Monday 08:00 in Berlin
        ("2026-03-02T06:59:59Z", False),
        ("2026-03-02T16:00:00Z", False),  # 17:00: the end is outside
        ("2026-07-06T06:00:00Z", True),  # summer time: 08:00 again
        ("2026-03-07T10:00:00Z", False),  # Saturday
    ],
)
def test_business_hours_are_those_of_the_time_zone(moment: str, is_open: bool) -> None:
    hours = '[{ days = ["mon", "tue", "wed", "thu", "fri"], from = "08:00", until = "17:00" }]'
    loaded = routes('time_zone = "Europe/Berlin"\n' + ward(f"hours = {hours}"))
    verdict = decide(loaded, alert(), None, datetime.fromisoformat(moment))[0]
    assert verdict.takes is is_open


def test_a_night_goes_on_past_midnight_and_belongs_to_the_day_on_which_it_begins() -> None:
    loaded = routes(ward('hours = [{ days = ["fri"], from = "22:00", until = "06:00" }]'))

    def is_open(moment: str) -> bool:
        return decide(loaded, alert(), None, datetime.fromisoformat(moment))[0].takes

    assert is_open("2026-03-06T22:00:00Z")  # Friday night
    assert is_open("2026-03-07T05:59:00Z")  # Saturday morning
    assert not is_open("2026-03-06T05:59:00Z")  # the night before
    assert not is_open("2026-03-07T22:00:00Z")


def test_the_whole_day_has_no_gap_at_midnight() -> None:
    loaded = routes(ward('hours = [{ from = "00:00", until = "24:00" }]'))
    for hour in range(24):
        assert decide(loaded, alert(), None, MONDAY.replace(hour=hour))[0].takes


def test_a_priority_that_is_not_known_counts_as_high() -> None:
    assert alert(priority="deafening").rank == 0


def command(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "stream.cli", "route", *words],
        input=given, capture_output=True, check=False,
    )  # fmt: skip


def test_route_test_says_where_and_why_and_why_not() -> None:
    done = command(
        "test", "-", "--routes", str(EXAMPLE), "--location", "ward-7/bed-1",
        "--at", "2026-03-02T09:00:00Z", given=raw_alert(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("-> bleep (webhook): type grade.changed is among grade.*")
    assert lines[1].startswith("-> alarm-server (hl7): priority high is among")
    assert "belongs to haematology" in lines[1]
    assert lines[2].startswith("   day-mail (smtp): the alert names no role")
    assert lines[5].startswith("   rest (file): it is a fallback, and bleep, alarm-server, chart")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("test", "nowhere.json"), b"cannot read nowhere.json"),
        (("test", "-"), b"- is no alert: it is not JSON"),
        (("test", "-", "--at", "noon"), b"--at 'noon' is not a time: expected"),
        (("check", "--routes", "nowhere.toml"), b"cannot read nowhere.toml"),
    ],
)
def test_bad_input_is_told_in_a_sentence(words: tuple[str, ...], told: bytes) -> None:
    done = command(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert b"Traceback" not in done.stderr
