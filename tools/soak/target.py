"""
The target: answers after a while, and notes of every call what it was for, when it came, its key.

A process of its own: `python -m tools.soak.target SECONDS`. It prints its port, and hands its notes
out at ``/calls``, five numbers a call (see `Call`).
"""

import asyncio
import sys
from array import array
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Final, NamedTuple

import uvloop

from bench.request_heads import RequestHeads, serve

_FIRE: Final = b"/fire/"
_BODY: Final = b'{"status":"ok"}'
_JSON: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_BYTES: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: "


class Call(NamedTuple):
    """A request as it came: instants in microseconds, ``key`` a hash of its Idempotency-Key."""

    endpoint: int
    slot: int
    attempt: int
    key: int
    arrived_at: int


def calls_of(notes: bytes) -> Iterator[Call]:
    """Read the notes that a target handed out."""
    numbers = array("q", notes)
    return (Call(*numbers[at : at + 5]) for at in range(0, len(numbers), 5))


def _call(head: bytes, arrived_at: int) -> Call:
    request, *lines = head.split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
    slot = datetime.fromisoformat(headers[b"x-cronicorn-scheduled-for"].decode())
    key = blake2b(headers[b"idempotency-key"], digest_size=8).digest()
    return Call(
        endpoint=int(request.split(b" ")[1].removeprefix(_FIRE)),
        slot=round(slot.timestamp() * 1_000_000),
        attempt=int(headers[b"x-cronicorn-attempt"]),
        key=int.from_bytes(key, "big", signed=True),
        arrived_at=arrived_at,
    )


class Connection(RequestHeads):
    """Notes calls, and answers each after a while."""

    def __init__(self, notes: "array[int]", answers_after: float) -> None:
        super().__init__()
        self._notes = notes
        self._answers_after = answers_after

    def answer(self, head: bytes, arrived_at: int) -> None:
        """Note a call and answer it later, or hand out what was noted."""
        if head.startswith(b"GET /calls "):
            noted = self._notes.tobytes()
            self.write(_BYTES + b"%d\r\n\r\n" % len(noted) + noted)
            return
        self._notes.extend(_call(head, arrived_at))
        later = asyncio.get_running_loop().call_later
        later(self._answers_after, self.write, _JSON % (len(_BODY), _BODY))


if __name__ == "__main__":
    notes = array("q")
    answers_after = float(sys.argv[1])
    uvloop.run(serve(lambda: Connection(notes, answers_after)))
