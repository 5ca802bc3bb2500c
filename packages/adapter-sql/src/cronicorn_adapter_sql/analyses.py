"""On SQL: which endpoints the AI planner looks at next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from cronicorn_domain.identity import EndpointId, SessionId, TenantId, WorkerId, new_uuid
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.session import Analysis
from cronicorn_domain.policies.analysing import enrolled, finished, lapsed, released
from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, not_, or_, select

from cronicorn_adapter_sql.bulk import insertion
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_sessions import analysis_from, values_of_analysis
from cronicorn_adapter_sql.noting_happenings import write_analysis
from cronicorn_adapter_sql.tables import analyses, endpoints, jobs
from cronicorn_adapter_sql.transaction import Transaction


class SqlAnalyses:
    """When endpoints are looked at next, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def enrol(self, *, now: datetime) -> int:
        """Give endpoints that are to be looked at their analysis, and take it from others."""
        with translated():
            connection = self._transaction.connection
            new = (await connection.execute(_NEW)).all()
            gone = (await connection.execute(_GONE)).scalars().all()
            if not new and not gone:
                return 0
            await self._transaction.begin_writing()
            if gone:
                await connection.execute(delete(analyses).where(analyses.c.endpoint_id.in_(gone)))
            rows = [
                values_of_analysis(enrolled(row.id, row.tenant, row.job_id, now)) for row in new
            ]
            await _ENROL.run(connection, rows)
        return len(rows)

    async def take(
        self, *, worker: WorkerId, limit: int, lease_for: timedelta, now: datetime
    ) -> Sequence[Analysis]:
        """Lease analyses that are due; tenants in turn."""
        free = and_(
            analyses.c.next_at <= now,
            or_(analyses.c.leased_until.is_(None), analyses.c.leased_until <= now),
        )
        with translated():
            connection = self._transaction.connection
            ids = (await connection.execute(_in_turn(free, limit))).scalars().all()
            if not ids:
                return []
            await self._transaction.begin_writing()
            locked = (
                select(analyses)
                .where(analyses.c.endpoint_id.in_(ids), free)
                .with_for_update(skip_locked=True)
            )
            rows = (await connection.execute(locked)).mappings().all()
            found = {row["endpoint_id"]: _free_again(analysis_from(row)) for row in rows}
            leased = [
                replace(
                    found[each],
                    lease=SessionId(new_uuid()),
                    worker=worker,
                    leased_until=now + lease_for,
                    taken_at=now,
                    looked_at=now,
                )
                for each in ids
                if each in found and found[each].next_at <= now
            ]
            written = found | {each.endpoint_id: each for each in leased}
            for each in written.values():
                await write_analysis(connection, each.endpoint_id, values_of_analysis(each))
        return leased

    async def finish(
        self, leased: Analysis, *, again_at: datetime, failures: int, now: datetime
    ) -> bool:
        """End a lease."""
        standing = await self._held(leased)
        if standing is None or not standing.leased_at(now):
            return False
        ended = finished(standing, again_at=again_at, failures=failures, now=now)
        await self._write(ended)
        return True

    async def release(self, leased: Analysis) -> None:
        """Give a lease back unused."""
        standing = await self._held(leased)
        if standing is not None:
            await self._write(released(standing))

    async def get(self, tenant: TenantId, endpoint_id: EndpointId) -> Analysis | None:
        """Return an endpoint's analysis."""
        statement = select(analyses).where(
            analyses.c.endpoint_id == endpoint_id, analyses.c.tenant == tenant
        )
        with translated():
            row = (await self._transaction.connection.execute(statement)).mappings().one_or_none()
        return None if row is None else analysis_from(row)

    async def next_due(self) -> datetime | None:
        """Return the earliest instant at which an analysis may be taken."""
        unleased = select(func.min(analyses.c.next_at)).where(analyses.c.leased_until.is_(None))
        leased = select(analyses.c.next_at, analyses.c.leased_until).where(
            analyses.c.leased_until.is_not(None)
        )
        with translated():
            connection = self._transaction.connection
            first = (await connection.execute(unleased)).scalar_one_or_none()
            held = [max(*row) for row in await connection.execute(leased)]
        return min(held if first is None else [first, *held], default=None)

    async def _held(self, leased: Analysis) -> Analysis | None:
        connection = await self._transaction.begin_writing()
        statement = (
            select(analyses)
            .where(analyses.c.endpoint_id == leased.endpoint_id, analyses.c.lease == leased.lease)
            .with_for_update()
        )
        with translated():
            row = (await connection.execute(statement)).mappings().one_or_none()
        return None if row is None else analysis_from(row)

    async def _write(self, analysis: Analysis) -> None:
        with translated():
            await write_analysis(
                self._transaction.connection, analysis.endpoint_id, values_of_analysis(analysis)
            )


def _in_turn(free: ColumnElement[bool], limit: int) -> Select[tuple[UUID]]:
    """Choose of what is free; whose tenant's last turn was longest ago comes first."""
    turn = func.row_number().over(
        partition_by=analyses.c.tenant, order_by=(analyses.c.next_at, analyses.c.endpoint_id)
    )
    whose = (analyses.c.endpoint_id, analyses.c.tenant, analyses.c.next_at, turn.label("turn"))
    ranked = select(*whose).where(free).subquery()
    others = analyses.alias()
    served_at = (
        select(func.max(others.c.looked_at))
        .where(others.c.tenant == ranked.c.tenant)
        .scalar_subquery()
    )
    return (
        select(ranked.c.endpoint_id)
        .where(ranked.c.turn <= limit)
        .order_by(
            ranked.c.turn, served_at.asc().nulls_first(), ranked.c.next_at, ranked.c.endpoint_id
        )
        .limit(limit)
    )


def _free_again(analysis: Analysis) -> Analysis:
    return analysis if analysis.leased_until is None else lapsed(analysis)


def is_planned() -> ColumnElement[bool]:
    """Say whether an endpoint is to be looked at, which `jobs` is joined to."""
    return and_(
        endpoints.c.ai_mode != AiMode.OFF.value,
        endpoints.c.archived_at.is_(None),
        jobs.c.state == JobState.ACTIVE.value,
    )


_ENROLLED_AT_ONCE = 500
# Another planner may do the same at this moment.
_ENROL = insertion(analyses, analyses.c.keys(), more="ON CONFLICT DO NOTHING")
_NEW = (
    select(endpoints.c.id, endpoints.c.tenant, endpoints.c.job_id)
    .join(jobs, jobs.c.id == endpoints.c.job_id)
    .where(is_planned(), not_(exists().where(analyses.c.endpoint_id == endpoints.c.id)))
    .order_by(endpoints.c.id)
    .limit(_ENROLLED_AT_ONCE)
)
_GONE = (
    select(analyses.c.endpoint_id)
    .join(endpoints, endpoints.c.id == analyses.c.endpoint_id)
    .join(jobs, jobs.c.id == endpoints.c.job_id)
    .where(not_(is_planned()))
    .limit(_ENROLLED_AT_ONCE)
)
