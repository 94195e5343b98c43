"""Options that several commands share, and settings from them."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.exits import USAGE, CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.engine import Ruleset
    from stream.engine.events import Micros
    from stream.settings import Settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECRETS = ("hash_key", "router_token", "sasl_password")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file of settings.", show_default=False),
]
BootstrapOption = Annotated[
    str | None,
    typer.Option(
        "--bootstrap",
        metavar="HOST:PORT",
        help="Kafka brokers to start from; else the setting bootstrap_servers.",
        show_default=False,
    ),
]
PrefixOption = Annotated[
    str | None,
    typer.Option(
        "--topic-prefix", metavar="TEXT", help="Put before topic names.", show_default=False
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any setting, see `stormwatch config --describe`; may be repeated.",
        show_default=False,
    ),
]


def _ruleset_in_force(context: typer.Context, path: Path | None) -> Path | None:
    """The file of `--ruleset`, else that of the setting `ruleset`; None: the packaged.

    A command with `--config` reads its settings itself. Settings are slow to import, so they are
    looked at only where one can be there.
    """
    own = any("--config" in option.opts for option in context.command.params)
    if path is not None or own or not (any(map(os.environ.get, _SET_BY)) or _SETTINGS.is_file()):
        return path
    return settings_from().ruleset


_SETTINGS = Path("stormwatch.toml")
_SET_BY = ("STORMWATCH_RULESET", "STORMWATCH_CONFIG")
RulesetOption = Annotated[
    Path | None,
    typer.Option(
        "--ruleset",
        metavar="FILE",
        help="Thresholds; else the setting ruleset, else the packaged P0.",
        show_default=False,
        callback=_ruleset_in_force,
    ),
]
PatientOption = Annotated[
    str | None,
    typer.Option("--patient", metavar="ID", help="Only this patient.", show_default=False),
]


def moment_from(option: str, text: str) -> datetime:
    """A time with its offset; ends the command if `text`, given for `option`, is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"{option} {text!r} is not a time: expected a time with its offset, "
            "such as 2026-03-01T10:00:00Z",
            USAGE,
        ) from None
    if moment.tzinfo is None:
        whole = moment.isoformat()  # a date alone is a time to Python, and none with a Z
        raise CommandError(
            f"{option} {text!r} has no offset; write {whole}Z or {whole}+01:00", USAGE
        )
    return moment


def micros_from(option: str, text: str) -> Micros:
    """The same as microseconds since 1970, which the engine counts in."""
    return (moment_from(option, text) - EPOCH) // timedelta(microseconds=1)


def settings_from(
    config: Path | None = None, assigned: Sequence[str] | None = None, **flags: Any
) -> Settings:
    """The settings of this run; ends the command with what is wrong with them."""
    from stream.settings import SettingsError, load_settings

    for word in assigned or ():
        name, equals, value = word.partition("=")
        if not equals:
            raise CommandError(f"--set {word}: expected NAME=VALUE", USAGE)
        if name in SECRETS:
            raise CommandError(
                f"--set {name}: a secret on the command line can be read by others; use the "
                f"environment (STORMWATCH_{name.upper()}) or the file",
                USAGE,
            )
        if flags.get(name) is None:
            flags[name] = value
    try:
        return load_settings(config, **flags)
    except SettingsError as error:
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        raise CommandError(f"these settings cannot be used:{lines}", USAGE) from None


def ruleset_from(path: Path | None) -> Ruleset:
    """The thresholds to grade by; ends the command with what is wrong with them.

    `path` is what `RulesetOption` or the setting `ruleset` says; None means the packaged.
    """
    from stream.rules import load_ruleset

    try:
        return load_ruleset(path)
    except OSError as error:
        raise CommandError(f"cannot read ruleset {path}: {error.strerror}", USAGE) from None
    except ValueError as error:
        raise CommandError(f"ruleset {path} cannot be used: {error}", USAGE) from None
