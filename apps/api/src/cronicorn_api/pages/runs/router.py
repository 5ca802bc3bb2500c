"""The page of a run: what was sent, what came back, and why it ran when it did."""

from typing import Final

from cronicorn_management.history.surroundings import read_run_among_others
from fastapi import Response

from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.runs.views import run_view
from cronicorn_api.wire.identities import PathRun

router: Final = pages_router()


@router.get("/runs/{runId}")
async def run(viewer: TheViewer, run_id: PathRun) -> Response:
    """Show a run."""
    async with viewer.desk.reading(viewer.caller) as work:
        found = await read_run_among_others(work, run_id)
    return viewer.page("runs/page", view=run_view(found, viewer.zones))


@router.get("/_/runs/{runId}")
async def part(viewer: TheViewer, run_id: PathRun) -> Response:
    """Show what changes while it runs."""
    async with viewer.desk.reading(viewer.caller) as work:
        found = await read_run_among_others(work, run_id)
    return viewer.fragment("runs/_run", view=run_view(found, viewer.zones))
