"""Connections that lead only to addresses which the egress guard has cleared."""

import asyncio
import functools
import socket
import ssl
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import AddrInfoType, ClientRequest, ClientTimeout, StreamReader, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.tracing import Trace

from cronicorn_adapter_http.egress import EgressGuard
from cronicorn_adapter_http.exchange import Phase, current
from cronicorn_adapter_http.resolver import Resolver

INTERIM_MOST = 64
"""How many interim answers (1xx) may come before the answer."""


class BoundedHandler(ResponseHandler):
    """
    Reads one connection, and gives it up when interim answers do not end.

    They are no part of the body, which is capped, and reading them costs far more than receiving
    them: one target that sends nothing else would hold up all others until its deadline.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._interim = 0

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take in an answer, interim or not."""
        code = data[0].code
        is_interim = code < HTTPStatus.OK and code != HTTPStatus.SWITCHING_PROTOCOLS
        self._interim = self._interim + 1 if is_interim else 0
        if self._interim <= INTERIM_MOST:
            super().feed_data(data, size)
        elif self.transport is not None:
            self.transport.abort()
            self.set_exception(HttpProcessingError(message="interim answers without end"))


def _bounded(*, loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return BoundedHandler(loop)


class GuardedConnector(TCPConnector):
    """
    A pool of connections; how many there are is for the worker's concurrency to say.

    A name is resolved once for a connection, by `GuardedResolver`, and connected to at the very
    addresses that were cleared. The socket itself is the last lock: an address in a URL passes no
    resolver.
    """

    def __init__(
        self, resolver: AbstractResolver, *, tls: ssl.SSLContext | bool, keep_alive: bool
    ) -> None:
        super().__init__(
            resolver=resolver,
            use_dns_cache=False,
            limit=0,
            ssl=tls,
            force_close=not keep_alive,
            socket_factory=open_socket,
        )
        self._factory = functools.partial(_bounded, loop=self._loop)

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109  it is aiohttp's
    ) -> Connection:
        """Connect, and note it in the current exchange."""
        connection = await super().connect(req, traces, timeout)
        current.get().connected(connection.transport)
        return connection


class GuardedResolver(AbstractResolver):
    """Hands only cleared addresses to the connector."""

    def __init__(self, resolver: Resolver, guard: EgressGuard) -> None:
        self._resolver = resolver
        self._guard = guard

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        """
        Resolve a name and note in the current exchange what was cleared.

        Raises:
            RefusedUrl: one of its addresses is not let out.
            OSError: it has no address.
        """
        exchange = current.get()
        exchange.phase = Phase.RESOLVING
        addresses = await self._resolver.resolve(host, port)
        if not addresses:
            raise OSError("it has no address")
        exchange.cleared = self._guard.admit(host, port, addresses)
        exchange.phase = Phase.CONNECTING
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        """Do nothing: the resolver belongs to whoever opened it."""


def open_socket(info: AddrInfoType) -> socket.socket:
    """
    Open the socket for a connection of the current exchange.

    Raises:
        PermissionError: the address was never cleared.
    """
    family, kind, protocol, _, address = info
    exchange = current.get()
    if ip_address(address[0]) not in exchange.cleared:
        raise PermissionError("the address was not cleared by the egress guard")
    exchange.new_connection = True
    return socket.socket(family, kind, protocol)
