"""The router as a process, the routes that tests give it, and alerts into its topic."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from brokers import Topics

READY_S = 40.0
SECRET = "a secret of the bleep"
TOKEN = "a token of the ward's"


class Router:
    """`stormwatch router` with a routes file, settings in its environment."""

    def __init__(self, topics: Topics, home: Path, routes: str, **settings: str) -> None:
        (home / "routes.toml").write_text(routes)
        chosen = {
            "bootstrap_servers": topics.bootstrap, "topic_prefix": topics.prefix,
            "application_id": f"{topics.prefix}app", "partitions": "4", "router_port": "0",
            "data_dir": str(home), "routes": str(home / "routes.toml"), "session_timeout_s": "6",
            "hash_key": "k" * 32, **settings,
        }  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith("STORMWATCH_")}
        environment |= {f"STORMWATCH_{key.upper()}": value for key, value in chosen.items()}
        environment["BLEEP"] = SECRET
        self.log = home / "router.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stream.cli", "router"],
                env=environment, stdout=subprocess.PIPE, stderr=log, text=True, cwd=home,
            )  # fmt: skip
        self.line = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        self.process.stdout.read()

    def ready(self) -> Router:
        when(lambda: self.line or self.process.poll() is not None, READY_S, self.said)
        assert self.line.startswith("router ready"), self.said()
        return self

    def said(self) -> str:
        return self.log.read_text()[-4000:]

    @property
    def base(self) -> str:
        port = dict(part.split("=") for part in self.line.split() if "=" in part)["port"]
        return f"http://127.0.0.1:{port}"

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(30)
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def when(met: Callable[[], object], seconds: float, said: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)


def webhook(name: str, port: int, extra: str = "") -> str:
    return (
        f'[[route]]\nname = "{name}"\nreceiver = "{name}"\nstart = "beginning"\n'
        f"retry = {{ first_s = 0.05, most_s = 0.3, give_up_s = 60 }}\n"
        f"breaker = {{ failures = 3, open_s = 0.2, most_open_s = 0.5 }}\n{extra}\n"
        f'[receiver.{name}]\nkind = "webhook"\nurl = "http://127.0.0.1:{port}/{name}"\n'
        'secret = "env:BLEEP"\n'
    )


def send_alerts(topics: Topics, raw: list[bytes], topic: str = "alerts") -> None:
    from kafka import KafkaProducer

    with KafkaProducer(bootstrap_servers=topics.bootstrap, acks="all") as producer:
        for value in raw:
            key = json.loads(value)["patient_id"].encode() if value[:1] == b"{" else b"p-0"
            producer.send(topics.prefix + topic, key=key, value=value)
        producer.flush()
