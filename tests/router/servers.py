"""Receivers as they are outside: real servers on loopback, each on a thread with its own loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Iterator

Behaviour = "Callable[[int], Coroutine[Any, Any, web.Response]]"


@contextmanager
def running(start: Callable[[], Coroutine[Any, Any, Callable[[], Coroutine[Any, Any, None]]]]) -> (
    Iterator[None]
):  # fmt: skip
    """Runs a server: `start` brings it up and returns what closes its door; tasks are cancelled."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stop = asyncio.run_coroutine_threadsafe(start(), loop).result(10)

    async def come_down() -> None:
        await stop()
        await turns()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await turns()

    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(come_down(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def turns() -> None:
    """Some of the loop's turns: who was let in last is served by then, who was closed is gone."""
    await asyncio.sleep(0.01)
    for _ in range(10):
        await asyncio.sleep(0)


@dataclass
class HttpServer:
    """An aiohttp server that keeps what it was sent; `behave` says how it answers request n."""

    behave: Callable[[int, bytes], Any] = lambda _number, _body: 200
    tls: ssl.SSLContext | None = None
    port: int = 0
    taken: list[bytes] = field(default_factory=list)
    """Bodies answered with 2xx."""
    seen: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Method, path and query of each request."""
    changed: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def up(self) -> Iterator[HttpServer]:
        with running(self._start):
            yield self

    async def _start(self) -> Callable[[], Coroutine[Any, Any, None]]:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=self.tls)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

        async def stop() -> None:
            await site.stop()
            await turns()
            await runner.cleanup()

        return stop

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append(f"{request.method} {request.path_qs}")
        self.seen.append((request.path, body, dict(request.headers)))
        status = self.behave(len(self.seen), body)
        if asyncio.iscoroutine(status):
            status = await status
        if isinstance(status, web.Response):
            return status
        if 200 <= status < 300:
            self.taken.append(body)
        self.changed.set()
        return web.Response(status=status, text=f"said {status}")
