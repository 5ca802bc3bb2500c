"""Routes of devices: where somebody is signed in."""

from typing import Final

from cronicorn_management.pages import PAGE_MOST
from cronicorn_management.sign_ins.ending import end_sign_in
from cronicorn_management.sign_ins.listing import list_sign_ins
from fastapi import APIRouter

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.access.keys import Done
from cronicorn_api.access.sign_in import SignInBody, shown_sign_in
from cronicorn_api.wire.identities import PathDevice
from cronicorn_api.wire.values import Wire

router: Final = APIRouter(prefix="/devices", tags=["sign-in"])


class DeviceList(Wire):
    """Sessions without their tokens, the oldest first."""

    devices: list[SignInBody]


@router.get("", operation_id="listDevices")
async def list_all(desk: TheDesk, caller: TheCaller) -> DeviceList:
    """List where one is signed in; an administrator's key lists where all are."""
    async with desk.reading(caller) as work:
        page = await list_sign_ins(work, limit=PAGE_MOST)
    return DeviceList(devices=[shown_sign_in(each) for each in page.items])


@router.delete("/{deviceId}", operation_id="endDevice")
async def end(desk: TheDesk, caller: TheCaller, device: PathDevice) -> Done:
    """End a session; its token proves nothing from then on."""
    async with desk.minding(caller) as work:
        await end_sign_in(work, device)
    return Done()
