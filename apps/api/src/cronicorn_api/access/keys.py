"""Routes of API keys, for administrators."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from cronicorn_domain.identity import ApiKeyId
from cronicorn_domain.model.api_key import ApiKey, Scope
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.accounts.listing import list_keys
from cronicorn_management.accounts.renaming import rename_key
from cronicorn_management.accounts.revoking import revoke_key
from cronicorn_management.pages import PAGE_MOST
from fastapi import APIRouter, Query, Response
from pydantic import Field

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.wire.identities import cursor_of, identity
from cronicorn_api.wire.values import LENGTH_MOST, Instant, Maybe, ShownOnce, Wire

router: Final = APIRouter(prefix="/auth/api-key", tags=["keys"])
_USUAL_SCOPES: Final = frozenset({Scope.READ, Scope.WRITE})
_USUAL_NAME: Final = "API key"
NEXT_CURSOR: Final = "X-Next-Cursor"
"""Where a list goes on that is no more than a list, and has no place for a ``nextCursor``."""
_GOES_ON: Final = {
    NEXT_CURSOR: {
        "description": "The cursor of what follows, if anything does.",
        "schema": {"type": "string"},
    }
}


class KeyGiven(Wire):
    """A key that is to be issued; ``expiresIn`` is in seconds, and absent for none."""

    name: str | None = None
    expires_in: Annotated[int, Field(ge=1, le=LENGTH_MOST // 1000)] | None = None
    scopes: list[Scope] | None = Field(
        default=None, description="read and write, unless it is said"
    )


class KeyMeant(Wire):
    """Which key is meant."""

    key_id: str


class KeyRenamed(KeyMeant):
    """Which key is meant, and what it is to be called."""

    name: str


class KeyBody(Wire):
    """A key; of itself only how it begins."""

    id: str
    name: str
    start: str
    scopes: list[Scope]
    created_at: Instant
    expires_at: Maybe[Instant] = None
    last_used_at: Maybe[Instant] = None


class IssuedKeyBody(KeyBody):
    """A key with itself, which is shown this once."""

    key: ShownOnce


class Done(Wire):
    """That it was done."""

    success: Literal[True] = True


@router.get("/list", operation_id="listApiKeys", responses={200: {"headers": _GOES_ON}})
async def list_all(
    response: Response,
    desk: TheDesk,
    caller: TheCaller,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = PAGE_MOST,
    cursor: str | None = None,
) -> list[KeyBody]:
    """List keys that are not revoked, the oldest first; a header tells where the list goes on."""
    async with desk.reading(caller) as work:
        page = await list_keys(work, limit=limit, after=cursor_of(cursor, ApiKeyId))
    bodies = [_shown(each) for each in page.items]
    if page.more:
        response.headers[NEXT_CURSOR] = bodies[-1].id
    return bodies


@router.post("/create", operation_id="createApiKey")
async def create(desk: TheDesk, caller: TheCaller, given: KeyGiven | None = None) -> IssuedKeyBody:
    """Issue a key, and show it this once."""
    given = given or KeyGiven()
    async with desk.changing(caller) as work:
        lasts = given.expires_in
        issued = await issue_key(
            work,
            name=_USUAL_NAME if given.name is None else given.name,
            scopes=_USUAL_SCOPES if given.scopes is None else frozenset(given.scopes),
            expires_at=None if lasts is None else work.now + timedelta(seconds=lasts),
        )
    return IssuedKeyBody(**dict(_shown(issued.key)), key=issued.secret)


@router.post("/update", operation_id="updateApiKey")
async def update(desk: TheDesk, caller: TheCaller, given: KeyRenamed) -> Done:
    """Call a key otherwise."""
    async with desk.changing(caller) as work:
        await rename_key(work, identity("API key", given.key_id, ApiKeyId), name=given.name)
    return Done()


@router.post("/delete", operation_id="deleteApiKey")
async def delete(desk: TheDesk, caller: TheCaller, given: KeyMeant) -> Done:
    """Revoke a key for good."""
    async with desk.changing(caller) as work:
        await revoke_key(work, identity("API key", given.key_id, ApiKeyId))
    return Done()


def _shown(key: ApiKey) -> KeyBody:
    return KeyBody(
        id=str(key.id),
        name=key.name,
        start=key.digest.prefix,
        scopes=sorted(key.scopes),
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )
