"""
Brings a request to the desk: who asks is known by then, and may come to read or to change.

What proves it is read from the request itself and not by the framework's own dependencies, which
would solve each of them anew for every request. Routes that ask for ``TheCaller`` have the kinds of
credentials in the document all the same: it writes them in the place of ``CREDENTIAL``.
"""

from dataclasses import replace
from typing import Annotated, Final

from cronicorn_domain.model.api_key import digest_of
from cronicorn_domain.model.trace import Trace
from cronicorn_management.accounts.recognizing import recognize_key
from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from cronicorn_management.sign_ins.beginning import TOKEN_BEGINNING
from cronicorn_management.sign_ins.recognizing import Recognized, recognize_sign_in
from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param

from cronicorn_api.access.once import take_turn
from cronicorn_api.access.rates import admit_proof
from cronicorn_api.access.site import Site
from cronicorn_api.wire.errors import CrossSite, Unauthenticated


async def desk_of(request: Request) -> Desk:
    """Return the desk that the application was built over."""
    desk: Desk = request.app.state.desk
    return desk


async def site_of(request: Request) -> Site:
    """Return where browsers find the application."""
    site: Site = request.app.state.site
    return site


async def recognized_by(request: Request) -> Recognized | None:
    """
    Return who is signed in, by the cookie, else by the bearer token; None: nobody.

    Raises ``CrossSite`` for a write that somebody else's page may have sent with the cookie.
    """
    desk, site = await desk_of(request), await site_of(request)
    token = site.token_of(request)
    found = await recognize_sign_in(desk, token) if token else None
    if found is not None:
        site.check_write(request)
        return found
    bearer = _bearer(request)
    if bearer is not None and bearer.startswith(TOKEN_BEGINNING):
        return await recognize_sign_in(desk, bearer)
    return None


async def proven_by(request: Request) -> tuple[Caller | None, str]:
    """
    Return who asks, by the session cookie, else a bearer token, else an API key, and by what.

    Raises ``CrossSite`` where there is a cookie alone that somebody else's page may have sent.
    """
    foreign: CrossSite | None = None
    try:
        recognized = await recognized_by(request)
    except CrossSite as refusal:
        recognized, foreign = None, refusal
    if recognized is not None:
        return recognized.caller, f"sign-in {recognized.sign_in.id}"
    proven = await _proven_by_secret(request)
    if foreign is not None and proven[0] is None:
        raise foreign
    return proven


async def _proven_by_secret(request: Request) -> tuple[Caller | None, str]:
    desk = await desk_of(request)
    for secret in (_bearer(request), request.headers.get("x-api-key")):
        caller = await recognize_key(desk, secret) if secret else None
        if secret and caller is not None:
            return caller, f"key {digest_of(secret).sha256}"
    return None, ""


async def caller_if_any(request: Request) -> Caller | None:
    """Return who asks. Raises ``TooManyRequests`` for one that asks too often: trap T40."""
    caller, proof = await proven_by(request)
    if caller is None:
        return None
    request.state.actor = caller.actor
    await admit_proof(request.scope, caller.tenant, proof)
    return in_its_trace(request, caller)


def in_its_trace(request: Request, caller: Caller) -> Caller:
    """Return the caller in the trace that the request belongs to, if it belongs to one."""
    trace: Trace | None = getattr(request.state, "trace", None)
    return caller if trace is None else replace(caller, trace=trace)


class Credential(SecurityBase):
    """Says who asks; to the document it is a scheme, so that it is seen which routes ask for it."""

    scheme_name = "credential"

    def __init__(self) -> None:
        self.model = HTTPBase(scheme="any")

    async def __call__(self, request: Request) -> Caller:
        """
        Return who asks.

        Raises ``Unauthenticated`` only for what is missing or proves nothing: clients throw a token
        away that is refused. What was done before is ``Repeated``.
        """
        caller = await caller_if_any(request)
        if caller is None:
            raise Unauthenticated
        await take_turn(request, await desk_of(request), caller)
        return caller


CREDENTIAL: Final = Credential()


def _bearer(request: Request) -> str | None:
    """Return the token of the header ``Authorization``, if it bears one."""
    scheme, token = get_authorization_scheme_param(request.headers.get("authorization"))
    return token if token and scheme.lower() == "bearer" else None


TheDesk = Annotated[Desk, Depends(desk_of)]
TheSite = Annotated[Site, Depends(site_of)]
TheCaller = Annotated[Caller, Depends(CREDENTIAL)]
TheRecognized = Annotated[Recognized | None, Depends(recognized_by)]
