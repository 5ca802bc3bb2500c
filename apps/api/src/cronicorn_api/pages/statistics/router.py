"""Statistics of all endpoints, of one job or of one source, as a page and as files."""

from datetime import date, timedelta
from typing import Annotated, Final
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import JobId
from cronicorn_domain.model.job import Job
from cronicorn_management.dashboard.stats import Stats, read_stats
from cronicorn_management.dashboard.windows import DAYS_USUAL, Window, window_of
from cronicorn_management.jobs.listing import list_jobs
from fastapi import Query, Response

from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.statistics.views import days_as_csv, days_as_json, statistics_view

router: Final = pages_router()
_DAYS_MOST: Final = 366
_Text = Annotated[str, Query(max_length=100)]
_From = Annotated[str, Query(max_length=100, alias="from")]
_Days = Annotated[int | None, Query(ge=1, le=_DAYS_MOST)]


@router.get("/statistics")
async def statistics(
    *,
    viewer: TheViewer,
    days: _Days = None,
    since: _From = "",
    until: _Text = "",
    job: _Text = "",
) -> Response:
    """Show statistics."""
    stats, window, jobs = await _read(viewer, days, since, until, job)
    given = {"days": "" if days is None else str(days), "from": since, "until": until, "job": job}
    usual = DAYS_USUAL if days is None and not since and not until else days
    shown = statistics_view(
        stats,
        window,
        viewer.zones,
        jobs,
        chosen_days=usual,
        chosen_job=job,
        query={name: value for name, value in given.items() if value},
    )
    return viewer.page("statistics/page", view=shown)


@router.get("/statistics.csv")
async def csv_file(
    *,
    viewer: TheViewer,
    days: _Days = None,
    since: _From = "",
    until: _Text = "",
    job: _Text = "",
) -> Response:
    """Give the sums of days as a table."""
    stats, _, _ = await _read(viewer, days, since, until, job)
    return _file(days_as_csv(stats), "text/csv", "statistics.csv")


@router.get("/statistics.json")
async def json_file(
    *,
    viewer: TheViewer,
    days: _Days = None,
    since: _From = "",
    until: _Text = "",
    job: _Text = "",
) -> Response:
    """Give the sums of days, sources and endpoints as an object."""
    stats, window, _ = await _read(viewer, days, since, until, job)
    return _file(days_as_json(stats, window), "application/json", "statistics.json")


async def _read(
    viewer: Viewer, days: int | None, since: str, until: str, job: str
) -> tuple[Stats, Window, list[Job]]:
    here = viewer.here()
    end = _day(until, field="until")
    start = _day(since, field="from")
    if start is None and days is not None:
        last = end or viewer.now.astimezone(here).date()
        start = last - timedelta(days=days - 1)
    window = window_of(start, end, timezone=here.key, now=viewer.now)
    async with viewer.desk.reading(viewer.caller) as work:
        stats = await read_stats(work, window, job_id=_job(job))
        jobs = (await list_jobs(work)).items
    return stats, window, [each.job for each in jobs]


def _file(text: str, kind: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(text, media_type=kind, headers=headers)


def _day(text: str, *, field: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is no date", field=field, remedy="give one such as 2025-01-31"
        ) from None


def _job(text: str) -> JobId | None:
    if not text:
        return None
    try:
        return JobId(UUID(text))
    except ValueError:
        raise InvalidInput("that is no job", field="job", remedy="choose one of the list") from None
