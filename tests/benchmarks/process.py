"""What the operating system says of a process: its CPU time and its memory."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from stream.compiled import engine

PROGRAMS = (
    "stormwatch", "faust-streaming", "aiokafka", "pydantic", "msgspec", "uvloop", "confluent-kafka",
    "orjson", "quixstreams", "bytewax",
)  # fmt: skip


def cpu_s(pid: int) -> float:
    """CPU seconds of the whole process so far, user and system, all threads."""
    # The name, in brackets, may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid: int) -> dict[str, int]:
    """Resident memory: at most so far (`peak`) and at present (`now`), in KiB."""
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {"peak": int(rows["VmHWM"].split()[0]), "now": int(rows["VmRSS"].split()[0])}


def machine() -> dict[str, Any]:
    """The machine and the versions of what runs on it."""
    cpu = "unknown"
    memory_gb = 0.0
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": cpu, "cores": os.cpu_count(), "memory_gb": round(memory_gb, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0], "engine": engine().mode,
        "versions": {name: found for name in PROGRAMS if (found := _version(name))},
    }  # fmt: skip


def busy() -> float:
    """Processes that wanted a core, mean of the last minute."""
    return os.getloadavg()[0]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
