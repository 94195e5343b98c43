"""The packaged TOML files as one document, and the document that a file of a site makes of it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from stream.rules.errors import RulesetError
from stream.rules.fields import nearest
from stream.rules.overrides import SITE, Change, Overridden, overridden
from stream.rules.rows import Cell, cells

if TYPE_CHECKING:
    from pathlib import Path

Document = dict[str, Any]

DEFAULT_RULESET = "astct_2019_p0.toml"
CATALOGUES = ("scales", "scores", "labs", "products", "guidance")
"""The files beside it, each of which is one table of the document."""


@cache
def _text(name: str) -> str:
    return resources.files("stream.rules").joinpath(name).read_text("utf-8")


def packaged() -> Document:
    """All packaged files as one document, a new one at each call: P0's tables at the top."""
    document = tomllib.loads(_text(DEFAULT_RULESET))
    for name in CATALOGUES:
        document[name] = tomllib.loads(_text(f"{name}.toml"))
    return document


def read(path: Path) -> Document:
    """The tables of a TOML file; RulesetError where it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RulesetError(f"cannot read the ruleset {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise RulesetError(f"the ruleset is not TOML: {error}") from error


def loaded(path: Path | None) -> Overridden:
    """The whole document that a file makes, with what it changes and what is wrong with that.

    None means the packaged one. Raises RulesetError for a file that is no TOML.
    """
    if path is None:
        return Overridden(packaged(), (), ())
    tables = read(path)
    head = tables.get("ruleset")
    if isinstance(head, dict) and "based_on" in head:
        return overridden(packaged(), tables)
    return Overridden(*_full(tables))


def _full(tables: Document) -> tuple[Document, tuple[Change, ...], tuple[str, ...]]:
    """A full parameter set; catalogues that it does not hold are the packaged ones."""
    document = packaged()
    known = set(document)
    problems = [
        f"{name} is no table of a ruleset{nearest(name, known)}"
        for name in tables
        if name not in known
    ]
    missing = [name for name in document if name not in tables and name not in CATALOGUES]
    if missing:
        problems.append(
            f"{', '.join(missing)}: missing from a full parameter set; a file with only a site's "
            "own values says so: [ruleset] with based_on"
        )
    problems += [
        f"{cell.row} has the status {SITE!r}, which is for overrides only"
        for cell in cells(tables)
        if cell.status == SITE
    ]
    merged = {name: tables.get(name, document[name]) for name in document}
    return merged, (), tuple(problems)


def sourced(found: Overridden) -> dict[str, Cell]:
    """Every value by its row, each with its own source and status.

    What a site changed has the site's; its neighbours keep theirs, although their table says that
    something in it was changed.
    """
    every = {cell.row: cell for cell in cells(found.document)}
    if not found.changes:
        return every
    before = {cell.row: cell for cell in cells(packaged())}
    own = {change.row: change.source for change in found.changes}
    for row, cell in every.items():
        names = row.split(".")
        above = (".".join(names[:count]) for count in range(1, len(names) + 1))
        source = next((own[name] for name in above if name in own), None)
        if source is not None:
            every[row] = replace(cell, source=source, status=SITE)
        elif row in before:
            every[row] = replace(cell, source=before[row].source, status=before[row].status)
    return every


def content_hash(document: Document) -> str:
    """SHA-256 over the canonical content (comments and order do not matter), 16 hex digits."""
    canonical = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
