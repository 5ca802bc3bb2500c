"""What may be asked about jobs."""

import pytest
from cronicorn_domain.errors import (
    ChangedMeanwhile,
    ForbiddenTransition,
    InvalidInput,
    NameTaken,
    NotFound,
)
from cronicorn_domain.model.job import JobState
from cronicorn_domain.testing.builders import SECOND
from cronicorn_management.jobs.archiving import archive_job
from cronicorn_management.jobs.changing import JobChanges, change_job
from cronicorn_management.jobs.creating import create_job
from cronicorn_management.jobs.listing import list_jobs
from cronicorn_management.jobs.pausing import pause_job
from cronicorn_management.jobs.putting import put_job
from cronicorn_management.jobs.reading import read_job
from cronicorn_management.jobs.restoring import restore_job
from cronicorn_management.jobs.resuming import resume_job

MOVES = {
    "pause": pause_job,
    "resume": resume_job,
    "archive": archive_job,
    "restore": restore_job,
}


async def move(office, verb, job, caller=None):
    """Move a job between its states."""
    async with office.changing(caller or office.ada) as work:
        return await MOVES[verb](work, job.id)


async def read(office, job):
    """Read a job back."""
    async with office.reading() as work:
        return await read_job(work, job.id)


async def test_a_created_job_is_active(office) -> None:
    """It is read as it was created, and the audit tells who did it."""
    async with office.changing() as work:
        job = await create_job(work, name="shop", description="sells", key="shop-1")

    assert await read(office, job) == job
    assert job.state is JobState.ACTIVE
    (entry,) = await office.audit()
    assert (entry.actor, entry.action, entry.subject.id) == (
        "person:ada@example.org",
        "create",
        job.id,
    )
    assert {each.field: each.after for each in entry.changes} == {
        "name": "shop",
        "description": "sells",
        "state": "active",
        "external_key": "shop-1",
    }


async def test_all_faults_of_a_job_are_told_at_once(office) -> None:
    """Each issue names its member; nothing is created."""
    with pytest.raises(InvalidInput) as refusal:
        async with office.changing() as work:
            await create_job(work, name=" ", description="x" * 1001, key="\n")

    assert [each.path for each in refusal.value.issues] == ["name", "description", "external_key"]
    assert await office.audit() == []


async def test_a_part_of_a_job_is_changed(office) -> None:
    """What is absent stays, None clears, and the audit has from what to what."""
    async with office.changing() as work:
        job = await create_job(work, name="shop", description="sells")
    async with office.changing() as work:
        await change_job(work, job.id, JobChanges(name="store"))
        changed = await change_job(work, job.id, JobChanges(description=None))

    assert (changed.name, changed.description) == ("store", None)
    told = [
        (each.field, each.before, each.after) for e in await office.audit() for each in e.changes
    ]
    assert told[-2:] == [("name", "shop", "store"), ("description", "sells", None)]


async def test_the_same_again_changes_nothing(office) -> None:
    """Neither the job nor the audit, trap T50."""
    job = await office.a_job()
    office.clock.advance(SECOND)

    async with office.changing() as work:
        assert await change_job(work, job.id, JobChanges(name="shop", description=None)) == job
        assert await resume_job(work, job.id) == job

    assert await office.deeds() == ["create"]


async def test_an_edit_of_what_changed_meanwhile_is_told(office) -> None:
    """Who saw an older job does not overwrite the newer one."""
    job = await office.a_job()
    office.clock.advance(SECOND)
    async with office.changing() as work:
        newer = await change_job(work, job.id, JobChanges(name="store"), seen=job.updated_at)
    assert newer.updated_at != job.updated_at

    with pytest.raises(ChangedMeanwhile):
        async with office.changing() as work:
            await change_job(work, job.id, JobChanges(name="mine"), seen=job.updated_at)

    assert (await read(office, job)).name == "store"


async def test_a_taken_name_is_refused(office) -> None:
    """Creating and renaming meet the same rule."""
    await office.a_job("shop")
    store = await office.a_job("store")

    with pytest.raises(NameTaken):
        await office.a_job("shop")
    with pytest.raises(NameTaken):
        async with office.changing() as work:
            await change_job(work, store.id, JobChanges(name="shop"))


@pytest.mark.parametrize(
    ("verbs", "state"),
    [
        (["pause"], JobState.PAUSED),
        (["pause", "pause"], JobState.PAUSED),
        (["pause", "resume"], JobState.ACTIVE),
        (["archive", "archive"], JobState.ARCHIVED),
        (["archive", "restore"], JobState.ACTIVE),
        (["pause", "archive", "restore"], JobState.ACTIVE),
    ],
)
async def test_jobs_move_between_states(office, verbs, state) -> None:
    """A paused job is read and listed as paused, and so with every state, trap T37."""
    job = await office.a_job()
    for verb in verbs:
        moved = await move(office, verb, job)

    assert moved.state is state
    assert await read(office, job) == moved
    async with office.reading() as work:
        listed = await list_jobs(work, state=state)
    assert [each.job for each in listed.items] == [moved]
    assert await office.deeds() == ["create", *dict.fromkeys(verbs)]


@pytest.mark.parametrize(
    ("before", "verb"),
    [(["archive"], "pause"), (["archive"], "resume"), ([], "restore"), (["pause"], "restore")],
)
async def test_other_moves_are_forbidden(office, before, verb) -> None:
    """Archived is final but for a restore, and only an archived job is restored, trap T37."""
    job = await office.a_job()
    for each in before:
        await move(office, each, job)

    with pytest.raises(ForbiddenTransition):
        await move(office, verb, job)

    assert await office.deeds() == ["create", *before]


async def test_another_tenants_job_is_not_found(office) -> None:
    """By no verb, the same as one that does not exist."""
    job = await office.a_job()

    for verb in MOVES:
        with pytest.raises(NotFound):
            await move(office, verb, job, office.stranger)
    with pytest.raises(NotFound):
        async with office.changing(office.stranger) as work:
            await change_job(work, job.id, JobChanges(name="mine"))
    async with office.reading(office.stranger) as work:
        with pytest.raises(NotFound):
            await read_job(work, job.id)
        assert (await list_jobs(work)).items == []


async def test_jobs_are_listed_page_by_page_with_their_endpoints_counted(office) -> None:
    """A page says whether there are more; archived endpoints do not count."""
    jobs = [await office.a_job(f"job {n}") for n in range(3)]
    await office.an_endpoint(jobs[1])

    async with office.reading() as work:
        first = await list_jobs(work, limit=2)
        rest = await list_jobs(work, limit=2, after=first.items[-1].job.id)

    assert [(each.job, each.endpoint_count) for each in first.items] == [(jobs[0], 0), (jobs[1], 1)]
    assert ([each.job for each in rest.items], first.more, rest.more) == ([jobs[2]], True, False)


async def test_an_impossible_page_is_refused(office) -> None:
    """Neither none nor endless."""
    for limit in (0, 1001):
        async with office.reading() as work:
            with pytest.raises(InvalidInput):
                await list_jobs(work, limit=limit)


async def test_a_job_is_put_by_its_key(office) -> None:
    """It is created once, then updated, and not touched when it is so already."""
    async with office.changing() as work:
        first = await put_job(work, "k", name="shop")
    async with office.changing() as work:
        again = await put_job(work, "k", name="shop")
        renamed = await put_job(work, "k", name="store", description="sells")

    assert (first.created, again.created, renamed.created) == (True, False, False)
    assert again.job == first.job
    assert (renamed.job.id, renamed.job.name, renamed.job.external_key) == (
        first.job.id,
        "store",
        "k",
    )
    assert await office.deeds() == ["create", "change"]


async def test_an_archived_job_is_not_found_by_its_key(office) -> None:
    """Putting it creates another."""
    async with office.changing() as work:
        old = (await put_job(work, "k", name="shop")).job
        await archive_job(work, old.id)
        new = await put_job(work, "k", name="shop")

    assert new.created
    assert new.job.id != old.id
