"""Several processes are asked at once, over one database: no rule gives way between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from cronicorn_adapter_memory.clock import LoopClock
from cronicorn_adapter_memory.egress_rules import EveryUrlAllowed
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring, parse_keys
from cronicorn_adapter_sql.store import open_store
from cronicorn_adapter_sql.testing.databases import (
    copied_sqlite,
    emptied_postgres,
    migrated_postgres,
    migrated_sqlite,
)
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.errors import KeyTaken, LimitReached
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.ports.board import Wanted
from cronicorn_domain.testing.builders import EPOCH, MINUTE
from cronicorn_management.allowance import Allowance
from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind
from cronicorn_management.desk import Desk
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.bulk import BulkAction, act_on_many
from cronicorn_management.endpoints.changing import change_endpoint
from cronicorn_management.endpoints.creating import create_endpoint
from cronicorn_management.endpoints.listing import list_endpoints
from cronicorn_management.endpoints.putting import PutEndpoint, put_endpoint
from cronicorn_management.endpoints.restoring import restore_endpoint
from cronicorn_management.history.audit import list_audit
from cronicorn_management.jobs.creating import create_job
from cronicorn_management.jobs.putting import PutJob, put_job
from cronicorn_management.settings import EndpointChanges, EndpointSettings, HeaderSetting
from cronicorn_management.throttle import Throttle

ADA = Caller(tenant=DEFAULT_TENANT, kind=CallerKind.PERSON, name="ada", scopes=EVERY_SCOPE)
AT_ONCE = 5

OpenDesk = Callable[[], Awaitable[Desk]]


@pytest.fixture(scope="session")
def migrated_postgres_database() -> Iterator[str]:
    """Give a migrated PostgreSQL database."""
    with throwaway_postgres() as server, migrated_postgres(server) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file; copy it, do not open it."""
    return migrated_sqlite(tmp_path_factory.mktemp("template"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a migrated and empty database, on either dialect in turn."""
    if request.param == "sqlite":
        yield copied_sqlite(
            request.getfixturevalue("sqlite_template"), request.getfixturevalue("tmp_path")
        )
    else:
        with emptied_postgres(request.getfixturevalue("migrated_postgres_database")) as url:
            yield url


@pytest.fixture
async def open_desk(database: str) -> AsyncIterator[OpenDesk]:
    """Give what opens desks over one database; its tenants may have three endpoints."""
    clock = LoopClock(EPOCH)
    async with AsyncExitStack() as opened:

        async def open_desk() -> Desk:
            vault = Vault(Keyring(parse_keys("test:" + "A" * 43 + "=")))
            store = await opened.enter_async_context(
                open_store(parse_database_url(database), vault=vault)
            )
            return Desk(
                units=store.units,
                clock=clock,
                rules=EveryUrlAllowed(),
                throttle=Throttle(store.limits, clock),
                allowances=lambda _: Allowance(endpoints=3),
            )

        yield open_desk


@pytest.fixture
async def desks(open_desk: OpenDesk) -> list[Desk]:
    """Give several desks over one database."""
    return [await open_desk() for _ in range(AT_ONCE)]


def settings(name: str) -> EndpointSettings:
    """Return the settings of an endpoint with a secret."""
    secret = HeaderSetting(name="Authorization", value="Bearer hidden")
    return EndpointSettings(name=name, url="http://shop.example/", every=MINUTE, headers=(secret,))


async def a_job(desk: Desk, name: str = "shop") -> Job:
    """Create a job."""
    async with desk.changing(ADA) as work:
        return await create_job(work, name=name)


async def an_endpoint(desk: Desk, job: Job, name: str) -> Endpoint:
    """Create an endpoint."""
    async with desk.changing(ADA) as work:
        return await create_endpoint(work, job.id, settings(name))


async def count(desk: Desk) -> int:
    """Count the endpoints that are not archived."""
    async with desk.reading(ADA) as work:
        return len((await list_endpoints(work)).items)


async def test_concurrent_creates_do_not_pass_the_limit(desks: list[Desk]) -> None:
    """In one job or in several, of five at once three are kept; trap T18."""
    jobs = [await a_job(desks[0], f"job {n % 2}") for n in range(2)]

    results = await asyncio.gather(
        *(an_endpoint(desk, jobs[n % 2], f"e{n}") for n, desk in enumerate(desks)),
        return_exceptions=True,
    )

    assert [type(each) for each in results].count(LimitReached) == AT_ONCE - 3
    assert await count(desks[0]) == 3


async def test_concurrent_restores_do_not_pass_the_limit(desks: list[Desk]) -> None:
    """Who restores meets those who create and put; trap T18."""
    job = await a_job(desks[0])
    first, second = [await an_endpoint(desks[0], job, name) for name in ("a", "b")]
    async with desks[0].changing(ADA) as work:
        await archive_endpoint(work, first.id)
        await archive_endpoint(work, second.id)
    await an_endpoint(desks[0], job, "c")

    async def restore(desk: Desk, endpoint: Endpoint) -> Endpoint:
        async with desk.changing(ADA) as work:
            return await restore_endpoint(work, endpoint.id)

    async def put(desk: Desk) -> PutEndpoint:
        async with desk.changing(ADA) as work:
            return await put_endpoint(work, job.id, "k", settings("d"))

    results = await asyncio.gather(
        restore(desks[0], first),
        restore(desks[1], second),
        put(desks[2]),
        an_endpoint(desks[3], job, "e"),
        return_exceptions=True,
    )

    assert [type(each) for each in results].count(LimitReached) == 2
    assert await count(desks[0]) == 3


async def test_concurrent_puts_make_one(desks: list[Desk]) -> None:
    """Whoever comes second updates what the first created, jobs and endpoints alike."""

    async def put(desk: Desk) -> tuple[PutJob, PutEndpoint]:
        async with desk.changing(ADA) as work:
            job = await put_job(work, "j", name="shop")
        async with desk.changing(ADA) as work:
            return job, await put_endpoint(work, job.job.id, "k", settings("health"))

    results = await asyncio.gather(*(put(desk) for desk in desks))

    assert {job.job.id for job, _ in results} == {results[0][0].job.id}
    assert sum(job.created for job, _ in results) == 1
    assert {put.endpoint.id for _, put in results} == {results[0][1].endpoint.id}
    assert sum(put.created for _, put in results) == 1


async def test_edits_of_different_members_are_all_kept(desks: list[Desk]) -> None:
    """What two change at once both changes, and the audit tells from what to what."""
    job = await a_job(desks[0])
    endpoint = await an_endpoint(desks[0], job, "health")
    edits = (
        EndpointChanges(description="x"),
        EndpointChanges(timeout=MINUTE),
        EndpointChanges(body="{}"),
        EndpointChanges(retry_attempts=3),
        EndpointChanges(jitter=MINUTE),
    )

    async def edit(desk: Desk, changes: EndpointChanges) -> None:
        async with desk.changing(ADA) as work:
            await change_endpoint(work, endpoint.id, changes)

    await asyncio.gather(*(edit(desk, each) for desk, each in zip(desks, edits, strict=True)))

    async with desks[0].reading(ADA) as work:
        stored = await work.catalog.get_endpoint(DEFAULT_TENANT, endpoint.id)
        audit = await list_audit(work, subject=endpoint.id)
    assert (stored.description, stored.limits.timeout) == ("x", MINUTE)
    assert (stored.request.body, stored.retry.attempts, stored.jitter) == ("{}", 3, MINUTE)
    edited = [entry for entry in audit.items if entry.action == "change"]
    told = sorted(each.field for entry in edited for each in entry.changes)
    assert told == ["body", "description", "jitter", "retry_attempts", "timeout"]
    assert "hidden" not in repr(audit)


async def test_a_dry_run_leaves_a_database_as_it_is(desks: list[Desk]) -> None:
    """It tells what the deed then does."""
    job = await a_job(desks[0])
    names = ("a", "b", "c")
    endpoints = [await an_endpoint(desks[0], job, name) for name in names]
    everything = Wanted(job_id=job.id)

    rehearsed = await act_on_many(desks[0], ADA, BulkAction.ARCHIVE, everything, dry_run=True)

    assert await count(desks[1]) == len(names)
    done = await act_on_many(desks[1], ADA, BulkAction.ARCHIVE, everything)
    assert done.changed == rehearsed.changed == [each.id for each in endpoints]
    assert await count(desks[0]) == 0


async def test_a_taken_key_leaves_the_unit_whole(desks: list[Desk]) -> None:
    """What was refused spoils nothing else that is done in the same transaction."""
    async with desks[0].changing(ADA) as work:
        await create_job(work, name="shop", key="k")
        with pytest.raises(KeyTaken):
            await create_job(work, name="store", key="k")
        await create_job(work, name="store")

    async with desks[1].reading(ADA) as work:
        assert len(await work.catalog.list_jobs(DEFAULT_TENANT)) == 2
