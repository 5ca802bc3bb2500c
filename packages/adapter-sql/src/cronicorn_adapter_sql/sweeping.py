"""Looks through all that is due for what came back far below, beside the claims of a process."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.errors import StoreUnavailable
from sqlalchemy import BigInteger, Boolean, String, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.engine import read_only
from cronicorn_adapter_sql.errors import ran_out_of_time, translated
from cronicorn_adapter_sql.lower_bound import SWEEP_EVERY
from cronicorn_adapter_sql.tables import due
from cronicorn_adapter_sql.transaction import Database

_FIRST_WITHIN: Final = timedelta(seconds=1)
"""So long a process's first claim waits to know where to begin."""
_SWEPT_WITHIN: Final = timedelta(minutes=5)
"""So long a sweep may take, which keeps nobody waiting: more than other statements may."""
AFTER_A_FAULT: Final = timedelta(minutes=2)
"""So much later a sweep comes again that failed unforeseen: who claims dies of many in a row."""
_OURS: Final = 0x6372737765
"""The key of the advisory lock that lets one process at a time sweep."""


class Sweeping:
    """
    Makes the looks from the floor that no claim can wait for, one at a time over all processes.

    Whoever sweeps claims what it finds, and others need not know of it: who finds that another is
    at it tries again soon. A sweep that an outage ended is made again, as claims meet that, too;
    anything else that ended one comes out of the next ``check``.
    """

    def __init__(self, database: Database) -> None:
        self._bound = database.due_bound
        self._engine = read_only(database.engine)
        self._sweep: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Raise what nobody foresaw and the last sweep ended with; once."""
        if self._sweep is not None and self._sweep.done():
            over, self._sweep = self._sweep, None
            if not over.cancelled():
                over.result()

    async def find_beginning(self, now: datetime) -> None:
        """
        Find where the first claim is to begin, unless it takes too long; then a sweep will tell.

        Raises:
            StoreUnavailable: as a claim would.
        """
        if not self._bound.is_unknown:
            return
        try:
            with translated(), self._bound.looking(now) as look:
                async with self._engine.begin() as connection:
                    await connection.execute(_WITHIN, {"within": _milliseconds(_FIRST_WITHIN)})
                    look.first = (await connection.execute(_FIRST)).scalar_one()
        except StoreUnavailable as error:
            if not ran_out_of_time(error):
                raise
            self._bound.begin_near(now)

    def begin_if_due(self, now: datetime) -> None:
        """Begin a sweep, unless one is under way or it is too early for the next."""
        if self._sweep is None and self._bound.sweep_is_due(now):
            self._sweep = asyncio.create_task(self._go(now), name="sweep")

    async def close(self) -> None:
        """End what is under way."""
        if self._sweep is not None:
            self._sweep.cancel()
            await asyncio.wait([self._sweep])

    async def _go(self, now: datetime) -> None:
        self._bound.put_off_sweep(now + SWEEP_EVERY)
        try:
            with suppress(StoreUnavailable), translated():
                async with self._engine.begin() as connection:
                    if await _alone(connection):
                        with self._bound.sweeping(now) as look:
                            look.first = (await connection.execute(_FIRST)).scalar_one()
        except Exception:
            self._bound.put_off_sweep(now + AFTER_A_FAULT)
            raise


async def _alone(connection: AsyncConnection) -> bool:
    """Take the right to sweep until the transaction ends; say whether nobody else has it."""
    given = {"key": _OURS, "within": _milliseconds(_SWEPT_WITHIN)}
    alone: bool = (await connection.execute(_ALONE, given)).one().alone
    return alone


def _milliseconds(length: timedelta) -> str:
    return str(length // timedelta(milliseconds=1))


_FIRST: Final = select(func.min(due.c.due_at))
_WITHIN: Final = text("SELECT set_config('statement_timeout', :within, true)").bindparams(
    bindparam("within", type_=String())
)
_ALONE: Final = (
    text(
        "SELECT pg_try_advisory_xact_lock(:key) AS alone,"
        " set_config('statement_timeout', :within, true)"
    )
    .bindparams(bindparam("key", type_=BigInteger()), bindparam("within", type_=String()))
    .columns(alone=Boolean())
)
