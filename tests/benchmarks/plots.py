"""Throughput, latency and recovery as pictures (SVG), drawn from the results alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.benchmarks.plan import LOADS
from tests.benchmarks.spread import percentile, spread
from tests.benchmarks.targets import case_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.benchmarks.targets import Document


def draw(document: Document, folder: Path) -> list[Path]:
    """Writes throughput.svg, latency.svg and recovery.svg; returns their paths."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "stormwatch"  # the same results, the same bytes
    from matplotlib import pyplot as plt

    paths = []
    pictures: dict[str, Callable[[Any, Document], None]] = {
        "throughput": _throughput, "latency": _latency, "recovery": _recovery,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
        picture(axes, document)
        paths.append(folder / f"{name}.svg")
        figure.savefig(paths[-1], metadata={"Date": None})
        plt.close(figure)
    return paths


def _dots(axes: Any, rows: list[tuple[str, list[float]]]) -> None:
    """One dot a row at its median, with a line from the smallest to the largest run."""
    spreads = [spread(values) for _, values in rows]
    places = range(len(rows))
    middles = [each.median for each in spreads]
    reach = [
        [each.median - each.low for each in spreads],
        [each.high - each.median for each in spreads],
    ]
    axes.errorbar(middles, places, xerr=reach, fmt="o", markersize=4, capsize=2)
    axes.set_yticks(places, [name for name, _ in rows], fontsize=7)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)


def _throughput(axes: Any, document: Document) -> None:
    rows = [
        (f"{case_of(result)}{how}", [run["messages_s"] for run in runs])
        for result in document["cases"]
        for how, kind in (("", "throughput"), (", sustained", "sustained"))
        if (runs := result.get(kind))
    ]
    rows += [
        (name, [run["messages_s"] for run in each["runs"]])
        for name, each in document["yardsticks"].get("found", {}).items()
        if each.get("runs")
    ]
    _dots(axes, rows)
    axes.set_xscale("log")
    axes.set_xlabel("messages/s (median; the line spans all runs)")
    axes.set_title("Preloaded topic: the worker in each case, and the yardsticks")


def _latency(axes: Any, document: Document) -> None:
    for number, result in enumerate(document["cases"]):
        points = []
        for load in LOADS:
            pooled = [
                x for run in result["latency"].get(f"{load:g}", []) for x in run["arrived_ms"]
            ]
            if pooled:
                points.append((load, percentile(pooled, 0.5), percentile(pooled, 0.99)))
        if points:
            loads, middle, late = zip(*points, strict=True)
            (line,) = axes.plot(
                loads,
                late,
                marker="o",
                label=str(case_of(result)),
                color=f"C{number % 10}",
                linestyle="-" if number < 10 else "--",
            )
            axes.plot(loads, middle, linestyle=":", color=line.get_color())
    axes.plot([0.5, 0.9], [100, 250], "k_", markersize=20, label="wanted (p99)")
    axes.set_yscale("log")
    axes.set_xticks(LOADS, [f"{load:.0%}" for load in LOADS])
    axes.set_xlabel("share of the highest sustained rate")
    axes.set_ylabel("ms, p99 (dotted: p50)")
    axes.set_title("From produce to alert")
    axes.legend(fontsize=6, loc="upper left", bbox_to_anchor=(1, 1))


def _recovery(axes: Any, document: Document) -> None:
    rows = [
        (str(case_of(result)), [run["seconds"] for run in runs])
        for result in document["cases"]
        if (runs := [run for run in result["recovery"] if run["alerts"]])
    ]
    if rows:
        _dots(axes, rows)
    axes.set_xlabel("seconds from kill -9 until everything is said (session 10 s)")
    axes.set_title("Recovery")
