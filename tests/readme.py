"""The README's tables, made from the code: `python -m tests.readme` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

from schemas.deadletter import ReasonCode
from stream.cli.app import app
from stream.metrics import METRICS, MetricSpec
from stream.router.metrics import ROUTER_METRICS
from stream.settings import Settings
from stream.topics import plan
from stream.verify.findings import Kind
from stream.worker.progress import PARTS

README = Path(__file__).parents[1] / "README.md"


def commands() -> str:
    group = typer.main.get_command(app)
    rows = ["| command | |", "|---|---|"]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        summary = (command.help or "").split("\n\n")[0].replace("\n", " ")
        rows.append(f"| `stormwatch {name}` | {summary} |")
    return "\n".join(rows)


def settings() -> str:
    rows = ["| setting | default | |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default is None else field.default
        shown = f"`{default}`" if default != "" else ""
        rows.append(f"| `STORMWATCH_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def metrics() -> str:
    return _metrics(METRICS)


def router_metrics() -> str:
    return _metrics(ROUTER_METRICS)


def _metrics(specs: tuple[MetricSpec, ...]) -> str:
    rows = ["| metric | kind | labels | |", "|---|---|---|---|"]
    for spec in specs:
        labels = " ".join(f"`{label}`" for label in spec.labels)
        rows.append(f"| `{spec.name}` | {spec.kind} | {labels} | {spec.help} |")
    return "\n".join(rows)


def topics() -> str:
    rows = ["| topic | kept | |", "|---|---|---|"]
    for spec in plan(8, 1):
        compact = spec.configs["cleanup.policy"] == "compact"
        days = "" if compact else f"{int(spec.configs['retention.ms']) // 86_400_000} days"
        rows.append(f"| `{spec.name}` | {'compacted' if compact else days} | {spec.purpose} |")
    return "\n".join(rows)


def parts() -> str:
    rows = ["| exit code | part | |", "|---|---|---|"]
    for part, spec in PARTS.items():
        rows.append(f"| {spec.exit_code} | `{part.value}` | {spec.sentence} |")
    return "\n".join(rows)


def deadletters() -> str:
    rows = ["| reason | what to do |", "|---|---|"]
    rows += [f"| `{code.value}` | {code.advice} |" for code in ReasonCode]
    return "\n".join(rows)


def findings() -> str:
    rows = ["| kind | | what it means | what to do |", "|---|---|---|---|"]
    for kind in Kind:
        weight = kind.weight.replace("_", " ")
        rows.append(f"| `{kind.value}` | {weight} | {kind.meaning} | {kind.advice} |")
    return "\n".join(rows)


TABLES = {
    "commands": commands,
    "settings": settings,
    "metrics": metrics,
    "router metrics": router_metrics,
    "parts": parts,
    "topics": topics,
    "deadletters": deadletters,
    "findings": findings,
}


def rendered(text: str) -> str:
    """The text with every table between its marks made anew."""
    for name, make in TABLES.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text, found = re.subn(
            pattern, rf"\g<1>{make()}\n\g<2>".replace("\\n", "\n"), text, flags=re.DOTALL
        )
        if found != 1:
            raise SystemExit(f"README.md: expected one <!-- {name} --> ... <!-- /{name} -->")
    return text


if __name__ == "__main__":
    README.write_text(rendered(README.read_text("utf-8")), encoding="utf-8")
