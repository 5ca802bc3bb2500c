"""What an address asks of the page of an endpoint: a window, a value, and how it is shown."""

from dataclasses import dataclass
from typing import Annotated, Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.schedules.zones import zone as zone_named
from cronicorn_management.history.timeline import (
    MARKS_MOST,
    Outlook,
    Timeline,
    read_outlook,
    read_timeline,
)
from fastapi import Depends, Query, Request

from cronicorn_api.pages.endpoint.views import zone_of
from cronicorn_api.pages.endpoint.window import TimelineView, timeline_view
from cronicorn_api.pages.frame.viewer import Viewer
from cronicorn_api.pages.timeline.values import DURATION, LATENESS, PATH_LENGTH
from cronicorn_api.pages.timeline.windows import Asked as AskedWindow
from cronicorn_api.pages.timeline.windows import asked_window

_NARROW_COOKIE: Final = "cronicorn_narrow"
_NARROW_MARKS: Final = 150
_Text = Annotated[str | None, Query(max_length=100)]
_Value = Annotated[str, Query(max_length=PATH_LENGTH)]
_From = Annotated[str | None, Query(max_length=100, alias="from")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What an address asks for.

    Attributes:
        window: The name of a window that ends now.
        since: Where another window begins, and ``until`` where it ends, as they were written.
        zone: Of which zone those are, where they do not say it themselves; None: of the shown one.
        value: What is drawn below: the duration, the lateness, or the path of a number.
        table: Whether rows are wanted instead of the drawing.
        narrow: Whether it is shown where there is little room.
    """

    window: str | None
    since: str | None
    until: str | None
    zone: str | None
    value: str
    table: bool
    narrow: bool

    async def read(self, viewer: Viewer, endpoint_id: EndpointId) -> Timeline:
        """Read it. Raises ``InvalidInput``, ``NotFound``."""
        window = self._asked_window(viewer)
        async with viewer.desk.reading(viewer.caller) as work:
            return await read_timeline(
                work,
                endpoint_id,
                since=window.begins_at(work.now),
                until=window.until,
                marks_most=_NARROW_MARKS if self.narrow else MARKS_MOST,
                answers=self._wants_answers,
            )

    async def read_along(self, viewer: Viewer, endpoint_id: EndpointId) -> Timeline:
        """Read it as others have who look at the same, if it goes with the time."""
        if self.since or self.until:
            return await self.read(viewer, endpoint_id)
        key = f"timeline {endpoint_id} {self.window} {self._wants_answers} {self.narrow}"
        return await viewer.shared(key, lambda: self.read(viewer, endpoint_id))

    async def outlook(self, viewer: Viewer, endpoint_id: EndpointId) -> Outlook:
        """
        Read how it stands, with the timeline that the same tab shows: all parts are one reading.

        A timeline that does not go with the time is read for itself, and this without it.
        """
        if self.window is None or self.since or self.until:
            return await outlook_of(viewer, endpoint_id)
        return await self.read_along(viewer, endpoint_id)

    def view(self, found: Timeline, viewer: Viewer) -> TimelineView:
        """Say what of it is shown."""
        here = viewer.here(zone_of(found.situation.endpoint))
        return timeline_view(
            found,
            viewer.zones,
            here,
            value_of=self.value,
            table=self.table,
            narrow=self.narrow,
        )

    @property
    def _wants_answers(self) -> bool:
        return self.value not in {DURATION, LATENESS}

    def _asked_window(self, viewer: Viewer) -> AskedWindow:
        here = zone_named(self.zone) if self.zone else viewer.here()
        return asked_window(self.window, self.since, self.until, here)


def asked_of(
    *,
    request: Request,
    window: _Text = None,
    since: _From = None,
    until: _Text = None,
    zone: _Text = None,
    value: _Value = DURATION,
    view: _Text = None,
) -> Asked:
    """Read the address. Raises ``InvalidInput``."""
    if not value.strip():
        raise InvalidInput(
            "no value is named", field="value", remedy="give a path such as queue.depth"
        )
    return Asked(
        window=window,
        since=since,
        until=until,
        zone=zone,
        value=value,
        table=view == "table",
        narrow=is_narrow(request),
    )


TheAsked = Annotated[Asked, Depends(asked_of)]


async def outlook_of(viewer: Viewer, endpoint_id: EndpointId) -> Outlook:
    """Read how an endpoint stands, as others have who look at it. Raises ``NotFound``."""

    async def read() -> Outlook:
        async with viewer.desk.reading(viewer.caller) as work:
            return await read_outlook(work, endpoint_id)

    return await viewer.shared(f"outlook {endpoint_id}", read)


def is_narrow(request: Request) -> bool:
    """Say whether a page is shown where there is little room, as the browser has said."""
    said = request.cookies.get(_NARROW_COOKIE)
    return said == "1" if said is not None else request.headers.get("sec-ch-ua-mobile") == "?1"
