"""The command `stormwatch`: arguments in, calls, lines out. Nothing clinical is decided here."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> None:
    """Entry point of the command `stormwatch`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit status (see `stream.cli.exits`)."""
    from stream.cli.exits import FAILED, INTERRUPTED, USAGE, CommandError  # noqa: PLC0415 - `import stream.cli` stays free
    from stream.compiled import EngineModeError, engine  # noqa: PLC0415

    try:
        engine()
    except EngineModeError as error:
        print(f"stormwatch: {error}", file=sys.stderr)
        return USAGE
    from stream.cli.app import app  # noqa: PLC0415

    code = 0
    try:
        app(args=list(arguments), prog_name="stormwatch")
    except CommandError as error:
        print(f"stormwatch: {error.message}", file=sys.stderr)
        code = error.code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else FAILED
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = FAILED
    if code:
        _discard_output()
    return code


def _discard_output() -> None:
    """Whoever read our output may be gone (`… | head`): what is still buffered is not an error."""
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
