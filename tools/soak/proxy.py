"""A line to a server that can be cut, or held up, and restored."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

_AT_ONCE: Final = 65_536
_WITHIN: Final = 30.0


class Proxy:
    """
    Passes bytes on, both ways; ``connections`` counts who came, also while it was cut.

    Its methods are called from other threads than its own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> None:
        self.port = 0
        self.connections = 0
        self._loop = loop
        self._upstream = (host, port)
        self._cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    def through(self, url: str) -> str:
        """Return the URL of a database by way of this line."""
        user = urlsplit(url).username
        return urlsplit(url)._replace(netloc=f"{user}@127.0.0.1:{self.port}").geturl()

    def cut(self) -> None:
        """End every connection, and take none, until it is restored."""
        self._do(self._set(cut=True, flows=True))

    def stall(self) -> None:
        """Keep all that is sent, without an end or an error, until it is restored."""
        self._do(self._set(cut=False, flows=False))

    def restore(self) -> None:
        """Pass everything on again, also what was kept."""
        self._do(self._set(cut=False, flows=True))

    async def listen(self) -> asyncio.Server:
        """Listen on a free port."""
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        return listening

    async def close(self) -> None:
        """End what is under way, and see it end."""
        self._flows.set()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(_WITHIN)

    async def _set(self, *, cut: bool, flows: bool) -> None:
        self._cut = cut
        if flows:
            self._flows.set()
        else:
            self._flows.clear()
        if cut:
            for writer in self._open:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            if not self._cut:
                with suppress(OSError):
                    await self._join(reader, writer)
        except asyncio.CancelledError:
            pass  # it is the end of the line
        finally:
            self._serving.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(*self._upstream)
        self._open |= {writer, forth}
        ways = [asyncio.create_task(self._pass(*way)) for way in ((reader, forth), (back, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open -= {writer, forth}
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            forth.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_AT_ONCE):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()


@contextmanager
def proxy(url: str) -> Iterator[Proxy]:
    """Open a line to the server of a URL, in a thread of its own; it ends with the block."""
    parts = urlsplit(url)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy")
    line = Proxy(loop, parts.hostname or "127.0.0.1", parts.port or 5432)
    thread.start()

    def ask(what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, loop).result(_WITHIN)

    listening = ask(line.listen())
    try:
        yield line
    finally:
        loop.call_soon_threadsafe(listening.close)
        ask(line.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_WITHIN)
        loop.close()
