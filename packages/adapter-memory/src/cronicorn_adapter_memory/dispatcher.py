"""A dispatcher that sends nothing: it records, and answers as it was told to."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from cronicorn_domain.model.run import Failed, FailureKind, Outcome, Response, Succeeded
from cronicorn_domain.ports.dispatcher import Dispatch

Answer = Callable[[Dispatch], Awaitable[Outcome]]
"""What a request comes to; it may take its time."""


async def ok(_: Dispatch) -> Outcome:
    """Answer 200 at once."""
    return Succeeded(response=Response(status_code=200))


def in_turn(outcomes: Iterable[Outcome]) -> Answer:
    """
    Make an answer of a script: each request gets the next outcome.

    Raises ``AssertionError`` at a request that the script has no outcome for.
    """
    script = iter(outcomes)

    async def answer(dispatch: Dispatch) -> Outcome:
        outcome = next(script, None)
        if outcome is None:
            raise AssertionError(f"the script has no answer to {dispatch.idempotency_key}")
        return outcome

    return answer


class RecordingDispatcher:
    """
    Records what it was given and answers without a network, within the request's deadline.

    ``dispatches`` holds every request in the order in which they began.
    """

    def __init__(self, answer: Answer = ok) -> None:
        self.dispatches: list[Dispatch] = []
        self._answer = answer

    async def dispatch(self, dispatch: Dispatch) -> Outcome:
        """Record one request and return the answer to it."""
        self.dispatches.append(dispatch)
        timeout = dispatch.limits.deadline
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await self._answer(dispatch)
        except TimeoutError:
            return Failed(kind=FailureKind.TIMEOUT, message=f"no answer within {timeout}")
