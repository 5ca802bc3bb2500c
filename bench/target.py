"""
The target: answers every call with a few bytes of JSON, and notes when it came and for which slot.

A process of its own, the same for all systems: `python -m bench.target`. It prints its port, and
hands its notes out, once, at ``/calls``. Another body may be given. What it measures is measured
alike for everyone.
"""

import sys
from array import array
from datetime import datetime

import uvloop

from bench.request_heads import RequestHeads, serve
from bench.work import SLOT_HEADER

_SLOT = f"\r\n{SLOT_HEADER.lower()}: ".encode()
_FIRE = b"GET /fire/"
_CALLS = b"GET /calls "
_BODY = '{"status":"ok","items":[1,2,3]}'
_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_BYTES = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"


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


class Connection(RequestHeads):
    """Notes calls, and answers them at once."""

    def __init__(self, calls: Calls, body: bytes) -> None:
        super().__init__()
        self._calls = calls
        self._answer = _JSON % (len(body), body)

    def answer(self, head: bytes, arrived_at: int) -> None:
        """Note a call and answer it, or hand out what was noted."""
        if head.startswith(_CALLS):
            noted = self._calls.hand_out()
            self.write(_BYTES % len(noted) + noted)
            return
        self._calls.note(head, arrived_at)
        self.write(self._answer)


if __name__ == "__main__":
    notes = Calls()
    given = (sys.argv[1] if len(sys.argv) > 1 else _BODY).encode()
    uvloop.run(serve(lambda: Connection(notes, given)))
