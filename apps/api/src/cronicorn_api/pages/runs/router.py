"""The page of a run: what was sent, what came back, and why it ran when it did."""

from typing import Final

from cronicorn_domain.identity import RunId
from cronicorn_management.history.surroundings import RunAmongOthers, read_run_among_others
from fastapi import Response

from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.runs.views import RunView, run_view
from cronicorn_api.wire.identities import PathRun

router: Final = pages_router()


@router.get("/runs/{runId}")
async def run(viewer: TheViewer, run_id: PathRun) -> Response:
    """Show a run."""
    return viewer.page("runs/page", view=await _view(viewer, run_id))


@router.get("/_/runs/{runId}")
async def part(viewer: TheViewer, run_id: PathRun) -> Response:
    """Show what changes while it runs."""
    return viewer.fragment("runs/_run", view=await _view(viewer, run_id))


@router.get("/_/runs/{runId}/sentence")
async def sentence(viewer: TheViewer, run_id: PathRun) -> Response:
    """Say what has come of it by now, alone."""
    return viewer.fragment("runs/_sentence", view=await _view(viewer, run_id))


async def _view(viewer: Viewer, run_id: RunId) -> RunView:
    async def read() -> RunAmongOthers:
        async with viewer.desk.reading(viewer.caller) as work:
            return await read_run_among_others(work, run_id)

    return run_view(await viewer.shared(f"run {run_id}", read), viewer.zones)
