"""Lets out of quarantine what can be read after all, a few endpoints at a time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.policies.replanning import plan_afresh
from sqlalchemy import select

from cronicorn_adapter_sql.errors import may_be_of_one, translated
from cronicorn_adapter_sql.situations import ReadEndpoint
from cronicorn_adapter_sql.tables import endpoint_state
from cronicorn_adapter_sql.transaction import Database, Transaction

AT_ONCE: Final = 100
"""So many are healed in one transaction: nobody else waits long for the locks."""


class Healing:
    """Heals the quarantined endpoints of a database; one that cannot be stays as it is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._untold: list[EndpointId] = []

    async def heal(self, now: datetime) -> Sequence[EndpointId]:
        """Heal what can be, and return it, also what was healed before an outage ended a call."""
        after: UUID | None = None
        while ids := await self._sick(after):
            self._untold += await self._heal_some(ids, now)
            after = ids[-1]
        healed, self._untold = self._untold, []
        return healed

    async def _sick(self, after: UUID | None) -> list[UUID]:
        """Find the next endpoints in quarantine, in the order of their ids."""
        sick = select(endpoint_state.c.endpoint_id).where(endpoint_state.c.quarantine.is_not(None))
        if after is not None:
            sick = sick.where(endpoint_state.c.endpoint_id > after)
        ordered = sick.order_by(endpoint_state.c.endpoint_id).limit(AT_ONCE)
        with translated():
            async with self._database.engine.connect() as connection:
                return list((await connection.execute(ordered)).scalars())

    async def _heal_some(self, ids: Sequence[UUID], now: datetime) -> list[EndpointId]:
        try:
            return await self._heal(ids, now)
        except Exception as error:
            if not may_be_of_one(error):
                raise
        if len(ids) == 1:
            return []
        return [healed for each in ids for healed in await self._heal_some([each], now)]

    async def _heal(self, ids: Sequence[UUID], now: datetime) -> list[EndpointId]:
        async with self._database.begin() as transaction:
            found = await transaction.locked(ids, now=now)
            free = [
                read
                for read in found
                if isinstance(read, ReadEndpoint)
                and read.situation.lease is None
                and read.situation.state.quarantine is not None
            ]
            for read in free:
                _heal_one(transaction, read, now)
        return [read.id for read in free]


def _heal_one(transaction: Transaction, read: ReadEndpoint, now: datetime) -> None:
    well = replace(read.situation.state, quarantine=None)
    situation = replace(read.situation, state=well)
    change = plan_afresh(situation, now, "healed")
    transaction.changes.apply(read, change, now, after=situation)
