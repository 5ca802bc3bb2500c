"""Brings back what a quota has put off, when a worker starts that knows a higher limit."""

from collections import defaultdict
from typing import Final

from cronicorn_domain.errors import NotFound, UnreadableRow
from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.model.quota import Meter
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.ports.unit_of_work import UnitsOfWork

from cronicorn_scheduler.outages import Line

LOOKED_AT: Final = 10_000
"""So many endpoints that wait are looked at; the others come back at the month's end."""
AT_ONCE: Final = 50
"""So many are planned anew in one unit of work."""


class Lifting:
    """
    Lets endpoints go, once, that wait for a month's end although their tenants may run again.

    Of each tenant as many as it has runs left: the others would only be put off again.
    """

    name = "lift"

    def __init__(
        self, units: UnitsOfWork, guard: QuotaGuard | None, *, clock: Clock, line: Line
    ) -> None:
        self._units = units
        self._guard = guard
        self._clock = clock
        self._line = line

    async def run(self) -> None:
        """Lift what can be lifted, and end."""
        lifted = False
        while not lifted:
            async with self._line:
                for tenant, waiting in (await self._waiting()).items():
                    await self._lift(tenant, waiting[: await self._room(tenant, len(waiting))])
                lifted = True

    async def _waiting(self) -> dict[TenantId, list[EndpointId]]:
        async with self._units.begin() as unit:
            found = await unit.catalog.list_out_of_runs(limit=LOOKED_AT, now=self._clock.now())
        waiting: defaultdict[TenantId, list[EndpointId]] = defaultdict(list)
        for tenant, endpoint_id in found:
            waiting[tenant].append(endpoint_id)
        return waiting

    async def _room(self, tenant: TenantId, wanted: int) -> int:
        if self._guard is None or not self._guard.limits(tenant, Meter.RUNS):
            return wanted
        left = (await self._guard.standing(tenant, Meter.RUNS, now=self._clock.now())).left
        return wanted if left is None else min(wanted, left)

    async def _lift(self, tenant: TenantId, waiting: list[EndpointId]) -> None:
        for first in range(0, len(waiting), AT_ONCE):
            async with self._units.begin() as unit:
                for endpoint_id in waiting[first : first + AT_ONCE]:
                    try:
                        await unit.catalog.lift(tenant, endpoint_id, now=self._clock.now())
                    except (NotFound, UnreadableRow):
                        continue  # it harms only itself
                await unit.commit()
