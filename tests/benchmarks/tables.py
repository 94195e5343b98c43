"""The results as rows of text: for the terminal and for the page alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.gauge import bounded
from tests.benchmarks.plan import LOADS
from tests.benchmarks.spread import percentile, short, spread
from tests.benchmarks.targets import at_rest_kb, case_of, targets

if TYPE_CHECKING:
    from tests.benchmarks.targets import Document

NONE = "\u2013"


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the heads of the columns, and the rows."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As a table of a page."""
        lines = ["| " + " | ".join(self.heads) + " |", "|" + "---|" * len(self.heads)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines)


def tables(document: Document) -> dict[str, Table]:
    """All tables by name, in order."""
    made = {
        "targets": target_table(document),
        "throughput": throughput_table(document),
        "latency": latency_table(document),
        "state": state_table(document),
        "recovery": recovery_table(document),
    }
    if document["yardsticks"]:
        made["yardsticks"] = yardstick_table(document)
    return made


def target_table(document: Document) -> Table:
    """What is wanted and what was reached."""
    rows = []
    for target in targets(document):
        value = NONE if target.value is None else short(target.value)
        reached = {True: "yes", False: "no", None: "not told by this run"}[target.reached]
        rows.append((target.name, target.wanted, value, reached, target.where))
    return Table("Targets", ("target", "wanted", "measured", "reached", "where"), tuple(rows))


def throughput_table(document: Document) -> Table:
    """A preloaded topic, and what is sustained beside a sender and a reader; one row a case."""
    rows = [
        (
            *_case(result),
            *_spreads(result["throughput"], "messages_s", "readings_s"),
            _sustained(result.get("sustained", [])),
            *_spreads(result["throughput"], "cpu_s_per_100k"),
            str(spread([run["peak_kb"] / 1024 for run in result["throughput"]])),
            short(at_rest_kb(result) / 1024),
        )
        for result in document["cases"]
        if result["throughput"]
    ]
    heads = (
        "messages/s", "readings/s", "sustained messages/s", "CPU s per 100,000",
        "peak memory, MiB", "memory at rest, MiB",
    )  # fmt: skip
    return Table("Throughput", (*_CASE, *heads), tuple(rows))


def latency_table(document: Document) -> Table:
    """From produce to alert, one row a case and load; the spread is that of the runs."""
    rows = [
        (
            *_case(result),
            load,
            short(runs[0]["rate"]),
            f"{sum(run['alerts'] for run in runs):,}",
            *_spreads(runs, "p50_ms", "p99_ms", "max_ms"),
            short(percentile([each for run in runs for each in run["arrived_ms"]], 0.99)),
            *_spreads(runs, "stored_p99_ms", "cores"),
        )
        for result in document["cases"]
        for load, timed in _loads(result).items()
        if (runs := [run for run in timed if run["alerts"]])
    ]
    heads = (
        "load", "messages/s", "alerts", "p50, ms", "p99, ms", "max, ms", "p99 of all runs, ms",
        "p99 to the broker, ms", "cores",
    )  # fmt: skip
    return Table("From produce to alert", (*_CASE, *heads), tuple(rows))


def state_table(document: Document) -> Table:
    """What the tables' changelogs grow by."""
    rows = []
    for result in document["cases"]:
        phases = {"preloaded": result["throughput"]}
        phases["1 Hz"] = result["real_time"]
        rows += [
            (
                *_case(result),
                phase,
                *_spreads([run["changelog"] for run in runs], "per_snapshot", "per_reading"),
                str(spread([run["changelog"]["records"] / run["messages"] for run in runs])),
            )
            for phase, runs in phases.items()
            if runs
        ]
    heads = ("load", "bytes per snapshot", "bytes per reading", "records per message")
    return Table("Changelogs", (*_CASE, *heads), tuple(rows))


def recovery_table(document: Document) -> Table:
    """From a kill -9."""
    rows = [
        (
            *_case(result),
            *_spreads(runs, "seconds", "tables_s", "records"),
        )
        for result in document["cases"]
        if (runs := [run for run in result["recovery"] if run["alerts"]])
    ]
    heads = ("until all is said, s", "of that reading tables, s", "records read")
    return Table("Recovery from kill -9", (*_CASE, *heads), tuple(rows))


def yardstick_table(document: Document) -> Table:
    """The worker and the other programs on the same events, in messages/s and CPU."""
    found = document["yardsticks"]
    all_of_it = "everything: grades, state, alerts, acknowledged"
    rows: list[tuple[str, ...]] = [
        ("**Stormwatch**", all_of_it, *_speed(result["throughput"]))
        for result in document["cases"]
        if str(case_of(result)) == found["case"]
    ]
    for name, each in found["found"].items():
        absent = each.get("absent")
        figures = (absent, NONE, NONE) if absent else _speed(each["runs"])
        rows.append((name, each["does"], *figures))
    heads = ("program", "does", "messages/s", "CPU s per 100,000", "peak memory, MiB")
    return Table(f"Yardsticks ({found['case']})", heads, tuple(rows))


_CASE = ("patients", "stay", "workers")


def _loads(result: Document) -> dict[str, list[Document]]:
    """Runs at a rate, by what the rate is called."""
    shares = {f"{load:.0%}": result["latency"].get(f"{load:g}", []) for load in LOADS}
    return {**shares, "1 Hz": result["real_time"]}


def _case(result: Document) -> tuple[str, str, str]:
    case = case_of(result)
    return f"{case.patients:,}", case.stay, str(case.workers)


def _sustained(runs: list[Document]) -> str:
    if not runs:
        return NONE
    return "at least " * bounded(runs) + _spreads(runs, "messages_s")[0]


def _spreads(runs: list[Document], *names: str) -> tuple[str, ...]:
    return tuple(str(spread([run[name] for run in runs])) for name in names)


def _speed(runs: list[Document]) -> tuple[str, ...]:
    return (
        *_spreads(runs, "messages_s", "cpu_s_per_100k"),
        str(spread([run["peak_kb"] / 1024 for run in runs])),
    )
