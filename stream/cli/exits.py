"""Exit codes, and the exception that carries one with a sentence for a person.

A worker that is stuck ends with one of 71 to 82 instead (see `stream.worker.progress.PARTS`), and
one that its group has put out with 70.
"""

from __future__ import annotations

OK = 0
FAILED = 1  # it ran and the answer is no: nothing readable, --strict, a mismatch, schema drift
USAGE = 2  # a wrong argument, file name, setting or ruleset
BROKER = 3  # the broker cannot be reached, or its topics are not as they must be
INTERRUPTED = 130  # Ctrl-C


class CommandError(Exception):
    """Ends the command: `message` goes to standard error, `code` is the exit status."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        self.message = message
        self.code = code
        super().__init__(message)
