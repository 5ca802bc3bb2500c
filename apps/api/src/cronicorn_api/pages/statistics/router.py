"""Statistics of all endpoints, or of one job, as a page and as files."""

from typing import Annotated, Final

from cronicorn_management.dashboard.stats import Stats, read_stats
from cronicorn_management.jobs.listing import list_jobs
from cronicorn_management.pages import PAGE_MOST
from fastapi import Query, Response

from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.statistics.asked import Asked, TheAsked
from cronicorn_api.pages.statistics.views import (
    SumsView,
    choice_view,
    days_as_csv,
    days_as_json,
    sums_view,
)

router: Final = pages_router()
ADDED_AT_ONCE: Final = 2000
"""The runs of so many endpoints are added up while a page is awaited; of more, behind it."""


@router.get("/statistics")
async def statistics(
    viewer: TheViewer,
    asked: TheAsked,
    *,
    whole: Annotated[bool, Query(description="However long it takes")] = False,
) -> Response:
    """Show statistics; sums that take long are fetched by the page, or are awaited if asked for."""
    async with viewer.desk.reading(viewer.caller) as work:
        jobs = await list_jobs(work, limit=PAGE_MOST)
    many = jobs.more or sum(each.endpoint_count for each in jobs.items) > ADDED_AT_ONCE
    return viewer.page(
        "statistics/page",
        choice=choice_view(asked, [each.job for each in jobs.items], more=jobs.more),
        view=await _sums(viewer, asked) if whole or not many else None,
    )


@router.get("/_/statistics")
async def sums(viewer: TheViewer, asked: TheAsked) -> Response:
    """Give the sums alone."""
    return viewer.fragment("statistics/_sums", view=await _sums(viewer, asked))


@router.get("/statistics.csv")
async def csv_file(viewer: TheViewer, asked: TheAsked) -> Response:
    """Give the sums of days as a table."""
    stats = await _stats(viewer, asked)
    return _file(days_as_csv(stats), "text/csv", "statistics.csv")


@router.get("/statistics.json")
async def json_file(viewer: TheViewer, asked: TheAsked) -> Response:
    """Give the sums of days, sources and endpoints as an object."""
    stats = await _stats(viewer, asked)
    return _file(days_as_json(stats, asked.window), "application/json", "statistics.json")


async def _sums(viewer: Viewer, asked: Asked) -> SumsView:
    return sums_view(await _stats(viewer, asked), viewer.zones)


async def _stats(viewer: Viewer, asked: Asked) -> Stats:
    """Add up; whoever asks for the same window in the same moment has the same sums."""

    async def read() -> Stats:
        async with viewer.desk.reading(viewer.caller) as work:
            return await read_stats(work, asked.window, job_id=asked.job)

    return await viewer.shared(f"statistics {asked.window.zone.key} {asked.query}", read)


def _file(text: str, kind: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(text, media_type=kind, headers=headers)
