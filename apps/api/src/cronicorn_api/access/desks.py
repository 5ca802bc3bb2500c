"""Brings a request to the desk: who asks is known by then, and may come to read or to change."""

from typing import Annotated

from cronicorn_management.accounts.recognizing import recognize_key
from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from cronicorn_api.wire.errors import Unauthenticated

_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer")
_API_KEY = APIKeyHeader(name="x-api-key", auto_error=False, scheme_name="apiKey")


def desk_of(request: Request) -> Desk:
    """Return the desk that the application was built over."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]


async def caller_of(
    request: Request,
    desk: TheDesk,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    api_key: Annotated[str | None, Depends(_API_KEY)],
) -> Caller:
    """
    Return who asks, by a bearer token, else by an API key; each is an API key.

    Raises ``Unauthenticated`` only for what is missing or proves nothing: clients throw a token
    away that is refused.
    """
    secret = api_key if bearer is None else bearer.credentials
    caller = await recognize_key(desk, secret) if secret else None
    if caller is None:
        raise Unauthenticated
    request.state.actor = caller.actor
    return caller


TheCaller = Annotated[Caller, Depends(caller_of)]
