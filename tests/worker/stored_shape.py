"""What the state tables hold, field by field: `python -m tests.worker.stored_shape` writes it anew.

The file stands for the bytes of the present format. It is written anew only together with another
`stream.worker.codec.FORMAT`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from stream.engine.events import PatientEvent
from stream.worker.codec import FORMAT, Differential, StoredPatient, StoredWindow

FILE = Path(__file__).parents[1] / "data" / "stored_shape.txt"


def shape() -> str:
    """`Class.field: type` of everything that a table's value is made of."""
    lines: set[str] = set()
    todo: list[Any] = [StoredPatient, StoredWindow, Differential, PatientEvent]
    seen: list[Any] = []
    while todo:
        kind = todo.pop()
        if kind in seen:
            continue
        seen.append(kind)
        todo += get_args(kind)
        if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
            for name, hint in get_type_hints(kind).items():
                lines.add(f"{kind.__name__}.{name}: {_text(hint)}")
                todo.append(hint)
    return "\n".join([f"format {FORMAT}", *sorted(lines)]) + "\n"


def _text(hint: Any) -> str:
    """The type in words that are the same for every Python."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Final:  # a field that is written once; its bytes are the same
        return _text(inner[0])
    if origin in (Union, UnionType):
        return " | ".join(map(_text, inner))
    if origin is Literal:
        return " | ".join(map(repr, inner))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(_text, inner))}]"
    return {NoneType: "None", ...: "..."}.get(hint) or str(hint.__name__)


if __name__ == "__main__":
    FILE.write_text(shape(), encoding="utf-8")
