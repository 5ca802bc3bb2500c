"""The history of an endpoint: slots with what became of them, as a page and as a file."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId, RunId
from cronicorn_management.endpoints.reading import read_endpoint
from cronicorn_management.history.past import Kept, PastSlot, count_past, list_past
from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from cronicorn_api.pages.endpoint.router import here_of
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.history.views import as_csv, as_json, cursor_behind, history_view
from cronicorn_api.pages.timeline.wall_times import wall_time
from cronicorn_api.wire.identities import PathEndpoint

router: Final = pages_router()
ROWS_MOST: Final = 50_000
"""So many rows a file holds, the newest; a narrower window has the others."""
_ROWS: Final = 50
_ROWS_OF_A_FILE: Final = 500
_DATE_LENGTH: Final = 10
_Text = Annotated[str, Query(max_length=100)]
_From = Annotated[str, Query(max_length=100, alias="from")]


@router.get("/endpoints/{endpointId}/runs")
async def history(
    *,
    viewer: TheViewer,
    endpoint_id: PathEndpoint,
    status: _Text = "",
    since: _From = "",
    until: _Text = "",
    cursor: _Text = "",
) -> Response:
    """Show the history."""
    kept, window = _kept(status), _window(viewer, since, until)
    async with viewer.desk.reading(viewer.caller) as work:
        endpoint = (await read_endpoint(work, endpoint_id)).endpoint
        page = await list_past(
            work,
            endpoint_id,
            kept=kept,
            since=window[0],
            until=window[1],
            limit=_ROWS,
            before=_cursor(cursor, kept),
        )
        totals = await count_past(work, endpoint_id, since=window[0], until=window[1])
    shown = history_view(
        endpoint,
        page,
        totals,
        viewer.zones,
        kept=kept,
        since=since,
        until=until,
        zone=here_of(viewer, None).key,
        later=bool(cursor),
    )
    return viewer.page("history/page", view=shown)


@router.get("/endpoints/{endpointId}/runs.csv")
async def csv_file(
    *,
    viewer: TheViewer,
    endpoint_id: PathEndpoint,
    status: _Text = "",
    since: _From = "",
    until: _Text = "",
) -> Response:
    """Give the history as a table, the newest slots first."""
    slots = await _slots(viewer, endpoint_id, status, since, until)
    return _file(as_csv, slots, "text/csv", f"runs-{endpoint_id}.csv")


@router.get("/endpoints/{endpointId}/runs.json")
async def json_file(
    *,
    viewer: TheViewer,
    endpoint_id: PathEndpoint,
    status: _Text = "",
    since: _From = "",
    until: _Text = "",
) -> Response:
    """Give the history as a list of objects, the newest slots first."""
    slots = await _slots(viewer, endpoint_id, status, since, until)
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


async def _slots(
    viewer: Viewer, endpoint_id: EndpointId, status: str, since: str, until: str
) -> AsyncIterator[PastSlot]:
    """Begin to read; what is wrong is said before anything is sent."""
    kept, window = _kept(status), _window(viewer, since, until)
    async with viewer.desk.reading(viewer.caller) as work:
        await read_endpoint(work, endpoint_id)
    return _all_of_it(viewer, endpoint_id, kept, window)


async def _all_of_it(
    viewer: Viewer,
    endpoint_id: EndpointId,
    kept: Kept | None,
    window: tuple[datetime | None, datetime | None],
) -> AsyncIterator[PastSlot]:
    """Read page by page, each in a unit of its own: no transaction waits for who reads slowly."""
    before: datetime | RunId | None = None
    count = 0
    while count < ROWS_MOST:
        async with viewer.desk.reading(viewer.caller) as work:
            page = await list_past(
                work,
                endpoint_id,
                kept=kept,
                since=window[0],
                until=window[1],
                limit=min(_ROWS_OF_A_FILE, ROWS_MOST - count),
                before=before,
            )
        for each in page.items:
            yield each
        count += len(page.items)
        if not page.more or not page.items:
            return
        before = _cursor(cursor_behind(page.items[-1], kept), kept)


def _kept(status: str) -> Kept | None:
    if not status:
        return None
    if status not in set(Kept):
        raise InvalidInput(
            f"there is no status {status[:40]!r}",
            field="status",
            remedy=f"choose one of {', '.join(Kept)}",
        )
    return Kept(status)


def _window(viewer: Viewer, since: str, until: str) -> tuple[datetime | None, datetime | None]:
    """Read dates as whole days of the shown zone, and instants as such."""
    here = here_of(viewer, None)
    begins_at = wall_time(since, here, field="from") if since else None
    ends_at = wall_time(until, here, field="until") if until else None
    if ends_at is not None and len(until) == _DATE_LENGTH:
        ends_at += timedelta(days=1) - timedelta(microseconds=1)
    return begins_at, ends_at


def _cursor(text: str, kept: Kept | None) -> datetime | RunId | None:
    if not text:
        return None
    try:
        if kept is None or kept is Kept.NOT_RUN:
            return datetime.fromisoformat(text)
        return RunId(UUID(text))
    except ValueError:
        raise InvalidInput(
            "the cursor is none", field="cursor", remedy="begin at the first page"
        ) from None
