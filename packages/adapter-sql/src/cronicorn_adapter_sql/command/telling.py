"""Tells on standard error how a long migration goes, and what it waits for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from cronicorn_domain.errors import StoreError

from cronicorn_adapter_sql.migrating.journey import Began, Event, Finished, HeldUp

_LOOK_EVERY: Final = 1.0
_TELL_EVERY: Final = 5.0
_TRIES_BETWEEN_LINES: Final = 10


class Progress:
    """
    Keeps the step that is under way, and says a line about it when it lasts.

    ``look`` asks the database what the step builds, or waits for.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        look: Callable[[], Coroutine[Any, Any, str | None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._look, self._clock = say, look, clock
        self._at: Began | None = None
        self._since = self._told = clock()
        self._seen: str | None = None

    def tell(self, event: Event) -> None:
        """Take note of what happened; say at once what holds it up."""
        match event:
            case Began():
                self._at, self._since, self._told = event, self._clock(), self._clock()
            case Finished():
                self._at = None
            case HeldUp(tried=0):
                self._say(f"waiting: {event.reason}")
            case HeldUp():
                if event.tried % _TRIES_BETWEEN_LINES == 1:
                    self._say(
                        f"undone, and tried again (try {event.tried} of {event.tries}):"
                        f" {event.reason}"
                    )

    async def look(self) -> None:
        """Say what is new about the step under way, or that it still lasts."""
        seen = None
        with suppress(StoreError):
            seen = await self._look()
        if seen is not None and seen != self._seen:
            self._say(f"{self._doing()}{seen}")
            self._told = self._clock()
        self._seen = seen
        if self._at is not None and self._clock() - self._told >= _TELL_EVERY:
            self._say(f"{self._doing()}{self._clock() - self._since:.0f} s so far")
            self._told = self._clock()

    def _doing(self) -> str:
        if self._at is None:
            return ""
        verb = "undoing" if self._at.undone else "applying"
        step = self._at.step
        place = f" ({self._at.number} of {self._at.count})" if self._at.count > 1 else ""
        return f"{verb} {step.revision}{place}: {step.title} "

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look every second until the end of the block."""

        async def watch() -> None:
            while True:
                await asyncio.sleep(_LOOK_EVERY)
                await self.look()

        task = asyncio.create_task(watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
