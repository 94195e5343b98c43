"""Contract events as JSON lines: one UTF-8 object a line, in files or on standard input."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STDIN = "-"
LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of one line that are kept; a longer line arrives cut short and is refused by its reader."""


def encode(event: dict[str, Any]) -> bytes:
    """An event as it is sent and filed: compact UTF-8 JSON, fields in the order given.

    Raises `ValueError` for NaN and infinity, which JSON does not have.
    """
    return json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def read_lines(source: Path | str | IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Line numbers, from 1, and the bytes of each line without its end; blank lines are skipped.

    `source` is a path, `-` for standard input, or an open binary file. Nothing is decoded: what is
    wrong with a line is for its reader to say. Raises `OSError` where a file cannot be read.
    """
    with ExitStack() as stack:
        if isinstance(source, (str, Path)):
            file: IO[bytes] = (
                sys.stdin.buffer
                if str(source) == STDIN
                else stack.enter_context(Path(source).open("rb"))
            )
        else:
            file = source
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            whole = line.endswith(b"\n")
            while not whole and (rest := file.readline(LONGEST_LINE)):
                whole = rest.endswith(b"\n")
            line = line.rstrip(b"\r\n")
            if line.strip():
                yield number, line


def write_jsonl(events: Iterable[dict[str, Any] | bytes], path: Path | str) -> int:
    """Write events, one a line, in the order given; returns how many.

    The bytes are those that `replay` sends. `-` is standard output. A file appears whole or not at
    all: it is written beside its place and then moved there.
    """
    if str(path) == STDIN:
        return _write(events, sys.stdout.buffer)
    target = Path(path)
    beside = target.with_name(f".{target.name}.part")
    try:
        with beside.open("wb") as file:
            count = _write(events, file)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return count


def _write(events: Iterable[dict[str, Any] | bytes], file: IO[bytes]) -> int:
    count = 0
    for event in events:
        file.write((event if isinstance(event, bytes) else encode(event)) + b"\n")
        count += 1
    file.flush()
    return count
