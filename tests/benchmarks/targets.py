"""The targets, each as a ratio or a limit within one run on one machine: what was reached."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from tests.benchmarks.plan import Case
from tests.benchmarks.spread import percentile, spread

if TYPE_CHECKING:
    from collections.abc import Iterable

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted and what was measured; `value` None: this run does not tell."""

    name: str
    wanted: str
    value: float | None
    reached: bool | None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and the case it is from."""

    value: float
    where: str


def case_of(result: Document) -> Case:
    """The case that a result is of."""
    return Case(result["patients"], result["stay_s"], result["workers"])


def median(result: Document, name: str) -> float:
    """Over the runs of throughput."""
    return spread([run[name] for run in result["throughput"]]).median


def targets(document: Document) -> list[Target]:
    """Every target; where several cases with one worker count, the worst one."""
    alone = [result for result in document["cases"] if result["workers"] == 1]
    return [
        *_ratios(document),
        *_latencies(alone),
        *_state(alone),
        *_flatness(alone),
        _scaling(document),
    ]


def _ratios(document: Document) -> list[Target]:
    found = document["yardsticks"]
    ours = next((r for r in document["cases"] if str(case_of(r)) == found.get("case")), None)
    wanted = (
        ("naive Faust", 6.0, "messages/s, times the naive Faust agent"),
        ("aiokafka json", 0.5, "messages/s, share of the bare aiokafka loop (json)"),
        ("aiokafka orjson", 0.5, "messages/s, share of the bare aiokafka loop (orjson)"),
        ("Quix, stored", 1.0, "messages/s, times Quix Streams with the same engine, stored"),
        ("Quix, in memory", 1.0, "messages/s, times Quix Streams with the same engine, in memory"),
    )
    rows = []
    for name, least, text in wanted:
        runs = found.get("found", {}).get(name, {}).get("runs", [])
        value = None
        if runs and ours:
            theirs = spread([run["messages_s"] for run in runs]).median
            value = median(ours, "messages_s") / theirs
        rows.append(_judged(text, least, value, "at least", found.get("case", "")))
    return rows


def _latencies(cases: list[Document]) -> Iterable[Target]:
    for load, limit in (("0.5", 100.0), ("0.9", 250.0)):
        figures = [
            Figure(percentile(pooled, 0.99), str(case_of(result)))
            for result in cases
            if (pooled := [x for run in result["latency"].get(load, []) for x in run["arrived_ms"]])
        ]
        text = f"p99 from produce to alert at {float(load):.0%} of the rate, ms"
        yield _worst(text, limit, figures)


def _state(cases: list[Document]) -> Iterable[Target]:
    timed = [case for case in map(case_of, cases) if _timed(cases, case)]
    figures = [Figure(_heavy(cases, case), str(case)) for case in timed]
    yield _worst("changelog bytes per accepted snapshot at 1 Hz", 400.0, figures)
    grown = [
        Figure(_heavy(cases, long) / _heavy(cases, short), f"{long} against {short.stay}")
        for short, long in _pairs(cases, "stay_s")
        if short in timed and long in timed
    ]
    yield _worst("changelog bytes per snapshot at 1 Hz, longest stay against shortest", 1.1, grown)
    weights = [
        Figure(
            (at_rest_kb(_of(cases, many)) - _least_kb(_of(cases, few)))
            / (many.patients - few.patients),
            f"{many} against {few.patients:,} patients",
        )
        for few, many in _pairs(cases, "patients")
    ]
    yield _worst("memory per patient, KB", 30.0, weights)


def _least_kb(result: Document) -> int:
    """After whichever run of throughput it was least: few patients have a long record at the end,
    which is no part of what a worker takes without patients.
    """
    return min(run["resident_kb"] for run in result["throughput"])


def at_rest_kb(result: Document) -> int:
    """Resident memory of the case's workers after the runs of throughput, all written, in KiB."""
    # The same moment under another name, in results that are older than this figure.
    weighed: dict[str, int] = result.get("memory_kb", {})
    return weighed.get("at_rest", result["throughput"][-1]["resident_kb"])


def _timed(cases: list[Document], case: Case) -> list[Document]:
    runs: list[Document] = _of(cases, case)["real_time"]
    return runs


def _heavy(cases: list[Document], case: Case) -> float:
    """The mean: one run may write what another put off."""
    return fmean(run["changelog"]["per_snapshot"] for run in _timed(cases, case))


def _flatness(cases: list[Document]) -> Iterable[Target]:
    for axis, text in (
        ("patients", "CPU per event, most patients against fewest"),
        ("stay_s", "CPU per event, longest stay against shortest"),
    ):
        grown = [
            Figure(_cpu(cases, high) / _cpu(cases, low), f"{high} against {low}")
            for low, high in _pairs(cases, axis)
        ]
        yield _worst(text, 1.1, grown)


def _scaling(document: Document) -> Target:
    cases = document["cases"]
    figures = [
        Figure(
            median(_of(cases, two), "messages_s") / median(_of(cases, one), "messages_s"), str(two)
        )
        for one in map(case_of, cases)
        if one.workers == 1
        for two in [Case(one.patients, one.stay_s, 2)]
        if any(case_of(result) == two for result in cases)
    ]
    text = "messages/s of two workers, times one"
    if not figures:
        return _judged(text, 1.8, None, "at least", "")
    worst = min(figures, key=lambda figure: figure.value)
    cores = document["machine"]["cores"]
    if cores < 4:  # two workers, the broker, the harness
        where = f"{worst.where}; no free cores: {cores} for workers, broker and harness"
        return Target(text, "at least 1.8", worst.value, worst.value >= 1.8 or None, where)
    return _judged(text, 1.8, worst.value, "at least", worst.where)


def _pairs(cases: list[Document], axis: str) -> list[tuple[Case, Case]]:
    """The smallest and the largest case along an axis, all else alike."""
    groups: dict[tuple[int, ...], list[Case]] = {}
    for result in cases:
        if result["throughput"]:
            case = case_of(result)
            alike = {"patients": case.patients, "stay_s": case.stay_s, "workers": case.workers}
            del alike[axis]
            groups.setdefault(tuple(alike.values()), []).append(case)
    return [
        (min(group, key=lambda c: getattr(c, axis)), max(group, key=lambda c: getattr(c, axis)))
        for group in groups.values()
        if len(group) > 1
    ]


def _cpu(cases: list[Document], case: Case) -> float:
    return median(_of(cases, case), "cpu_s_per_100k")


def _of(cases: list[Document], case: Case) -> Document:
    return next(result for result in cases if case_of(result) == case)


def _worst(text: str, limit: float, figures: list[Figure]) -> Target:
    if not figures:
        return _judged(text, limit, None, "at most", "")
    worst = max(figures, key=lambda figure: figure.value)
    return _judged(text, limit, worst.value, "at most", worst.where)


def _judged(
    text: str, limit: float, value: float | None, how: Literal["at least", "at most"], where: str
) -> Target:
    shown = f"{how} {limit:g}"
    if value is None:
        return Target(text, shown, None, None, where)
    return Target(
        text, shown, value, value >= limit if how == "at least" else value <= limit, where
    )
