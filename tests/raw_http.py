"""Bytes to a server as no client library would send them."""

from __future__ import annotations

import socket


def asked(port: int, raw: bytes) -> bytes:
    """All that comes back until the other side ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
        stranger.sendall(raw)
        answer = b""
        try:
            while part := stranger.recv(65_536):
                answer += part
        except ConnectionResetError:
            pass
        return answer
