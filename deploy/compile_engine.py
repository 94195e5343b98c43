"""The hook of the build that compiles the engine, for wheels and for editable installs.

`STORMWATCH_COMPILE=0` leaves it out, `=1` insists; not set, it is done where a C compiler is there,
and whatever goes wrong leaves the engine as it is, to be interpreted. Nothing is written into the
source tree but what is compiled for an editable install, beside the sources, with a record of them
(see `stream/compiled.py`).
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE = "STORMWATCH_COMPILE"
REQUIREMENTS = [
    "mypy[mypyc]==2.4.1",  # compiles; pinned, since another one makes other code
    "setuptools>=77,<85",  # calls the C compiler for it
]


class EngineNotCompiledError(Exception):
    """Why not, in one line; `output` is all that the compilers said."""

    def __init__(self, why: str, output: str = "") -> None:
        super().__init__(why)
        self.output = output


class CompileEngine(BuildHookInterface[Any]):
    """Compiles the engine before a wheel is put together; hatchling calls the methods."""

    _folder: str | None = None

    def dependencies(self) -> list[str]:
        """What is to be installed for this build: nothing where nothing will be compiled."""
        return REQUIREMENTS if self._asked() == "1" or self._worth_trying() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile for a wheel (`version` is 'standard') or in place ('editable')."""
        asked = self._asked()
        if asked == "0":
            return
        package = Path(self.root, "stream")
        try:
            if asked == "1" or self._rules().lacking(package) is not None:
                made = self._compiled()
                if version == "editable":
                    self._put_in_place(made, package)
            else:
                made = package
        except EngineNotCompiledError as error:
            if asked == "1":
                self.app.abort(f"{error.output}\n{VARIABLE}=1, but the engine: {error}")
            self.app.display_warning(f"The engine will be interpreted: {error}")
            return
        if version != "editable":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            for path in self._files(made):
                name = path.relative_to(made).as_posix()
                build_data["force_include"][str(path)] = f"stream/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact: str) -> None:  # noqa: ARG002
        """The wheel is written."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _asked(self) -> str:
        asked = os.environ.get(VARIABLE, "")
        if asked not in {"", "0", "1"}:
            self.app.abort(f"{VARIABLE} is {asked!r}: expected 0 or 1")
        return asked

    def _worth_trying(self) -> bool:
        if self._asked() == "0" or _obstacle() is not None:
            return False
        return self._rules().lacking(Path(self.root, "stream")) is not None

    def _rules(self) -> Any:
        """The module that decides at run time whether what is compiled can be used."""
        path = Path(self.root, "stream", "compiled.py")
        spec = importlib.util.spec_from_file_location("stormwatch_compiled", path)
        if spec is None or spec.loader is None:
            raise ImportError(str(path))
        module = importlib.util.module_from_spec(spec)
        # not even its byte code is to be left in the source tree
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            spec.loader.exec_module(module)
        finally:
            sys.dont_write_bytecode = before
        return module

    def _compiled(self) -> Path:
        """The package with what was compiled, and its record. Raises EngineNotCompiledError."""
        obstacle = _obstacle()
        if obstacle is not None:
            raise EngineNotCompiledError(obstacle)
        rules = self._rules()
        self._folder = tempfile.mkdtemp(prefix="stormwatch-engine-")
        package, made = Path(self.root, "stream"), Path(self._folder, "stream")
        sources = rules.sources(package)
        # A copy: what is recorded is what was compiled, also while somebody edits the sources. And
        # nothing else: of what is not in the record, the compiler knows nothing.
        for name in (*sources, *rules.READ_ALONG):
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(package / name, made / name)
        (made / "__init__.py").touch()
        program = Path(self.root, "deploy", "mypyc_build.py")
        group = rules.LIBRARY.removesuffix("__mypyc")
        modules = [f"stream/{name}" for name in sources]
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, program, self._folder, group, *modules],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said = [line for line in done.stdout.splitlines() if line.strip()]
        if done.returncode:
            why = next((line for line in said if "error: " in line), (said or ["no message"])[-1])
            raise EngineNotCompiledError(f"not compiled: {why.strip()}", done.stdout)
        library = rules.shared_library(made)
        shutil.move(Path(self._folder, library.name), library)
        (made / rules.RECORD).write_text(f"{rules.digest(made)}\n", encoding="ascii")
        wrong = rules.lacking(made)
        if wrong is not None:
            raise EngineNotCompiledError(wrong, done.stdout)
        return made

    def _put_in_place(self, made: Path, package: Path) -> None:
        """The record last: what is cut short on the way does not count as compiled."""
        record = package / self._rules().RECORD
        record.unlink(missing_ok=True)
        for path in self._files(package):
            path.unlink()
        for path in self._files(made):
            # Renamed into place, never written into a library that a process may have loaded.
            place = package / path.relative_to(made)
            beside = place.with_name(f".{place.name}")
            shutil.copy(path, beside)
            beside.replace(place)

    def _files(self, package: Path) -> list[Path]:
        rules = self._rules()
        libraries = sorted(package.rglob(f"*{rules.SUFFIX}"))
        record = package / rules.RECORD
        return [*libraries, record] if record.is_file() else libraries


def _obstacle() -> str | None:
    """Why nothing can be compiled here, as far as a look tells."""
    if platform.python_implementation() != "CPython":
        return "only CPython runs what mypyc compiles"
    if os.name == "nt":
        return None if os.environ.get(VARIABLE) == "1" else "not tried by itself on Windows"
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if not command or shutil.which(command[0]) is None:
        return f"there is no C compiler ({command[0] if command else 'CC'})"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python's header files are not there (python3-dev)"
    return None
