"""Has Linux keep a worker's memory in pages of 2 MiB instead of 4 KiB.

A step looks at some dozens of places of one patient's state, and the next step at another's. With
the states of 10,000 patients the processor spends a seventh of a worker's time on finding out where
each of these places lies, as its table of pages holds some MiB only (FAUST.md, "What it costs").
Python's allocator asks for no large pages, and the kernel makes none by itself where it is told to
wait for that; so memory that is in use is handed over piece by piece (`MADV_COLLAPSE`, Linux 6.1).
No library does this for a running process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger(__name__)

MIB: Final = 1024 * 1024
HUGE_BYTES: Final = 2 * MIB
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
EVERY_S: Final = 10.0
"""Between two looks at the process's memory."""

_MAPS: Final = Path("/proc/self/maps")
_COLLAPSE: Final = 25
"""MADV_COLLAPSE of <linux/mman.h>: at once, whatever the system does by itself."""
_NEVER: Final = frozenset({errno.EINVAL, errno.EPERM, errno.EACCES, errno.ENOSYS})
"""What is said to requests that are not known, or forbidden: no reason to ask again. (One piece may
be refused as invalid where others are not.)"""
_RESIDENT_SHARE: Final = 7 / 8
"""A piece with more of it unused is left alone: it would take memory that nobody needs."""


class HugePages:
    """Looks at this process's memory now and then; started and ended like the watch."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="huge pages", daemon=True)

    def start(self) -> None:
        """Begin; returns at once. Does nothing where the system is no Linux."""
        if _MAPS.exists():
            self._thread.start()

    def finish(self) -> None:
        """Look no more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                collapse()
            except OSError as error:
                log.info("no huge pages", reason=error.strerror)
                return


def collapse() -> int:
    """One look: hand the memory in use to large pages; returns how many MiB lie in pieces of them.

    Python goes on meanwhile. What the system has no room for now is left for another look. Raises
    OSError where it knows no such request, or forbids it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    whole, refused = 0, set[int]()
    for start, end in _in_use(libc):
        if libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _COLLAPSE) == 0:
            whole += end - start
        else:
            refused.add(ctypes.get_errno())
    if refused and not whole and refused <= _NEVER:
        raise OSError(refused.pop(), "the kernel makes none on request (Linux 6.1 and newer do)")
    return whole // MIB


def _in_use(libc: ctypes.CDLL) -> Iterator[tuple[int, int]]:
    """Addresses from and to, of whole large pages most of which are used, next to each other."""
    for low, high in _anonymous():
        first = -(-low // HUGE_BYTES) * HUGE_BYTES
        begin = None
        for start in range(first, high - HUGE_BYTES + 1, HUGE_BYTES):
            if _used(libc, start):
                begin = start if begin is None else begin
            elif begin is not None:
                yield begin, start
                begin = None
        if begin is not None:
            yield begin, (high // HUGE_BYTES) * HUGE_BYTES


def _anonymous() -> Iterator[tuple[int, int]]:
    """The process's own memory: no file, no stack."""
    for line in _MAPS.read_text("ascii", "replace").splitlines():
        where, access, _, _, inode, *name = line.split(maxsplit=5)
        if access == "rw-p" and inode == "0" and name in ([], ["[heap]"]):
            low, high = where.split("-")
            yield int(low, 16), int(high, 16)


def _used(libc: ctypes.CDLL, start: int) -> bool:
    resident = (ctypes.c_ubyte * (HUGE_BYTES // PAGE_BYTES))()
    if libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(HUGE_BYTES), resident) != 0:
        return False  # given back meanwhile
    return bytes(resident).count(1) >= _RESIDENT_SHARE * len(resident)
