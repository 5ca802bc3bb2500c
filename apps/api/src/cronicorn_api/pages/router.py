"""Pages for people: signing in, setting up, and letting devices in."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlencode

from cronicorn_domain.errors import (
    AlreadyFounded,
    CronicornError,
    EmailTaken,
    ForbiddenTransition,
    InvalidInput,
    NeedsPerson,
    NotFound,
    SetupLinkSpent,
    SignInRefused,
    TooManyRequests,
)
from cronicorn_domain.model.device_grant import DeviceGrant
from cronicorn_domain.model.person import PASSWORD_LENGTH_LEAST
from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from cronicorn_management.device_grants.deciding import (
    approve_device,
    deciding,
    deny_device,
    find_grant,
)
from cronicorn_management.people.setting_up import set_up, setup_token_holds
from cronicorn_management.sign_ins.beginning import sign_in
from cronicorn_management.sign_ins.ending import sign_out
from cronicorn_management.sign_ins.recognizing import Recognized
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from cronicorn_api.access.desks import TheDesk, TheRecognized, TheSite
from cronicorn_api.access.rates import address_of
from cronicorn_api.access.sign_in import is_local
from cronicorn_api.pages.forms import Form
from cronicorn_api.pages.writing import page

router: Final = APIRouter(include_in_schema=False)
_STYLE: Final = Path(__file__).parent / "styles" / "pages.css"
_HOME: Final = "/account"
_SEE_OTHER: Final = 303
_Code = Annotated[str, Query(max_length=1000)]


@router.get("/assets/pages.css")
async def style() -> Response:
    """Give the style of pages."""
    return FileResponse(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/sign-in")
async def sign_in_form(next: _Code = _HOME) -> Response:  # noqa: A002  what the address calls it
    """Ask for an address and a password."""
    return page("sign_in", next=_local(next), email="", problem=None)


@router.post("/sign-in")
async def begin(request: Request, desk: TheDesk, site: TheSite, form: Form) -> Response:
    """Sign in, and go on where one wanted to."""
    email, further = form.get("email", ""), _local(form.get("next", ""))
    try:
        done = await sign_in(
            desk,
            email=email,
            password=form.get("password", ""),
            label=request.headers.get("user-agent"),
            address=address_of(request.scope),
        )
    except (SignInRefused, InvalidInput, TooManyRequests) as refusal:
        status, problem = _told(refusal)
        return page("sign_in", status=status, next=further, email=email, problem=problem)
    answer = RedirectResponse(further, _SEE_OTHER)
    site.keep_token(request, answer, done.token)
    return answer


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


@router.get("/account")
async def account(recognized: TheRecognized) -> Response:
    """Tell who is signed in."""
    if recognized is None:
        return _sign_in_first(_HOME)
    return page("account", person=recognized.person)


@router.get("/setup")
async def setup_form(desk: TheDesk, token: _Code = "") -> Response:
    """Ask who is to be the owner, while the link holds."""
    if not await setup_token_holds(desk, token):
        return _setup_is_over()
    return page("setup", token=token, email="", problem=None, least=PASSWORD_LENGTH_LEAST)


@router.post("/setup")
async def found(request: Request, desk: TheDesk, site: TheSite, form: Form) -> Response:
    """Make the owner, and sign them in."""
    token, email, password = (form.get(name, "") for name in ("token", "email", "password"))
    try:
        await set_up(desk, token, email=email, password=password)
    except (InvalidInput, EmailTaken) as refusal:
        status, problem = _told(refusal)
        given = {"token": token, "email": email, "problem": problem}
        return page("setup", status=status, least=PASSWORD_LENGTH_LEAST, **given)
    except (SetupLinkSpent, AlreadyFounded):
        return _setup_is_over()
    done = await sign_in(
        desk,
        email=email,
        password=password,
        label=request.headers.get("user-agent"),
        address=address_of(request.scope),
    )
    answer = RedirectResponse(_HOME, _SEE_OTHER)
    site.keep_token(request, answer, done.token)
    return answer


@router.get("/device/approve")
async def device_form(desk: TheDesk, recognized: TheRecognized, user_code: _Code = "") -> Response:
    """Ask whether a device is to be let in, or for its code."""
    if recognized is None:
        query = f"?{urlencode({'user_code': user_code})}" if user_code else ""
        return _sign_in_first(f"/device/approve{query}")
    if not user_code:
        return page("device_code", problem=None)
    try:
        grant = await _grant(desk, recognized.caller, user_code)
    except (NotFound, NeedsPerson, TooManyRequests) as refusal:
        status, problem = _told(refusal)
        return page("device_code", status=status, problem=problem)
    return _asked(grant, recognized, user_code)


@router.post("/device/approve")
async def decide(desk: TheDesk, form: Form, recognized: TheRecognized) -> Response:
    """Let a device in, or send it away."""
    user_code, decision = form.get("user_code", ""), form.get("decision")
    if recognized is None:
        return _sign_in_first(f"/device/approve?{urlencode({'user_code': user_code})}")
    approved = decision == "approve"
    try:
        async with deciding(desk, recognized.caller) as work:
            await (approve_device if approved else deny_device)(work, user_code)
    except (NotFound, ForbiddenTransition, NeedsPerson, TooManyRequests) as refusal:
        status, problem = _told(refusal)
        return page("device_code", status=status, problem=problem)
    return page("device_decided", approved=approved)


async def _grant(desk: Desk, caller: Caller, user_code: str) -> DeviceGrant:
    async with deciding(desk, caller) as work:
        return await find_grant(work, user_code)


def _asked(grant: DeviceGrant, recognized: Recognized, user_code: str) -> Response:
    return page(
        "device_asked",
        client=grant.client,
        scopes=sorted(grant.scopes & recognized.person.scopes),
        email=recognized.person.email,
        user_code=user_code,
    )


def _setup_is_over() -> Response:
    status, problem = _told(SetupLinkSpent())
    return page("setup_over", status=status, problem=problem)


def _sign_in_first(further: str) -> Response:
    return RedirectResponse(f"/sign-in?{urlencode({'next': further})}", _SEE_OTHER)


def _local(path: str) -> str:
    return path if is_local(path) else _HOME


def _told(refusal: CronicornError) -> tuple[int, str]:
    """Say with which status and in which words a page tells of a refusal."""
    match refusal:
        case SignInRefused():
            return 401, "The e-mail address or the password is not right."
        case InvalidInput():
            return 422, "; ".join(each.message for each in refusal.issues).capitalize() + "."
        case EmailTaken():
            return 409, "Somebody has this e-mail address already."
        case TooManyRequests():
            return 429, "That was tried too often. Wait a little, and try again."
        case NotFound():
            return 404, "There is no device with this code, or it has waited too long."
        case ForbiddenTransition():
            return 409, "This was decided already."
        case NeedsPerson():
            return 403, "Only a person who is signed in in a browser may decide this."
        case SetupLinkSpent():
            return 404, "This setup link does not hold any more. A new start prints another."
        case _:
            raise refusal
