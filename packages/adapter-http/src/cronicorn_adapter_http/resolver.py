"""Turns names into addresses."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Protocol

LOOKUPS_AT_ONCE = 32


class Resolver(Protocol):
    """
    Looks names up.

    Promises:

    - Addresses come back as text, in the order in which they should be tried.
    - Cancelling one caller does not end the lookup of another.
    """

    async def resolve(self, name: str, port: int) -> Sequence[str]:
        """
        Return the addresses of a name.

        Raises:
            OSError: it has none, or they cannot be had.
        """
        ...


class SystemResolver(Resolver):
    """
    Asks the system, in threads of its own, so that names that stall harm only one another.

    Lookups of one name that are under way at once are one lookup: a thousand endpoints of one host
    on one minute do not ask a thousand times.
    """

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._under_way: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def resolve(self, name: str, port: int) -> Sequence[str]:
        """Return what ``getaddrinfo`` knows; see `Resolver`."""
        lookup = self._under_way.get(name)
        if lookup is None:
            loop = asyncio.get_running_loop()
            lookup = loop.run_in_executor(self._threads, _look_up, name, port)
            self._under_way[name] = lookup
            lookup.add_done_callback(lambda done: self._finish(name, done))
        return await asyncio.shield(lookup)

    def close(self) -> None:
        """Give up the lookups under way; who waits for them is canceled."""
        for lookup in tuple(self._under_way.values()):
            lookup.cancel()

    def _finish(self, name: str, lookup: asyncio.Future[Sequence[str]]) -> None:
        del self._under_way[name]
        if not lookup.cancelled():
            lookup.exception()  # looked at, for the case that everyone who asked has gone


@asynccontextmanager
async def open_system_resolver() -> AsyncIterator[SystemResolver]:
    """Open a resolver; closing it waits for no lookup."""
    threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="resolve")
    resolver = SystemResolver(threads)
    try:
        yield resolver
    finally:
        resolver.close()
        threads.shutdown(wait=False, cancel_futures=True)


def _look_up(name: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
