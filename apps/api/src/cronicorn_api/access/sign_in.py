"""Routes of signing in and out."""

import re
from typing import Annotated, Any, Final, Literal

from cronicorn_domain.model.person import Person
from cronicorn_domain.model.sign_in import SignIn
from cronicorn_management.people.changing_password import change_password
from cronicorn_management.sign_ins.beginning import sign_in
from cronicorn_management.sign_ins.ending import sign_out
from fastapi import APIRouter, Request, Response
from pydantic import Field

from cronicorn_api.access.desks import TheCaller, TheDesk, TheRecognized, TheSite
from cronicorn_api.access.keys import Done
from cronicorn_api.access.rates import address_of
from cronicorn_api.wire.errors import ErrorBody, TooManyBody, ValidationBody
from cronicorn_api.wire.refusing import members_named
from cronicorn_api.wire.values import Instant, ShownOnce, Wire

public: Final = APIRouter(prefix="/auth", tags=["sign-in"])
"""What needs no credential."""
router: Final = APIRouter(prefix="/auth", tags=["sign-in"])
_ERROR: Final[dict[str, Any]] = {"model": ErrorBody}
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")


class ConfigBody(Wire):
    """How one can sign in here."""

    has_email_password: Literal[True] = True
    has_git_hub_oauth: Annotated[Literal[False], Field(alias="hasGitHubOAuth")] = False


class SignInGiven(Wire):
    """An address and a password; ``callbackURL`` is a path here, to go on at."""

    email: Annotated[str, Field(max_length=1000)]
    password: Annotated[str, Field(max_length=10_000)]
    remember_me: bool = True
    callback_url: Annotated[str | None, Field(alias="callbackURL")] = None


class PersonBody(Wire):
    """Who is signed in."""

    id: str
    email: str
    name: str
    email_verified: Literal[True] = True
    created_at: Instant


class SignInBody(Wire):
    """A sign-in session, without its token."""

    id: str
    user_id: str
    kind: str
    user_agent: str
    scopes: list[str]
    created_at: Instant
    updated_at: Instant
    expires_at: Instant


class SignedInBody(Wire):
    """Who is signed in now, and the token, which is shown this once."""

    redirect: bool
    token: ShownOnce
    url: str
    user: PersonBody


class SignInSessionBody(Wire):
    """Who is signed in, and by which session."""

    session: SignInBody
    user: PersonBody


class PasswordGiven(Wire):
    """The password as it is, and as it is to be."""

    current_password: Annotated[str, Field(max_length=10_000)]
    new_password: Annotated[str, Field(max_length=10_000)]


@public.get("/config", operation_id="signInConfig")
async def config() -> ConfigBody:
    """Tell how one can sign in here."""
    return ConfigBody()


@public.post(
    "/sign-in/email",
    operation_id="signIn",
    responses={
        400: _ERROR,
        401: _ERROR,
        403: _ERROR,
        413: _ERROR,
        415: _ERROR,
        422: {"model": ValidationBody},
        429: {"model": TooManyBody},
    },
)
async def begin(
    request: Request, response: Response, desk: TheDesk, site: TheSite, given: SignInGiven
) -> SignedInBody:
    """Sign in with an e-mail address and a password."""
    site.check_foreign(request)
    done = await sign_in(
        desk,
        email=given.email,
        password=given.password,
        label=request.headers.get("user-agent"),
        address=address_of(request.scope),
        device=site.device_of(request),
    )
    site.keep_token(request, response, done.token, remembered=given.remember_me)
    if given.remember_me:
        site.keep_device(request, response, done.device)
    local = given.callback_url is not None and is_local(given.callback_url)
    return SignedInBody(
        redirect=local,
        token=done.token,
        url=given.callback_url if local and given.callback_url else "/",
        user=shown_person(done.person),
    )


@public.post("/sign-out", operation_id="signOut", responses={403: _ERROR})
async def end(
    request: Request, response: Response, desk: TheDesk, site: TheSite, recognized: TheRecognized
) -> Done:
    """End the session; whoever is not signed in is signed out."""
    if recognized is not None:
        await sign_out(desk, recognized.caller)
    site.drop_token(request, response)
    return Done()


@public.get("/get-session", operation_id="getSignInSession")
async def session(recognized: TheRecognized) -> SignInSessionBody | None:
    """Tell who is signed in; null: nobody."""
    if recognized is None:
        return None
    return SignInSessionBody(
        session=shown_sign_in(recognized.sign_in), user=shown_person(recognized.person)
    )


@router.post("/change-password", operation_id="changePassword")
async def change(desk: TheDesk, caller: TheCaller, given: PasswordGiven) -> Done:
    """Change one's own password; every other session of theirs ends."""
    with members_named({"current": "currentPassword", "password": "newPassword"}):
        await change_password(desk, caller, current=given.current_password, new=given.new_password)
    return Done()


def is_local(path: str) -> bool:
    """Say whether a path leads nowhere but here, however browsers read it."""
    return _LOCAL.fullmatch(path) is not None


def shown_person(person: Person) -> PersonBody:
    """Show a person, without what is kept of the password."""
    return PersonBody(
        id=str(person.id), email=person.email, name=person.name, created_at=person.created_at
    )


def shown_sign_in(sign_in: SignIn) -> SignInBody:
    """Show a session, without what is kept of the token."""
    return SignInBody(
        id=str(sign_in.id),
        user_id=str(sign_in.person),
        kind=sign_in.kind,
        user_agent=sign_in.label,
        scopes=sorted(sign_in.scopes),
        created_at=sign_in.created_at,
        updated_at=sign_in.last_used_at or sign_in.created_at,
        expires_at=sign_in.expires_at,
    )
