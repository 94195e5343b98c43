"""`stormwatch burden`: how much alarms ask of people, by the figures of ANSI/ISA-18.2."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.exits import FAILED, CommandError
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PrefixOption,
    SetOption,
    moment_from,
    settings_from,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = (
    "stormwatch burden --since 2026-03-01T07:00:00Z --until 2026-03-08T07:00:00Z",
    "stormwatch grade tests/data/ward.jsonl | stormwatch burden -",
    "stormwatch burden alerts.jsonl --json",
)
Json = dict[str, Any]


def burden(
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE…]",
            help="Alerts as JSON lines; - is standard input. Without: the alerts topic.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Alerts said from then on."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Alerts said before then.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """Count alarms, how long answers took, and what nobody answered, over a stretch of alerts.

    Of the topic it only looks at what is there now. Status 1 where there is no alert at all.
    """
    from stream.burden import Burden

    first = None if since is None else moment_from("--since", since)
    last = None if until is None else moment_from("--until", until)
    if files:
        values = _lines(files)
    else:
        from stream.cli.topic_events import alert_values

        values = alert_values(
            settings_from(
                config_file, assign, bootstrap_servers=bootstrap, topic_prefix=topic_prefix
            )
        )
    taken, bad = Burden(), 0
    for value in values:
        try:
            alert = json.loads(value)
            said = datetime.fromisoformat(alert["emitted_time"])
            if (first is None or said >= first) and (last is None or said < last):
                taken.take(alert)
        except (ValueError, KeyError, TypeError):
            bad += 1
    if bad:
        print(f"stormwatch: {bad} records are no alerts; left out", file=sys.stderr)
    if not taken.alerts:
        raise CommandError("no alert was found", FAILED)
    report = taken.report()
    if as_json:
        print(json.dumps(report, default=_rfc3339))
    else:
        _show(report)


def _lines(files: list[Path]) -> Iterator[bytes]:
    from stream.cli.lines import records

    for line in records(files):
        yield line.raw


def _rfc3339(value: object) -> str:
    assert isinstance(value, datetime)
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _show(report: Json) -> None:
    """One figure a line; tables within it in one line too."""
    from stream.sentences import duration

    for name, value in report.items():
        words = name.replace("_", " ")
        if name == "time_to_answer_s":
            for priority, times in value.items():
                if times is not None:
                    told = ", ".join(
                        f"{key} {duration(times[key])}" for key in ("median", "p90", "longest")
                    )
                    print(f"{f'time to answer, {priority}':26} {told} ({times['count']} answers)")
        elif isinstance(value, dict):
            print(f"{words:26} {', '.join(f'{key}: {n}' for key, n in value.items()) or '-'}")
        elif isinstance(value, datetime):
            print(f"{words:26} {_rfc3339(value)}")
        else:
            print(f"{words:26} {'-' if value is None else value}")
