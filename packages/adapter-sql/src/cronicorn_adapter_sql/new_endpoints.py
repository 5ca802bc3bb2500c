"""Keeps new endpoints, one or many, in the same few statements."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from cronicorn_domain.errors import (
    ForbiddenTransition,
    KeyTaken,
    NameTaken,
    NotFound,
    SecretsUnavailable,
)
from cronicorn_domain.identity import JobId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies import job_states
from cronicorn_domain.policies.replanning import plan_first
from cronicorn_domain.ports.job_catalog import EndpointRefusal
from sqlalchemy import select

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.bulk import insertion
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_endpoints import values_of_endpoint
from cronicorn_adapter_sql.mapping_jobs import Values, job_from
from cronicorn_adapter_sql.tables import endpoints, jobs
from cronicorn_adapter_sql.transaction import Transaction
from cronicorn_adapter_sql.vault import Vault


async def keep_new(
    given: Sequence[Endpoint], transaction: Transaction, vault: Vault, *, now: datetime
) -> list[EndpointRefusal | None]:
    """
    Keep endpoints and plan their first slots; see ``JobCatalog.add_endpoints``.

    Their jobs are locked, in the order of the ids, so that an archive of one waits. Whether a name
    or key is taken the unique index says while it is written to: it also knows of who renames or
    restores at this moment.
    """
    await transaction.begin_writing()
    with translated():
        found = await _locked_jobs(given, transaction)
        weighed = [_weighed(each, found.get(each.job_id), vault) for each in given]
        async with transaction.connection.begin_nested():
            kept = await _insert([each for each in weighed if isinstance(each, dict)], transaction)
            for endpoint in given:
                if endpoint.id in kept:
                    _plan(endpoint, found[endpoint.job_id], transaction, now)
            await transaction.write()
        clashing = [each for each in weighed if isinstance(each, dict) and each["id"] not in kept]
        named = await _with_taken_names(clashing, transaction)
    return [
        None if endpoint.id in kept else _refusal(endpoint, each, named)
        for endpoint, each in zip(given, weighed, strict=True)
    ]


async def _locked_jobs(given: Sequence[Endpoint], transaction: Transaction) -> Mapping[JobId, Job]:
    condition = among(jobs.c.id, "ids", dialect=transaction.connection.dialect.name)
    statement = select(jobs).where(condition).order_by(jobs.c.id).with_for_update()
    found: dict[JobId, Job] = {}
    for ids in _portions(sorted({each.job_id for each in given})):
        rows = (await transaction.connection.execute(statement, {"ids": ids})).mappings()
        found.update((job.id, job) for job in map(job_from, rows))
    return found


def _weighed(endpoint: Endpoint, job: Job | None, vault: Vault) -> Values | EndpointRefusal:
    """Return the endpoint's row, or why it cannot be one, as far as its job and secrets tell."""
    if job is None or job.tenant != endpoint.tenant:
        return NotFound("job", endpoint.job_id)
    try:
        job_states.check_open(job, "take a new endpoint")
        return values_of_endpoint(endpoint, vault)
    except (ForbiddenTransition, SecretsUnavailable) as refusal:
        return refusal


async def _insert(rows: Sequence[Values], transaction: Transaction) -> set[UUID]:
    """Insert those whose names are free, and return their ids."""
    connection = transaction.connection
    await _KEEP.run(connection, rows)
    condition = among(endpoints.c.id, "ids", dialect=connection.dialect.name)
    statement = select(endpoints.c.id).where(condition)
    kept: set[UUID] = set()
    for ids in _portions([row["id"] for row in rows]):
        kept.update(await connection.scalars(statement, {"ids": ids}))
    return kept


async def _with_taken_names(rows: Sequence[Values], transaction: Transaction) -> set[UUID]:
    """Of rows that clashed, return the ids of those whose names are taken, not only the keys."""
    named: set[UUID] = set()
    for row in rows:
        taken = select(endpoints.c.id).where(
            endpoints.c.job_id == row["job_id"],
            endpoints.c.name == row["name"],
            endpoints.c.archived_at.is_(None),
        )
        if row["external_key"] is None or await transaction.connection.scalar(taken) is not None:
            named.add(row["id"])
    return named


def _portions(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    """Take ids apart into what one statement can name: SQLite has 32 766 parameters at most."""
    for first in range(0, len(ids), _NAMED_AT_ONCE):
        yield ids[first : first + _NAMED_AT_ONCE]


def _plan(endpoint: Endpoint, job: Job, transaction: Transaction, now: datetime) -> None:
    new = Situation(
        job_state=job.state,
        endpoint=endpoint,
        state=EndpointState(),
        floor=transaction.situations.floor,
    )
    transaction.changes.add(new, plan_first(new, now), now)


def _refusal(
    endpoint: Endpoint, weighed: Values | EndpointRefusal, named: set[UUID]
) -> EndpointRefusal:
    if not isinstance(weighed, dict):
        return weighed
    if endpoint.id in named:
        return NameTaken("endpoint", endpoint.name)
    return KeyTaken("endpoint", endpoint.external_key or "")


_NAMED_AT_ONCE: Final = 10_000
_KEEP: Final = insertion(
    endpoints,
    endpoints.c.keys(),
    more="ON CONFLICT DO NOTHING",
)
