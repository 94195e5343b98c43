"""Apache Kafka of the harness's own, by `deploy/kafka/kafka.sh`: brokers to be hurt."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from types import TracebackType

START_WITHIN_S = 600
"""The first start fetches Kafka's jars."""


class ClusterError(RuntimeError):
    """Kafka did not start; the text holds its own words."""


class Cluster:
    """One broker or three, with empty data: `with Cluster(script, 3) as cluster`.

    Raises ClusterError. Whatever becomes of this process, the brokers end with it.
    """

    def __init__(self, script: Path, nodes: Literal[1, 3] = 1) -> None:
        self.nodes = nodes
        self.bootstrap = ""
        self._script = script
        self._home = Path()
        self._port = 0

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="stormwatch-soak-kafka-"))
        for attempt in range(3):
            self._port = _free_ports(2 * self.nodes)
            try:
                self.start()
            except ClusterError as error:
                taken = "is taken" in str(error) or "Address already in use" in str(error)
                if attempt < 2 and taken:
                    continue
                self.stop()
                raise
            break
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start every broker that does not run; returns once all answer. Raises ClusterError."""
        done = self._run(
            "start", "--brokers", str(self.nodes), "--port", str(self._port),
            "--with", str(os.getpid()), timeout=START_WITHIN_S,
        )  # fmt: skip
        if done.returncode != 0:
            raise ClusterError(f"Apache Kafka did not start:\n{done.stderr.strip()}")
        self.bootstrap = done.stdout.rpartition("bootstrap=")[2].strip()

    def stop(self) -> None:
        """End the brokers and remove their data; harmless when none runs."""
        for number in range(self.nodes):
            self.send_signal(number, signal.SIGCONT)
        self._run("stop", "--wipe", timeout=120)
        shutil.rmtree(self._home, ignore_errors=True)

    def send_signal(self, number: int, how: signal.Signals) -> bool:
        """To the broker of that number, from 0; False where it does not run."""
        try:
            pid = int((self._home / f"broker-{number + 1}" / "pid").read_text())
            os.kill(pid, how)
        except (OSError, ValueError):
            return False
        return True

    def _run(self, *words: str, timeout: float) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603 - the script that was named, no shell
                [self._script, *words, "--dir", self._home],
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout,
            )
        except OSError as error:
            raise ClusterError(f"cannot run {self._script}: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise ClusterError(
                f"{self._script} {words[0]} took longer than {timeout:g} s"
            ) from None


def _free_ports(count: int) -> int:
    """The first of `count` free consecutive ports, below those the system gives out itself."""
    for first in random.sample(range(20_000, 32_000 - count), 100):
        probes = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
    raise ClusterError(f"found no {count} free consecutive ports between 20000 and 32000")
