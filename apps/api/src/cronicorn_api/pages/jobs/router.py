"""Jobs: the list, one of them, a new one, and what can be done to one."""

from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import (
    ChangedMeanwhile,
    Conflict,
    CronicornError,
    InvalidInput,
    LimitReached,
)
from cronicorn_domain.identity import JobId
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.ports.board import Order, Wanted
from cronicorn_domain.ports.overview import Selection, Tally
from cronicorn_management.desk import Reading
from cronicorn_management.endpoints.surveying import Survey, survey_endpoints
from cronicorn_management.jobs.archiving import archive_job
from cronicorn_management.jobs.changing import change_job
from cronicorn_management.jobs.creating import create_job
from cronicorn_management.jobs.listing import list_jobs
from cronicorn_management.jobs.pausing import pause_job
from cronicorn_management.jobs.reading import read_job
from cronicorn_management.jobs.restoring import restore_job
from cronicorn_management.jobs.resuming import resume_job
from fastapi import Request, Response

from cronicorn_api.pages.endpoints.asked import asked_in
from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.said import Undo
from cronicorn_api.pages.frame.seen import version_of
from cronicorn_api.pages.frame.told import Fault, Faults, faults_of
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.jobs.views import JobForm, JobView, job_view, jobs_view
from cronicorn_api.wire.identities import PathJob

router: Final = pages_router()
_DAY: Final = timedelta(days=1)
_PAGE: Final = 100
_SHOWN: Final = 25


@router.get("/jobs")
async def jobs(viewer: TheViewer, request: Request) -> Response:
    """List jobs, with what their last day came to."""
    given = request.query_params
    state = next((each for each in JobState if each.value == given.get("state")), None)
    after = asked_in({"job": given.get("after", "")}).job
    async with viewer.desk.reading(viewer.caller) as work:
        page = await list_jobs(work, state=state, limit=_PAGE, after=after)
        tallies = await work.overview.jobs(work.tenant, _last_day(work))
    shown = [
        each for each in page.items if state is not None or each.job.state is not JobState.ARCHIVED
    ]
    return viewer.page("jobs/list", view=jobs_view(shown, tallies, state=state, more=page.more))


@router.get("/jobs/new")
async def new(viewer: TheViewer) -> Response:
    """Ask what a new job is to be called."""
    return viewer.page("jobs/form", form=JobForm(), job=None)


@router.post("/jobs/new")
async def create(viewer: TheViewer, form: Form) -> Response:
    """Create a job, and go on to its first endpoint."""
    given = JobForm(name=form.get("name", ""), description=form.get("description", ""))
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            job = await create_job(work, name=given.name, description=given.description or None)
    except (InvalidInput, Conflict, LimitReached) as refusal:
        return _again(viewer, given, refusal, None)
    return viewer.back(f"/jobs/{job.id}", f"Created {job.name}.")


@router.get("/jobs/{jobId}")
async def job(viewer: TheViewer, job_id: PathJob) -> Response:
    """Tell of a job."""
    return viewer.page("jobs/page", view=await _view(viewer, job_id))


@router.get("/_/jobs/{jobId}")
async def renewed(viewer: TheViewer, job_id: PathJob) -> Response:
    """Tell of a job's endpoints by now."""
    return viewer.fragment("jobs/_endpoints", view=await _view(viewer, job_id))


@router.get("/jobs/{jobId}/edit")
async def edit(viewer: TheViewer, job_id: PathJob) -> Response:
    """Ask what it is to be called instead."""
    async with viewer.desk.reading(viewer.caller) as work:
        found = await read_job(work, job_id)
    form = JobForm(name=found.name, description=found.description or "", seen=_seen(found))
    return viewer.page("jobs/form", form=form, job=found)


@router.post("/jobs/{jobId}/edit")
async def change(viewer: TheViewer, job_id: PathJob, form: Form) -> Response:
    """Call it otherwise, unless somebody was faster."""
    given = JobForm(
        name=form.get("name", ""),
        description=form.get("description", ""),
        seen=form.get("seen", ""),
    )
    async with viewer.desk.reading(viewer.caller) as reading:
        found = await read_job(reading, job_id)
    if given.seen and given.seen != _seen(found):
        return _stale(viewer, given, found)
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            await change_job(
                work,
                job_id,
                {"name": given.name, "description": given.description or None},
                seen=found.updated_at,
            )
    except ChangedMeanwhile:
        async with viewer.desk.reading(viewer.caller) as reading:
            return _stale(viewer, given, await read_job(reading, job_id))
    except (InvalidInput, Conflict) as refusal:
        return _again(viewer, given, refusal, found)
    return viewer.back(f"/jobs/{job_id}", "Saved.")


@router.post("/jobs/{jobId}/pause")
async def pause(viewer: TheViewer, job_id: PathJob, form: Form) -> Response:
    """Keep all of its endpoints from running."""
    del form
    async with viewer.desk.changing(viewer.caller) as work:
        await pause_job(work, job_id)
    undo = Undo(action=f"/jobs/{job_id}/resume")
    return viewer.back(f"/jobs/{job_id}", "Paused: none of its endpoints runs.", undo)


@router.post("/jobs/{jobId}/resume")
async def resume(viewer: TheViewer, job_id: PathJob, form: Form) -> Response:
    """Let them run again."""
    del form
    async with viewer.desk.changing(viewer.caller) as work:
        await resume_job(work, job_id)
    return viewer.back(f"/jobs/{job_id}", "Resumed.")


@router.post("/jobs/{jobId}/archive")
async def archive(viewer: TheViewer, job_id: PathJob, form: Form) -> Response:
    """Retire it with all of its endpoints."""
    del form
    async with viewer.desk.changing(viewer.caller) as work:
        await archive_job(work, job_id)
    undo = Undo(action=f"/jobs/{job_id}/restore")
    return viewer.back(f"/jobs/{job_id}", "Archived: none of its endpoints runs.", undo)


@router.post("/jobs/{jobId}/restore")
async def restore(viewer: TheViewer, job_id: PathJob, form: Form) -> Response:
    """Bring it back."""
    del form
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            await restore_job(work, job_id)
    except (Conflict, LimitReached) as refusal:
        told = " ".join(each.message for each in faults_of(refusal))
        return viewer.back(f"/jobs/{job_id}", f"Not restored. {told}")
    return viewer.back(f"/jobs/{job_id}", "Restored.")


async def _view(viewer: Viewer, job_id: JobId) -> JobView:
    async def read() -> tuple[Job, Survey, Tally]:
        async with viewer.desk.reading(viewer.caller) as work:
            found = await read_job(work, job_id)
            wanted = Wanted(job_id=job_id)
            survey = await survey_endpoints(work, wanted, order=Order.WORST, limit=_SHOWN)
            which = _last_day(work, job_id)
            tallies = await work.overview.jobs(work.tenant, which)
        tally = next((each.tally for each in tallies if each.job_id == job_id), Tally())
        return found, survey, tally

    found, survey, tally = await viewer.shared(f"job {job_id}", read)
    return job_view(found, survey, tally, viewer.zones)


def _last_day(work: Reading, job_id: JobId | None = None) -> Selection:
    return Selection(since=work.now - _DAY, until=work.now, job_id=job_id)


def _stale(viewer: Viewer, given: JobForm, found: Job) -> Response:
    """Tell what it is called by now, beside what was typed."""
    told = Faults(
        (
            Fault(
                field="",
                message="Somebody has changed it since you began: it is called"
                f" {found.name!r} now, with the description"
                f" {(found.description or '')!r}. Save again to put yours in its place.",
            ),
        )
    )
    stale = JobForm(name=given.name, description=given.description, faults=told, seen=_seen(found))
    return viewer.page("jobs/form", status=409, form=stale, job=found)


def _again(viewer: Viewer, given: JobForm, refusal: CronicornError, of: Job | None) -> Response:
    faults = faults_of(refusal)
    if isinstance(refusal, Conflict):
        faults = Faults((Fault(field="name", message=faults[0].message),))
    form = JobForm(name=given.name, description=given.description, faults=faults, seen=given.seen)
    return viewer.page("jobs/form", status=422, form=form, job=of)


def _seen(found: Job) -> str:
    return version_of(found.name, found.description)
