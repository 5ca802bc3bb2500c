"""Counts of what a tenant has: by job, from an index alone, however many endpoints there are."""

from datetime import datetime
from typing import Any

from cronicorn_domain.identity import TenantId
from sqlalchemy import Integer, Select, cast, func, select

from cronicorn_adapter_sql.tables import endpoints, jobs


def held(tenant: TenantId, now: datetime) -> Select[Any]:
    """Count unarchived ``endpoints`` of unarchived jobs, and those of them that are ``paused``."""
    of_job = (
        select(endpoints.c.job_id, func.count().label("endpoints"))
        .where(endpoints.c.tenant == tenant, endpoints.c.archived_at.is_(None))
        .group_by(endpoints.c.job_id)
        .subquery("of_job")
    )
    resting = (
        select(func.count())
        .select_from(endpoints.join(jobs, jobs.c.id == endpoints.c.job_id))
        .where(
            endpoints.c.tenant == tenant,
            endpoints.c.archived_at.is_(None),
            endpoints.c.paused_until > now,
            jobs.c.state == "active",
        )
    )
    paused = func.sum(of_job.c.endpoints).filter(jobs.c.state == "paused")
    return (
        select(
            _whole(func.sum(of_job.c.endpoints)).label("endpoints"),
            (_whole(paused) + resting.scalar_subquery()).label("paused"),
        )
        .select_from(of_job.join(jobs, jobs.c.id == of_job.c.job_id))
        .where(jobs.c.state != "archived")
    )


def _whole(total: Any) -> Any:
    """Take a sum, which may be of nothing, as a number."""
    return cast(func.coalesce(total, 0), Integer)
