# ruff: noqa: S608  names of our own tables and columns only
"""Deletes history row by row, in small steps; who does so at once shares it out and never waits."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from cronicorn_domain.model.breaker import FORGOTTEN_AFTER
from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.ports.run_log import HELD_FOR, ROLL_UPS_KEPT, Pruned
from sqlalchemy import (
    FromClause,
    Select,
    Table,
    Uuid,
    bindparam,
    column,
    delete,
    func,
    or_,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.closing import close_hours
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.folding import fold
from cronicorn_adapter_sql.looking_widely import look_widely
from cronicorn_adapter_sql.lower_bound import FLOOR
from cronicorn_adapter_sql.roll_ups import MINUTES, hour_of
from cronicorn_adapter_sql.tables import (
    breakers,
    hints,
    roll_ups,
    run_bodies,
    runs,
    slot_records,
    triggers,
)

_Behind = Callable[[UUID, datetime, int], Awaitable[int]]
"""Deletes up to so many of what a tenant has from before an instant."""


class Pruning:
    """One step over one connection: up to ``limit`` rows of each kind."""

    def __init__(self, connection: AsyncConnection, *, limit: int) -> None:
        self._connection = connection
        self._limit = limit

    async def prune(self, *, before: datetime | None, now: datetime, most: int | None) -> Pruned:
        """Delete what is past its time; see ``RunLog.prune``."""
        before = FLOOR if before is None else before
        over = min(before, now - HELD_FOR)
        old, records = await self._runs(before), await self._records(before)
        if most is not None:
            old += await self._beyond(_CROWDED_RUNS, most, self._limit - old, self._runs_behind)
            records += await self._beyond(
                _CROWDED_RECORDS, most, self._limit - records, self._records_behind
            )
        return Pruned(
            runs=old,
            slot_records=records,
            hints=await self._by_id(
                hints,
                hints.c.created_at < over,
                or_(hints.c.ended_at < over, hints.c.expires_at < over),
            ),
            triggers=await self._by_id(triggers, triggers.c.expires_at < over),
            roll_ups=await self._roll_ups(now),
            breakers=await self._breakers(now - FORGOTTEN_AFTER),
        )

    async def _runs(self, before: datetime) -> int:
        """Delete by age; on PostgreSQL days with a partition of their own go as a whole."""
        undivided = _UNDIVIDED[self._connection.dialect.name]
        return await self._delete_runs(
            select(undivided.c.id, undivided.c.slot).where(
                undivided.c.slot < before, undivided.c.status != RunStatus.RUNNING.value
            )
        )

    async def _records(self, before: datetime) -> int:
        return await self._by_id(slot_records, slot_records.c.last < before)

    async def _beyond(self, crowded: Any, most: int, limit: int, delete_behind: _Behind) -> int:
        """Delete by number: of tenants that have more than ``most`` what lies behind the newest."""
        deleted = 0
        while deleted < limit:
            found = (await self._connection.execute(crowded, {"before": most - 1})).all()
            gone = 0
            for tenant, oldest in found:
                if deleted + gone < limit:
                    gone += await delete_behind(tenant, oldest, limit - deleted - gone)
            deleted += gone
            if not gone or len(found) < _CROWDED_AT_ONCE:
                break
        return deleted

    async def _runs_behind(self, tenant: UUID, oldest: datetime, limit: int) -> int:
        behind = select(runs.c.id, runs.c.slot).where(
            runs.c.tenant == tenant,
            runs.c.slot < oldest,
            runs.c.status != RunStatus.RUNNING.value,
        )
        return await self._delete_runs(behind, limit=limit)

    async def _records_behind(self, tenant: UUID, oldest: datetime, limit: int) -> int:
        return await self._by_id(
            slot_records,
            slot_records.c.tenant == tenant,
            slot_records.c.last < oldest,
            limit=limit,
        )

    async def _delete_runs(self, old: Select[Any], *, limit: int | None = None) -> int:
        taken = old.limit(limit or self._limit).with_for_update(skip_locked=True)
        gone = [(run_id, slot) for run_id, slot in await self._connection.execute(taken)]
        await self._delete(run_bodies, ("run_id", "slot"), gone)
        await self._delete(runs, ("id", "slot"), gone)
        return len(gone)

    async def _by_id(self, of: Table, *conditions: Any, limit: int | None = None) -> int:
        old = select(of.c.id).where(*conditions).limit(limit or self._limit)
        taken = await self._connection.execute(old.with_for_update(skip_locked=True))
        gone = [(each,) for each in taken.scalars()]
        await self._delete(of, ("id",), gone)
        return len(gone)

    async def _breakers(self, over: datetime) -> int:
        """Forget hosts that nobody has failed to reach since then."""
        old = select(breakers.c.tenant, breakers.c.host).where(breakers.c.failed_at < over)
        taken = old.limit(self._limit).with_for_update(skip_locked=True)
        gone = [(tenant, host) for tenant, host in await self._connection.execute(taken)]
        await self._delete(breakers, ("tenant", "host"), gone)
        return len(gone)

    async def _delete(self, of: Table, key: tuple[str, ...], rows: Sequence[Any]) -> None:
        if rows:
            columns = tuple_(*(of.c[name] for name in key))
            await self._connection.execute(delete(of).where(columns.in_(rows)))

    async def _roll_ups(self, now: datetime) -> int:
        """Close hours, add up what is older than its size is kept, and delete days too old."""
        # One transaction for a whole hour of runs: how to join them is not to be told beforehand.
        await look_widely(self._connection)
        closed = await close_hours(self._connection, now)
        done = self._limit if closed.more else 0  # whoever asks is to ask again
        for size, kept in _KEPT.items():
            before = _whole(now - kept, size)
            if size in MINUTES:
                # What was late is added to sums that only who holds the closing may add to.
                before = min(before, closed.until)
            while done < self._limit:
                first = select(func.min(roll_ups.c.begins_at)).where(
                    roll_ups.c.size == size, roll_ups.c.begins_at < before
                )
                begins_at = (await self._connection.execute(first)).scalar_one()
                if begins_at is None:
                    break
                done += await fold(self._connection, size, begins_at)
        return done


_KEPT: Final = {"late": ROLL_UPS_KEPT["minute"], **ROLL_UPS_KEPT}


def _whole(instant: datetime, size: str) -> datetime:
    """Return the beginning of what a size is added up to: only whole hours and days are."""
    if size in MINUTES:
        return hour_of(instant)
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


_UNDIVIDED: Final[dict[str, FromClause]] = {
    "sqlite": runs,
    "postgresql": table(
        "runs_default", column("id", Uuid()), column("slot", UtcDateTime()), column("status")
    ),
}
_CROWDED_AT_ONCE: Final = 20


def _crowded(of: str, at: str, may_go: str = "true") -> Any:
    """Find tenants that have more than their newest so many, and the oldest instant of those."""
    return (
        text(
            "WITH RECURSIVE step(tenant) AS ("
            " SELECT (SELECT tenant FROM jobs ORDER BY tenant LIMIT 1)"
            " UNION ALL"
            " SELECT (SELECT j.tenant FROM jobs AS j WHERE j.tenant > step.tenant"
            "  ORDER BY j.tenant LIMIT 1) FROM step WHERE step.tenant IS NOT NULL"
            f"), counted AS (SELECT tenant, (SELECT r.{at} FROM {of} AS r"
            "  WHERE r.tenant = step.tenant"
            f"  ORDER BY r.tenant DESC, r.{at} DESC LIMIT 1 OFFSET :before) AS oldest"
            " FROM step WHERE tenant IS NOT NULL)"
            f" SELECT tenant, oldest FROM counted WHERE EXISTS (SELECT 1 FROM {of} AS r"
            f"  WHERE r.tenant = counted.tenant AND r.{at} < counted.oldest AND {may_go})"
            f" LIMIT {_CROWDED_AT_ONCE}"
        )
        .bindparams(bindparam("before"))
        .columns(tenant=Uuid(), oldest=UtcDateTime())
    )


_CROWDED_RUNS: Final = _crowded("runs", "slot", f"r.status <> '{RunStatus.RUNNING.value}'")
_CROWDED_RECORDS: Final = _crowded("slot_records", "last")
