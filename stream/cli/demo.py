"""`stormwatch demo`: a ward that plays itself, with everything it needs."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import re
import signal
import sys
from typing import Annotated

import typer

from stream.cli.exits import BROKER, FAILED, INTERRUPTED, OK, USAGE, CommandError
from stream.cli.options import ConfigOption, settings_from

EXAMPLES = (
    "stormwatch demo",
    "stormwatch demo --for 30s --plain",
    "stormwatch demo --speed 600 --bootstrap localhost:9092",
)

UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def demo(
    *,
    duration: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="TIME",
            help="Run unattended for about so long, such as 30s or 2m.",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed",
            metavar="N",
            min=1,
            help="Seconds of the ward's clock per second; else it fits the time.",
            show_default=False,
        ),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a table.")] = False,
    bootstrap: Annotated[
        str | None,
        typer.Option(
            "--bootstrap",
            metavar="HOST:PORT",
            help="Use this broker, under topics of the demo's own, not the embedded one.",
            show_default=False,
        ),
    ] = None,
    config_file: ConfigOption = None,
) -> None:
    """Play a ward: scripted courses and real ICU stays, graded live; needs no Kafka.

    It starts a broker and a worker, sends four days of twelve patients in minutes, shows grades
    and alerts as they come, and serves the worker's metrics. At the end it compares the alerts,
    byte for byte, with what the engine says of the same events without Kafka: status 1 if they
    differ. Ctrl-C ends it, and everything it has started.
    """
    seconds = None if duration is None else _seconds(duration)
    try:
        from stream.demo.play import Wish, play
        from stream.demo.stage import BrokerGoneError, DemoError
        from stream.demo.worker import WorkerFailedError
    except ImportError as error:
        raise CommandError(
            f"the demo needs {error.name}: pip install 'stormwatch[demo]'", USAGE
        ) from None
    own = None
    if bootstrap is not None:
        own = settings_from(config_file, bootstrap_servers=bootstrap)
    wish = Wish(seconds, speed, plain or not sys.stdout.isatty(), own)
    try:
        code = play(wish)
    except BrokerGoneError as error:
        raise CommandError(str(error), BROKER) from None
    except (DemoError, WorkerFailedError) as error:
        raise CommandError(str(error), FAILED) from None
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is ended: no more to interrupt
        # Watching and then leaving is how the demo is used; an unattended run was cut short.
        raise typer.Exit(OK if seconds is None else INTERRUPTED) from None
    if code:
        raise typer.Exit(code)


def _seconds(text: str) -> float:
    """`30s`, `2m`, `90` in seconds; ends the command if it is none of these."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|)", text.strip())
    if found is None or float(found[1]) <= 0:
        raise CommandError(f"--for {text}: expected a time such as 30s, 90s or 2m", USAGE)
    return float(found[1]) * UNITS[found[2]]
