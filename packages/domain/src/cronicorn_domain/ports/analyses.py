"""Lends the endpoints that the AI planner is to look at, to one planner at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from cronicorn_domain.identity import EndpointId, TenantId, WorkerId
from cronicorn_domain.model.session import Analysis


class Analyses(Protocol):
    """
    When endpoints are looked at next; takes part in the caller's unit of work.

    An endpoint has an analysis while its mode is not ``off``, it is not archived, and its job is
    active; whether it is paused, or when it ran last, does not matter.

    Promises:

    - While a lease lasts nobody else is given its endpoint, whichever process takes.
    - A take waits for nobody: it takes what is free.
    - A lease that has ended before its session did counts as a failure when that is met by a take.
      The first time the endpoint is taken at once; later it waits, twice as long each time.
    - Streaks of failures, recoveries and what rules ask for bring an analysis forward in the
      transaction in which the queue writes them, for the endpoint's siblings, too; also while a
      session is under way, for the next one.
    - Equal is due; equal is expired.
    """

    async def enrol(self, *, now: datetime) -> int:
        """
        Give endpoints that are to be looked at their analysis, due at once; say how many are new.

        Those that are not to be looked at any more lose theirs, and with it the lease.
        """
        ...

    async def take(
        self, *, worker: WorkerId, limit: int, lease_for: timedelta, now: datetime
    ) -> Sequence[Analysis]:
        """
        Lease up to ``limit`` analyses that are due; tenants in turn, the longest due first.

        The tenant of whom none was taken for the longest has the first turn, so that tenants come
        in turn from take to take, too, where each has room for one.
        """
        ...

    async def finish(
        self, leased: Analysis, *, again_at: datetime, failures: int, now: datetime
    ) -> bool:
        """
        End a lease: it is looked at again then, or earlier if something has happened meanwhile.

        False: the lease is not the caller's any more, also because it has ended; nothing was
        written, and the caller rolls back what it has made of it.
        """
        ...

    async def release(self, leased: Analysis) -> None:
        """Give a lease back unused: it is due as before. One that is lost stays lost."""
        ...

    async def get(self, tenant: TenantId, endpoint_id: EndpointId) -> Analysis | None:
        """Return an endpoint's analysis; None: it has none."""
        ...

    async def next_due(self) -> datetime | None:
        """Return the earliest instant at which an analysis may be taken; None: never."""
        ...
