"""A program of ours as a process: settings in its environment, one line once it is ready."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

READY_S = 40.0


class Service:
    """`python` with these arguments; what it logs goes to `home/NAME.log`."""

    greeting = ""
    """How the line begins that it prints once it is ready."""

    def __init__(
        self, arguments: tuple[str, ...], home: Path, name: str, settings: Mapping[str, str],
        **more: str,
    ) -> None:  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith("STORMWATCH_")}
        environment |= {f"STORMWATCH_{key.upper()}": value for key, value in settings.items()}
        self.log = home / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                env=environment | more, stdout=subprocess.PIPE, stderr=log, text=True, cwd=home,
            )  # fmt: skip
        self.line = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        self.process.stdout.read()

    def ready(self) -> Self:
        deadline = time.monotonic() + READY_S
        while not self.line.startswith(self.greeting):
            assert time.monotonic() < deadline, self.said()
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)
        return self

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8")[-4000:]

    def address(self, port: str) -> str:
        """Where one of its ports is, by its name in the line; known once it is ready."""
        ports = dict(part.split("=") for part in self.line.split() if "=" in part)
        return f"http://127.0.0.1:{ports[port]}"

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(30)
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        if code > 0:
            print(f"{self.log.stem} ended with {code}; the end of its log:\n{self.said()}")
        return code
