"""What the import contracts cannot say: the engine's purity, and the size of the modules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from stream.engine.fold import NAMES

ROOT = Path(__file__).parents[1]
ENGINE = sorted((ROOT / "stream" / "engine").glob("*.py"))
PURE = {
    "__future__",
    "array",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "fnmatch",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "operator",
    "statistics",
    "typing",
    "uuid",
    "zlib",
}
"""The standard library as far as it neither reads a clock nor the world outside."""

FOR_THE_COMPILER = {"native": {"mypy_extensions"}}
"""What a module imports where its types are checked only."""

IMPURE = {
    "now",
    "utcnow",
    "today",
    "time_ns",
    "monotonic",
    "perf_counter",
    "uuid1",
    "uuid4",
    "open",
}


def imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.stem)
def test_the_engine_reads_no_clock_and_does_no_io(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    foreign = {
        name
        for name in imports(tree)
        if name.split(".")[0] not in PURE
        and not name.startswith("stream.engine")
        and name != "stream.version"
        and name not in FOR_THE_COMPILER.get(path.stem, ())
    }
    assert not foreign
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert not calls & IMPURE


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.stem)
def test_the_engine_has_no_threshold_of_its_own(path: Path) -> None:
    """Numbers in code are counts, indices and unit factors; what is clinical is in the ruleset."""
    allowed = {0, 1, -1, 2, 3, 1_000_000, 60, 1000, 0.001}
    names = {
        "_NEWEST_KEPT",
        "_VOIDS_KEPT",
        "ATTRIBUTIONS_KEPT",
    }
    names |= {
        "WINDOW",
        "_SAMPLE",
        "_DOSES_KEPT",
        "_YEAR_DAYS",
        "NEVER",
        "FOREVER",
        "RANK",
    }
    names |= {
        "_EPOCH",
        "_REMINDERS_KEPT",
        "_BOLUSES_KEPT",
        "_TIMES_KEPT",
        "ANSWERS_KEPT",
        "SPELLINGS_KEPT",
    }
    names |= {"CLOSED_KEPT", "EARLY_KEPT", "RAISED_KEPT", "TRAIL_KEPT", "HELD_KEPT", "EVENTS"}
    names |= {"BANDS_KEPT", "_MINUTES_KEPT", "_PLACES_SPARE", "_MANY"}  # memory, not medicine
    names |= {"_FEW", "_BITS"}
    if path.stem == "fold_difference":
        allowed |= set(range(len(NAMES)))  # places of fields, written from them
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        target = None
        if isinstance(node, ast.AnnAssign):
            target = node.target
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in names:
            for child in ast.walk(node):
                child.technical = True  # type: ignore[attr-defined]
    numbers = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
        and not hasattr(node, "technical")
    }
    assert not numbers - allowed


@pytest.mark.parametrize("room", ["stream", "schemas"])
def test_no_module_is_longer_than_400_lines(room: str) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / room).rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert not long


def test_the_project_speaks_of_itself_alone() -> None:
    words = ("/work/", ".library", "sandbox")
    for path in (
        *ROOT.glob("*.md"),
        *(ROOT / "stream").rglob("*.py"),
        *(ROOT / "deploy").rglob("*.md"),
    ):
        text = path.read_text("utf-8")
        assert not [word for word in words if word in text], path
