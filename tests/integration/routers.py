"""The router as a process, and the routes that tests give it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from services import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from brokers import Topics

SECRET = "a secret of the bleep"
TOKEN = "a token of the ward's"


class Router(Service):
    """`stormwatch router` with a routes file, settings in its environment."""

    greeting = "router ready"

    def __init__(self, topics: Topics, home: Path, routes: str, **settings: str) -> None:
        (home / "routes.toml").write_text(routes)
        chosen = {
            "bootstrap_servers": topics.bootstrap, "topic_prefix": topics.prefix,
            "application_id": f"{topics.prefix}app", "partitions": "4", "router_port": "0",
            "data_dir": str(home), "routes": str(home / "routes.toml"), "session_timeout_s": "6",
            "hash_key": "k" * 32, **settings,
        }  # fmt: skip
        super().__init__(("-m", "stream.cli", "router"), home, "router", chosen, BLEEP=SECRET)

    @property
    def base(self) -> str:
        return self.address("port")


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
