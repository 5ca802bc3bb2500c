"""As much of an HTTP server as calls without a body need: it reads heads, and says its port."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import cast


class RequestHeads(asyncio.Protocol):
    """A connection on which requests come one behind the other; what to answer is its kind's."""

    def __init__(self) -> None:
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        """Answer every request whose head is complete."""
        arrived_at = time.time_ns() // 1000
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            self.answer(head, arrived_at)

    def answer(self, head: bytes, arrived_at: int) -> None:
        """Answer a request that came at an instant, in microseconds."""
        raise NotImplementedError

    def write(self, answer: bytes) -> None:
        """Send an answer, if somebody still waits for it."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def serve(connection: Callable[[], RequestHeads]) -> None:
    """Listen on a free port, print it, and answer for ever."""
    server = await asyncio.get_running_loop().create_server(
        connection, "127.0.0.1", 0, backlog=4096
    )
    async with server:
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()
