"""The demo's worker: a process of its own, started, watched and ended with the demo."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

HOST = "127.0.0.1"
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0
LOG_LINES = 15

# Ends the worker ($1) if the demo is gone without having said goodbye (kill -9): the demo holds the
# other end of the guard's standard input, however it ends. The broker is gone then too, and a
# worker that cannot say goodbye to it would wait for it.
_GUARD = """
read -r _
kill -TERM "$1" 2>/dev/null
for _ in 1 2 3 4 5 6; do kill -0 "$1" 2>/dev/null || exit; sleep 0.5; done
kill -KILL "$1" 2>/dev/null
"""


class WorkerFailedError(RuntimeError):
    """The worker did not start or did not stay; the text ends with its log."""


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C and SIGTERM count afterwards: until its number is noted nobody ends a child."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda signum, _: came.append(signum))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for signum in dict.fromkeys(came):
        signal.raise_signal(signum)


class WorkerProcess:
    """`stormwatch worker` as a child: `with WorkerProcess(folder, environment) as worker`."""

    def __init__(self, folder: Path, environment: Mapping[str, str], cwd: Path) -> None:
        self.metrics_url = ""
        self._environment = dict(environment)
        self._cwd = cwd
        self._log = folder / "worker.log"
        self._process: subprocess.Popen[str] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._port = 0

    def __enter__(self) -> Self:
        try:
            with _interrupts_wait():
                self._launch()
        except BaseException:  # also Ctrl-C: nothing half started may stay behind
            self.stop()
            raise
        return self

    def _launch(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stream.cli", "worker"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                cwd=self._cwd,
                text=True,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops the worker
            )
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()
        if os.name == "posix":
            self._guard = subprocess.Popen(  # noqa: S603
                ["/bin/sh", "-c", _GUARD, "stormwatch-demo-guard", str(self._process.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        return None if self._process is None else self._process.pid

    def wait_ready(self) -> None:
        """Returns when the worker is ready; raises WorkerFailedError if it never is."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._ready.wait(0.1):
            self.check()
            if time.monotonic() > deadline:
                raise WorkerFailedError(self._story(f"was not ready within {READY_WITHIN_S:g} s"))
        self.metrics_url = f"http://{HOST}:{self._port}/metrics"

    def check(self) -> None:
        """Raises WorkerFailedError if the worker has ended."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise WorkerFailedError(self._story(f"ended with status {code}"))

    def stop(self) -> None:
        """SIGTERM, then patience, then SIGKILL; harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.kill()  # before its input closes: there is nothing left to guard
            guard.wait()
            if guard.stdin is not None:
                guard.stdin.close()

    def _listen(self, output: IO[str]) -> None:
        try:
            for line in output:
                if line.startswith("worker ready"):
                    found = re.search(r"metrics=(\d+)", line)
                    self._port = int(found[1]) if found else 0
                    self._ready.set()
        except ValueError:
            return  # closed while stopping

    def _story(self, what: str) -> str:
        lines = self._log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
        return "\n  ".join([f"the worker {what}; the end of its log:", *(lines or ["(empty)"])])


def metrics_port(preferred: int) -> int:
    """The preferred port where it is free, else 0: any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, preferred))
        except OSError:
            return 0
    return preferred
