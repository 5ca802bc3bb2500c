"""The one unit of work that a scheduler begins by itself, at the other end of a worker's line."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import cast

from cronicorn_domain.ports.run_log import Pruned
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork

from tools.simulate.connection import Connection
from tools.simulate.troubles import Call


class PruningUnits:
    """
    Units of work in which history is pruned, and nothing else.

    A step of pruning and its commit travel as one call, so that a worker which dies in between
    leaves no transaction open: a database would end it, too.
    """

    def __init__(self, units: UnitsOfWork, connection: Connection) -> None:
        self._units = units
        self._connection = connection

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one."""
        return self._begin()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[UnitOfWork]:
        yield cast("UnitOfWork", _Pruning(self._units, self._connection))


class _Pruning:
    def __init__(self, units: UnitsOfWork, connection: Connection) -> None:
        self._units = units
        self._connection = connection

    @property
    def runs(self) -> "_Pruning":
        return self

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
