"""Memory in use lies in large pages after one look; unused memory is not filled."""

from __future__ import annotations

import errno
import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from stream.worker import huge_pages
from stream.worker.huge_pages import HUGE_BYTES, HugePages

ROLLUP = Path("/proc/self/smaps_rollup")

pytestmark = pytest.mark.skipif(not ROLLUP.exists(), reason="Linux only")

LOOK = """
import mmap, sys
from stream.worker.huge_pages import HUGE_BYTES, collapse
area = mmap.mmap(-1, 9 * HUGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
area.write(bytes([7]) * (5 * HUGE_BYTES))
def kib(name):
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
before = kib("Rss:")
try:
    print(collapse())
except OSError as error:
    print("none", error.errno)
    sys.exit()
print(kib("AnonHugePages:"), kib("Rss:") - before, area[: 5 * HUGE_BYTES].count(7))
"""


def test_what_is_used_lies_in_large_pages_and_what_is_not_stays_unused() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True
    ).stdout.split()
    if told[0] == "none":
        assert int(told[1]) in {errno.EINVAL, errno.EPERM, errno.ENOSYS}
        pytest.skip("this kernel makes no huge pages on request")
    mib, huge_kib, more_kib, sevens = map(int, told)
    assert mib >= 8  # of 10 MiB in use, up to 2 at the ends of the area lie across
    assert huge_kib >= 8 * 1024
    assert more_kib < 3 * 1024
    assert sevens == 5 * HUGE_BYTES


def test_a_kernel_that_knows_no_such_request_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def refuse() -> int:
        asked.append(1)
        raise OSError(errno.EINVAL, "not known")

    monkeypatch.setattr(huge_pages, "collapse", refuse)
    pages = HugePages(every_s=0.001)
    pages.start()
    pages._thread.join(10)
    assert asked == [1]


def test_an_unknown_request_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge_pages, "_COLLAPSE", 9999)
    area = mmap.mmap(-1, 5 * HUGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area.write(bytes([7]) * len(area))
    with pytest.raises(OSError, match="newer do"):
        huge_pages.collapse()
    area.close()
