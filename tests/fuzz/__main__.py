"""`python -m tests.fuzz ENTRY [CORPUS ...] [-max_total_time=60 ...]`: one entry, by coverage.

Needs atheris (extra `fuzz`). What is new goes to the first corpus folder; a defect is written to a
file whose name the last lines say. Move such a file to `tests/fuzz/found/ENTRY/`: then every run of
the tests tries it again. Options are libFuzzer's.
"""

from __future__ import annotations

import os
import sys

import atheris

os.environ["STORMWATCH_ENGINE"] = "interpreted"  # compiled code tells nothing of its coverage

with atheris.instrument_imports(include=["stream", "schemas"]):
    from tests.fuzz.entries import ENTRIES

LIMITS = ("-timeout=10", "-rss_limit_mb=1024", "-max_len=262144")


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in ENTRIES:
        sys.exit(f"usage: python -m tests.fuzz {{{','.join(ENTRIES)}}} [CORPUS ...] [OPTIONS]")
    program, name, *rest = sys.argv
    atheris.Setup([program, *LIMITS, *rest], ENTRIES[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
