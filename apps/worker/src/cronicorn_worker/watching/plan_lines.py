"""Tells, after a failed run, when its endpoint runs next and why: for the demo's log lines."""

import asyncio
from collections import deque
from contextlib import suppress

from cronicorn_domain.errors import CronicornError
from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.run import Failed
from cronicorn_domain.policies.explaining import reason_of
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_scheduler.observing import Event, RunSettled

from cronicorn_worker.settings import LogLevel
from cronicorn_worker.watching.log_lines import Write


class PlanLines:
    """Looks a plan up for each failed run; it costs a read, so it is not for the many."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._failed: deque[EndpointId] = deque()
        self._arrived = asyncio.Event()

    def record(self, event: Event) -> None:
        """Remember a failed run's endpoint."""
        if isinstance(event, RunSettled) and isinstance(event.settlement.outcome, Failed):
            self._failed.append(event.run.lease.endpoint_id)
            self._arrived.set()

    async def keep_telling(self, units: UnitsOfWork, tenant: TenantId) -> None:
        """Write a line for each, until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self.tell_waiting(units, tenant)

    async def tell_waiting(self, units: UnitsOfWork, tenant: TenantId) -> None:
        """Write a line for each that waits for one."""
        while self._failed:
            # Archived, or no answer: then there is nothing to tell.
            with suppress(CronicornError):
                await self._tell(units, tenant, self._failed.popleft())

    async def _tell(self, units: UnitsOfWork, tenant: TenantId, endpoint_id: EndpointId) -> None:
        async with units.begin() as unit:
            situation = await unit.catalog.get_situation(tenant, endpoint_id)
        plan = situation.state.next_plan
        if plan is not None:
            fields = {
                "endpoint": situation.endpoint.name,
                "failures": situation.state.failures,
                "due": iso_milliseconds(plan.decision.due_at),
                "why": reason_of(plan.decision, situation.endpoint),
            }
            self._write(LogLevel.INFO, "next_run_planned", fields)
