"""Routes of jobs."""

from typing import Annotated, Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import JobId
from cronicorn_management.jobs.archiving import archive_job
from cronicorn_management.jobs.changing import JobChanges, change_job
from cronicorn_management.jobs.creating import create_job
from cronicorn_management.jobs.listing import list_jobs
from cronicorn_management.jobs.pausing import pause_job
from cronicorn_management.jobs.putting import put_job
from cronicorn_management.jobs.reading import read_job
from cronicorn_management.jobs.restoring import restore_job
from cronicorn_management.jobs.resuming import resume_job
from cronicorn_management.pages import PAGE_MOST
from fastapi import APIRouter, Path, Query, Response

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.jobs.presenters import job_body, job_list
from cronicorn_api.jobs.schemas import JobBody, JobList, JobPatch, JobStatus, NewJob
from cronicorn_api.wire.identities import PathJob, cursor_of
from cronicorn_api.wire.refusing import members_named

router: Final = APIRouter(tags=["jobs"])
_WIRE_NAMES: Final = {"external_key": "externalKey"}


@router.post("/jobs", status_code=201, operation_id="createJob")
async def create(desk: TheDesk, caller: TheCaller, given: NewJob) -> JobBody:
    """Create a job."""
    async with desk.changing(caller) as work:
        job = await create_job(work, name=given.name, description=given.description)
    return job_body(job)


@router.put(
    "/jobs/by-key/{externalKey}", operation_id="putJob", responses={201: {"model": JobBody}}
)
async def put(
    desk: TheDesk,
    caller: TheCaller,
    key: Annotated[str, Path(alias="externalKey")],
    given: NewJob,
    response: Response,
) -> JobBody:
    """Create the job of a key, or make it what is given."""
    with members_named(_WIRE_NAMES):
        async with desk.changing(caller) as work:
            done = await put_job(work, key, name=given.name, description=given.description)
    response.status_code = 201 if done.created else 200
    return job_body(done.job)


@router.get("/jobs", operation_id="listJobs")
async def list_all(
    desk: TheDesk,
    caller: TheCaller,
    status: JobStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = PAGE_MOST,
    cursor: str | None = None,
) -> JobList:
    """List jobs, the oldest first."""
    async with desk.reading(caller) as work:
        page = await list_jobs(
            work,
            state=None if status is None else status.state,
            limit=limit,
            after=cursor_of(cursor, JobId),
        )
    return job_list(page)


@router.get("/jobs/{jobId}", operation_id="getJob")
async def read(desk: TheDesk, caller: TheCaller, job_id: PathJob) -> JobBody:
    """Read a job."""
    async with desk.reading(caller) as work:
        return job_body(await read_job(work, job_id))


@router.patch("/jobs/{jobId}", operation_id="updateJob")
async def change(desk: TheDesk, caller: TheCaller, job_id: PathJob, given: JobPatch) -> JobBody:
    """Change a job's name and description."""
    async with desk.changing(caller) as work:
        return job_body(await change_job(work, job_id, _changes(given)))


@router.delete("/jobs/{jobId}", operation_id="archiveJob")
async def archive(desk: TheDesk, caller: TheCaller, job_id: PathJob) -> JobBody:
    """Archive a job."""
    async with desk.changing(caller) as work:
        return job_body(await archive_job(work, job_id))


@router.post("/jobs/{jobId}/pause", operation_id="pauseJob")
async def pause(desk: TheDesk, caller: TheCaller, job_id: PathJob) -> JobBody:
    """Keep a job's endpoints from running."""
    async with desk.changing(caller) as work:
        return job_body(await pause_job(work, job_id))


@router.post("/jobs/{jobId}/resume", operation_id="resumeJob")
async def resume(desk: TheDesk, caller: TheCaller, job_id: PathJob) -> JobBody:
    """Let a paused job's endpoints run again."""
    async with desk.changing(caller) as work:
        return job_body(await resume_job(work, job_id))


@router.post("/jobs/{jobId}/restore", operation_id="restoreJob")
async def restore(desk: TheDesk, caller: TheCaller, job_id: PathJob) -> JobBody:
    """Bring an archived job back."""
    async with desk.changing(caller) as work:
        return job_body(await restore_job(work, job_id))


def _changes(given: JobPatch) -> JobChanges:
    changes = JobChanges()
    if "name" in given.model_fields_set:
        if given.name is None:
            raise InvalidInput("a job has a name", field="name", remedy="give one or leave it out")
        changes["name"] = given.name
    if "description" in given.model_fields_set:
        changes["description"] = given.description
    return changes
