"""One dispatch on its way: how far it has come, and what has come back."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from time import perf_counter

from aiohttp import ClientResponse
from cronicorn_domain.model.run import Response, Timing

from cronicorn_adapter_http.addresses import IPAddress
from cronicorn_adapter_http.body import body_of
from cronicorn_adapter_http.content import Content
from cronicorn_adapter_http.readable import readable_headers

_SENT_AT_ONCE = 16 * 1024
_LINGER = 1.0


class Phase(StrEnum):
    """Where a request stands, in the words of its timeout."""

    RESOLVING = "resolving the name"
    CONNECTING = "connecting"
    WAITING = "waiting for the answer"
    READING = "reading the body"


@dataclass(slots=True)
class Exchange:
    """
    The state of one dispatch, over all its hops.

    The connector notes here what it does, and obeys: a connection is only made to an address that
    is ``cleared``.
    """

    started: float = field(default_factory=perf_counter)
    phase: Phase = Phase.CONNECTING
    cleared: frozenset[IPAddress] = frozenset()
    redirects: int = 0
    sent: int = 0
    new_connection: bool = False
    transport: asyncio.Transport | None = None
    connected_at: float | None = None
    first_byte_at: float | None = None
    completed_at: float | None = None
    answer: ClientResponse | None = None
    content: Content | None = None

    def begin_hop(self, cleared: frozenset[IPAddress], *, sent: int) -> None:
        """Start on the next request, with a body of ``sent`` bytes; the one before is forgotten."""
        self.let_go()
        self.sent = sent
        self.phase = Phase.CONNECTING
        self.cleared = cleared
        self.new_connection = False
        self.transport = self.answer = self.content = None
        self.connected_at = self.first_byte_at = None

    def connected(self, transport: asyncio.Transport | None) -> None:
        """Note that a connection is there, a new one or one that was kept."""
        self.transport = transport
        self.connected_at = perf_counter()
        self.phase = Phase.WAITING

    def answered(self, answer: ClientResponse, content: Content) -> None:
        """Note that the head of an answer is there."""
        self.answer = answer
        self.content = content
        self.first_byte_at = perf_counter()
        self.phase = Phase.READING

    def elapsed(self) -> timedelta:
        """Tell how long it has been going on, in whole microseconds."""
        return timedelta(0, 0, int((perf_counter() - self.started) * 1e6))

    def completed(self) -> None:
        """Note that the body is there, or as much of it as is kept."""
        self.completed_at = perf_counter()

    def let_go(self) -> None:
        """
        End what is still going on; a connection whose answer is complete has gone to the pool.

        A plain close would first send what is left of our own request, and keep the socket for as
        long as the target does not read it. When an answer comes before all of a large body has
        been sent, that is only known a little later.
        """
        answer, transport = self.answer, self.transport
        unfinished = answer is not None and not answer.closed
        if transport is not None and (unfinished or transport.is_closing()):
            transport.abort()
        elif transport is not None and self.sent > _SENT_AT_ONCE:
            asyncio.get_running_loop().call_later(_LINGER, _abort_if_closing, transport)
        if answer is not None and unfinished:
            answer.close()

    def response(self) -> Response | None:
        """Build the response from what has come; None when not even its head has."""
        if self.answer is None or self.content is None:
            return None
        headers = self.answer.headers
        return Response(
            status_code=self.answer.status,
            headers=readable_headers(headers.items()),
            body=body_of(
                self.content.kept(),
                content_type=headers.get("Content-Type", ""),
                encoding=self.content.unread_encoding,
                truncated=self.content.truncated,
                whole=self.completed_at is not None,
            ),
        )

    def timing(self) -> Timing:
        """Tell how long the parts took that were reached."""
        return Timing(
            connected=self._since_start(self.connected_at),
            first_byte=self._since_start(self.first_byte_at),
            complete=self._since_start(self.completed_at),
        )

    def _since_start(self, instant: float | None) -> timedelta | None:
        # Whole microseconds: a timedelta is made of them, and takes several times as long to work
        # them out of a fraction.
        return None if instant is None else timedelta(0, 0, int((instant - self.started) * 1e6))


def _abort_if_closing(transport: asyncio.Transport) -> None:
    """Abort what would wait for its last bytes to be read; one in the pool is not closing."""
    if transport.is_closing():
        transport.abort()


current: ContextVar[Exchange] = ContextVar("exchange")
"""The exchange that the running task is on, for the connector, which is called by aiohttp."""
