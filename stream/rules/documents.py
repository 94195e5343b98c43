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
from stream.rules.fixed import fixed
from stream.rules.overrides import SITE, Change, Overridden, overridden
from stream.rules.rows import Cell, cells

if TYPE_CHECKING:
    from pathlib import Path

Document = dict[str, Any]

DEFAULT_RULESET = "astct_2019_p0.toml"
ADDED = ("products", "labs", "guidance", "ladders")
"""Catalogues to which a full set may add rows."""
CATALOGUES = ("scales", "scores", "labs", "products", "guidance", "ladders")
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


@cache
def reference() -> Document:
    """The packaged document, the same at each call: to compare with, never to change."""
    return packaged()


@cache
def reference_values() -> dict[str, Any]:
    """Its values by row, such as `stale.spo2.usual_s`."""
    return {cell.row: cell.value for cell in cells(reference())}


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
        return Overridden(reference(), (), ())
    tables = read(path)
    head = tables.get("ruleset")
    if isinstance(head, dict) and "based_on" in head:
        return overridden(packaged(), tables)
    return Overridden(*full_set(tables))


def full_set(tables: Document) -> tuple[Document, tuple[Change, ...], tuple[str, ...]]:
    """The document of a full parameter set, no changes, and what is wrong with it.

    Catalogues that it does not hold are the packaged ones.
    """
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
    problems += _renamed(merged, document)
    problems += _redefined(merged, document)
    return merged, (), tuple(problems)


def _renamed(merged: Document, document: Document) -> list[str]:
    """Whether a full set has a name that is another's."""
    head, packaged_head = merged["ruleset"], document["ruleset"]
    if not isinstance(head, dict):
        return [f"ruleset = {head!r}: expected a table"]
    problems = []
    for key in ("name", "version", "scale"):
        value = head.get(key)
        if not isinstance(value, str) or not value.strip():
            problems.append(f"ruleset.{key} = {value!r}: expected a text")
    name, version = packaged_head["name"], packaged_head["version"]
    same = (head.get("name"), head.get("version")) == (name, version)
    if same and content_hash(merged) != content_hash(document):
        problems.append(
            f"ruleset.name = {name!r}: with version {version!r} that is the packaged set, and this "
            "is another: expected a name or version of its own"
        )
    scale, ours = head.get("scale"), packaged_head["scale"]
    if scale != ours and scale in list(document["scales"]["scale"]):
        problems.append(
            f"ruleset.scale = {scale!r}: expected {ours!r} or a name of "
            "its own; that scale is shown beside the grade"
        )
    return problems


def _redefined(merged: Document, document: Document) -> list[str]:
    """Definitions that a full set of the packaged scale has otherwise, or not at all."""
    head, scale = merged["ruleset"], document["ruleset"]["scale"]
    if not isinstance(head, dict) or head.get("scale") != scale:
        return []
    here = {cell.row: cell.value for cell in cells(merged)}
    prefixes = {row[:end] for row in here for end in _ends(row)}
    problems: dict[str, None] = {}
    for row, old in reference_values().items():
        if not (why := fixed(row)):
            continue
        if row not in here:
            gone = next(row[:end] for end in _ends(row) if row[:end] not in prefixes)
            problems[f"{gone} is missing: expected as packaged; {why}"] = None
        elif here[row] != old:
            problems[f"{row} = {here[row]!r}: expected {old!r}, as packaged; {why}"] = None
    known = {row[:end] for row in reference_values() for end in _ends(row)}
    for row, value in here.items():
        if row in reference_values() or not (why := fixed(row)):
            continue
        named = ".".join(row.split(".")[: 3 if row.startswith("guidance.") else 2])
        if row.split(".")[0] in ADDED and named not in known:
            continue
        problems[f"{row} = {value!r} is no row of the packaged set: {why}"] = None
    return list(problems)


def _ends(row: str) -> list[int]:
    """Where the names above a row end, the row's own end last."""
    return [place for place, letter in enumerate(row) if letter == "."] + [len(row)]


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
