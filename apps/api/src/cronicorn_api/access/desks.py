"""Brings a request to the desk: who asks is known by then, and may come to read or to change."""

from typing import Annotated, Final

from cronicorn_domain.model.api_key import digest_of
from cronicorn_management.accounts.recognizing import recognize_key
from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from cronicorn_management.sign_ins.beginning import TOKEN_BEGINNING
from cronicorn_management.sign_ins.recognizing import Recognized, recognize_sign_in
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from cronicorn_api.access.once import take_turn
from cronicorn_api.access.rates import admit_proof
from cronicorn_api.access.site import Site
from cronicorn_api.wire.errors import Unauthenticated

_COOKIE: Final = APIKeyCookie(
    name="cronicorn_session",
    auto_error=False,
    scheme_name="session",
    description="Behind TLS its name begins with __Host-.",
)
_BEARER: Final = HTTPBearer(auto_error=False, scheme_name="bearer")
_API_KEY: Final = APIKeyHeader(name="x-api-key", auto_error=False, scheme_name="apiKey")


def desk_of(request: Request) -> Desk:
    """Return the desk that the application was built over."""
    desk: Desk = request.app.state.desk
    return desk


def site_of(request: Request) -> Site:
    """Return where browsers find the application."""
    site: Site = request.app.state.site
    return site


TheDesk = Annotated[Desk, Depends(desk_of)]
TheSite = Annotated[Site, Depends(site_of)]
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


async def recognized_by(
    request: Request, desk: TheDesk, site: TheSite, bearer: _Bearer
) -> Recognized | None:
    """
    Return who is signed in, by the cookie, else by the bearer token; None: nobody.

    Raises ``CrossSite`` for a write that somebody else's page may have sent with the cookie.
    """
    token = site.token_of(request)
    found = await recognize_sign_in(desk, token) if token else None
    if found is not None:
        site.check_write(request)
        return found
    if bearer is not None and bearer.credentials.startswith(TOKEN_BEGINNING):
        return await recognize_sign_in(desk, bearer.credentials)
    return None


async def caller_if_any(
    request: Request,
    desk: TheDesk,
    recognized: Annotated[Recognized | None, Depends(recognized_by)],
    bearer: _Bearer,
    api_key: Annotated[str | None, Depends(_API_KEY)],
    _cookie: Annotated[str | None, Depends(_COOKIE)],
) -> Caller | None:
    """
    Return who asks, by the session cookie, else a bearer token, else an API key.

    Raises ``TooManyRequests`` for one that asks too often: trap T40.
    """
    caller = None if recognized is None else recognized.caller
    proof = "" if recognized is None else f"sign-in {recognized.sign_in.id}"
    for secret in (None if bearer is None else bearer.credentials, api_key):
        if caller is None and secret:
            caller = await recognize_key(desk, secret)
            proof = f"key {digest_of(secret).sha256}"
    if caller is not None:
        request.state.actor = caller.actor
        await admit_proof(request.scope, caller.tenant, proof)
    return caller


async def caller_of(
    request: Request, desk: TheDesk, caller: Annotated[Caller | None, Depends(caller_if_any)]
) -> Caller:
    """
    Return who asks.

    Raises ``Unauthenticated`` only for what is missing or proves nothing: clients throw a token
    away that is refused. What was done before is ``Repeated``.
    """
    if caller is None:
        raise Unauthenticated
    await take_turn(request, desk, caller)
    return caller


TheCaller = Annotated[Caller, Depends(caller_of)]
TheRecognized = Annotated[Recognized | None, Depends(recognized_by)]
