"""Servers that behave as servers should not, and dispatchers that may reach them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

pytest.register_assert_rewrite("cronicorn_domain.testing")

from cronicorn_adapter_http import connector as connector_module  # noqa: E402  after the rewrite
from cronicorn_adapter_http.allow_list import AllowList  # noqa: E402
from cronicorn_adapter_http.dispatcher import HttpDispatcher, open_dispatcher  # noqa: E402
from cronicorn_adapter_http.egress import EgressGuard  # noqa: E402
from cronicorn_adapter_http.resolver import Resolver  # noqa: E402


@dataclass(slots=True)
class RawServer:
    """
    Runs a script on each connection; the script says every byte.

    ``gone`` is set when a script has seen the end of its connection, or has been cut short by it.
    """

    host: str
    port: int
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """The URL of its root."""
        return f"http://{self.host}:{self.port}/"

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """Read the head of a request."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        return head

    async def until_gone(self, reader: asyncio.StreamReader) -> bytes:
        """Read until the client has gone."""
        rest = await reader.read()
        self.gone.set()
        return rest


Script = Callable[[RawServer, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Dispatching = Callable[..., Awaitable[HttpDispatcher]]
Resolving = Callable[..., "ScriptedResolver"]


@dataclass(frozen=True, slots=True)
class Serving:
    """Starts servers that live as long as the test."""

    stack: AsyncExitStack

    async def run(
        self, script: Script, *, host: str = "127.0.0.1", port: int = 0, **options: Any
    ) -> RawServer:
        """Run a script on each connection."""
        return await self.stack.enter_async_context(_raw_server(script, host, port, **options))

    async def answer(self, *pieces: bytes, hold: bool = False, **options: Any) -> RawServer:
        """Answer each connection's first request with these bytes, and close it or hold it."""

        async def script(
            server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            await server.request(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if hold:
                await server.until_gone(reader)

        return await self.run(script, **options)


@asynccontextmanager
async def _raw_server(
    script: Script, host: str, port: int, **options: Any
) -> AsyncIterator[RawServer]:
    running: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            await script(server, reader, writer)
        except (
            ConnectionError,
            asyncio.IncompleteReadError,
            asyncio.CancelledError,
            RuntimeError,  # uvloop's word for a connection that is closed
        ):
            server.gone.set()
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(run(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    listening = await (
        asyncio.start_server(accept, **options)
        if "sock" in options
        else asyncio.start_server(accept, host, port, **options)
    )
    server = RawServer(host=host, port=listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Close what a test has opened."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: AsyncExitStack) -> Serving:
    """Start servers."""
    return Serving(stack)


@pytest.fixture
def dispatching(stack: AsyncExitStack) -> Dispatching:
    """Open a dispatcher; without a word it may reach all of 127.0.0.1, and nothing else."""

    async def start(
        *,
        allow: Sequence[str] = ("127.0.0.1",),
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> HttpDispatcher:
        guard = EgressGuard(AllowList.parse(allow))
        opened: AbstractAsyncContextManager[HttpDispatcher] = open_dispatcher(
            guard, resolver=resolver, tls=tls
        )
        return await stack.enter_async_context(opened)

    return start


@dataclass(slots=True)
class ScriptedResolver:
    """Answers each lookup with the next of its answers, and the last one ever after."""

    answers: list[Sequence[str]]
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def resolve(self, name: str, port: int) -> Sequence[str]:
        """Return the next answer."""
        self.asked.append((name, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def resolving() -> Resolving:
    """Make a resolver from the answers to each lookup in turn."""
    return lambda *answers: ScriptedResolver(answers=list(answers))


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Record every address that a socket is opened for."""
    opened: list[tuple[str, int]] = []
    real = connector_module.open_socket

    def recording(info):
        opened.append(info[4][:2])
        return real(info)

    monkeypatch.setattr(connector_module, "open_socket", recording)
    return opened
