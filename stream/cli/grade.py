"""`stormwatch grade`: events of files in, output events out, as the stream would say them."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import gc
import sys
from pathlib import Path

from stream.cli.exits import FAILED, CommandError
from stream.cli.lines import BadLines, DeadletterOption, FilesArgument, StrictOption, records
from stream.cli.options import RulesetOption, ruleset_from

EXAMPLES = (
    "stormwatch grade ward.jsonl",
    "stormwatch grade monday.jsonl tuesday.jsonl --deadletter refused.jsonl > alerts.jsonl",
    "cat ward.jsonl | stormwatch grade - --strict",
)


def grade(
    *,
    files: FilesArgument,
    deadletter: DeadletterOption = None,
    strict: StrictOption = False,
    ruleset: RulesetOption = None,
) -> None:
    """Grade events from files, in the order received, and print what the stream would say.

    One JSON object a line, byte for byte what the worker writes to the alerts topic for the same
    events in the same order. What cannot be taken goes to standard error as
    FILE:LINE: code: detail. A tick lets the timers of all patients so far run out.
    """
    from stream.offline import OfflineEngine

    engine = OfflineEngine(ruleset_from(ruleset))
    # states have no cycles: looking for some at every 700 objects takes a fifth of the time
    gc.set_threshold(500_000)
    at_once = sys.stdout.isatty() or Path("-") in files
    taken = 0
    out = sys.stdout.buffer
    with BadLines(deadletter, strict=strict) as bad:
        for line in records(files):
            answer = engine.take(line.raw)
            taken += answer.events
            for alert in answer.alerts:
                out.write(alert.to_bytes() + b"\n")
            if answer.rejections or (at_once and answer.alerts):
                out.flush()
            bad.report(line, answer.rejections)
    if not taken:
        names = ", ".join(map(str, files))
        raise CommandError(f"no event could be read from {names}", FAILED)
