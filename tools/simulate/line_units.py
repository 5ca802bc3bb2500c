"""What a worker asks of the store besides the queue, at the other end of its line."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar, cast

from cronicorn_domain.identity import EndpointId, JobId, RunId, TenantId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.ports.run_log import Health, Pruned
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork

from tools.simulate.connection import Connection
from tools.simulate.one_kind import OneKindOfUnits
from tools.simulate.troubles import Call

T = TypeVar("T")


class LineUnits(OneKindOfUnits):
    """
    Units of work in which conditions look at the history, or it is pruned, and nothing else.

    Each question travels as one call, and so does a step of pruning with its commit: a worker which
    dies in between leaves no transaction open. A database would end it, too.
    """

    def __init__(self, units: UnitsOfWork, connection: Connection) -> None:
        self._units = units
        self._connection = connection

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[UnitOfWork]:
        yield cast("UnitOfWork", _AtTheLine(self._units, self._connection))


class _AtTheLine:
    """Catalog and log in one."""

    def __init__(self, units: UnitsOfWork, connection: Connection) -> None:
        self._units = units
        self._connection = connection

    @property
    def catalog(self) -> "_AtTheLine":
        return self

    @property
    def runs(self) -> "_AtTheLine":
        return self

    async def get_states(
        self, tenant: TenantId, endpoint_ids: Sequence[EndpointId]
    ) -> Sequence[tuple[EndpointId, EndpointState]]:
        return await self._ask(lambda unit: unit.catalog.get_states(tenant, endpoint_ids))

    async def list_endpoints(
        self, tenant: TenantId, job_id: JobId, *, limit: int, archived: bool
    ) -> Sequence[Endpoint]:
        return await self._ask(
            lambda unit: unit.catalog.list_endpoints(tenant, job_id, limit=limit, archived=archived)
        )

    async def list_out_of_runs(
        self, *, limit: int, now: datetime
    ) -> Sequence[tuple[TenantId, EndpointId]]:
        return await self._ask(lambda unit: unit.catalog.list_out_of_runs(limit=limit, now=now))

    async def lift(self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime) -> None:
        """Nothing is lifted in a world whose limits stay as they are."""

    async def health(
        self, tenant: TenantId, endpoint_id: EndpointId, *, since: datetime, now: datetime
    ) -> Health:
        return await self._ask(
            lambda unit: unit.runs.health(tenant, endpoint_id, since=since, now=now)
        )

    async def list_runs(
        self, tenant: TenantId, endpoint_id: EndpointId, *, limit: int, tests: bool
    ) -> Sequence[Run]:
        return await self._ask(
            lambda unit: unit.runs.list_runs(tenant, endpoint_id, limit=limit, tests=tests)
        )

    async def get(self, tenant: TenantId, run_id: RunId) -> Run:
        return await self._ask(lambda unit: unit.runs.get(tenant, run_id))

    async def prune(
        self, *, before: datetime | None, limit: int, now: datetime, most: int | None = None
    ) -> Pruned:
        async def carry_out() -> Pruned:
            async with self._units.begin() as unit:
                pruned = await unit.runs.prune(before=before, limit=limit, now=now, most=most)
                await unit.commit()
                return pruned

        return await self._connection.ask(Call.PRUNE, carry_out)

    async def commit(self) -> None:
        """Nothing is left to commit."""

    async def _ask(self, question: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        async def carry_out() -> T:
            async with self._units.begin() as unit:
                return await question(unit)

        return await self._connection.ask(Call.READ, carry_out)
