"""A short run of coverage-guided fuzzing over the decoders; `make fuzz` takes every entry.

`STORMWATCH_FUZZ_S`: seconds for each entry, and all of them.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.entries import ENTRIES
from tests.fuzz.seeds import write

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("STORMWATCH_FUZZ_S", "3"))
CHOSEN = list(ENTRIES) if "STORMWATCH_FUZZ_S" in os.environ else ["record", "table"]
if importlib.util.find_spec("atheris") is None:
    pytest.skip(
        "atheris is not installed (no wheel for this Python?): pip install -e '.[fuzz]'",
        allow_module_level=True,
    )


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("entry", CHOSEN)
def test_nothing_new_is_found(entry: str, tmp_path: Path) -> None:
    write(entry, tmp_path)
    found = ROOT / "tests" / "fuzz" / "found" / entry
    corpora = [tmp_path / "corpus", *([found] if found.is_dir() else [])]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", entry, *corpora, f"-dict={tmp_path / 'words.dict'}",
         f"-max_total_time={SECONDS:g}", f"-artifact_prefix={tmp_path}/defect-"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert "Done" in done.stderr + done.stdout
