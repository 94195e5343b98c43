"""What a run came to, for people and as JSON. Patients appear as hashes only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.table import Table

from stream.version import ENGINE_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from stream.soak.trial import Plan, Result

SHOWN = 40
COUNTS = {
    "records": "records in the log",
    "accepted": "of them accepted",
    "patients": "patients",
    "alerts": "alerts, as the engine says them",
    "alerts repeated": "sent again, with the same id and bytes",
    "dead letters": "dead letters",
    "dead letters repeated": "sent again",
}


def document(plan: Plan, result: Result) -> dict[str, Any]:
    """Everything about a run, JSON-ready."""
    return {
        "kept": result.verdict.kept,
        "seed": plan.seed,
        "events": plan.events,
        "workers": plan.workers,
        "engine_version": ENGINE_VERSION,
        "faults": {"done": _by_name(result.done), "missed": _by_name(result.missed)},
        "worker_ends": {str(code): count for code, count in sorted(result.ends.items())},
        "resent_by_feeder": result.resent,
        "seconds": round(result.seconds, 1),
        "counts": {name: result.verdict.counts[name] for name in COUNTS},
        "damages": [
            {"code": damage.code.value, "patient": damage.patient, "detail": damage.detail}
            for damage in result.verdict.damages
        ],
    }


def show(console: Console, plan: Plan, result: Result) -> None:
    """The same in tables, and the verdict in the last line."""
    faults = Table(title=f"faults of seed {plan.seed}", title_justify="left")
    for column in ("fault", "done", "did not come about"):
        faults.add_column(column, justify="left" if column == "fault" else "right")
    done, missed = _by_name(result.done), _by_name(result.missed)
    for name in sorted({*done, *missed}):
        faults.add_row(name, str(done.get(name, 0)), str(missed.get(name, 0) or ""))
    faults.add_row("all", str(len(result.done)), str(len(result.missed) or ""), style="bold")
    console.print(faults)
    counts = Table(show_header=False)
    for name, words in COUNTS.items():
        counts.add_row(words, f"{result.verdict.counts[name]:,}")
    counts.add_row("records a second, faults included", f"{_rate(result):,.0f}")
    counts.add_row("ends of workers, by exit status", _ends(result))
    console.print(counts)
    damages = result.verdict.damages
    for damage in damages[:SHOWN]:
        console.print(str(damage), style="red", markup=False, highlight=False)
    if len(damages) > SHOWN:
        console.print(f"… and {len(damages) - SHOWN} more", style="red")
    if result.verdict.kept:
        console.print("KEPT: every event counts once, no alert is lost, repeats are the same bytes")
    else:
        console.print(f"BROKEN in {len(damages)} ways", style="bold red")


def _by_name(faults: Iterable[Any]) -> dict[str, int]:
    return dict(sorted(Counter(map(str, faults)).items()))


def _rate(result: Result) -> float:
    return result.verdict.counts["records"] / result.seconds if result.seconds else 0.0


def _ends(result: Result) -> str:
    return ", ".join(f"{count} x {code}" for code, count in sorted(result.ends.items())) or "none"
