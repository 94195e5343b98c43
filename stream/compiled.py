"""How the engine runs: compiled by mypyc, or interpreted from its sources; to the same results.

With it goes what an event passes on its way to the engine and back (`BESIDE`). A compiled module
lies beside its source, all their code in one library, and a record of the sources that they were
made from. Where the sources at hand are others, what was compiled does not count: the engine that
runs is always the one that can be read. `deploy/compile_engine.py` compiles it.
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
PACKAGE = Path(__file__).parent
ENGINE = "engine"
"""The folder in it that is compiled as a whole."""
PLAIN = {"__init__", "native"}
"""Of that folder, what stays as it is."""
BESIDE = (
    "intake/plain.py", "intake/records.py", "offline.py",
    "worker/batch.py", "worker/chunks.py", "worker/ledger.py", "worker/records.py",
    "worker/sickness.py", "worker/stored_state.py", "worker/triage.py", "worker/unsettled.py",
    "worker/ward.py",
)  # fmt: skip
"""What is compiled with it, chosen by measurement: no coroutines, and no classes of libraries."""
READ_ALONG = (
    "version.py", "engine/__init__.py", "engine/native.py", "intake/__init__.py",
    "worker/__init__.py",
)  # fmt: skip
"""What the compiler reads besides: constants of these may be in what it makes."""
SUFFIX = EXTENSION_SUFFIXES[0]
"""Of files compiled for this Python on this machine; those for others may lie beside them."""
RECORD = f"engine/sources{SUFFIX}.sha256"
LIBRARY = "stormwatch_engine__mypyc"
"""Compiled modules import it by this name. It lies where only the finder below looks for it, so
that none of them can be imported past the decision made here."""


class EngineModeError(ImportError):
    """The engine cannot run as VARIABLE asks; the message says why, and what to do."""


class Engine(NamedTuple):
    """How the engine runs, and why so."""

    mode: Literal["compiled", "interpreted"]
    reason: str


def sources(package: Path = PACKAGE) -> list[str]:
    """The files that are compiled, as paths below the package."""
    engine = (path.name for path in (package / ENGINE).glob("*.py") if path.stem not in PLAIN)
    return sorted([*(f"{ENGINE}/{name}" for name in engine), *BESIDE])


def shared_library(package: Path = PACKAGE) -> Path:
    """The file with all the code."""
    return package / ENGINE / f"{LIBRARY}{SUFFIX}"


def digest(package: Path = PACKAGE) -> str:
    """SHA-256 of the names and bytes of all that is compiled, hexadecimal. Raises OSError."""
    whole = hashlib.sha256()
    for name in sorted([*sources(package), *READ_ALONG]):
        source = (package / name).read_bytes()
        whole.update(f"{name}\0{len(source)}\0".encode())
        whole.update(source)
    return whole.hexdigest()


def lacking(package: Path = PACKAGE) -> str | None:
    """Why what is compiled in a package cannot be used; None where it can."""
    try:
        made_from = (package / RECORD).read_text(encoding="ascii").strip()
        wanted = [package / name.replace(".py", SUFFIX) for name in sources(package)]
        if not all(path.is_file() for path in (shared_library(package), *wanted)):
            return "some of its modules are not compiled for this Python"
        if made_from != digest(package):
            return "its sources have changed since it was compiled"
    except FileNotFoundError:
        return "it is not compiled for this Python"
    except (OSError, ValueError) as error:
        return f"what it was compiled from cannot be read ({type(error).__name__})"
    return None


def choose(asked: str, package: Path = PACKAGE) -> Engine:
    """How the engine of a package runs where VARIABLE has this value. Raises EngineModeError."""
    if asked == "interpreted":
        return Engine("interpreted", f"{VARIABLE} asks for it")
    if asked not in {"", "auto", "compiled"}:
        raise EngineModeError(
            f"{VARIABLE} is {asked!r}: expected 'auto', 'compiled' or 'interpreted'"
        )
    why = lacking(package)
    if why is None:
        return Engine("compiled", "its sources are those that it was compiled from")
    if asked == "compiled":
        raise EngineModeError(
            f"{VARIABLE} asks for the compiled engine, and {why}: run `make compile`, which needs a"
            f" C compiler, or set {VARIABLE}=auto"
        )
    return Engine("interpreted", why)


_BESIDE = {"stream." + name.removesuffix(".py").replace("/", ".") for name in BESIDE}


class _Finder(MetaPathFinder):
    """Finds the modules that may be compiled as it was chosen."""

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
                return spec_from_file_location(LIBRARY, shared_library())
            return None
        if fullname not in _BESIDE and fullname.split(".")[:2] != ["stream", ENGINE]:
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
