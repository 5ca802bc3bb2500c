"""Where somebody is signed in."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from cronicorn_domain.identity import SignInId
from cronicorn_domain.model.sign_in import SignIn, SignInKind
from cronicorn_management.pages import PAGE_MOST
from cronicorn_management.sign_ins.ending import end_sign_in
from cronicorn_management.sign_ins.listing import list_sign_ins
from fastapi import Path, Response

from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.settings.sections import tabs_at

router: Final = pages_router()
_HERE: Final = "/settings/devices"
_Device = Annotated[UUID, Path(alias="deviceId")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A sign-in in the list."""

    id: str
    label: str
    kind: str
    scopes: str
    since: Moment
    used: Moment | None
    expires: Moment
    this: bool


def device_view(of: SignIn, zones: Zones, this: SignInId | None) -> DeviceView:
    """Show a sign-in."""
    return DeviceView(
        id=str(of.id),
        label=of.label,
        kind="Browser" if of.kind is SignInKind.BROWSER else "Device",
        scopes=", ".join(sorted(of.scopes)),
        since=zones.moment(of.created_at),
        used=zones.moment_if_any(of.last_used_at),
        expires=zones.moment(of.expires_at),
        this=of.id == this,
    )


@router.get(_HERE)
async def devices(viewer: TheViewer) -> Response:
    """List where one is signed in, the newest first."""
    async with viewer.desk.reading(viewer.caller) as work:
        page = await list_sign_ins(work, limit=PAGE_MOST)
    shown = [device_view(each, viewer.zones, viewer.caller.sign_in) for each in page.items]
    return viewer.page("settings/devices", tabs=tabs_at(_HERE), devices=shown[::-1])


@router.post(f"{_HERE}/{{deviceId}}/end")
async def end(viewer: TheViewer, device_id: _Device, form: Form) -> Response:
    """End a sign-in; its token proves nothing from then on."""
    del form
    async with viewer.desk.minding(viewer.caller) as work:
        await end_sign_in(work, SignInId(device_id))
    return viewer.back(_HERE, "It is signed out.")
