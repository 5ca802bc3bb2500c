"""What is done to many endpoints: first what would be, then the deed."""

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.ports.board import Standing, Wanted
from cronicorn_domain.schedules.zones import zone
from cronicorn_management.endpoints.bulk import BulkAction, BulkOutcome, act_on_many
from fastapi import Response

from cronicorn_api.pages.bulk.asked import Deed, deed_of, ids_chosen
from cronicorn_api.pages.bulk.views import SHOWN_MOST, done_view, mark_of, preview_view
from cronicorn_api.pages.endpoint.pausing import kept_of
from cronicorn_api.pages.endpoints.asked import asked_in
from cronicorn_api.pages.frame.forms import Fields, Lists
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.shapes import exact
from cronicorn_api.pages.frame.told import faults_of
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer

router: Final = pages_router()
_ROWS_MOST: Final = 50
AT_ONCE_MOST: Final = 2_000
"""So many are looked at while somebody waits; a program has more patience."""


@router.post("/endpoints/bulk")
async def preview(viewer: TheViewer, form: Fields) -> Response:
    """Say what would be done; nothing is."""
    deed = await _deed(viewer, form)
    if isinstance(deed, Response):
        return deed
    return await _asked(viewer, deed, await _rehearsed(viewer, deed))


@router.post("/endpoints/bulk/do")
async def do(viewer: TheViewer, form: Fields) -> Response:
    """Do it, unless it would be something else by now: then it is asked again."""
    deed = await _deed(viewer, form)
    if isinstance(deed, Response):
        return deed
    would = await _rehearsed(viewer, deed)
    if form.get("expected", [""])[-1] != mark_of(would.changed):
        return await _asked(viewer, deed, would, changed=True)
    outcome = await act_on_many(
        viewer.desk, viewer.caller, deed.action, deed.wanted, pause=deed.pause
    )
    return viewer.page("bulk/done", view=done_view(deed, outcome, viewer.zones))


async def _deed(viewer: Viewer, form: Lists) -> Deed | Response:
    here: ZoneInfo = zone(viewer.zones.shown())
    try:
        deed = deed_of(form, viewer.now, here)
        await _check_count(viewer, deed)
    except InvalidInput as refusal:
        given = {name: values[-1] for name, values in form.items()}
        told = " ".join(each.message for each in faults_of(refusal))
        return viewer.back(asked_in(given).path(), told, kept=_kept(form))
    return deed


def _kept(form: Lists) -> Mapping[str, str]:
    """Return what was typed and ticked, for the list that shows it again: it has one page of it."""
    given = {name: values[-1] for name, values in form.items()}
    ids = ",".join(str(each) for each in ids_chosen(form)[:_ROWS_MOST])
    return {**kept_of(given), "all": given.get("all", "")[:3], "ids": ids}


async def _check_count(viewer: Viewer, deed: Deed) -> None:
    """Refuse what somebody would wait too long for."""
    async with viewer.desk.reading(viewer.caller) as work:
        found = await work.board.find(
            work.tenant, deed.wanted, now=work.now, limit=1, count_to=AT_ONCE_MOST + 1
        )
    if found.total > AT_ONCE_MOST:
        raise InvalidInput(
            f"more than {exact(AT_ONCE_MOST)} endpoints match",
            field="id",
            remedy="narrow the filter, pause a whole job, or ask POST /api/endpoints/bulk",
        )


async def _rehearsed(viewer: Viewer, deed: Deed) -> BulkOutcome:
    return await act_on_many(
        viewer.desk, viewer.caller, deed.action, deed.wanted, pause=deed.pause, dry_run=True
    )


async def _asked(
    viewer: Viewer, deed: Deed, would: BulkOutcome, *, changed: bool = False
) -> Response:
    shown = await _names(viewer, deed, would.changed[:SHOWN_MOST])
    view = preview_view(deed, would, shown, viewer.zones, changed=changed)
    return viewer.page("bulk/preview", status=409 if changed else 200, view=view)


async def _names(viewer: Viewer, deed: Deed, ids: Sequence[EndpointId]) -> Sequence[Standing]:
    if deed.action is BulkAction.RESTORE or not ids:
        return []
    async with viewer.desk.reading(viewer.caller) as work:
        found = await work.board.find(
            work.tenant, Wanted(ids=frozenset(ids)), now=work.now, limit=SHOWN_MOST
        )
    return found.standings
