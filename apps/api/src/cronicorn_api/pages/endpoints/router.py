"""The list of endpoints."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.job import Job
from cronicorn_domain.ports.board import Standing, Wanted
from cronicorn_management.desk import Reading
from cronicorn_management.endpoints.surveying import Survey, survey_endpoints
from cronicorn_management.pages import Page, page_of
from fastapi import Request, Response

from cronicorn_api.pages.endpoints.asked import Asked, asked_in
from cronicorn_api.pages.endpoints.views import endpoints_view, ids_in
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer

router: Final = pages_router()
_JOBS_MOST: Final = 500


@router.get("/endpoints")
async def endpoints(viewer: TheViewer, request: Request) -> Response:
    """List endpoints, as the address asks."""
    asked = asked_in(request.query_params)
    async with viewer.desk.reading(viewer.caller) as work:
        survey = await _survey(work, asked)
        jobs = await _jobs(work)
    view = endpoints_view(survey, jobs.items, asked, viewer.zones, more_jobs=jobs.more)
    return viewer.page("endpoints/page", view=view)


@router.get("/_/endpoints")
async def renewed(viewer: TheViewer, request: Request) -> Response:
    """
    Renew the rows that somebody sees: the same ones in the same order.

    How many others there would be by now is said beside them.
    """
    asked = asked_in(request.query_params)
    shown = [EndpointId(each) for each in ids_in(request.query_params.get("ids", ""))]

    async def read() -> tuple[Survey, int]:
        async with viewer.desk.reading(viewer.caller) as work:
            these = Wanted(ids=frozenset(shown))
            same = await survey_endpoints(work, these, limit=max(len(shown), 1))
            found = await work.board.find(
                work.tenant,
                asked.wanted,
                now=work.now,
                order=asked.order,
                limit=max(len(shown), 1),
                after=asked.after,
            )
        others = {each.id for each in found.standings} - set(shown)
        return replace(same, standings=_in_order(same, shown)), len(others)

    same, others = await viewer.shared(f"endpoints {request.url.query}", read, sparing=True)
    view = endpoints_view(same, [], asked, viewer.zones, changed=others)
    return viewer.fragment("endpoints/_rows", view=view)


async def _survey(work: Reading, asked: Asked) -> Survey:
    return await survey_endpoints(work, asked.wanted, order=asked.order, after=asked.after)


async def _jobs(work: Reading) -> Page[Job]:
    found = await work.catalog.list_jobs(work.tenant, limit=_JOBS_MOST + 1)
    page = page_of(found, _JOBS_MOST)
    return Page(sorted(page.items, key=lambda each: each.name.casefold()), more=page.more)


def _in_order(survey: Survey, shown: Sequence[EndpointId]) -> Sequence[Standing]:
    places = {each: number for number, each in enumerate(shown)}
    return sorted(survey.standings, key=lambda each: places[each.id])
