"""`stormwatch route`: where an alert would go, and whether a file of routes can be used."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.exits import FAILED, USAGE, CommandError
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PrefixOption,
    SetOption,
    moment_from,
    settings_from,
)

if TYPE_CHECKING:
    from stream.router.config import Routes
    from stream.settings import Settings

TEST_EXAMPLES = (
    "stormwatch route test alert.json --routes routes.toml --location ward-7/bed-12",
    "stormwatch grade events.jsonl | tail -1 | stormwatch route test -",
    "stormwatch route test 22eca9f6-bed7-5122-b6dd-342df8609c86 --bootstrap kafka:9092",
)
CHECK_EXAMPLES = ("stormwatch route check --routes routes.toml",)
MOST_BYTES = 1_048_576

RoutesOption = Annotated[
    Path | None,
    typer.Option(
        "--routes",
        metavar="FILE",
        help="Routes; else the setting routes, else the packaged ones.",
        show_default=False,
    ),
]


def would_go(
    event: Annotated[
        str,
        typer.Argument(help="An alert as JSON in a file; - is standard input; or its alert_id."),
    ],
    *,
    routes: RoutesOption = None,
    location: Annotated[
        str | None,
        typer.Option(
            "--location", metavar="TEXT", help="Where the patient is.", show_default=False
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", help="When it is said, RFC 3339; else now.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """Say where an alert would go and why, and why not elsewhere. Nothing is sent.

    An alert_id is looked up in the topic alerts.
    The status is 1 where no route takes it. Where the patient is comes from the topic status when
    the router runs; here it is said with --location.
    """
    from stream.router.alerts import Place, Unreadable, read_alert
    from stream.router.matching import decide

    settings = settings_from(
        config_file,
        assign,
        routes=routes,
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
    )
    loaded = loaded_routes(settings.routes)
    moment = datetime.now(UTC) if at is None else moment_from("--at", at)
    raw = _event(event, settings)
    try:
        alert = read_alert(raw, Place("alerts", 0, 0, int(moment.timestamp() * 1000)))
    except Unreadable as error:
        raise CommandError(f"{event} is no alert: {error}", USAGE) from None
    verdicts = decide(loaded, alert, location, moment)
    receivers = {route.name: loaded.receiver[route.receiver] for route in loaded.route}
    for verdict in verdicts:
        kind = receivers[verdict.route].kind
        if as_json:
            row = {
                "route": verdict.route,
                "takes": verdict.takes,
                "kind": kind,
                "why": list(verdict.why),
            }
            print(json.dumps(row, ensure_ascii=False))
        else:
            route = loaded.named(verdict.route)
            after = (
                f"; if not delivered within {route.otherwise_s:g} s, also {route.otherwise}"
                if verdict.takes and route is not None and route.otherwise is not None
                else ""
            )
            word = "->" if verdict.takes else "  "
            print(f"{word} {verdict.route} ({kind}): {'; '.join(verdict.why)}{after}")
    if not any(verdict.takes for verdict in verdicts):
        raise CommandError("no route takes this alert", FAILED)


def check(
    *, routes: RoutesOption = None, config_file: ConfigOption = None, assign: SetOption = None
) -> None:
    """See whether a file of routes can be used; say what is wrong where not."""
    loaded = routes_from(config_file, assign, routes)
    kinds = sorted({receiver.kind for receiver in loaded.receiver.values()})
    for route in loaded.route:
        if route.otherwise is None and (not route.priority or "high" in route.priority):
            print(
                f"route {route.name!r}: what it cannot deliver goes nowhere else; see `otherwise`"
            )
    print(f"{len(loaded.route)} routes to {len(loaded.receiver)} receivers ({', '.join(kinds)})")


def routes_from(config_file: Path | None, assign: list[str] | None, path: Path | None) -> Routes:
    """The routes of `--routes`, else of the settings."""
    return loaded_routes(settings_from(config_file, assign, routes=path).routes)


def loaded_routes(path: Path | None) -> Routes:
    """The routes of a file; ends the command with what is wrong with them."""
    from stream.router.config import RoutesError, load_routes

    try:
        return load_routes(path)
    except RoutesError as error:
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        raise CommandError(f"routes {path} cannot be used:{lines}", USAGE) from None


def _event(name: str, settings: Settings) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(MOST_BYTES)
    if _is_id(name) and not Path(name).exists():
        from stream.cli.topic_events import alert_record

        found = alert_record(settings, name)
        if found is None:
            raise CommandError(f"no alert {name} is on the alerts topic, and no such file", FAILED)
        return json.dumps(found).encode()
    try:
        with Path(name).open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise CommandError(f"cannot read {name}: {error.strerror}", USAGE) from None


def _is_id(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False
