"""Routes of the frame itself: how pages are to look."""

from typing import Final

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from cronicorn_api.access.desks import TheSite
from cronicorn_api.access.sign_in import is_local
from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.look import THEME_COOKIE, TIMES_COOKIE, Theme, Times
from cronicorn_api.pages.frame.routing import pages_router

router: Final = pages_router()
HOME: Final = "/"
_YEAR: Final = 365 * 24 * 60 * 60
_SEE_OTHER: Final = 303


def local(path: str) -> str:
    """Return a path of ours to go on at; home, if it leads elsewhere."""
    return path if is_local(path) else HOME


@router.post("/look")
async def look(request: Request, site: TheSite, form: Form) -> Response:
    """Keep which theme was chosen, or in which zone times are to be told."""
    led = RedirectResponse(local(form.get("next", HOME)), _SEE_OTHER)
    for name, cookie, known in (
        ("theme", THEME_COOKIE, frozenset(Theme)),
        ("times", TIMES_COOKIE, frozenset(Times)),
    ):
        if form.get(name) in known:
            led.set_cookie(
                cookie,
                form[name],
                max_age=_YEAR,
                httponly=True,
                samesite="lax",
                secure=site.is_secure(request),
            )
    return led
