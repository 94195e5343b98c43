"""A file of JSON lines: one message a line, on the disk before it counts as delivered."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

from stream.router.message import Answer, Message, delivered, failed

if TYPE_CHECKING:
    from pathlib import Path

    from stream.router.addresses import FileConfig


class Journal:
    """Appends; a line that a crash cut short is ended before the next one is written."""

    def __init__(self, config: FileConfig, data_dir: Path) -> None:
        self._path = data_dir / config.path
        self.address = str(self._path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._one = asyncio.Lock()

    def render(self, message: Message) -> bytes:
        """One line."""
        documents = [alert.document for alert in message.alerts]
        line = {"message_id": message.message_id, "route": message.route, "alerts": documents}
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    async def send(self, message: Message, body: bytes) -> Answer:  # noqa: ARG002 - the protocol's
        """Write it through to the disk, on a thread."""
        async with self._one:
            try:
                await asyncio.to_thread(self._append, body)
            except OSError as error:
                return failed("file", str(error.strerror))
        return delivered("written")

    def _append(self, line: bytes) -> None:
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            end = os.lseek(handle, 0, os.SEEK_END)
            if end and os.pread(handle, 1, end - 1) != b"\n":
                os.write(handle, b"\n")
            written = 0
            while written < len(line):
                written += os.write(handle, line[written:])
            os.fsync(handle)
        finally:
            os.close(handle)

    async def close(self) -> None:
        """Nothing is kept open."""
