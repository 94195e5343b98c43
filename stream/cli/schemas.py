"""`stormwatch schemas`: the wire contract as JSON Schema and AsyncAPI."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from stream.cli.exits import FAILED, USAGE, CommandError

LIST_EXAMPLES = ("stormwatch schemas list",)
SHOW_EXAMPLES = (
    "stormwatch schemas show vitals",
    "stormwatch schemas show asyncapi.json > asyncapi.json",
)
WRITE_EXAMPLES = ("stormwatch schemas write contract",)
CHECK_EXAMPLES = ("stormwatch schemas check", "stormwatch schemas check contract")

SUFFIX = ".schema.json"


def list_schemas() -> None:
    """List the documents that describe the wire: input and output events, topics."""
    import json

    from schemas.generate import documents

    for name, text in documents().items():
        document = json.loads(text)
        title = document.get("title") or document.get("info", {}).get("title", "")
        print(f"{name.removesuffix(SUFFIX):24}  {title}")


def show(
    *,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As `list` shows it.", show_default=False)
    ],
) -> None:
    """Print one document as JSON."""
    from schemas.generate import documents

    known = documents()
    text = known.get(name) or known.get(name + SUFFIX)
    if text is None:
        names = [key.removesuffix(SUFFIX) for key in known]
        near = get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
        raise CommandError(f"no schema {name!r}{hint}", USAGE)
    print(text, end="")


def write(
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Made if it is not there.", show_default=False)
    ],
) -> None:
    """Write all documents into a folder, for programs that have no Python."""
    from schemas.generate import documents
    from schemas.generate import write as write_all

    try:
        write_all(folder)
    except OSError as error:
        raise CommandError(f"cannot write to {folder}: {error.strerror}", USAGE) from None
    print(f"{len(documents())} documents written to {folder}", file=sys.stderr)


def check(
    *,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Else the packaged ones.", show_default=False),
    ] = None,
) -> None:
    """See whether written documents are still what this version says; status 1 if not."""
    from schemas.generate import DIRECTORY, documents, drift

    where = DIRECTORY if folder is None else folder
    if not where.is_dir():
        raise CommandError(f"{where} is not a folder", USAGE)
    found = drift(where)
    for sentence in found:
        print(sentence, file=sys.stderr)
    if found:
        raise CommandError(
            f"{len(found)} differences in {where}; `stormwatch schemas write {where}` renews it",
            FAILED,
        )
    print(f"{len(documents())} documents in {where} are up to date")
