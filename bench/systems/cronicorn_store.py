"""Stores work in a database of this project: by its catalog, and the parked as copies."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.store import SqlStore, store_over
from cronicorn_adapter_sql.tables import due, endpoint_state, endpoints
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, JobId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Endpoint, HttpRequest, Pause
from cronicorn_domain.model.job import Job
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from sqlalchemy import (
    Column,
    Executable,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    cast,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.rule_work import rules_of
from bench.work import Work

_IN_ONE_TRANSACTION: Final = 1000
_COPIED_AT_ONCE: Final = 10_000
_FAR: Final = timedelta(days=300)
_MOMENT: Final = timedelta(milliseconds=1)
_copies: Final = Table(
    "copies",
    MetaData(),
    Column("new_id", Uuid, primary_key=True),
    Column("number", Integer),
    prefixes=["TEMPORARY"],
)


def park(database: str, count: int) -> None:
    """Make the tables, and keep so many endpoints that are not due for months, if at all."""
    asyncio.run(_park_all(database, count))


def store_work(database: str, work: Work) -> float:
    """Make the tables, keep the work, and return the seconds that this alone took."""
    return asyncio.run(_store_work(database, work))


async def _park_all(database: str, count: int) -> None:
    async with _opened(database) as store:
        now = _instant(round(time.time() * 1000))
        await _park(store, await _job(store, "parked", now), now, count)


async def _store_work(database: str, work: Work) -> float:
    async with _opened(database) as store:
        job = await _job(store, "bench", _instant(work.begins_at))
        began = time.perf_counter()
        await _store_endpoints(store, job, work)
        return time.perf_counter() - began


@asynccontextmanager
async def _opened(database: str) -> AsyncIterator[SqlStore]:
    parsed = parse_database_url(database)
    async with open_engine(parsed) as engine:
        await upgrade(engine)
        yield store_over(engine, vault=vault_for(parsed, secret_key=None))


async def _store_endpoints(store: SqlStore, job: Job, work: Work) -> None:
    now = _instant(work.begins_at) - _MOMENT
    for first in range(0, work.endpoints, _IN_ONE_TRANSACTION):
        some = range(first, min(first + _IN_ONE_TRANSACTION, work.endpoints))
        async with store.units.begin() as unit:
            await _add(unit, [_of_work(job, work, n) for n in some], now)
            await unit.commit()


async def _park(store: SqlStore, job: Job, now: datetime, count: int) -> None:
    """Keep a paused, an archived and a far one through the catalog, and copy their rows."""
    ahead = OnceSchedule(at=now + _FAR)
    models = [_endpoint(job, name, ahead, now) for name in ("paused", "archived", "far")]
    paused, archived, _ = models
    async with store.units.begin() as unit:
        await _add(unit, models, now)
        await unit.catalog.pause_endpoint(
            DEFAULT_TENANT, paused.id, Pause(until=OPEN_ENDED), now=now
        )
        await unit.catalog.archive_endpoint(DEFAULT_TENANT, archived.id, now=now)
        await unit.commit()
    async with store.engine.begin() as connection:
        await connection.run_sync(_copies.create)
        for number, model in enumerate(models):
            await _copy(connection, model.id, range(number, count, len(models)))
        await connection.run_sync(_copies.drop)
        await connection.execute(text("ANALYZE"))


async def _add(unit: UnitOfWork, endpoints: Sequence[Endpoint], now: datetime) -> None:
    for refusal in await unit.catalog.add_endpoints(endpoints, now=now):
        if refusal is not None:
            raise refusal


async def _copy(connection: AsyncConnection, model: EndpointId, numbers: range) -> None:
    """Copy an endpoint's rows, as whatever they are, once for each number."""
    for first in range(0, len(numbers), _COPIED_AT_ONCE):
        some = numbers[first : first + _COPIED_AT_ONCE]
        await connection.execute(_copies.delete())
        rows = [{"new_id": new_uuid(), "number": number} for number in some]
        await connection.execute(insert(_copies), rows)
        for table, key in (
            (endpoints, "id"),
            (endpoint_state, "endpoint_id"),
            (due, "endpoint_id"),
        ):
            await connection.execute(_copy_statement(table, key, model))


def _copy_statement(table: Table, key: str, model: EndpointId) -> Executable:
    replaced = {
        key: _copies.c.new_id,
        "name": literal("parked ") + cast(_copies.c.number, String),
    }
    columns = [replaced.get(column.name, column) for column in table.columns]
    source = select(*columns).select_from(table).join(_copies, literal(value=True))
    return insert(table).from_select(
        [column.name for column in table.columns], source.where(table.c[key] == model)
    )


async def _job(store: SqlStore, name: str, at: datetime) -> Job:
    job = Job(id=JobId(new_uuid()), tenant=DEFAULT_TENANT, name=name, created_at=at, updated_at=at)
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        await unit.commit()
    return job


def _of_work(job: Job, work: Work, n: int) -> Endpoint:
    step = timedelta(milliseconds=work.step)
    before = _instant(work.begins_at + work.phase(n)) - step
    made = _endpoint(job, f"e{n}", IntervalSchedule(every=step), before, url=work.url(n))
    return replace(made, rules=rules_of(work.rules, holds=work.holds, every=step))


def _endpoint(
    job: Job, name: str, schedule: Schedule, at: datetime, *, url: str = "http://127.0.0.1/"
) -> Endpoint:
    """Return an endpoint that was created at an instant, from which its grid counts."""
    return Endpoint(
        id=EndpointId(new_uuid()),
        tenant=DEFAULT_TENANT,
        job_id=job.id,
        name=name,
        request=HttpRequest(url=url),
        schedule=schedule,
        anchor=at,
        created_at=at,
        updated_at=at,
    )


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
