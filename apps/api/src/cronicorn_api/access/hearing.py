"""Lets whoever listens hear what happens, and looks again and again whether they still may."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cronicorn_domain.errors import StoreError
from cronicorn_domain.model.api_key import Scope
from cronicorn_management.caller import Caller
from cronicorn_management.watching import Happening, Listener
from fastapi import Request

from cronicorn_api.access.desks import desk_of, proven_by

LOOK_AGAIN = timedelta(seconds=5)
"""So long a stream goes on upon what was proven when it began."""


class Hearing:
    """
    What a request for a stream lets its caller hear.

    A stream would else outlive what let it in: a key that was revoked, a session that was ended, a
    person who was disabled. Looking again counts for no rate.
    """

    def __init__(
        self, request: Request, caller: Caller, listener: Listener, *, since: datetime
    ) -> None:
        self._request = request
        self._caller = caller
        self._listener = listener
        self._looked_at = since

    async def batch(self, patience: timedelta | None = None) -> Sequence[Happening] | None:
        """
        Return what waits, once something does; None: it is over, or is not to be heard any more.

        It is empty when nothing has happened for so long, or until it was to be looked again.
        """
        found = await self._listener.batch(min(patience or LOOK_AGAIN, LOOK_AGAIN))
        return found if found is not None and await self._may_go_on() else None

    async def _may_go_on(self) -> bool:
        """Say whether they still may; while the store is away, it is as it was."""
        now = (await desk_of(self._request)).clock.now()
        if now - self._looked_at < LOOK_AGAIN:
            return True
        try:
            caller, _ = await proven_by(self._request)
        except StoreError:
            return True
        self._looked_at = now
        if caller is None or caller.tenant != self._caller.tenant:
            return False
        return Scope.READ in caller.scopes
