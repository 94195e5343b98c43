"""`stormwatch rules`: what is in force, what a site changed, and whether it can be used."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.exits import FAILED, USAGE, CommandError
from stream.cli.options import RulesetOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.engine import Ruleset
    from stream.rules.overrides import Overridden
    from stream.rules.rows import Cell

CHECK_EXAMPLES = ("stormwatch rules check", "stormwatch rules check ward.toml")
DIFF_EXAMPLES = (
    "stormwatch rules diff ward.toml",
    "stormwatch rules diff ward-2025.toml ward-2026.toml",
    "stormwatch rules diff ward.toml packaged --json",
)
SHOW_EXAMPLES = (
    "stormwatch rules show parameters.down_s",
    "stormwatch rules show stale --ruleset ward.toml",
    "stormwatch rules show --status mem",
)

PACKAGED = "packaged"
WIDEST = 60
"""Characters of a value in a table; --json has all of it."""

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def check(
    *,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Else the packaged.", show_default=False)
    ] = None,
) -> None:
    """See whether a ruleset can be used, and print which rows a site's file changes.

    Name, version and hash are what every alert of that ruleset carries. A file that cannot be used
    is refused with every problem at once, status 2.
    """
    found, rules = _usable(file)
    base = found.document["ruleset"].get("based_on")
    print(f"{rules.name}  {rules.version}  {rules.hash}" + (f"  based on {base}" if base else ""))
    rows = [
        (change.row, f"{_text(change.old)} -> {_text(change.new)}", change.source)
        for change in found.changes
    ]
    _table(rows)
    if file is not None:
        print(f"{len(rows)} rows differ from the packaged ruleset" if base else "a full ruleset")


def diff(
    *,
    first: Annotated[
        str, typer.Argument(metavar="A", help="A file, or `packaged`.", show_default=False)
    ],
    second: Annotated[
        str | None,
        typer.Argument(
            metavar="B",
            help="A file, or `packaged`. Without it A is shown against the packaged ruleset.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the rows in which two rulesets differ, from A to B; status 1 if there are any."""
    one, other = (PACKAGED, first) if second is None else (first, second)
    before, after = _rows(one), _rows(other)
    rows = [
        (row, before.get(row), after.get(row))
        for row in dict.fromkeys((*before, *after))
        if before.get(row) != after.get(row)
    ]
    if as_json:
        for row, old, new in rows:
            print(json.dumps({"row": row, "from": _object(old), "to": _object(new)}, default=str))
    else:
        _table([(row, _step(old, new), new.source if new else "") for row, old, new in rows])
        print(f"{len(rows)} rows differ from {one} to {other}", file=sys.stderr)
    if rows:
        raise typer.Exit(FAILED)


def show(
    *,
    row: Annotated[
        str | None,
        typer.Argument(
            metavar="ROW", help="A row, or the beginning of its name.", show_default=False
        ),
    ] = None,
    ruleset: RulesetOption = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="WORD",
            help="Only rows with this status: checked, mem, DESIGN or site.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print every value in force with its unit, source and status.

    The last line counts them: `checked` was read at the source named, `mem` is from memory of it
    and to be confirmed, `DESIGN` is a choice of this project, `site` is the site's own.
    """
    from stream.rules.fields import nearest
    from stream.rules.rows import STATUSES

    if status is not None and status not in STATUSES:
        raise CommandError(f"no status {status!r}{nearest(status, STATUSES)}", USAGE)
    every = [cell for name, cell in _cells(ruleset).items() if not name.startswith("ruleset.")]
    wanted = [cell for cell in every if row is None or f"{cell.row}.".startswith(f"{row}.")]
    if not wanted and row is not None:
        raise CommandError(f"no row {row!r}{_hint(row, [cell.row for cell in every])}", USAGE)
    cells = [cell for cell in wanted if status in (None, cell.status)]
    if as_json:
        for cell in cells:
            print(json.dumps({"row": cell.row, **_object(cell)}, default=str, ensure_ascii=False))
    else:
        _table(
            [
                (cell.row, f"{_text(cell.value)} {cell.unit}".rstrip(), cell.status, cell.source)
                for cell in cells
            ]
        )
    counts = Counter(cell.status for cell in cells)
    told = ", ".join(f"{counts[word]} {word}" for word in STATUSES if counts[word])
    print(f"{len(cells)} values: {told}", file=sys.stderr if as_json else sys.stdout)


def _usable(path: Path | None) -> tuple[Overridden, Ruleset]:
    """A document and its ruleset; ends the command with every problem it has."""
    from stream.rules.documents import loaded
    from stream.rules.errors import RulesetError
    from stream.rules.loader import build

    try:
        found = loaded(path)
        return found, build(found.document, found.problems)
    except RulesetError as error:
        lines = "".join(f"\n  {problem}" for problem in str(error).splitlines())
        name = path or "the packaged ruleset"
        raise CommandError(f"{name} cannot be used:{lines}", USAGE) from None


def _cells(path: Path | None) -> dict[str, Cell]:
    from stream.rules.documents import sourced
    from stream.rules.limits import limit_of

    found = {}
    for row, cell in sourced(_usable(path)[0]).items():
        limit = limit_of(row)
        found[row] = replace(cell, unit=limit.unit) if limit and limit.unit else cell
    return found


def _hint(word: str, rows: Sequence[str]) -> str:
    """Rows that end like the word, else that look like it, else the tables that there are."""
    from stream.rules.fields import nearest

    ends = [row for row in rows if row.endswith(f".{word}")]
    if ends:
        return f"; did you mean {' or '.join(ends[:3])}?"
    hint = nearest(word, {*rows, *(row.rpartition(".")[0] for row in rows)} - {""})
    if hint.startswith("; there are"):
        return nearest(word, {row.split(".")[0] for row in rows})
    return hint


def _rows(name: str) -> dict[str, Cell]:
    return _cells(None if name == PACKAGED else Path(name))


def _object(cell: Cell | None) -> dict[str, Any]:
    if cell is None:
        return {}
    return {
        "value": cell.value,
        "unit": cell.unit,
        "source": cell.source,
        "status": cell.status,
    }


def _step(old: Cell | None, new: Cell | None) -> str:
    if old is not None and new is not None and old.value == new.value:
        return f"{_text(new.value)}, another source"
    return f"{_text(old and old.value)} -> {_text(new and new.value)}"


def _text(value: Any) -> str:
    """A value in one short piece."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        line = "  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
        print(line.rstrip())
