"""Waits for a store that is not there yet, when a process starts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import count
from random import Random
from typing import Final, Protocol, TypeVar

from cronicorn_domain.errors import StoreUnavailable

from cronicorn_scheduler.outages import Backoff

Opened = TypeVar("Opened")

_PAUSES: Final = Backoff(
    first=timedelta(milliseconds=500),
    most=timedelta(seconds=5),
    chance=Random(),  # noqa: S311  no secret
)
_TELL_EVERY: Final = timedelta(minutes=1)


def _loop_time() -> float:
    """Tell the time of the event loop: there is no store yet whose time it could be."""
    return asyncio.get_running_loop().time()


class Told(Protocol):
    """Who waits for the process hears of this."""

    def not_yet(self, error: StoreUnavailable, *, again_in: timedelta) -> None:
        """Say that the store does not answer, and why, and when it is asked again."""
        ...

    def at_last(self, waited: timedelta) -> None:
        """Say that it answers, after so long."""
        ...


class Opening:
    """
    Tries until the store answers, in pauses that grow to five seconds, for as long as it takes.

    What waiting does not heal (``StoreRefused`` and all else) goes through at the first try. An
    outage is told when it is met, when its reason changes, and once a minute.
    """

    def __init__(
        self,
        told: Told,
        *,
        backoff: Backoff = _PAUSES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = _loop_time,
    ) -> None:
        self._told = told
        self._backoff = backoff
        self._sleep = sleep
        self._monotonic = monotonic
        self._since: float | None = None
        self._reason: str | None = None
        self._told_at = 0.0

    @asynccontextmanager
    async def opened(
        self, opening: Callable[[], AbstractAsyncContextManager[Opened]]
    ) -> AsyncIterator[Opened]:
        """Give what a block gives, once it can be entered; each try enters a new one."""
        async with AsyncExitStack() as stack:

            async def enter() -> Opened:
                return await stack.enter_async_context(opening())

            yield await self.answered(enter)

    async def answered(self, ask: Callable[[], Awaitable[Opened]]) -> Opened:
        """Return the first answer; what asks must do no harm when it is asked again."""
        for failures in count(1):
            try:
                answer = await ask()
            except StoreUnavailable as error:
                await self._wait(error, self._backoff.pause(failures))
            else:
                self._note_answer()
                return answer
        raise AssertionError("there is no end to counting")

    async def _wait(self, error: StoreUnavailable, pause: timedelta) -> None:
        now = self._monotonic()
        self._since = now if self._since is None else self._since
        reason = str(error)
        if reason != self._reason or now - self._told_at >= _TELL_EVERY.total_seconds():
            self._reason, self._told_at = reason, now
            self._told.not_yet(error, again_in=pause)
        await self._sleep(pause.total_seconds())

    def _note_answer(self) -> None:
        if self._since is not None:
            waited = timedelta(seconds=self._monotonic() - self._since)
            self._since = self._reason = None
            self._told.at_last(waited)
