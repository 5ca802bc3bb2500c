"""The page of an endpoint: what it did, what it does next, and why."""

from typing import Annotated, Final
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.schedules.zones import zone
from cronicorn_management.history.timeline import MARKS_MOST, Timeline, read_timeline
from fastapi import Query, Request, Response

from cronicorn_api.pages.endpoint.views import endpoint_view, timeline_view, zone_of
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.timeline.values import DURATION, LATENESS, PATH_LENGTH
from cronicorn_api.pages.timeline.windows import asked_window
from cronicorn_api.wire.identities import PathEndpoint

router: Final = pages_router()
_NARROW_COOKIE: Final = "cronicorn_narrow"
_NARROW_MARKS: Final = 150
_Text = Annotated[str | None, Query(max_length=100)]
_Value = Annotated[str, Query(max_length=PATH_LENGTH)]
_From = Annotated[str | None, Query(max_length=100, alias="from")]


@router.get("/endpoints/{endpointId}")
async def endpoint(
    *,
    viewer: TheViewer,
    request: Request,
    endpoint_id: PathEndpoint,
    window: _Text = None,
    since: _From = None,
    until: _Text = None,
    value: _Value = DURATION,
    view: _Text = None,
) -> Response:
    """Show an endpoint."""
    asked = _Asked(window=window, since=since, until=until, value=value)
    narrow = is_narrow(request)
    found = await asked.read(viewer, endpoint_id, narrow=narrow)
    shown = endpoint_view(
        found,
        viewer.zones,
        here_of(viewer, zone_of(found.situation.endpoint)),
        value_of=value,
        table=view == "table",
        narrow=narrow,
    )
    return viewer.page("endpoint/page", view=shown)


@router.get("/_/endpoints/{endpointId}/timeline")
async def timeline(
    *,
    viewer: TheViewer,
    request: Request,
    endpoint_id: PathEndpoint,
    window: _Text = None,
    since: _From = None,
    until: _Text = None,
    value: _Value = DURATION,
    view: _Text = None,
) -> Response:
    """Show the timeline alone."""
    asked = _Asked(window=window, since=since, until=until, value=value)
    narrow = is_narrow(request)
    found = await asked.read(viewer, endpoint_id, narrow=narrow)
    shown = timeline_view(
        found,
        viewer.zones,
        here_of(viewer, zone_of(found.situation.endpoint)),
        value_of=value,
        table=view == "table",
        narrow=narrow,
    )
    return viewer.fragment("endpoint/_timeline", view=shown)


@router.get("/_/endpoints/{endpointId}/standing")
async def standing(viewer: TheViewer, endpoint_id: PathEndpoint) -> Response:
    """Show how it stands and what comes next, alone."""
    found = await _Asked().read(viewer, endpoint_id, narrow=False)
    here = here_of(viewer, zone_of(found.situation.endpoint))
    shown = endpoint_view(found, viewer.zones, here, value_of=DURATION, table=False, narrow=False)
    return viewer.fragment("endpoint/_standing", view=shown)


def is_narrow(request: Request) -> bool:
    """Say whether a page is shown where there is little room, as the browser has said."""
    said = request.cookies.get(_NARROW_COOKIE)
    return said == "1" if said is not None else request.headers.get("sec-ch-ua-mobile") == "?1"


def here_of(viewer: Viewer, endpoint_zone: str | None) -> ZoneInfo:
    """Return the zone in which times are told."""
    return zone(viewer.zones.shown(endpoint_zone))


class _Asked:
    """What an address asks for."""

    def __init__(
        self,
        *,
        window: str | None = None,
        since: str | None = None,
        until: str | None = None,
        value: str = DURATION,
    ) -> None:
        self._window, self._since, self._until, self._value = window, since, until, value

    async def read(self, viewer: Viewer, endpoint_id: PathEndpoint, *, narrow: bool) -> Timeline:
        """Read it. Raises ``InvalidInput``, ``NotFound``."""
        if not self._value.strip():
            raise InvalidInput(
                "no value is named", field="value", remedy="give a path such as queue.depth"
            )
        asked = asked_window(self._window, self._since, self._until, here_of(viewer, None))
        async with viewer.desk.reading(viewer.caller) as work:
            return await read_timeline(
                work,
                endpoint_id,
                since=asked.begins_at(work.now),
                until=asked.until,
                marks_most=_NARROW_MARKS if narrow else MARKS_MOST,
                answers=self._value not in {DURATION, LATENESS},
            )
