"""Routes of devices: where somebody is signed in."""

from typing import Annotated, Final

from cronicorn_domain.identity import SignInId
from cronicorn_management.pages import PAGE_MOST
from cronicorn_management.sign_ins.ending import end_sign_in
from cronicorn_management.sign_ins.listing import list_sign_ins
from fastapi import APIRouter, Query

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.access.keys import Done
from cronicorn_api.access.sign_in import SignInBody, shown_sign_in
from cronicorn_api.wire.identities import PathDevice, cursor_of
from cronicorn_api.wire.values import Maybe, Wire

router: Final = APIRouter(prefix="/devices", tags=["sign-in"])


class DeviceList(Wire):
    """Sessions without their tokens, the oldest first, and where the list goes on if it does."""

    devices: list[SignInBody]
    next_cursor: Maybe[str] = None


@router.get("", operation_id="listDevices")
async def list_all(
    desk: TheDesk,
    caller: TheCaller,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = PAGE_MOST,
    cursor: str | None = None,
) -> DeviceList:
    """List where one is signed in; an administrator's key lists where all are."""
    async with desk.reading(caller) as work:
        page = await list_sign_ins(work, limit=limit, after=cursor_of(cursor, SignInId))
    bodies = [shown_sign_in(each) for each in page.items]
    return DeviceList(devices=bodies, next_cursor=bodies[-1].id if page.more else None)


@router.delete("/{deviceId}", operation_id="endDevice")
async def end(desk: TheDesk, caller: TheCaller, device: PathDevice) -> Done:
    """End a session; its token proves nothing from then on."""
    async with desk.minding(caller) as work:
        await end_sign_in(work, device)
    return Done()
