"""Counts of endpoints, and the lock under which they are held against a tenant's limit."""

from collections.abc import Mapping, Sequence

from cronicorn_domain.identity import JobId, TenantId
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.tables import endpoints, jobs, tenants


async def hold_tenant(connection: AsyncConnection, tenant: TenantId) -> None:
    """
    Keep every other transaction that asks the same from going on until this one ends.

    On SQLite the right to write, which the caller has, is the lock.
    """
    if connection.dialect.name == "sqlite":
        return
    await connection.execute(insert(tenants).values(id=tenant).on_conflict_do_nothing())
    await connection.execute(select(tenants.c.id).where(tenants.c.id == tenant).with_for_update())


async def count_unarchived(connection: AsyncConnection, tenant: TenantId) -> int:
    """Return how many unarchived endpoints the tenant's unarchived jobs have."""
    statement = (
        select(func.count())
        .select_from(endpoints.join(jobs, jobs.c.id == endpoints.c.job_id))
        .where(
            endpoints.c.tenant == tenant,
            endpoints.c.archived_at.is_(None),
            jobs.c.archived_at.is_(None),
        )
    )
    return (await connection.execute(statement)).scalar_one()


async def count_by_job(
    connection: AsyncConnection, tenant: TenantId, job_ids: Sequence[JobId]
) -> Mapping[JobId, int]:
    """Return how many unarchived endpoints each of the jobs has, none left out."""
    statement = (
        select(endpoints.c.job_id, func.count())
        .where(
            endpoints.c.tenant == tenant,
            endpoints.c.job_id.in_(job_ids),
            endpoints.c.archived_at.is_(None),
        )
        .group_by(endpoints.c.job_id)
    )
    counts = dict.fromkeys(job_ids, 0)
    for job_id, count in await connection.execute(statement):
        counts[JobId(job_id)] = count
    return counts
