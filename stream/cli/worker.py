"""`stormwatch worker`: the process that grades."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

from typing import Annotated

import typer

from stream.cli.exits import CommandError
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PrefixOption,
    RulesetOption,
    SetOption,
    ruleset_from,
    settings_from,
)

EXAMPLES = (
    "stormwatch worker",
    "stormwatch worker --bootstrap kafka:9092 --metrics-port 9109",
    "stormwatch worker --config ward.toml --set batch_within_s=0.02 --set log_format=console",
)


def worker(
    *,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port", help="Port of /metrics, /livez and /readyz.", show_default=False
        ),
    ] = None,
    ruleset: RulesetOption = None,
    assign: SetOption = None,
) -> None:
    """Run a worker: read vitals and care, grade, write alerts, status and dead letters.

    It runs until SIGTERM or Ctrl-C, finishes what it has begun, and ends with status 0. Start as
    many as there is work; the partitions are shared out among them. Logs go to standard error.
    A worker that is stuck ends with a status from 71 to 82, which the log explains: have it
    started again whenever it ends.
    """
    settings = settings_from(
        config_file,
        assign,
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
        metrics_port=metrics_port,
        ruleset=ruleset,
    )
    ruleset_from(settings.ruleset)  # a wrong file is better told now than in the log
    from stream.worker.run import run_worker

    code = run_worker(settings)
    if code:
        raise CommandError("the worker has ended in failure; the log above says why", code)
