"""Compiles modules below a folder, in place there: `mypyc_build.py FOLDER LIBRARY MODULE...`.

LIBRARY, with `__mypyc` behind it, becomes the name of the library that all code lies in, which is
left in FOLDER. A program of its own, run by `deploy/compile_engine.py` on a copy of the sources:
mypyc works in the current folder, prints what it finds, and ends the process over an error.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mypyc.build import mypycify
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

OPTIMISATION = "3"
"""Level of the C compiler, 0 to 3."""


class ParallelBuild(build_ext):
    """Calls the C compiler for as many files at once as there are cores; setuptools, for one."""

    def build_extension(self, ext: Extension) -> None:
        """One library; its objects are made here, linked there."""

        def compiled(source: str) -> list[str]:
            made: list[str] = self.compiler.compile(
                [source],
                output_dir=self.build_temp,
                include_dirs=ext.include_dirs,
                extra_postargs=ext.extra_compile_args,
                depends=ext.depends,
            )
            return made

        with ThreadPoolExecutor(_cores()) as pool:
            ext.extra_objects = [one for made in pool.map(compiled, ext.sources) for one in made]
        ext.sources = []
        super().build_extension(ext)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main(folder: Path, library: str, modules: list[str]) -> None:
    """Raises what setuptools does; exits with 1 where mypy finds an error of type."""
    os.chdir(folder)
    # Without the project's own settings of mypy, which name packages that are not here; and what is
    # not here is not looked for: wherever this runs, it makes the same code.
    options = ["--config-file=", "--cache-dir=.mypy_cache", "--ignore-missing-imports"]
    options.append("--no-site-packages")
    extensions = mypycify(
        [*options, *modules],
        opt_level=OPTIMISATION,
        debug_level="0",
        multi_file=True,
        group_name=library,
    )
    setup(
        name="engine",
        packages=[],
        ext_modules=extensions,
        cmdclass={"build_ext": ParallelBuild},
        script_args=["--quiet", "build_ext", "--inplace"],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
