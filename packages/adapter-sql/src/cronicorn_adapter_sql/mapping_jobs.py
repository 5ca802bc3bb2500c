"""Jobs and their rows."""

from collections.abc import Mapping
from typing import Any

from cronicorn_domain.identity import JobId, TenantId
from cronicorn_domain.model.job import Job, JobState
from sqlalchemy import RowMapping

Columns = RowMapping | Mapping[str, Any]
"""A row as it is read."""

Values = dict[str, Any]
"""A row as it is written: its values by column."""


def values_of_job(job: Job) -> Values:
    """Return the values of a job's row."""
    return {
        "id": job.id,
        "tenant": job.tenant,
        "name": job.name,
        "description": job.description,
        "state": job.state.value,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "archived_at": job.archived_at,
        "external_key": job.external_key,
    }


def job_from(row: Columns) -> Job:
    """Return the job of a row."""
    return Job(
        id=JobId(row["id"]),
        tenant=TenantId(row["tenant"]),
        name=row["name"],
        description=row["description"],
        state=JobState(row["state"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        archived_at=row["archived_at"],
        external_key=row["external_key"],
    )
