"""Who may do what, and what is kept of what they do."""

import pytest
from cronicorn_domain.errors import NameTaken, NotAllowed
from cronicorn_management.jobs.creating import create_job


async def test_a_reader_cannot_begin_to_change(office) -> None:
    """It is refused before anything is looked at; the scope that is missing is named."""
    with pytest.raises(NotAllowed) as refusal:
        async with office.changing(office.reader):
            pytest.fail("nothing begins")

    assert refusal.value.needed == "write"


async def test_a_writer_does_not_read(office) -> None:
    """No scope includes another."""
    with pytest.raises(NotAllowed):
        async with office.reading(office.writer):
            pytest.fail("nothing begins")


async def test_what_fails_leaves_nothing(office) -> None:
    """Neither the deed nor a note of it."""
    with pytest.raises(NameTaken):
        await _create_two(office)

    assert await office.audit() == []


async def _create_two(office):
    async with office.changing() as work:
        await create_job(work, name="shop")
        await create_job(work, name="shop")


async def test_a_rehearsal_leaves_nothing(office) -> None:
    """It does what would be done, and keeps none of it."""
    async with office.desk.rehearsing(office.ada) as work:
        job = await create_job(work, name="shop")
        assert await work.catalog.get_job(job.tenant, job.id) == job

    assert await office.audit() == []
    await office.a_job("shop")
