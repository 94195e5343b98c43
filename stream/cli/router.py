"""`stormwatch router`: the process that delivers."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

from typing import Annotated

import typer

from stream.cli.exits import CommandError
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PrefixOption,
    SetOption,
    settings_from,
)
from stream.cli.route import RoutesOption, loaded_routes

EXAMPLES = (
    "stormwatch router",
    "stormwatch router --routes /etc/stormwatch/routes.toml --bootstrap kafka:9092",
)


def router(
    *,
    routes: RoutesOption = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            help="Port of /metrics, /livez, /readyz, /acknowledgements.",
            show_default=False,
        ),
    ] = None,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """Deliver alerts by the routes: webhooks, mail, HL7, FHIR, Alertmanager, files.

    Each route reads the topic alerts at its own pace, and what was sent, to whom, and with what
    answer goes to the topic audit. It runs until SIGTERM or Ctrl-C, finishes what is under way, and
    ends with status 0. Have it started again whenever it ends, except after status 2.
    """
    settings = settings_from(
        config_file,
        assign,
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
        router_port=port,
        routes=routes,
    )
    loaded_routes(settings.routes)  # a wrong file is better told now than in the log
    from stream.router.run import run_router

    code = run_router(settings)
    if code:
        raise CommandError("the router has ended in failure; the log above says why", code)
