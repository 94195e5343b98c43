"""The benchmark's pure parts: its events, its figures, its targets and its page."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from stream.rules import load_ruleset
from tests.benchmarks.gauge import Gauge, Sample, bounded, count_at, rate_between, sustained
from tests.benchmarks.oracle import Oracle, Said
from tests.benchmarks.paced import Paced, Read, Written, stretches
from tests.benchmarks.page import PAGE, RESULTS, joined, machine, rendered
from tests.benchmarks.plan import Case, Plan, crossed
from tests.benchmarks.plots import draw
from tests.benchmarks.spread import percentile, short, spread
from tests.benchmarks.tables import tables
from tests.benchmarks.targets import targets
from tests.benchmarks.ward import Event, Ward

if TYPE_CHECKING:
    from pathlib import Path


def test_the_same_seed_gives_the_same_ward_and_another_seed_another() -> None:
    def events(seed: int) -> list[bytes]:
        ward = Ward(3, seed)
        return [event.value for event in (*ward.before(7200), *ward.monitored(200))]

    assert events(7) == events(7)
    assert events(7) != events(8)


def test_a_monitored_patient_has_one_event_of_seven_signals_a_second() -> None:
    ward = Ward(4, 1)
    list(ward.before(3600))
    events = [json.loads(event.value) for event in (*ward.monitored(150), *ward.monitored(250))]
    assert len({event["event_id"] for event in events}) == len(events) == 400
    assert set(Counter(event["patient_id"] for event in events).values()) == {100}
    of_one = [event["time"] for event in events if event["patient_id"] == "bench-00002"]
    assert of_one[:2] == ["2100-01-01T01:00:00+00:00", "2100-01-01T01:00:01+00:00"]
    assert of_one[-1] == "2100-01-01T01:01:39+00:00"
    kinds = Counter(event["type"] for event in events)
    assert kinds["vitals"] > 380
    assert {len(event.get("readings", ())) for event in events} <= {0, 7}


def test_every_patient_can_be_checked_and_each_check_leads_to_an_alert() -> None:
    ward, oracle = Ward(10, 1), Oracle(load_ruleset())
    oracle.take([*ward.before(3600), *ward.monitored(100)])
    for _ in range(3):
        assert set(oracle.take(ward.checks(10)).values()) == set(range(10))


def test_a_long_stay_has_the_same_last_hour_as_a_short_one() -> None:
    def minutes_to_the_end(stay_s: int) -> list[str]:
        times = [json.loads(event.value)["time"] for event in Ward(1, 1).before(stay_s)]
        return [time[14:16] for time in times[-11:]]

    assert minutes_to_the_end(3600) == minutes_to_the_end(14 * 86_400)
    assert len(list(Ward(1, 1).before(14 * 86_400))) == 1 + 13 + 12


def test_the_oracle_finds_every_alert_and_names_its_event() -> None:
    ward, oracle = Ward(20, 1), Oracle(load_ruleset())
    oracle.take(ward.before(3600))
    said = [Said(key, value) for key, values in oracle.due.items() for value in values]
    assert said
    assert oracle.compare(said) is None
    events = list(ward.monitored(1000))
    causes = oracle.take(events)
    checks = {n for n, event in enumerate(events) if json.loads(event.value)["type"] == "neuro"}
    named = {n for alert, n in causes.items() if json.loads(alert.value)["type"] == "icans.changed"}
    assert named
    assert named <= checks


@pytest.mark.parametrize("harm", ["lost", "altered", "reordered", "invented"])
def test_alerts_that_are_not_the_engine_s_are_found(harm: str) -> None:
    oracle = Oracle(load_ruleset())
    oracle.take(Ward(20, 1).before(3600))
    said = [Said(key, value) for key, values in oracle.due.items() for value in values]
    key = next(key for key, values in oracle.due.items() if len(values) > 1)
    first, second = [n for n, each in enumerate(said) if each.key == key][:2]
    if harm == "lost":
        del said[first]
    elif harm == "altered":
        said[first] = Said(key, said[first].value.replace(b"1", b"2", 1))
    elif harm == "reordered":
        said[first], said[second] = said[second], said[first]
    else:
        said.append(Said(b"nobody", b"{}"))
    fault = oracle.compare(said)
    assert fault is not None
    assert fault.startswith("the alerts of 1 patients differ")


def test_an_alert_said_again_after_a_crash_is_none_too_many() -> None:
    oracle = Oracle(load_ruleset())
    oracle.take(Ward(5, 1).before(3600))
    said = [Said(key, value) for key, values in oracle.due.items() for value in values]
    assert oracle.compare([*said, said[0]]) is None
    assert oracle.compare([said[0]]) is None  # nor one that comes when the next are due


def test_a_figure_has_its_spread() -> None:
    assert spread([3, 1, 2]) == (2, 1, 3)
    assert str(spread([1234.5, 900, 2000])) == "1,234 (900\u20132,000)"
    assert str(spread([0.01234])) == "0.0123"
    with pytest.raises(ValueError, match="at least one run"):
        spread([])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.5, "0.500"), (3.142, "3.14"), (98.76, "98.8"), (12345, "12,345")],
)
def test_three_figures_are_shown(value: float, text: str) -> None:
    assert short(value) == text


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 201)]
    assert [percentile(values, share) for share in (0.5, 0.99, 1)] == [100, 198, 200]
    assert percentile([5.0], 0.99) == 5
    with pytest.raises(ValueError, match="percentile"):
        percentile([], 0.5)


def test_cases_are_crossed_and_runs_of_few_patients_are_short() -> None:
    cases = crossed([10, 1000], [3600], [1, 2])
    assert len(cases) == 4
    plan = Plan(cases, runs=5, messages=50_000, latency_s=15, seed=1)
    assert [plan.segment(case) for case in cases] == [18_000, 18_000, 50_000, 50_000]
    assert plan.segment(Case(10_000, 3600, 1)) == 200_000
    assert str(plan.yardstick_case) == "1,000 patients, 1 h, 1 worker"


def sent(rate: float, seconds: float) -> list[float]:
    return [n / rate for n in range(int(rate * seconds) + 1)]


def counted(*counts: float) -> list[Sample]:
    """Read each second, from a second before the first event on."""
    return [Sample(float(second), count) for second, count in enumerate(counts, -1)]


def test_a_count_is_known_between_its_samples_and_nowhere_else() -> None:
    samples = counted(100, 100, 300)
    assert [count_at(samples, at) for at in (-1, 0, 0.25, 1)] == [100, 100, 150, 300]
    assert rate_between(samples, 0.5, 1) == 200
    with pytest.raises(ValueError, match=r"no samples around 1\.5"):
        count_at(samples, 1.5)


def test_what_is_sustained_is_counted_while_more_is_sent_and_without_the_lead() -> None:
    # 5 a second while 8 are sent; none in the first second, and 20 once the sender is at rest.
    found = sustained(counted(70, 70, 70, 75, 80, 85, 105), sent(8, 4), lead_s=1)
    assert found["messages_s"] == 5
    assert found["offered_s"] == 8
    assert found["behind_last"] == 33 - 15
    assert found["at_least"] is False


@pytest.mark.parametrize(("slow", "at_least"), [(0, True), (30, False)])
def test_a_worker_that_ran_dry_could_have_taken_more(slow: int, at_least: bool) -> None:
    samples = counted(0, 0, 100 - slow, 200 - slow, 300 - slow, 400 - slow, 401)
    found = sustained(samples, sent(100, 4), lead_s=1)
    assert found["messages_s"] == found["offered_s"] == 100
    assert found["at_least"] is at_least


def test_a_sustained_run_is_longer_than_its_lead() -> None:
    with pytest.raises(ValueError, match=r"sent for 2\.0 s, of which 2\.0 are the lead"):
        sustained(counted(0, 0, 10, 20, 30), sent(10, 2), lead_s=2)


@pytest.mark.parametrize(
    ("bounds", "told"),
    [([], False), ([10], True), ([20], True), ([30], False), ([30, 10], True)],
)
def test_a_median_is_a_bound_where_a_run_below_it_is(bounds: list[int], told: bool) -> None:
    runs = [{"messages_s": rate, "at_least": rate in bounds} for rate in (10, 20, 30)]
    assert bounded(runs) is told


def test_a_gauge_is_read_before_while_and_after_and_raises_what_reading_raised() -> None:
    counts = iter(range(1000))
    with Gauge(lambda: next(counts), every_s=0.01) as gauge:
        while len(gauge.samples) < 3:
            time.sleep(0.01)
    assert [each.count for each in gauge.samples] == list(range(len(gauge.samples)))
    assert len(gauge.samples) >= 4
    few = iter([1.0])
    with pytest.raises(StopIteration), Gauge(lambda: next(few), every_s=0.01):
        time.sleep(0.1)


def test_a_run_at_a_rate_is_told_by_stretches_without_its_lead() -> None:
    """A snapshot a second, alerts 30 ms after three of them; two stretches of 4 s after 2 s."""
    events = [Event(b"p", b"{}", 7) for _ in range(10)]
    causes = {Said(b"p", b"%d" % n): n for n in (1, 3, 8)}
    read = [Read(said, 100 + n + 0.02, 100 + n + 0.03) for said, n in causes.items()]
    run = Paced(1.0, events, [100.0 + n for n in range(10)], read, causes)
    written = [Written(at, size) for at, size in ((101.5, 500), (103, 70), (105, 70), (107, 280))]
    written.append(Written(112, 80))  # put off until after the last event
    cpu = [Sample(99, 0), Sample(102, 3), Sample(106, 4), Sample(109, 7), Sample(115, 9)]
    first, second = stretches(run, written, cpu, 1100, 2, 4)
    assert (first["messages"], second["messages"]) == (4, 4)
    assert [each["arrived_ms"] for each in (first, second)] == [[30.0], [30.0]]
    assert first["stored_p99_ms"] == pytest.approx(20)
    assert (first["cores"], second["cores"]) == (0.25, 1)
    assert first["changelog"]["records"] == 2
    assert first["changelog"]["bytes"] == 140
    assert first["changelog"]["disk"] == 154  # 1,100 on disk for 1,000 of keys and values
    assert first["changelog"]["per_snapshot"] == pytest.approx(154 / 4)
    assert second["changelog"]["per_snapshot"] == pytest.approx(308 / 4)
    whole = run.figures()
    assert (whole["messages"], whole["readings"], whole["alerts"]) == (10, 70, 3)


@pytest.mark.parametrize("grown", [None, 900])
def test_what_a_compacted_or_silent_disk_says_makes_nothing_lighter(grown: int | None) -> None:
    events = [Event(b"p", b"{}", 7) for _ in range(4)]
    run = Paced(1.0, events, [100.0 + n for n in range(4)], [], {})
    cpu = [Sample(99, 0), Sample(110, 1)]
    (found,) = stretches(run, [Written(101, 1000)], cpu, grown, 0, 4)
    assert found["changelog"]["per_snapshot"] == 250
    assert found["p99_ms"] is None


def result(
    patients: int,
    stay_s: int,
    workers: int,
    *,
    rate: float = 6000,
    cpu: float = 10,
    heavy: float = 300,
) -> dict[str, Any]:
    """A case as it is measured, with rounds of a little spread."""
    log = {"records": 10, "bytes": 1, "disk": 1, "per_snapshot": heavy, "per_reading": heavy / 7}
    throughput = [
        {
            "messages": 100, "messages_s": rate * each, "readings_s": rate * 7 * each,
            "cpu_s_per_100k": cpu, "peak_kb": 100_000 + 90 * patients, "changelog": log,
            "resident_kb": 100_000 + 20 * patients + 600 * number, "load_average": 3.0,
        }
        for number, each in enumerate((0.9, 1, 1.2))
    ]  # fmt: skip
    latency = [
        {
            "rate": rate / 2, "messages": 100, "alerts": 2, "p50_ms": 20.0, "p99_ms": 90.0,
            "max_ms": 90.0, "stored_p99_ms": 80.0, "arrived_ms": [20.0, 90.0], "changelog": log,
            "cores": 0.5,
        }
    ]  # fmt: skip
    recovery = [{"seconds": 11.0, "alerts": 3, "tables_s": 0.5, "records": 1000.0}]
    sustained = [{"messages_s": rate * each, "at_least": False} for each in (0.5, 0.6, 0.8)]
    return {
        "patients": patients, "stay_s": stay_s, "workers": workers, "throughput": throughput,
        "sustained": sustained,
        "memory_kb": {"ready": 90_000, "history": 95_000, "at_rest": 103_000 + 20 * patients},
        "latency": {"0.5": latency, "0.9": latency}, "recovery": recovery,
        "real_time": [] if patients > rate else latency,
    }  # fmt: skip


def document(*cases: dict[str, Any], cores: int = 8) -> dict[str, Any]:
    runs = [{"messages_s": 1000.0, "cpu_s_per_100k": 5.0, "peak_kb": 50_000}]
    found: dict[str, Any] = {
        name: {"does": "something", "runs": runs}
        for name in ("naive Faust", "aiokafka json", "aiokafka orjson", "Quix, stored")
    }
    found["Quix, in memory"] = {"does": "something", "absent": "it is not installed"}
    return {
        "date": "2100-01-01", "seed": 1, "runs": 3, "messages": 100, "latency_s": 1,
        "broker": "none", "void": [], "cases": list(cases),
        "machine": {"cpu": "a", "cores": cores, "memory_gb": 1, "system": "b", "python": "c",
                    "versions": {"stormwatch": "0"}},
        "yardsticks": {"case": "1,000 patients, 1 h, 1 worker", "found": found},
    }  # fmt: skip


def reached(*cases: dict[str, Any], cores: int = 8) -> dict[str, tuple[float | None, bool | None]]:
    return {
        each.name: (each.value, each.reached) for each in targets(document(*cases, cores=cores))
    }


WARD = result(1000, 3600, 1)


def test_ratios_are_those_to_the_yardsticks_of_the_same_run() -> None:
    found = reached(WARD)
    assert found["messages/s, times the naive Faust agent"] == (6, True)
    assert found["messages/s, times Quix Streams with the same engine, in memory"] == (None, None)
    slow = reached(result(1000, 3600, 1, rate=5999))
    assert slow["messages/s, times the naive Faust agent"][1] is False


def test_the_worst_case_decides_a_limit() -> None:
    name = "changelog bytes per accepted snapshot at 1 Hz"
    assert reached(WARD)[name] == (300, True)
    assert reached(WARD, result(10, 3600, 1, heavy=401))[name] == (401, False)
    too_many = result(10_000, 3600, 1, heavy=401)  # for one worker to take in real time
    assert reached(WARD, too_many)[name] == (300, True)


def test_cost_is_compared_between_the_ends_of_each_axis() -> None:
    few, many = result(10, 3600, 1, cpu=10), result(10_000, 3600, 1, cpu=11.5)
    long = result(10, 14 * 86_400, 1, cpu=10.9)
    found = reached(few, WARD, many, long)
    assert found["CPU per event, most patients against fewest"] == (1.15, False)
    assert found["CPU per event, longest stay against shortest"] == (1.09, True)
    # of the many at the end, of the few when it was least
    assert found["memory per patient, KB"] == (pytest.approx(20 + 3000 / 9990), True)


def test_results_of_before_tell_what_they_hold() -> None:
    few, many = result(10, 3600, 1), WARD
    old = [
        {k: v for k, v in case.items() if k not in {"memory_kb", "sustained"}}
        for case in (few, many)
    ]
    assert reached(*old)["memory per patient, KB"] == (pytest.approx(20 + 1200 / 990), True)
    shown = tables(document(*old))["throughput"]
    place = shown.heads.index("sustained messages/s")
    assert {row[place] for row in shown.rows} == {"\u2013"}
    assert "shares of the rate from a preloaded topic" in machine(document(*old))
    assert "shares of the rate from a preloaded topic" not in machine(document(few, many))


def test_the_sustained_rate_is_shown_with_its_spread_and_as_a_bound_where_it_is_one() -> None:
    bound = result(10, 3600, 1)
    bound["sustained"][1]["at_least"] = True
    shown = tables(document(WARD, bound))["throughput"]
    place = shown.heads.index("sustained messages/s")
    assert shown.rows[0][place] == "3,600 (3,000\u20134,800)"
    assert shown.rows[1][place] == "at least 3,600 (3,000\u20134,800)"


def test_workers_that_share_cores_are_judged_by_nothing_but_their_number() -> None:
    crowded = [result(n, 3600, 4, cpu=n, heavy=999) for n in (10, 1000)]
    assert reached(WARD, *crowded) == reached(WARD)


@pytest.mark.parametrize(
    ("rate", "cores", "expected"), [(11_000, 8, True), (8000, 8, False), (8000, 2, None)]
)
def test_two_workers_are_judged_where_cores_are_free(
    rate: float, cores: int, expected: bool | None
) -> None:
    found = reached(WARD, result(1000, 3600, 2, rate=rate), cores=cores)
    assert found["messages/s of two workers, times one"][1] is expected


def test_what_could_not_be_measured_is_said_in_the_table() -> None:
    rows = {row[0]: row for row in tables(document(WARD))["yardsticks"].rows}
    assert rows["Quix, in memory"][2] == "it is not installed"
    assert rows["**Stormwatch**"][2] == "6,000 (5,400\u20137,200)"


def test_the_page_holds_the_figures_of_the_results_and_no_others() -> None:
    text = PAGE.read_text("utf-8")
    assert rendered(text, json.loads(RESULTS.read_text("utf-8"))) == text, (
        "run: python -m tests.benchmarks.page"
    )
    assert rendered(text, document(WARD)) != text


def test_runs_of_several_commands_are_joined_where_they_can_be_compared() -> None:
    whole = json.loads(RESULTS.read_text("utf-8"))
    one, *others = ({**whole, "cases": [case], "yardsticks": {}} for case in whole["cases"])
    found = joined([{**one, "yardsticks": whole["yardsticks"]}, *others])
    assert {**found, "targets": []} == {**whole, "targets": []}
    assert found["targets"]
    with pytest.raises(ValueError, match="seed is 7 in one and 1 in another"):
        joined([one, {**one, "seed": 7}])


def test_the_page_says_where_others_used_the_machine() -> None:
    busy = result(10, 3600, 1)
    busy["throughput"][1]["load_average"] = 13.0
    assert "Others used the machine" in machine(document(busy))
    assert "Others used the machine" not in machine(document(WARD))


def test_every_kind_of_result_has_its_picture(tmp_path: Path) -> None:
    paths = draw(document(WARD, result(10, 3600, 1)), tmp_path / "plots")
    assert [path.name for path in paths] == ["throughput.svg", "latency.svg", "recovery.svg"]
    assert all("</svg>" in path.read_text("utf-8") for path in paths)
