"""Create and edit endpoints: the form, what it would do, and a request by way of trial."""

from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import (
    ChangedMeanwhile,
    Conflict,
    CronicornError,
    InvalidInput,
    LimitReached,
    RefusedByRule,
)
from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.schedules.zones import zone, zone_names
from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.changing import set_endpoint
from cronicorn_management.endpoints.creating import create_endpoint
from cronicorn_management.endpoints.drafting import preview_draft
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.endpoints.reading import read_endpoint
from cronicorn_management.endpoints.trying import try_settings
from cronicorn_management.jobs.listing import list_jobs
from cronicorn_management.jobs.reading import read_job
from cronicorn_management.settings import EndpointSettings, settings_of
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from cronicorn_api.pages.editing.typed import (
    Typed,
    faults_at,
    settings_in,
    typed_in,
    typed_of,
    zone_in,
)
from cronicorn_api.pages.editing.views import (
    Answer,
    Difference,
    EditView,
    Preview,
    answer_view,
    differences,
    preview_view,
)
from cronicorn_api.pages.endpoints.views import ids_in
from cronicorn_api.pages.frame.forms import Fields
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.seen import version_of
from cronicorn_api.pages.frame.told import NO_FAULTS, Fault, Faults, faults_of
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.wire.identities import PathEndpoint, PathJob

router: Final = pages_router()
_SEE_OTHER: Final = 303
_JOBS_MOST: Final = 1000


@router.get("/endpoints/new")
async def choose(viewer: TheViewer) -> Response:
    """Ask of which job a new endpoint is to be; where there is one, it is of that."""
    async with viewer.desk.reading(viewer.caller) as work:
        page = await list_jobs(work, limit=_JOBS_MOST)
    jobs = [each.job for each in page.items if each.job.state is not JobState.ARCHIVED]
    if len(jobs) == 1 and not page.more:
        return RedirectResponse(f"/jobs/{jobs[0].id}/endpoints/new", _SEE_OTHER)
    jobs.sort(key=lambda each: each.name.casefold())
    return viewer.page("editing/choose", jobs=jobs, more=page.more)


@router.get("/jobs/{jobId}/endpoints/new")
async def new(viewer: TheViewer, job_id: PathJob) -> Response:
    """Ask what a new endpoint is to be."""
    async with viewer.desk.reading(viewer.caller) as work:
        job = await read_job(work, job_id)
    return await _page(viewer, typed_of(None, zone(viewer.zones.look.local)), job=job)


@router.post("/jobs/{jobId}/endpoints/new")
async def create(viewer: TheViewer, job_id: PathJob, form: Fields) -> Response:
    """Create it, or send its request once."""
    async with viewer.desk.reading(viewer.caller) as reading:
        job = await read_job(reading, job_id)
    typed = typed_in(form)
    settings, faults = settings_in(typed, _here(viewer, typed))
    if settings is None:
        return await _page(viewer, typed, job=job, faults=faults)
    if form.get("do", [""])[-1] == "test":
        return await _tested(viewer, typed, settings, job=job)
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            made = await create_endpoint(work, job_id, settings)
    except (InvalidInput, Conflict, LimitReached) as refusal:
        return await _page(viewer, typed, job=job, faults=_faults(refusal))
    return viewer.back(f"/endpoints/{made.id}", f"Created {made.name}.")


@router.get("/endpoints/{endpointId}/edit")
async def edit(viewer: TheViewer, endpoint_id: PathEndpoint) -> Response:
    """Ask what is to be otherwise."""
    endpoint = await _read(viewer, endpoint_id)
    return await _page(viewer, _typed(viewer, endpoint), endpoint=endpoint)


@router.post("/endpoints/{endpointId}/edit")
async def change(viewer: TheViewer, endpoint_id: PathEndpoint, form: Fields) -> Response:
    """Change it, unless somebody was faster: then both versions are shown."""
    endpoint = await _read(viewer, endpoint_id)
    shown = _typed(viewer, endpoint)
    typed = _chosen(typed_in(form), shown, form.get("theirs", []))
    settings, faults = settings_in(
        typed, _here(viewer, typed), stands=settings_of(endpoint), shown=shown
    )
    if settings is None:
        return await _page(viewer, typed, endpoint=endpoint, faults=faults)
    if form.get("do", [""])[-1] == "test":
        return await _tested(viewer, typed, settings, endpoint=endpoint)
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            await set_endpoint(work, await _held(work, endpoint, typed.seen), settings)
    except ChangedMeanwhile:
        return await _stale(viewer, typed, endpoint_id)
    except (InvalidInput, Conflict) as refusal:
        return await _page(viewer, typed, endpoint=endpoint, faults=_faults(refusal))
    return viewer.back(f"/endpoints/{endpoint_id}", "Saved.")


@router.post("/_/endpoints/preview")
async def preview(viewer: TheViewer, form: Fields, request: Request) -> Response:
    """Say when what is typed so far would fire; neutral about what cannot be read yet."""
    endpoint_id = _id(request)
    endpoint = None if endpoint_id is None else await _read(viewer, endpoint_id)
    typed = typed_in(form)
    return viewer.fragment("editing/_preview", preview=await _preview(viewer, typed, endpoint))


async def _held(work: Changing, read: Endpoint, seen: str) -> Endpoint:
    """Hold it as it was seen, and as it was read: what is not in the form was taken from there."""
    held = await endpoint_to_change(work, read.id)
    if seen != _seen(held) or settings_of(held) != settings_of(read):
        raise ChangedMeanwhile("endpoint", read.id)
    return held


async def _tested(
    viewer: Viewer,
    typed: Typed,
    settings: EndpointSettings,
    *,
    job: Job | None = None,
    endpoint: Endpoint | None = None,
) -> Response:
    try:
        run = await try_settings(
            viewer.desk,
            viewer.caller,
            settings,
            endpoint_id=None if endpoint is None else endpoint.id,
        )
    except InvalidInput as refusal:
        return await _page(viewer, typed, job=job, endpoint=endpoint, faults=_faults(refusal))
    return await _page(viewer, typed, job=job, endpoint=endpoint, answer=answer_view(run))


async def _stale(viewer: Viewer, typed: Typed, endpoint_id: EndpointId) -> Response:
    endpoint = await _read(viewer, endpoint_id)
    theirs = _typed(viewer, endpoint)
    told = Faults(
        (
            Fault(
                field="",
                message="Somebody has saved this endpoint since you began. Both versions are below:"
                " choose for each field, and save again.",
            ),
        )
    )
    typed = Typed(
        values=typed.values, headers=typed.headers, switches=typed.switches, seen=theirs.seen
    )
    apart = differences(typed, theirs)
    return await _page(
        viewer, typed, endpoint=endpoint, faults=told, status=409, apart=tuple(apart)
    )


async def _page(
    viewer: Viewer,
    typed: Typed,
    *,
    job: Job | None = None,
    endpoint: Endpoint | None = None,
    faults: Faults = NO_FAULTS,
    answer: Answer | None = None,
    status: int | None = None,
    apart: tuple[Difference, ...] = (),
) -> Response:
    new_of = None if job is None else job.id
    view = EditView(
        title="New endpoint" if endpoint is None else f"Edit {endpoint.name}",
        job=job,
        endpoint=endpoint,
        action=_action(new_of, endpoint),
        back=f"/jobs/{new_of}" if endpoint is None else f"/endpoints/{endpoint.id}",
        typed=typed,
        preview=await _preview(viewer, typed, endpoint),
        faults=faults,
        answer=answer,
        differences=apart,
    )
    code = status or (422 if faults else 200)
    return viewer.page("editing/page", status=code, view=view, zones=sorted(zone_names()))


async def _preview(viewer: Viewer, typed: Typed, endpoint: Endpoint | None) -> Preview:
    """Preview the schedule alone: what else is not finished yet does not keep it back."""
    settings, faults = settings_in(typed, _here(viewer, typed))
    if settings is None:
        return Preview(problem=faults[0].message)
    settings = _only_schedule(settings)
    if not viewer.may_write:
        return Preview()
    try:
        async with viewer.desk.rehearsing(viewer.caller) as work:
            of = None if endpoint is None else endpoint.id
            draft = await preview_draft(work, settings, endpoint_id=of)
    except (InvalidInput, RefusedByRule) as refusal:
        return Preview(problem=faults_of(refusal)[0].message)
    return preview_view(draft, viewer.zones)


def _only_schedule(typed: EndpointSettings) -> EndpointSettings:
    return EndpointSettings(
        name="preview",
        url="https://example.com/",
        every=typed.every,
        cron=typed.cron,
        at=typed.at,
        timezone=typed.timezone,
        gap=typed.gap,
        repeat=typed.repeat,
        min=typed.min,
        max=typed.max,
        starts_at=typed.starts_at,
        ends_at=typed.ends_at,
        max_runs=typed.max_runs,
        jitter=typed.jitter,
    )


def _chosen(yours: Typed, theirs: Typed, names: list[str]) -> Typed:
    """Take their version of the fields that were chosen so."""
    if not names:
        return yours
    kept = {name: theirs.get(name) for name in names if name in theirs.values}
    headers = theirs.headers if "headers" in names else yours.headers
    switches = yours.switches.symmetric_difference(
        name for name in names if (name in yours.switches) != (name in theirs.switches)
    )
    return Typed(
        values={**yours.values, **kept}, headers=headers, switches=switches, seen=yours.seen
    )


async def _read(viewer: Viewer, endpoint_id: EndpointId) -> Endpoint:
    async with viewer.desk.reading(viewer.caller) as work:
        return (await read_endpoint(work, endpoint_id)).endpoint


def _typed(viewer: Viewer, endpoint: Endpoint) -> Typed:
    zones = getattr(endpoint.schedule, "timezone", None) or viewer.zones.look.local
    return typed_of(endpoint, zone(zones), seen=_seen(endpoint))


def _here(viewer: Viewer, typed: Typed) -> ZoneInfo:
    return zone_in(typed, viewer.zones.look.local)


def _seen(endpoint: Endpoint) -> str:
    """Name the version by what the form edits; a secret is no part: it is typed anew, or kept."""
    given = settings_of(endpoint)
    headers = tuple((each.name, each.secret or each.value) for each in given.headers)
    return version_of(headers, replace(given, headers=(), rules=(), shadow_rules=None))


def _faults(refusal: CronicornError) -> Faults:
    if isinstance(refusal, InvalidInput):
        return faults_at(refusal)
    told = faults_of(refusal)[0].message
    return Faults((Fault(field="name" if "name" in told else "", message=told),))


def _action(job_id: JobId | None, endpoint: Endpoint | None) -> str:
    if endpoint is None:
        return f"/jobs/{job_id}/endpoints/new"
    return f"/endpoints/{endpoint.id}/edit"


def _id(request: Request) -> EndpointId | None:
    found = ids_in(request.query_params.get("of", ""))
    return EndpointId(found[0]) if found else None
