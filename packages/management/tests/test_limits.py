"""No tenant has more endpoints than it may have."""

import asyncio

import pytest
from cronicorn_domain.errors import LimitReached, NameTaken
from cronicorn_domain.testing.builders import an_endpoint
from cronicorn_management.allowance import Allowance
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.creating import create_endpoint, create_many
from cronicorn_management.endpoints.putting import put_endpoint
from cronicorn_management.endpoints.restoring import restore_endpoint
from cronicorn_management.jobs.archiving import archive_job
from cronicorn_management.jobs.restoring import restore_job


@pytest.fixture
def office(office):
    """An office whose tenants may have two endpoints."""
    office.allowance = Allowance(endpoints=2)
    return office


async def test_the_limit_is_reached(office) -> None:
    """One more is refused, by whichever verb; another tenant's do not count."""
    job = await office.a_job()
    for name in "ab":
        await office.an_endpoint(job, name)

    with pytest.raises(LimitReached) as refusal:
        await office.an_endpoint(job, "c")
    with pytest.raises(LimitReached):
        async with office.changing() as work:
            await put_endpoint(work, job.id, "k", office.settings("c"))

    assert (refusal.value.subject, refusal.value.limit) == ("endpoints", 2)


async def test_concurrent_creates_do_not_pass_it_together(office) -> None:
    """Of many at once as many are kept as there is room for; trap T18."""
    jobs = [await office.a_job(f"job {n}") for n in range(4)]

    results = await asyncio.gather(
        *(office.an_endpoint(job) for job in jobs), return_exceptions=True
    )

    assert [type(each) for each in results].count(LimitReached) == 2


async def test_what_is_archived_makes_room(office) -> None:
    """And what is restored needs it: an endpoint by itself, a job with all it has."""
    job, other = await office.a_job(), await office.a_job("other")
    first = await office.an_endpoint(job, "a")
    await office.an_endpoint(job, "b")
    async with office.changing() as work:
        await archive_endpoint(work, first.id)
    await office.an_endpoint(other)

    with pytest.raises(LimitReached):
        async with office.changing() as work:
            await restore_endpoint(work, first.id)
    async with office.changing() as work:
        await archive_job(work, other.id)
        await restore_endpoint(work, first.id)
    with pytest.raises(LimitReached):
        async with office.changing() as work:
            await restore_job(work, other.id)


async def test_of_many_all_have_room_or_none(office) -> None:
    """There is not a part of them created; of those that there is room for each falls alone."""
    job = await office.a_job()

    def new(*names):
        return [an_endpoint(job, name) for name in names]

    async with office.changing() as work:
        with pytest.raises(LimitReached):
            await create_many(work, new("a", "b", "c"))
        refusals = await create_many(work, new("a", "a"))
        assert await create_many(work, []) == []

    assert [type(each) for each in refusals] == [type(None), NameTaken]
    assert await office.deeds() == ["create", "create"]


async def test_an_update_needs_no_room(office) -> None:
    """What is there already can be put again."""
    job = await office.a_job()
    async with office.changing() as work:
        for key in "ab":
            await put_endpoint(work, job.id, key, office.settings(key))

    async with office.changing() as work:
        put = await put_endpoint(work, job.id, "a", office.settings("c"))

    assert not put.created


async def test_a_rehearsed_create_takes_no_room(office) -> None:
    """What is not kept does not count."""
    job = await office.a_job()
    for _ in range(3):
        async with office.desk.rehearsing(office.ada) as work:
            await create_endpoint(work, job.id, office.settings())

    await office.an_endpoint(job)
