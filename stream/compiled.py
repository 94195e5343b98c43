"""How the engine runs: compiled by mypyc, or interpreted from its sources; to the same results.

A compiled module lies beside its source, all their code in one library, and a record of the sources
that they were made from. Where the sources at hand are others, what was compiled does not count:
the engine that runs is always the one that can be read. `deploy/compile_engine.py` compiles it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    FileFinder,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "STORMWATCH_ENGINE"
"""`auto` (or not set), `compiled` or `interpreted`. Read once, when `stream` is first imported."""
ENGINE = Path(__file__).with_name("engine")
SUFFIX = EXTENSION_SUFFIXES[0]
"""Of files compiled for this Python on this machine; those for others may lie beside them."""
RECORD = f"sources{SUFFIX}.sha256"
LIBRARY = "stormwatch_engine__mypyc"
"""Compiled modules import it by this name. It lies where only the finder below looks for it, so
that none of them can be imported past the decision made here."""


class EngineModeError(ImportError):
    """The engine cannot run as VARIABLE asks; the message says why, and what to do."""


class Engine(NamedTuple):
    """How the engine runs, and why so."""

    mode: Literal["compiled", "interpreted"]
    reason: str


def digest(folder: Path = ENGINE) -> str:
    """SHA-256 of the names and bytes of a folder's sources, hexadecimal. Raises OSError."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        source = path.read_bytes()
        whole.update(f"{path.name}\0{len(source)}\0".encode())
        whole.update(source)
    return whole.hexdigest()


def lacking(folder: Path = ENGINE) -> str | None:
    """Why what is compiled in a folder cannot be used; None where it can."""
    wanted = {LIBRARY, *(path.stem for path in folder.glob("*.py") if path.stem != "__init__")}
    try:
        made_from = (folder / RECORD).read_text(encoding="ascii").strip()
        if not all((folder / f"{name}{SUFFIX}").is_file() for name in wanted):
            return "some of its modules are not compiled for this Python"
        if made_from != digest(folder):
            return "its sources have changed since it was compiled"
    except FileNotFoundError:
        return "it is not compiled for this Python"
    except (OSError, ValueError) as error:
        return f"what it was compiled from cannot be read ({type(error).__name__})"
    return None


def choose(asked: str, folder: Path = ENGINE) -> Engine:
    """How the engine in a folder runs where VARIABLE has this value. Raises EngineModeError."""
    if asked == "interpreted":
        return Engine("interpreted", f"{VARIABLE} asks for it")
    if asked not in {"", "auto", "compiled"}:
        raise EngineModeError(
            f"{VARIABLE} is {asked!r}: expected 'auto', 'compiled' or 'interpreted'"
        )
    why = lacking(folder)
    if why is None:
        return Engine("compiled", "its sources are those that it was compiled from")
    if asked == "compiled":
        raise EngineModeError(
            f"{VARIABLE} asks for the compiled engine, and {why}: run `make compile`, which needs a"
            f" C compiler, or set {VARIABLE}=auto"
        )
    return Engine("interpreted", why)


class _Finder(MetaPathFinder):
    """Finds the engine's modules as it was chosen."""

    def __init__(self, chosen: Engine | EngineModeError) -> None:
        self.chosen = chosen

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: object = None,  # noqa: ARG002 - the signature of finders
    ) -> ModuleSpec | None:
        """Raises EngineModeError where nothing could be chosen."""
        if fullname == LIBRARY:
            if isinstance(self.chosen, Engine) and self.chosen.mode == "compiled":
                return spec_from_file_location(LIBRARY, ENGINE / f"{LIBRARY}{SUFFIX}")
            return None
        if fullname != "stream.engine" and not fullname.startswith("stream.engine."):
            return None
        if isinstance(self.chosen, EngineModeError):
            raise EngineModeError(*self.chosen.args)
        if self.chosen.mode == "compiled" or fullname == "stream.engine" or not path:
            return None
        return FileFinder(path[0], (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(fullname)


def prepare() -> None:
    """Choose, and have the engine imported accordingly. What is wrong is told by `engine`."""
    try:
        chosen: Engine | EngineModeError = choose(os.environ.get(VARIABLE, ""))
    except EngineModeError as error:
        chosen = error
    # Just before the finder of files: whoever instruments imports does so in front of both.
    at = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
    sys.meta_path.insert(at, _Finder(chosen))


def engine() -> Engine:
    """How the engine of this process runs. Raises EngineModeError where it cannot as asked."""
    (chosen,) = [finder.chosen for finder in sys.meta_path if isinstance(finder, _Finder)]
    if isinstance(chosen, EngineModeError):
        raise EngineModeError(*chosen.args)
    return chosen
