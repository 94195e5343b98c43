"""What the receivers over HTTP share: one request, and what its answer means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp

from stream.router.addresses import secret
from stream.router.message import Answer, Outcome, delivered, failed, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream.router.addresses import AlertmanagerConfig, FhirConfig, WebhookConfig

MOST_ANSWER = 2048
MOST_DOCUMENT = 1_048_576
OURS = frozenset({400, 405, 406, 409, 411, 413, 414, 415, 422, 431})
"""Statuses that speak of these bytes: sending them again would change nothing. Others may pass,
a wrong token (401) or path (404) among them: whoever mends the receiver gets the alert then."""


class HttpPost:
    """POSTs to one receiver, over connections that are kept open."""

    def __init__(self, config: WebhookConfig | AlertmanagerConfig | FhirConfig) -> None:
        self._tls: Any = config.context() if config.url.startswith("https:") else True
        self._headers = {"User-Agent": "stormwatch-router"}
        if config.token is not None:
            self._headers["Authorization"] = f"Bearer {secret(config.token)}"
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], method: str = "POST"
    ) -> Answer:
        """One attempt; the caller bounds its time."""
        return (await self._ask(method, url, body, headers, MOST_ANSWER))[0]

    async def get(self, url: str) -> tuple[Answer, Any]:
        """What stands there, as JSON; None where it cannot be had."""
        answer, said = await self._ask("GET", url, None, {}, MOST_DOCUMENT)
        if answer.outcome is not Outcome.DELIVERED:
            return answer, None
        try:
            return answer, json.loads(said)
        except ValueError:
            return failed("answer", "it is not JSON, or too large"), None

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], most: int
    ) -> tuple[Answer, bytes]:
        if self._session is None:  # here: a session belongs to the running loop
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None), cookie_jar=aiohttp.DummyCookieJar()
            )
        begun = ""
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers={**self._headers, **headers},
                ssl=self._tls,
                allow_redirects=False,
            ) as response:
                said, begun = b"", f"the answer {response.status} was cut short: "
                while len(said) < most and (part := await response.content.read(most - len(said))):
                    said += part
                return judged(response.status, said, response.headers), said
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            return failed("certificate", str(error)), b""
        except aiohttp.ClientConnectorError as error:
            return failed("unreachable", str(error)), b""
        except (aiohttp.ClientError, OSError) as error:
            # A status whose answer breaks off is no answer: sent again, with the same bytes.
            return failed("connection", f"{begun}{type(error).__name__}: {error}"), b""

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def judged(status: int, said: bytes, headers: Mapping[str, str]) -> Answer:
    """What a status means for a message."""
    text = said.decode("utf-8", "replace")
    if 200 <= status < 300:
        return delivered(status, headers.get("Location", "") or text)
    if status in OURS:
        return refused(status, text)
    try:
        later = float(headers.get("Retry-After", "0"))
    except ValueError:
        later = 0.0
    return failed(status, text, later)
