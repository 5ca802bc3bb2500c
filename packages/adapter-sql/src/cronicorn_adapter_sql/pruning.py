"""Deletes history row by row, in small steps; who does so at once shares it out and never waits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

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


class Pruning:
    """One step over one connection: up to ``limit`` rows of each kind."""

    def __init__(self, connection: AsyncConnection, *, limit: int) -> None:
        self._connection = connection
        self._limit = limit

    async def prune(self, *, before: datetime | None, now: datetime, most: int | None) -> Pruned:
        """Delete what is past its time; see ``RunLog.prune``."""
        before = FLOOR if before is None else before
        over = min(before, now - HELD_FOR)
        old = await self._runs(before)
        if most is not None:
            old += await self._runs_beyond(most, self._limit - old)
        return Pruned(
            runs=old,
            slot_records=await self._by_id(slot_records, slot_records.c.last < before),
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

    async def _runs_beyond(self, most: int, limit: int) -> int:
        """Delete by number: of tenants that have more than ``most`` what lies behind the newest."""
        deleted = 0
        while deleted < limit:
            crowded = (await self._connection.execute(_CROWDED, {"before": most - 1})).all()
            gone = 0
            for tenant, oldest in crowded:
                if deleted + gone < limit:
                    behind = select(runs.c.id, runs.c.slot).where(
                        runs.c.tenant == tenant,
                        runs.c.slot < oldest,
                        runs.c.status != RunStatus.RUNNING.value,
                    )
                    gone += await self._delete_runs(behind, limit=limit - deleted - gone)
            deleted += gone
            if not gone or len(crowded) < _CROWDED_AT_ONCE:
                break
        return deleted

    async def _delete_runs(self, old: Select[Any], *, limit: int | None = None) -> int:
        taken = old.limit(limit or self._limit).with_for_update(skip_locked=True)
        gone = [(run_id, slot) for run_id, slot in await self._connection.execute(taken)]
        await self._delete(run_bodies, ("run_id", "slot"), gone)
        await self._delete(runs, ("id", "slot"), gone)
        return len(gone)

    async def _by_id(self, of: Table, *conditions: Any) -> int:
        old = select(of.c.id).where(*conditions).limit(self._limit)
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
            if size == "minute":
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
_CROWDED: Final[Any] = (
    text(
        "WITH RECURSIVE step(tenant) AS ("
        " SELECT (SELECT tenant FROM jobs ORDER BY tenant LIMIT 1)"
        " UNION ALL"
        " SELECT (SELECT j.tenant FROM jobs AS j WHERE j.tenant > step.tenant"
        "  ORDER BY j.tenant LIMIT 1) FROM step WHERE step.tenant IS NOT NULL"
        "), counted AS (SELECT tenant, (SELECT r.slot FROM runs AS r WHERE r.tenant = step.tenant"
        "  ORDER BY r.tenant DESC, r.slot DESC LIMIT 1 OFFSET :before) AS oldest"
        " FROM step WHERE tenant IS NOT NULL)"
        " SELECT tenant, oldest FROM counted WHERE EXISTS (SELECT 1 FROM runs AS r"
        "  WHERE r.tenant = counted.tenant AND r.slot < counted.oldest AND r.status <> :running)"
        " LIMIT :at_once"
    )
    .bindparams(
        bindparam("before"),
        running=RunStatus.RUNNING.value,
        at_once=_CROWDED_AT_ONCE,
    )
    .columns(tenant=Uuid(), oldest=UtcDateTime())
)
