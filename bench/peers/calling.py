"""
What a benchmarked process does when it is time: call the target, and say for which slot.

Used by every peer and by the floor, so that all send alike: aiohttp with connections kept, no
cookies, a total timeout. It needs aiohttp, uvloop and the standard library.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import uvloop

from bench.work import SLOT_HEADER, Work

EPOCH = datetime.fromtimestamp(0, UTC)


class Caller:
    """Calls the target of a work."""

    def __init__(self, work: Work, session: aiohttp.ClientSession) -> None:
        self._work = work
        self._session = session

    async def call(self, endpoint: int, slot: int) -> None:
        """Call for an endpoint and a slot, in milliseconds, and read the answer."""
        headers = {SLOT_HEADER: written(slot)}
        async with self._session.get(self._work.url(endpoint), headers=headers) as answer:
            answer.raise_for_status()
            await answer.read()


@asynccontextmanager
async def open_caller(work: Work) -> AsyncIterator[Caller]:
    """Open a caller whose connections are kept."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=30),
    ) as session:
        yield Caller(work, session)


def instant(milliseconds: int) -> datetime:
    """Return the instant so long after the epoch."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def milliseconds_of(moment: datetime) -> int:
    """Return what `instant` was given, rounded down."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def written(slot: int) -> str:
    """Write a slot as the target reads it."""
    return instant(slot).isoformat(timespec="milliseconds")


def run_until_told(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a program until SIGTERM; it gets the event that tells."""
    uvloop.run(_run(main))


async def _run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await main(told)
