"""Where nobody looks nothing happens."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from cronicorn_domain.identity import RunId, TenantId
from cronicorn_domain.model.glimpse import Glimpse


class NothingHappens:
    """Sees nothing, for desks at which nobody watches."""

    async def look(
        self,
        tenants: Collection[TenantId],
        *,
        since: datetime,
        running: Mapping[RunId, datetime],
        limit: int,
    ) -> Glimpse:
        """See nothing."""
        del tenants, since, running, limit
        return Glimpse()


NOTHING_HAPPENS: Final = NothingHappens()
