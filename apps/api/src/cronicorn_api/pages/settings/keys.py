"""API keys: what programs prove themselves by."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import ApiKeyId
from cronicorn_domain.model.api_key import ApiKey, Scope
from cronicorn_management.accounts.issuing import IssuedKey, issue_key
from cronicorn_management.accounts.listing import list_keys
from cronicorn_management.accounts.renaming import rename_key
from cronicorn_management.accounts.revoking import revoke_key
from cronicorn_management.pages import PAGE_MOST
from fastapi import Path, Response

from cronicorn_api.pages.frame.forms import Fields, Form, Lists
from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.told import NO_FAULTS, Faults, faults_of
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.settings.sections import tabs_at

router: Final = pages_router()
_HERE: Final = "/settings/keys"
_Key = Annotated[UUID, Path(alias="keyId")]
LIVES: Final = (("", "Never"), ("7", "In 7 days"), ("30", "In 30 days"), ("90", "In 90 days"),
                ("365", "In a year"))  # fmt: skip
SCOPES: Final = (
    (Scope.READ.value, "Read everything"),
    (Scope.WRITE.value, "Change jobs and endpoints, and run them"),
    (Scope.ADMIN.value, "Administer people, keys and signing"),
)
_USUAL: Final[Lists] = {"name": [""], "scopes": ["read", "write"], "lasts": [""]}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A key in the list."""

    id: str
    name: str
    begins: str
    scopes: str
    created: Moment
    used: Moment | None
    expires: Moment | None
    expired: bool


def key_view(key: ApiKey, zones: Zones) -> KeyView:
    """Show a key."""
    return KeyView(
        id=str(key.id),
        name=key.name,
        begins=key.digest.prefix,
        scopes=", ".join(sorted(key.scopes)),
        created=zones.moment(key.created_at),
        used=zones.moment_if_any(key.last_used_at),
        expires=zones.moment_if_any(key.expires_at),
        expired=not key.holds(zones.now),
    )


@router.get(_HERE)
async def keys(viewer: TheViewer) -> Response:
    """List keys."""
    return await _page(viewer, _USUAL)


@router.post(_HERE)
async def issue(viewer: TheViewer, fields: Fields) -> Response:
    """Issue a key, and show it this once."""
    lasts = fields.get("lasts", [""])[-1]
    known = {value for value, _ in SCOPES}
    scopes = frozenset(Scope(each) for each in fields.get("scopes", ()) if each in known)
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            issued = await issue_key(
                work,
                name=fields.get("name", [""])[-1].strip(),
                scopes=scopes,
                expires_at=work.now + timedelta(days=int(lasts)) if lasts.isdecimal() else None,
            )
    except InvalidInput as refusal:
        return await _page(viewer, fields, faults=faults_of(refusal), status=422)
    return await _page(viewer, _USUAL, issued=issued)


@router.post(f"{_HERE}/{{keyId}}/rename")
async def rename(viewer: TheViewer, key_id: _Key, form: Form) -> Response:
    """Call a key otherwise."""
    name = form.get("name", "").strip()
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            await rename_key(work, ApiKeyId(key_id), name=name)
    except InvalidInput as refusal:
        faults = faults_of(refusal, {"name": f"name-{key_id}"})
        return await _page(viewer, _USUAL, faults=faults, status=422, typed=(str(key_id), name))
    return viewer.back(_HERE, f"The key is called {name} now.")


@router.post(f"{_HERE}/{{keyId}}/revoke")
async def revoke(viewer: TheViewer, key_id: _Key, form: Form) -> Response:
    """Revoke a key for good."""
    async with viewer.desk.changing(viewer.caller) as work:
        await revoke_key(work, ApiKeyId(key_id))
    name = form.get("name", "")
    return viewer.back(_HERE, f"The key {name} is revoked: it proves nothing any more.")


async def _page(
    viewer: Viewer,
    given: Lists,
    *,
    faults: Faults = NO_FAULTS,
    issued: IssuedKey | None = None,
    status: int = 200,
    typed: tuple[str, str] | None = None,
) -> Response:
    found = None
    if viewer.may_administer:
        async with viewer.desk.reading(viewer.caller) as work:
            page = await list_keys(work, limit=PAGE_MOST)
        found = [key_view(each, viewer.zones) for each in reversed(page.items)]
    return viewer.page(
        "settings/keys",
        status=status,
        tabs=tabs_at(_HERE),
        keys=found,
        given=given,
        faults=faults,
        issued=issued,
        lives=LIVES,
        scopes=[each for each in SCOPES if each[0] in viewer.caller.scopes],
        typed=typed,
    )
