"""Gives claims back that will not start here, because the scheduler stops."""

from collections.abc import Mapping, Sequence

from cronicorn_domain.identity import Token
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import EndpointQueue, Settled

from cronicorn_scheduler.grouping import Grouping
from cronicorn_scheduler.outages import Line


class Releasing:
    """Undoes claims; what they consumed is pending again, for any worker to take."""

    name = "release"

    def __init__(self, queue: EndpointQueue, *, clock: Clock, line: Line, limit: int) -> None:
        self._queue = queue
        self._clock = clock
        self._claims = Grouping(self._release, line=line, clock=clock, limit=limit)

    async def run(self) -> None:
        """Release what is handed over, for ever."""
        await self._claims.run()

    async def release(self, token: Token) -> Settled:
        """Give one claim back and return what became of it."""
        return await self._claims.ask(token, token)

    async def _release(self, tokens: Sequence[Token]) -> Mapping[Token, Settled]:
        return await self._queue.release(tokens, now=self._clock.now())
