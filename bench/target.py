"""
The target: answers every call with a few bytes of JSON, and notes when it came and for which slot.

A process of its own, the same for all systems: `python -m bench.target`. It prints its port, and
hands its notes out, once, at ``/calls``. What it measures is measured alike for everyone.
"""

import asyncio
import sys
import time
from array import array
from datetime import datetime
from typing import cast

import uvloop

from bench.work import SLOT_HEADER

_SLOT = f"\r\n{SLOT_HEADER.lower()}: ".encode()
_FIRE = b"GET /fire/"
_CALLS = b"GET /calls "
_BODY = b'{"status":"ok","items":[1,2,3]}'
_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_BYTES = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
_ANSWER = _JSON % (len(_BODY), _BODY)


class Calls:
    """Notes of calls, three numbers each: endpoint, slot and arrival, both in microseconds."""

    def __init__(self) -> None:
        self._noted = array("q")

    def note(self, head: bytes, arrived_at: int) -> None:
        """Note a call by the head of its request."""
        endpoint = int(head[len(_FIRE) : head.index(b" ", len(_FIRE))])
        self._noted.extend((endpoint, _slot(head), arrived_at))

    def hand_out(self) -> bytes:
        """Return the notes and begin anew."""
        noted, self._noted = self._noted, array("q")
        return noted.tobytes()


def _slot(head: bytes) -> int:
    begins = head.lower().index(_SLOT) + len(_SLOT)
    end = head.find(b"\r\n", begins)
    text = head[begins:] if end < 0 else head[begins:end]
    return round(datetime.fromisoformat(text.decode()).timestamp() * 1_000_000)


class Connection(asyncio.Protocol):
    """Speaks as much HTTP as requests without a body need."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
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
            self._answer(head, arrived_at)

    def _answer(self, head: bytes, arrived_at: int) -> None:
        assert self._transport is not None
        if head.startswith(_CALLS):
            noted = self._calls.hand_out()
            self._transport.write(_BYTES % len(noted) + noted)
            return
        self._calls.note(head, arrived_at)
        self._transport.write(_ANSWER)


async def serve() -> None:
    """Listen on a free port, print it, and answer for ever."""
    calls = Calls()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(calls), "127.0.0.1", 0, backlog=4096
    )
    async with server:
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
