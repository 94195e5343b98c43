"""What was found, in JSON lines for programs and in tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.verify.findings import Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from stream.verify.findings import Finding, Kind, Report

SHOWN = 20
"""Rows of each kind in a table; the rest is counted."""
COUNTED = ("partitions", "records", "patients", "alerts", "repeats")
TITLES = {
    Weight.FINDING: "Not as it must be",
    Weight.UNDECIDED: "Not decidable",
    Weight.NOTE: "Good to know",
}


def as_json(finding: Finding, name: Callable[[str], str]) -> dict[str, Any]:
    """One finding, JSON-ready; `name` says how a patient is called."""
    return {
        "type": finding.kind.weight.value,
        "kind": finding.kind.value,
        "patient": None if finding.patient is None else name(finding.patient),
        "topic": finding.topic,
        "partition": finding.partition,
        "offsets": list(finding.offsets),
        "alert_ids": list(finding.ids),
        "detail": finding.detail or None,
        "meaning": finding.kind.meaning,
        "advice": finding.kind.advice,
    }


def summary(report: Report) -> dict[str, Any]:
    """What was looked at and how much was found, JSON-ready."""
    return {
        "type": "summary",
        "consistent": report.consistent,
        "findings": report.count(Weight.FINDING),
        "not_decidable": report.count(Weight.UNDECIDED),
        "notes": report.count(Weight.NOTE),
        **dict(sorted(report.seen.items())),
    }


def show(report: Report, name: Callable[[str], str], console: Console) -> None:
    """A table for each kind that was found, gravest first, then one line about it all."""
    from rich.table import Table  # noqa: PLC0415 - slow, and not needed for JSON

    for weight in Weight:
        for kind, found in _by_kind(report, weight):
            count = report.kinds[kind]
            console.print(f"{TITLES[weight]}: {kind.value} ({count})", style="bold")
            console.print(f"{kind.meaning} {kind.advice}", highlight=False)
            rows = Table(box=None, padding=(0, 2, 0, 0))
            for column in ("patient", "where", "alerts", "about"):
                rows.add_column(column, overflow="fold")
            for finding in found[:SHOWN]:
                patient = "" if finding.patient is None else name(finding.patient)
                rows.add_row(patient, where(finding), "\n".join(finding.ids), finding.detail)
            if count > SHOWN:
                rows.add_row("", f"… and {count - SHOWN} more", "", "--json shows all")
            console.print(rows)
            console.print()
    for line in closing(report):
        console.print(line, highlight=False)


def where(finding: Finding) -> str:
    """`alerts[3]@17`, or `file:17`."""
    if finding.partition is None:
        return ", ".join(f"{finding.topic}:{line}" for line in finding.offsets) or finding.topic
    offsets = ", ".join(map(str, finding.offsets))
    return f"{finding.topic}[{finding.partition}]" + (f"@{offsets}" if offsets else "")


def closing(report: Report) -> Iterator[str]:
    """What was looked at, and what came of it."""
    seen = report.seen
    counts = [f"{name}: {seen[name]}" for name in COUNTED if name in seen]
    yield "looked at  " + "  ".join(counts)
    undecided = report.count(Weight.UNDECIDED)
    word = "consistent" if report.consistent else f"{report.count(Weight.FINDING)} findings"
    yield word + (f"; {undecided} not decidable" if undecided else "")


def _by_kind(report: Report, weight: Weight) -> Iterator[tuple[Kind, list[Finding]]]:
    kinds = dict.fromkeys(f.kind for f in report.findings if f.kind.weight is weight)
    for kind in kinds:
        yield kind, [finding for finding in report.findings if finding.kind is kind]
