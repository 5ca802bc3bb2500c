"""Sends one request and says what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import EndpointId, RunId
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.endpoint import HttpRequest, Limits
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.model.signing import Signatory
from cronicorn_domain.model.trace import Trace


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """
    One request to send, for one attempt of one fire time.

    ``signatory`` signs it; None: it is sent unsigned. ``trace`` is that of the call that asked for
    it; None: it has one of its own.
    """

    run_id: RunId
    endpoint_id: EndpointId
    slot: datetime
    attempt: int
    request: HttpRequest
    limits: Limits
    signatory: Signatory | None = None
    trace: Trace | None = None

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of a fire time, and for no other fire time."""
        return f"{self.endpoint_id}:{iso_milliseconds(self.slot)}"


class Dispatcher(Protocol):
    """
    Sends requests over HTTP.

    Promises:

    - One deadline, ``limits.deadline``, covers everything: resolving, connecting, sending, headers
      and the whole body. Reaching it is ``Failed(TIMEOUT)``, also while a body drips.
    - At most ``limits.response_size`` bytes of the body are kept; beyond them the body is the first
      part, marked truncated, and the rest is not read.
    - The body that comes back can be stored anywhere (see ``Body``), whatever the target sent.
    - Whatever the target or the network does is an ``Outcome``, never an exception. A 2xx answer is
      ``Succeeded``; any other is ``Failed(HTTP_STATUS)`` with the response.
    - What the egress rules do not let out is ``Blocked``, and nothing has been sent or connected.
    - What has a signatory goes out signed by each of its schemes, over the very bytes of the body
      that are sent, as of the instant they are sent. Where a redirect leads to another origin
      nothing is signed any more: the keys are for the origin that was asked.
    - Cancelling the call ends the request.
    - Concurrent calls do not disturb one another: no cookies, no shared state of targets.
    """

    async def dispatch(self, dispatch: Dispatch) -> Outcome:
        """Send one request and return what came of it."""
        ...
