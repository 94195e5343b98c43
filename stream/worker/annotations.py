"""The annotations of the engine's dataclasses, as its sources have them.

mypyc leaves of `int | None` a bare `type`, and of `dict[str, int]` a `dict`. Whoever stores the
classes by their annotations (msgspec, `typing.get_type_hints`) gets them back here: as the strings
that an interpreted module would hold, to be evaluated in the class's module.
"""

from __future__ import annotations

import ast
import sys
from importlib.machinery import ExtensionFileLoader

from stream.compiled import ENGINE, PACKAGE


def restore_annotations() -> None:
    """For every class of every compiled module that was imported; where none is, nothing is done.

    Raises OSError where a source does not lie beside what was compiled from it.
    """
    for path in sorted((PACKAGE / ENGINE).glob("*.py")):
        module = sys.modules.get(f"stream.engine.{path.stem}")
        found = getattr(module, "__spec__", None)
        if found is None or not isinstance(found.loader, ExtensionFileLoader):
            continue
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.ClassDef):
                getattr(module, node.name).__annotations__.update(_written(node))


def _written(node: ast.ClassDef) -> dict[str, str]:
    return {
        each.target.id: ast.unparse(each.annotation)
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
