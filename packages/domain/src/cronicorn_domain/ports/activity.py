"""Looks at what happens, for whoever watches."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from cronicorn_domain.identity import RunId, TenantId
from cronicorn_domain.model.glimpse import Glimpse


class Activity(Protocol):
    """
    What happens to some tenants' endpoints.

    Promises:

    - One look is one question to the store, however many tenants, and keeps nobody from writing.
    - It costs no more with more history.
    """

    async def look(
        self,
        tenants: Collection[TenantId],
        *,
        since: datetime,
        running: Mapping[RunId, datetime],
        limit: int,
    ) -> Glimpse:
        """
        Return each tenant's runs of the newest slots and its newest deeds, ``limit`` of each.

        Besides these the runs that are named, by id and slot, as they stand now; whoever's they
        are. Slots and deeds before ``since`` are left out. Nothing is in an order.
        """
        ...
