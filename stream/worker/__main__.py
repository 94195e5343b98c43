"""`python -m stream.worker`: the worker with settings from the environment and the file."""

from __future__ import annotations

import sys

from stream.settings import SettingsError, load_settings
from stream.worker.run import EXIT_REFUSED, run_worker


def main() -> int:
    """The exit code; see `run_worker`."""
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_REFUSED
    return run_worker(settings)


if __name__ == "__main__":
    sys.exit(main())
