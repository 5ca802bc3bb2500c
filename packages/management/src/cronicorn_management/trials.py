"""Sends a request by way of trial: what it takes besides the store."""

from typing import Final, Protocol

from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Blocked, Outcome
from cronicorn_domain.ports.dispatcher import Dispatch


class Trials(Protocol):
    """
    Sends as a worker does, through the same egress guard, and judges as a worker does.

    Whatever the target does is an outcome; what the endpoint's own condition says of it counts. Its
    rules are not asked. Raises ``TooManyRequests`` when as many are under way as may be.
    """

    async def send(self, dispatch: Dispatch, endpoint: Endpoint) -> Outcome:
        """Send one request, and return what came of it."""
        ...


class NothingIsSent:
    """Where nothing may be sent everything is held back."""

    async def send(self, dispatch: Dispatch, endpoint: Endpoint) -> Outcome:
        """Hold it back."""
        del dispatch, endpoint
        return Blocked(message="nothing is sent from here")


NOTHING_IS_SENT: Final = NothingIsSent()
