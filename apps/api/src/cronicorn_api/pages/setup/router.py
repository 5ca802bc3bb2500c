"""Routes of setting up: who has the link becomes the owner."""

from typing import Annotated, Final

from cronicorn_domain.errors import AlreadyFounded, EmailTaken, InvalidInput, SetupLinkSpent
from cronicorn_domain.model.person import PASSWORD_LENGTH_LEAST
from cronicorn_management.people.setting_up import set_up, setup_token_holds
from cronicorn_management.sign_ins.beginning import sign_in
from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from cronicorn_api.access.desks import TheDesk, TheSite
from cronicorn_api.access.rates import address_of
from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.router import HOME
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.told import NO_FAULTS, Fault, Faults, faults_of
from cronicorn_api.pages.frame.writing import page

router: Final = pages_router()
_SEE_OTHER: Final = 303
_Token = Annotated[str, Query(max_length=1000)]


@router.get("/setup")
async def ask(request: Request, desk: TheDesk, token: _Token = "") -> Response:
    """Ask who is to be the owner, while the link holds."""
    if not await setup_token_holds(desk, token):
        return _over(request)
    return _form(request, token=token, email="", faults=NO_FAULTS, status=200)


@router.post("/setup")
async def found(request: Request, desk: TheDesk, site: TheSite, form: Form) -> Response:
    """Make the owner, and sign them in."""
    token, email, password = (form.get(name, "") for name in ("token", "email", "password"))
    try:
        await set_up(desk, token, email=email, password=password)
    except InvalidInput as refusal:
        return _form(request, token=token, email=email, faults=faults_of(refusal), status=422)
    except EmailTaken:
        taken = Fault(field="email", message="Somebody has this e-mail address already.")
        return _form(request, token=token, email=email, faults=Faults((taken,)), status=409)
    except (SetupLinkSpent, AlreadyFounded):
        return _over(request)
    done = await sign_in(
        desk,
        email=email,
        password=password,
        label=request.headers.get("user-agent"),
        address=address_of(request.scope),
        device=site.device_of(request),
    )
    answer = RedirectResponse(HOME, _SEE_OTHER)
    site.keep_token(request, answer, done.token)
    site.keep_device(request, answer, done.device)
    return answer


def _form(request: Request, *, token: str, email: str, faults: Faults, status: int) -> Response:
    return page(
        request,
        "setup/page",
        status=status,
        token=token,
        email=email,
        faults=faults,
        least=PASSWORD_LENGTH_LEAST,
    )


def _over(request: Request) -> Response:
    return page(request, "setup/over", status=404)
