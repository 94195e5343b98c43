"""A webhook: a POST of JSON with a signature over time and body.

The receiver computes HMAC-SHA256 of `X-Stormwatch-Timestamp`, a full stop and the body with the
secret, compares it with `X-Stormwatch-Signature`, and refuses what is too old.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING

from stream.router.addresses import secret
from stream.router.receivers.http import HttpPost

if TYPE_CHECKING:
    from stream.router.addresses import WebhookConfig
    from stream.router.message import Answer, Message


class Webhook:
    """See the module."""

    def __init__(self, config: WebhookConfig) -> None:
        self.address = config.url
        self._key = secret(config.secret).encode()
        self._http = HttpPost(config)

    def render(self, message: Message) -> bytes:
        """The alerts as they stand in their topic, byte for byte, in an envelope."""
        head = json.dumps(
            {"version": 1, "message_id": message.message_id, "route": message.route},
            separators=(",", ":"),
        )
        alerts = b",".join(alert.raw for alert in message.alerts)
        return head[:-1].encode() + b',"alerts":[' + alerts + b"]}"

    async def send(self, message: Message, body: bytes) -> Answer:
        """POST it, signed now."""
        timestamp = str(int(time.time()))
        return await self._http.post(
            self.address,
            body,
            {
                "Content-Type": "application/json",
                "Idempotency-Key": message.message_id,
                "X-Stormwatch-Timestamp": timestamp,
                "X-Stormwatch-Signature": f"sha256={signature(self._key, timestamp, body)}",
            },
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """Hex of HMAC-SHA256 over timestamp, full stop, body."""
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
