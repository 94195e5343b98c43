"""Records out of files of JSON lines, and where the bad ones go."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import base64
import hashlib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Self

import typer

from stream.cli.exits import FAILED, USAGE, CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from stream.engine import Rejection

LONGEST_KEPT = 700_000
"""Bytes of a bad line that its dead letter keeps: in base64 they stay below 1 MiB."""

FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE…", help="Events as JSON lines; - is standard input.", show_default=False
    ),
]
DeadletterOption = Annotated[
    Path | None,
    typer.Option(
        "--deadletter",
        metavar="FILE",
        help="Keep what could not be taken here, as dead letters in JSON lines.",
        show_default=False,
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="End with status 1 at the first bad line.")
]


@dataclass(slots=True)
class Line:
    """One record: where it stands and its bytes, without the line end."""

    file: str
    number: int
    raw: bytes


def records(files: Iterable[Path]) -> Iterator[Line]:
    """The lines of the files one after the other; empty lines are skipped."""
    from stream.gateways.jsonl import read_lines

    for path in files:
        try:
            for number, raw in read_lines(path):
                yield Line(str(path), number, raw)
        except OSError as error:
            raise CommandError(f"cannot read {path}: {error.strerror}", USAGE) from None


class BadLines:
    """Says on standard error what could not be taken, and keeps it where that is wanted."""

    def __init__(self, deadletter: Path | None = None, *, strict: bool = False) -> None:
        self.strict = strict
        self.count = 0
        self._path = deadletter
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._file = self._path.open("wb")
            except OSError as error:
                raise CommandError(f"cannot write {self._path}: {error.strerror}", USAGE) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def report(self, line: Line, rejections: Iterable[Rejection]) -> None:
        """Tells of each rejection of one line; ends the command if it is strict."""
        for rejection in rejections:
            self.count += 1
            text = f"{line.file}:{line.number}: {rejection.code}: {rejection.detail}"
            print(text, file=sys.stderr)
            if self._file is not None:
                self._file.write(letter(line, rejection) + b"\n")
                self._file.flush()
            if self.strict:
                raise CommandError(f"stopped at {line.file}:{line.number} (--strict)", FAILED)


def letter(line: Line, rejection: Rejection) -> bytes:
    """The dead letter of a line, as the stream would write it; a file has no topic."""
    from schemas.deadletter import DeadLetter, ReasonCode

    reason = ReasonCode(rejection.code)  # type: ignore[call-arg]  # the enum is called by its value
    document = DeadLetter(
        type="deadletter",
        reason=reason,
        detail=rejection.detail[:2000],
        advice=reason.advice,
        topic=None,
        partition=None,
        offset=line.number,
        key_base64=None,
        value_base64=base64.b64encode(line.raw[:LONGEST_KEPT]).decode(),
        value_sha256=hashlib.sha256(line.raw).hexdigest(),
        value_size=len(line.raw),
        event_id=rejection.event_id or None,
        received_at=datetime.now(UTC),
        worker=f"stormwatch {line.file}",
    )
    return document.model_dump_json().encode()
