"""`python -m stream.worker`: the worker with settings from the environment and the file."""

from __future__ import annotations

import sys

from stream.compiled import EngineModeError, engine
from stream.settings import SettingsError, load_settings

EXIT_REFUSED = 2  # of `stream.worker.run`, which imports the engine


def main() -> int:
    """The exit code; see `run_worker`."""
    try:
        engine()
        settings = load_settings()
    except (EngineModeError, SettingsError) as error:
        print(error, file=sys.stderr)
        return EXIT_REFUSED
    from stream.worker.run import run_worker  # noqa: PLC0415 - the engine, which may be refused

    return run_worker(settings)


if __name__ == "__main__":
    sys.exit(main())
