"""`stormwatch assess`: how each patient stands at a moment, with the reasons."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.exits import FAILED, CommandError
from stream.cli.lines import BadLines, DeadletterOption, FilesArgument, StrictOption, records
from stream.cli.options import PatientOption, RulesetOption, micros_from, ruleset_from

if TYPE_CHECKING:
    from stream.engine import AnyEvent

EXAMPLES = (
    "stormwatch assess ward.jsonl",
    "stormwatch assess ward.jsonl --patient p-17 --at 2026-03-01T10:00:00Z",
)


def assess(
    *,
    files: FilesArgument,
    patient: PatientOption = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            help="The moment, RFC 3339 with an offset; else each patient's clock.",
            show_default=False,
        ),
    ] = None,
    deadletter: DeadletterOption = None,
    strict: StrictOption = False,
    ruleset: RulesetOption = None,
) -> None:
    """Print how each patient stands: grade, axes, other scales, scores, flags and reasons.

    One JSON object per patient, in order of first appearance. With --at, only what had happened
    and had been received by then is taken in, and timers run up to then.
    """
    from stream.engine import Tick
    from stream.engine import assess as look
    from stream.offline import OfflineEngine

    moment = None if at is None else micros_from("--at", at)
    engine = OfflineEngine(ruleset_from(ruleset))

    def wanted(event: AnyEvent) -> bool:
        if isinstance(event, Tick):
            return moment is None or event.time <= moment
        if patient is not None and event.patient_id != patient:
            return False
        return moment is None or (
            event.time <= moment and (event.received_at is None or event.received_at <= moment)
        )

    with BadLines(deadletter, strict=strict) as bad:
        for line in records(files):
            bad.report(line, engine.take(line.raw, wanted).rejections)
    if moment is not None:
        for _ in engine.apply(Tick(moment)):
            pass
    for state in engine.states.values():
        answer = look(state, engine.ruleset, moment)
        text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
        sys.stdout.buffer.write(text.encode() + b"\n")
    if not engine.states:
        whom = f"of patient {patient} " if patient is not None else ""
        until = f" up to {at}" if at is not None else ""
        names = ", ".join(map(str, files))
        raise CommandError(f"no event {whom}could be read from {names}{until}", FAILED)
