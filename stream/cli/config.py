"""`stormwatch config`: which settings are in force, and where each comes from."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from stream.cli.options import BootstrapOption, ConfigOption, PrefixOption, SetOption, settings_from

EXAMPLES = (
    "stormwatch config",
    "STORMWATCH_PARTITIONS=16 stormwatch config --config ward.toml",
    "stormwatch config --describe",
)


def config(
    *,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
    describe: Annotated[
        bool, typer.Option("--describe", help="Also what each setting is for.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show every setting in force and where its value comes from; secrets are hidden.

    The first that is there counts: command line, environment (STORMWATCH_ and the name in
    capitals), file (--config, else STORMWATCH_CONFIG, else ./stormwatch.toml), default.
    """
    from stream.settings import Settings, unknown_variables

    settings = settings_from(
        config_file, assign, bootstrap_servers=bootstrap, topic_prefix=topic_prefix
    )
    rows = settings.provenance()
    meanings = {name: field.description or "" for name, field in Settings.model_fields.items()}
    if as_json:
        for name, value, origin in rows:
            row = {"setting": name, "value": value, "origin": origin, "meaning": meanings[name]}
            print(json.dumps(row, ensure_ascii=False))
    else:
        names = max(len(name) for name, _, _ in rows)
        values = max(len(value) for _, value, _ in rows)
        for name, value, origin in rows:
            print(f"{name:{names}}  {value:{values}}  {origin}".rstrip())
            if describe:
                print(f"    {meanings[name]}")
    for variable in unknown_variables():
        print(f"stormwatch: {variable} is no setting and changes nothing", file=sys.stderr)
