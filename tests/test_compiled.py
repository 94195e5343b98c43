"""The engine compiled and interpreted: which of them runs, that both say the same, the build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from stream.compiled import (
    BESIDE,
    READ_ALONG,
    RECORD,
    SUFFIX,
    VARIABLE,
    EngineModeError,
    choose,
    digest,
    lacking,
    shared_library,
    sources,
)

ROOT = Path(__file__).parents[1]
WARD = ROOT / "tests" / "data" / "ward.jsonl"
WHICH = """
import sys, stream.engine
from stream.compiled import engine
print(engine().mode, sys.modules["stream.engine.step"].__file__)
"""
REPORT = """
import hashlib, sys
from stream.compiled import engine
from stream.offline import OfflineEngine
from stream.rules import load_ruleset
from stream.worker.codec import decode_patient, decode_window
from stream.worker.codec import encode_patient, encode_record, encode_window
offline = OfflineEngine(load_ruleset())
for line in open(sys.argv[1], "rb"):
    offline.take(line)
whole = hashlib.sha256()
for patient in sorted(offline.states):
    state = offline.states[patient]
    record = encode_record(state.record)
    assert encode_patient(decode_patient(record)) == record
    whole.update(record)
    for start in sorted(state.windows):
        window = encode_window(state.windows[start])
        assert encode_window(decode_window(window)) == window
        whole.update(window)
print(engine().mode, sys.modules["stream.engine.step"].__file__, whole.hexdigest())
"""


def run(
    *words: str | Path, at: Path = ROOT, engine: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """A Python of its own, with a folder's sources and no setting of whoever runs the tests."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("STORMWATCH_")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=at,
        env={**clean, "PYTHONPATH": str(at), VARIABLE: engine, **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="session")
def compiled() -> None:
    """The engine of this tree is compiled; without a C compiler there is nothing to look at."""
    why = lacking()
    if why is not None and shutil.which(os.environ.get("CC", "cc").split()[0]) is None:
        pytest.skip(f"no C compiler, and of the engine: {why}")
    assert why is None, f"of the engine: {why}; run: make compile"


def copied(to: Path, *, libraries: bool) -> Path:
    """The project again, with or without what was compiled."""
    left_out = ["__pycache__", *([] if libraries else ["*.so", "*.sha256"])]
    for name in ("stream", "schemas", "deploy"):
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns(*left_out, "target"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, to)
    return to


# Which of them runs.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package with an engine of two modules, as if it had been compiled."""
    for name in ("engine/__init__.py", "engine/step.py", "engine/fold.py", *BESIDE, *READ_ALONG):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    for name in sources(tmp_path):
        (tmp_path / name).with_suffix(SUFFIX).touch()
    shared_library(tmp_path).touch()
    (tmp_path / RECORD).write_text(digest(tmp_path) + "\n")
    return tmp_path


def change(folder: Path, what: str) -> None:
    engine = folder / "engine"
    if what == "a source":
        (engine / "fold.py").write_text("# another\n")
    elif what == "one beside it":
        (folder / BESIDE[0]).write_text("# another\n")
    elif what == "one read along":
        (folder / READ_ALONG[0]).write_text("# another\n")
    elif what == "the package":
        (engine / "__init__.py").write_text("# another\n")
    elif what == "a name":
        (engine / "fold.py").rename(engine / "bend.py")
        (engine / f"fold{SUFFIX}").rename(engine / f"bend{SUFFIX}")
    elif what == "one more":
        (engine / "more.py").touch()
    elif what == "one fewer":
        (engine / "fold.py").unlink()
    elif what == "one fewer beside":
        (folder / BESIDE[0]).with_suffix(SUFFIX).unlink()
    elif what == "no library":
        shared_library(folder).unlink()
    elif what == "no record":
        (folder / RECORD).unlink()
    elif what == "a torn record":
        (folder / RECORD).write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    ("what", "mode", "reason"),
    [
        ("nothing",       "compiled",    "those that it was compiled from"),
        ("a source",      "interpreted", "have changed since"),
        ("one beside it", "interpreted", "have changed since"),
        ("one read along", "interpreted", "have changed since"),
        ("the package",   "interpreted", "have changed since"),
        ("a name",        "interpreted", "have changed since"),
        ("one more",      "interpreted", "some of its modules are not compiled"),
        ("one fewer",     "interpreted", "have changed since"),
        ("one fewer beside", "interpreted", "some of its modules are not compiled"),
        ("no library",    "interpreted", "some of its modules are not compiled"),
        ("no record",     "interpreted", "it is not compiled"),
        ("a torn record", "interpreted", "cannot be read"),
    ],
)  # fmt: skip
def test_what_was_compiled_from_other_sources_does_not_run(
    folder: Path, what: str, mode: str, reason: str
) -> None:
    change(folder, what)
    for asked in ("", "auto"):
        assert choose(asked, folder).mode == mode
        assert reason in choose(asked, folder).reason
    assert choose("interpreted", folder).mode == "interpreted"
    if mode == "compiled":
        assert choose("compiled", folder).mode == "compiled"
    else:
        with pytest.raises(EngineModeError, match=f"{reason}.*make compile"):
            choose("compiled", folder)


def test_a_value_that_is_none_is_told(folder: Path) -> None:
    with pytest.raises(EngineModeError, match="'fast': expected 'auto', 'compiled' or 'inter"):
        choose("fast", folder)


@pytest.mark.parametrize(
    ("engine", "words"),
    [("compiled", ("make compile", "not compiled")), ("fast", ("'fast'", "expected"))],
)
@pytest.mark.parametrize("program", ["stream.cli", "stream.worker"])
def test_a_person_is_told_in_a_line_and_without_a_traceback(
    tmp_path: Path, program: str, engine: str, words: tuple[str, ...]
) -> None:
    tree = copied(tmp_path, libraries=False)
    result = run("-m", program, at=tree, engine=engine)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    for word in (VARIABLE, *words):
        assert word in result.stderr
    result = run("-c", "import stream.engine.step", at=tree, engine=engine)
    assert f"EngineModeError: {VARIABLE}" in result.stderr


@pytest.mark.parametrize("engine", ["auto", "compiled", "interpreted"])
def test_version_says_how_the_engine_runs(compiled: None, engine: str) -> None:
    first, second = run("-m", "stream.cli", "--version", engine=engine).stdout.splitlines()
    assert first.split()[0] == "stormwatch"
    mode = "interpreted" if engine == "interpreted" else "compiled"
    assert f", {mode}: " in second


def test_an_edited_source_runs_at_once(compiled: None, tmp_path: Path) -> None:
    tree = copied(tmp_path, libraries=True)
    assert " compiled: " in run("-m", "stream.cli", "--version", at=tree).stdout
    with (tree / "stream" / "engine" / "step.py").open("a") as source:
        source.write("EDITED = True\n")
    script = "import sys, stream.engine; print(sys.modules['stream.engine.step'].EDITED)"
    seen = run("-c", script, at=tree)
    assert seen.stdout == "True\n", seen.stderr
    assert run("-m", "stream.cli", "--version", at=tree, engine="compiled").returncode == 2


# Both say the same.


def test_both_write_the_same_alerts_byte_for_byte(compiled: None) -> None:
    one, other = (
        run("-m", "stream.cli", "grade", WARD, engine=engine)
        for engine in ("compiled", "interpreted")
    )
    assert one.returncode == other.returncode == 0
    assert one.stdout == other.stdout
    assert one.stderr == other.stderr
    assert len(one.stdout.splitlines()) > 100


def test_both_store_the_same_states_byte_for_byte(compiled: None) -> None:
    one, other = (run("-c", REPORT, WARD, engine=engine) for engine in ("compiled", "interpreted"))
    mode, file, whole = one.stdout.split()
    assert mode == "compiled", one.stderr
    assert file.endswith(SUFFIX)
    mode, file, same = other.stdout.split()
    assert mode == "interpreted"
    assert file.endswith("step.py")
    assert whole == same


# The build.


def built(tree: Path, into: Path, **more: str) -> subprocess.CompletedProcess[str]:
    words = ("-m", "hatchling", "build", "-t", "wheel", "-d", str(into))
    return run(*words, at=tree, **more)


def test_a_wheel_holds_the_compiled_engine_and_runs_anywhere(
    compiled: None, tmp_path: Path
) -> None:
    result = built(ROOT, tmp_path)
    assert result.returncode == 0, result.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert f"-cp{sys.version_info[0]}{sys.version_info[1]}-" in wheel.name
    home = tmp_path / "home"
    venv.create(home, with_pip=False)
    (site,) = home.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        packed.extractall(site)
    assert names >= {f"stream/{name.replace('.py', SUFFIX)}" for name in sources()}
    assert names >= {shared_library().relative_to(ROOT).as_posix(), f"stream/{RECORD}"}
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "stream", "schemas", "stormwatch",
    }  # fmt: skip
    seen = subprocess.run(
        [home / "bin" / "python", "-I", "-c", WHICH],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.stdout == f"compiled {site / 'stream' / 'engine' / f'step{SUFFIX}'}\n", seen.stderr


def test_without_it_a_wheel_is_for_every_machine(tmp_path: Path) -> None:
    result = built(ROOT, tmp_path, STORMWATCH_COMPILE="0")
    assert result.returncode == 0, result.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert not [name for name in packed.namelist() if name.endswith((".so", ".sha256"))]


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ("",    0, "The engine will be interpreted: there is no C compiler (no-such-compiler)"),
        ("1",   1, "STORMWATCH_COMPILE=1, but the engine: there is no C compiler"),
        ("yes", 1, "STORMWATCH_COMPILE is 'yes': expected 0 or 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_compiled_is_told_and_ends_the_build_only_where_asked(
    tmp_path: Path, asked: str, code: int, said: str
) -> None:
    tree = copied(tmp_path / "tree", libraries=False)
    before = {path for path in tree.rglob("*") if "__pycache__" not in path.parts}
    result = built(tree, tmp_path, STORMWATCH_COMPILE=asked, CC="no-such-compiler")
    assert result.returncode == code
    assert said in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert len(list(tmp_path.glob("*-none-any.whl"))) == (code == 0)
    assert {path for path in tree.rglob("*") if "__pycache__" not in path.parts} == before


@pytest.mark.parametrize(
    ("asked", "compiler", "needed"),
    [
        ("0", "",             False),
        ("",  "no-such-cc",   False),
        ("",  sys.executable, True),
        ("1", "",             True),
    ],
)  # fmt: skip
def test_what_compiles_is_installed_only_where_it_will_compile(
    tmp_path: Path, asked: str, compiler: str, *, needed: bool
) -> None:
    tree = copied(tmp_path, libraries=False)
    script = "from hatchling.build import get_requires_for_build_wheel as all; print(*all())"
    result = run("-c", script, at=tree, STORMWATCH_COMPILE=asked, CC=compiler)
    assert ("mypy[mypyc]" in result.stdout) == needed, result.stderr
