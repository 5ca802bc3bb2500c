"""Routes of signing in and out, for people."""

from typing import Annotated, Final

from cronicorn_domain.errors import CronicornError, InvalidInput, SignInRefused, TooManyRequests
from cronicorn_management.sign_ins.beginning import sign_in
from cronicorn_management.sign_ins.ending import sign_out
from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from cronicorn_api.access.desks import TheDesk, TheRecognized, TheSite
from cronicorn_api.access.rates import address_of
from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.router import HOME, local
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.told import sentence, wait_in_words
from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.frame.writing import page

router: Final = pages_router()
_SEE_OTHER: Final = 303
_Path = Annotated[str, Query(max_length=4000)]


@router.get("/sign-in")
async def ask(request: Request, next: _Path = HOME) -> Response:  # noqa: A002  as addresses call it
    """Ask for an address and a password."""
    return page(request, "sign_in/page", further=local(next), email="", problem=None)


@router.post("/sign-in")
async def begin(request: Request, desk: TheDesk, site: TheSite, form: Form) -> Response:
    """Sign in, and go on where one wanted to."""
    email, further = form.get("email", ""), local(form.get("next", ""))
    try:
        done = await sign_in(
            desk,
            email=email,
            password=form.get("password", ""),
            label=request.headers.get("user-agent"),
            address=address_of(request.scope),
            device=site.device_of(request),
        )
    except (SignInRefused, InvalidInput, TooManyRequests) as refusal:
        status, problem = _told(refusal)
        return page(
            request, "sign_in/page", status=status, further=further, email=email, problem=problem
        )
    answer = RedirectResponse(further, _SEE_OTHER)
    site.keep_token(request, answer, done.token)
    site.keep_device(request, answer, done.device)
    return answer


@router.get("/_/signed-in")
async def signed_in(viewer: TheViewer) -> Response:
    """Tell a page on which somebody has signed in again that they have."""
    del viewer
    return Response(status_code=204)


@router.post("/sign-out")
async def end(
    request: Request, desk: TheDesk, site: TheSite, form: Form, recognized: TheRecognized
) -> Response:
    """Sign out."""
    del form
    if recognized is not None:
        await sign_out(desk, recognized.caller)
    answer = RedirectResponse("/sign-in", _SEE_OTHER)
    site.drop_token(request, answer)
    return answer


def _told(refusal: CronicornError) -> tuple[int, str]:
    match refusal:
        case SignInRefused():
            return 401, "The e-mail address or the password is not right."
        case TooManyRequests():
            return 429, wait_in_words(refusal)
        case InvalidInput():
            return 422, " ".join(sentence(each.message) for each in refusal.issues)
        case _:
            raise refusal
