"""The history of an endpoint: slots with what became of them, as a page and as a file."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final

from cronicorn_domain.identity import EndpointId
from cronicorn_management.endpoints.reading import read_endpoint
from cronicorn_management.history.past import PastSlot, count_past, list_past
from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.history.asked import Asked, TheAsked
from cronicorn_api.pages.history.views import as_csv, as_json, history_view
from cronicorn_api.wire.identities import PathEndpoint

router: Final = pages_router()
ROWS_MOST: Final = 50_000
"""So many rows a file holds, the newest; a narrower window has the others."""
_ROWS: Final = 50
_ROWS_OF_A_FILE: Final = 500


@router.get("/endpoints/{endpointId}/runs")
async def history(
    viewer: TheViewer,
    endpoint_id: PathEndpoint,
    asked: TheAsked,
    cursor: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show the history."""
    async with viewer.desk.reading(viewer.caller) as work:
        endpoint = (await read_endpoint(work, endpoint_id)).endpoint
        page = await list_past(
            work,
            endpoint_id,
            kept=asked.kept,
            since=asked.begins_at,
            until=asked.ends_at,
            limit=_ROWS,
            before=asked.before(cursor),
        )
        totals = await count_past(work, endpoint_id, since=asked.begins_at, until=asked.ends_at)
    shown = history_view(
        endpoint, page, totals, viewer.zones, asked, zone=viewer.here().key, later=bool(cursor)
    )
    return viewer.page("history/page", view=shown)


@router.get("/endpoints/{endpointId}/runs.csv")
async def csv_file(viewer: TheViewer, endpoint_id: PathEndpoint, asked: TheAsked) -> Response:
    """Give the history as a table, the newest slots first."""
    slots = await _slots(viewer, endpoint_id, asked)
    return _file(as_csv, slots, "text/csv", f"runs-{endpoint_id}.csv")


@router.get("/endpoints/{endpointId}/runs.json")
async def json_file(viewer: TheViewer, endpoint_id: PathEndpoint, asked: TheAsked) -> Response:
    """Give the history as a list of objects, the newest slots first."""
    slots = await _slots(viewer, endpoint_id, asked)
    return _file(as_json, slots, "application/json", f"runs-{endpoint_id}.json")


def _file(
    write: Callable[[AsyncIterator[PastSlot]], AsyncIterator[str]],
    slots: AsyncIterator[PastSlot],
    kind: str,
    name: str,
) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(write(slots), media_type=kind, headers=headers)


async def _slots(viewer: Viewer, endpoint_id: EndpointId, asked: Asked) -> AsyncIterator[PastSlot]:
    """Begin to read; what is wrong is said before anything is sent."""
    async with viewer.desk.reading(viewer.caller) as work:
        await read_endpoint(work, endpoint_id)
    return _all_of_it(viewer, endpoint_id, asked)


async def _all_of_it(
    viewer: Viewer, endpoint_id: EndpointId, asked: Asked
) -> AsyncIterator[PastSlot]:
    """Read page by page, each in a unit of its own: no transaction waits for who reads slowly."""
    cursor, count = "", 0
    while count < ROWS_MOST:
        async with viewer.desk.reading(viewer.caller) as work:
            page = await list_past(
                work,
                endpoint_id,
                kept=asked.kept,
                since=asked.begins_at,
                until=asked.ends_at,
                limit=min(_ROWS_OF_A_FILE, ROWS_MOST - count),
                before=asked.before(cursor),
            )
        for each in page.items:
            yield each
        count += len(page.items)
        if not page.more or not page.items:
            return
        cursor = asked.cursor_behind(page.items[-1])
