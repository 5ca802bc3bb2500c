"""Who looks at pages, signed in; and how pages are written for them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Final, TypeVar
from zoneinfo import ZoneInfo

from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.person import Person
from cronicorn_domain.schedules.zones import zone
from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from cronicorn_api.access.desks import TheDesk, TheRecognized, TheSite, in_its_trace
from cronicorn_api.access.rates import admit_proof
from cronicorn_api.access.site import Site
from cronicorn_api.pages.frame.moments import Zones
from cronicorn_api.pages.frame.routing import SignInNeeded
from cronicorn_api.pages.frame.said import COOKIE, Said, Undo, said_in, say
from cronicorn_api.pages.frame.sharing import Shared
from cronicorn_api.pages.frame.writing import Sheet, Written, answer, part, sheet_of

_SEE_OTHER: Final = 303
Seen = TypeVar("Seen")
ASKED: Final = "Cronicorn-Asked"
"""The header of a part that a person has asked for: who follows again, or comes back to a tab."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody who is signed in and looks at a page; ``now`` is one instant for all of it."""

    desk: Desk
    caller: Caller
    person: Person
    now: datetime
    zones: Zones
    sheet: Sheet
    request: Request
    site: Site

    @property
    def may_write(self) -> bool:
        """Whether they may change anything; pages leave out what they may not."""
        return Scope.WRITE in self.caller.scopes

    @property
    def may_administer(self) -> bool:
        """Whether they may administer people's access."""
        return Scope.ADMIN in self.caller.scopes

    def here(self, endpoint_zone: str | None = None) -> ZoneInfo:
        """Return the zone in which times are told; an endpoint's, where it has one, if chosen."""
        return zone(self.zones.shown(endpoint_zone))

    async def shared(
        self, key: str, read: Callable[[], Awaitable[Seen]], *, sparing: bool = False
    ) -> Seen:
        """
        Read what others of the tenant may have read already, and see the same.

        It depends on nothing but the tenant and the key: not on who looks, nor how. What looks at
        all endpoints is ``sparing``: parts that renew themselves may wait for it; whole pages, and
        parts that somebody has asked for, may not.
        """
        shared: Shared = self.request.app.state.shared
        whole = not self.request.url.path.startswith("/_/")
        asked = self.request.headers.get(ASKED) == "yes"
        return await shared.seen(
            self.caller.tenant, key, read, sparing=sparing, at_once=whole or asked
        )

    def page(self, name: str, *, status: int = 200, **values: object) -> Response:
        """Write a whole page; it says what the last post has left to be said."""
        said = said_in(self.request.cookies)
        kept = {} if said is None else said.kept
        text = self._written(name, said=said, kept=kept, **values).text()
        written = answer(self.request, text, status=status)
        if COOKIE in self.request.cookies:
            written.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return written

    def fragment(self, name: str, **values: object) -> Response:
        """Write a part of a page; to whoever has it already as it is, that is said."""
        return part(self.request, self._written(name, kept={}, **values).text())

    def back(
        self,
        path: str,
        said: str | None = None,
        undo: Undo | None = None,
        kept: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        """
        Lead to a page after something was done, which it shows, and have it say so.

        ``kept`` is what was typed into a form that was refused, for that page to show it again.
        """
        shared: Shared = self.request.app.state.shared
        shared.forget(self.caller.tenant)
        led = RedirectResponse(path, _SEE_OTHER)
        if said is not None:
            secure = self.site.is_secure(self.request)
            say(led, Said(text=said, undo=undo, kept=kept), secure=secure)
        return led

    def _written(self, name: str, **values: object) -> Written:
        return Written(name=name, values={"viewer": self, "sheet": self.sheet, **values})


async def viewer_of(
    request: Request, desk: TheDesk, site: TheSite, recognized: TheRecognized
) -> Viewer:
    """
    Return who looks.

    Raises ``SignInNeeded``, and ``TooManyRequests`` for one that asks too often: trap T40.
    """
    if recognized is None:
        raise SignInNeeded
    caller = recognized.caller
    request.state.actor = caller.actor
    await admit_proof(request.scope, caller.tenant, f"sign-in {recognized.sign_in.id}")
    sheet, now = sheet_of(request), desk.clock.now()
    return Viewer(
        desk=desk,
        caller=in_its_trace(request, caller),
        person=recognized.person,
        now=now,
        zones=Zones(look=sheet.look, now=now),
        sheet=sheet,
        request=request,
        site=site,
    )


TheViewer = Annotated[Viewer, Depends(viewer_of)]
