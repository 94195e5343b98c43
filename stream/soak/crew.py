"""The workers of a run, and the supervisor that starts each again when it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Self

from stream.soak.crashpoints import Order, to_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

LOOK_EVERY_S = 0.1
BACKOFF_S = 0.5
STOP_WITHIN_S = 40.0
LOG_LINES = 25


class CrewError(RuntimeError):
    """The workers cannot go on; the text says why, with the end of a log."""


@dataclass(slots=True)
class Slot:
    """A place for one worker: its process of the moment, and what became of those before."""

    name: str
    process: subprocess.Popen[str] | None = None
    wanted: bool = True
    lives: int = 0
    again_at: float = 0.0
    lines: list[str] = field(default_factory=list)
    """What the present process said on standard output."""

    @property
    def running(self) -> bool:
        """Whether its process is there (it may be stopped)."""
        return self.process is not None and self.process.poll() is None


class Crew:
    """`with Crew(folder, environment, count, most) as crew`; all end with the block."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], count: int, most_lives: int
    ) -> None:
        self.folder = folder
        self.slots = [Slot(f"w{number}") for number in range(count)]
        self.ends: Counter[int] = Counter()
        """How processes ended, by exit code (negative: the signal)."""
        self._environment = dict(environment)
        self._most_lives = most_lives
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._watch = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self.failure: str | None = None

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._watch.join(10)
        for slot in self.slots:
            if slot.process is not None:
                slot.process.kill()
                slot.process.wait()
                self._close(slot)

    def check(self) -> None:
        """Raises CrewError where the supervisor gave up."""
        if self.failure is not None:
            raise CrewError(self.failure)

    def send_signal(self, slot: Slot, how: signal.Signals) -> bool:
        """To the slot's process; False where there is none."""
        with self._lock:
            if not slot.running or slot.process is None:
                return False
            slot.process.send_signal(how)
            return True

    def order(self, slot: Slot, order: Order) -> list[str] | None:
        """Tell the slot's process; returns what that says from now on; None where there is none."""
        with self._lock:
            if not slot.running or slot.process is None or slot.process.stdin is None:
                return None
            try:
                print(to_line(order), file=slot.process.stdin, flush=True)
            except OSError:
                return None
            return slot.lines

    def dismiss(self) -> None:
        """SIGTERM to all; returns when they have ended. What does not end in time is killed."""
        for slot in self.slots:
            slot.wanted = False
            self.send_signal(slot, signal.SIGCONT)
            self.send_signal(slot, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        while any(slot.process for slot in self.slots) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)  # until the supervisor has noted how each ended

    def _supervise(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            for slot in self.slots:
                with self._lock:
                    self._look(slot)

    def _look(self, slot: Slot) -> None:
        now = time.monotonic()
        if slot.process is not None and (code := slot.process.poll()) is not None:
            self.ends[code] += 1
            self._close(slot)
            slot.process, slot.again_at = None, now + BACKOFF_S
        if slot.process is None and slot.wanted and now >= slot.again_at and not self.failure:
            if slot.lives >= self._most_lives:
                self.failure = f"{slot.name} ended {slot.lives} times; {self.log_tail(slot)}"
                return
            self._start(slot)

    def _start(self, slot: Slot) -> None:
        slot.lives += 1
        slot.lines = []
        with (self.folder / f"{slot.name}.log").open("ab") as log:
            slot.process = subprocess.Popen(
                [sys.executable, "-m", "stream.soak.victim"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment
                | {"STORMWATCH_DATA_DIR": str(self.folder / f"{slot.name}.data")},
                cwd=self.folder,
                text=True,
                start_new_session=True,  # Ctrl-C is for the harness
            )
        assert slot.process.stdout is not None
        threading.Thread(
            target=_listen, args=(slot.process.stdout, slot.lines), daemon=True
        ).start()

    @staticmethod
    def _close(slot: Slot) -> None:
        """Close our end of its input; its output is closed by who reads it."""
        assert slot.process is not None
        if slot.process.stdin is not None:
            with suppress(OSError):
                slot.process.stdin.close()

    def log_tail(self, slot: Slot) -> str:
        """The end of a worker's log, for people."""
        path = self.folder / f"{slot.name}.log"
        lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
        return "\n  ".join(["the end of its log:", *(lines[-LOG_LINES:] or ["(empty)"])])


def _listen(output: IO[str], lines: list[str]) -> None:
    with output:
        for line in output:
            lines.append(line.rstrip())  # noqa: PERF401 - each at once, not all at the end
