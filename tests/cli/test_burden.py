"""`stormwatch burden`: the figures of a stretch, reckoned by hand; and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.charts import Chart

if TYPE_CHECKING:
    from tests.cli.conftest import Cli


def night() -> bytes:
    """Grade 1 at 10:00, answered after 6 minutes; grade 3 at 11:00, that nobody answers.

    Pressure is lost at 12:00, temperature at 14:00: nobody answers these either.
    """
    chart = Chart()
    chart.at("10:00", temp=38.6, sbp=120, dbp=70)
    chart.answer("10:06", chart.alarm(1))
    chart.pump("11:00", "norepinephrine", 4)
    for minute in range(30, 240, 30):
        chart.pump(f"{11 + minute // 60}:{minute % 60:02}", "norepinephrine", 4, "running")
    chart.at("14:30", temp=38.6, sbp=120, dbp=70)
    return b"".join(alert.to_bytes() + b"\n" for alert in chart.alerts)


def test_the_figures_are_those_of_the_chart(cli: Cli) -> None:
    (report,) = cli("burden", "-", "--json", stdin=night()).objects
    assert {name: report[name] for name in ("from", "until", "patients")} == {
        "from": "2026-03-01T10:00:00Z",
        "until": "2026-03-01T14:30:00Z",
        "patients": 1,
    }
    assert report["by_event"] == {"grade 1": 1, "grade 3": 1, "signal": 2}
    assert report["alarms_per_patient_day"] == round(4 * 24 / 4.5, 3)
    assert report["time_to_answer_s"]["all"] == {
        "count": 1, "median": 360, "p90": 360, "longest": 360,
    }  # fmt: skip
    assert (report["answered"], report["standing"]) == (1, 3)
    assert report["closed"] == {"superseded": 1}


def test_an_answer_that_was_withdrawn_and_a_shelf_that_is_over_are_no_answers(cli: Cli) -> None:
    chart = Chart()
    chart.at("10:00", temp=38.6, sbp=120, dbp=70)
    chart.answer("10:06", chart.alarm(1), id="word")
    chart.retract("10:10", "word")
    chart.answer("10:12", chart.alarm(1), "shelve", until="10:30", reason="blood drawn")
    chart.tick("14:30")
    lines = b"".join(alert.to_bytes() + b"\n" for alert in chart.alerts)
    (report,) = cli("burden", "-", "--json", stdin=lines).objects
    assert report["time_to_answer_s"]["medium"]["median"] == 720
    assert (report["answered"], report["shelved"]) == (0, 1)
    assert (report["ladders_exhausted"], report["unanswered"]) == (1, 1)


def test_the_same_alert_twice_counts_once(cli: Cli) -> None:
    once = cli("burden", "-", "--json", stdin=night()).out
    assert cli("burden", "-", "--json", stdin=night() * 2).out == once


def test_a_stretch_has_ends(cli: Cli) -> None:
    done = cli("burden", "-", "--json", "--since", "2026-03-01T10:30:00Z", stdin=night())
    assert done.objects[0]["by_event"] == {"grade 3": 1, "signal": 2}
    ended = cli("burden", "-", "--json", "--until", "2026-03-01T10:30:00Z", stdin=night())
    assert ended.objects[0]["by_event"] == {"grade 1": 1}


def test_people_read_lines(cli: Cli) -> None:
    out = cli("burden", "-", stdin=night()).out
    assert "alarms per patient day" in out
    assert "time to answer, all" in out
    assert "median 6 min" in out


def test_what_cannot_be_counted(cli: Cli) -> None:
    empty = cli("burden", "-")
    assert (empty.code, "no alert was found" in empty.err) == (1, True)
    wrong = cli("burden", "-", "--since", "yesterday")
    assert (wrong.code, "expected a time with its offset" in wrong.err) == (2, True)
    mixed = cli("burden", "-", "--json", stdin=night() + b"no alert\n{}\n")
    assert (mixed.code, "2 records are no alerts" in mixed.err) == (0, True)


def test_an_answer_that_cannot_be_sent_is_refused_before_any_broker(cli: Cli) -> None:
    word = ("ack", "some-id", "--by", "nurse-1", "--patient", "p-1")
    for more, says in (
        (("--shelve-until", "2026-03-01T10:00:00Z"), "needs a --reason"),
        (("--shelve-until", "2026-03-01T10:00:00Z", "--unshelve"), "one of them"),
        (("--shelve-until", "soon", "--reason", "x"), "until = 'soon'"),
    ):
        done = cli(*word, *more)
        assert (done.code, says in done.err) == (2, True), done.err
