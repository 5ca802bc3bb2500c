"""Routes of the key that requests are signed with."""

from typing import Final

from cronicorn_domain.model.signing import OVERLAP, KeyCard, SigningKey
from cronicorn_management.signing.making import make_signing_key
from cronicorn_management.signing.reading import read_signing_key
from cronicorn_management.signing.rotating import rotate_signing_key
from fastapi import APIRouter, status

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.signing.schemas import NewSigningKeyBody, RotationGiven, SigningKeyBody
from cronicorn_api.wire.refusing import members_named
from cronicorn_api.wire.values import length_of

router: Final = APIRouter(prefix="/signing-keys", tags=["keys"])
_WIRE_NAMES: Final = {"overlap": "overlapMs"}


@router.get("", operation_id="getSigningKey")
async def read(desk: TheDesk, caller: TheCaller) -> SigningKeyBody:
    """Read whether there is a key, and how it begins."""
    async with desk.reading(caller) as work:
        return _shown(await read_signing_key(work))


@router.post("", status_code=status.HTTP_201_CREATED, operation_id="createSigningKey")
async def make(desk: TheDesk, caller: TheCaller) -> NewSigningKeyBody:
    """Make the first key, and show it this once."""
    async with desk.changing(caller) as work:
        return _told(await make_signing_key(work))


@router.post("/rotate", operation_id="rotateSigningKey")
async def rotate(
    desk: TheDesk, caller: TheCaller, given: RotationGiven | None = None
) -> NewSigningKeyBody:
    """Put a new key before the one so far, and show it this once."""
    lasts = None if given is None else given.overlap_ms
    overlap = OVERLAP if lasts is None else length_of(lasts)
    with members_named(_WIRE_NAMES):
        async with desk.changing(caller) as work:
            return _told(await rotate_signing_key(work, overlap=overlap))


def _shown(card: KeyCard | None) -> SigningKeyBody:
    if card is None:
        return SigningKeyBody(has_key=False, key_prefix=None, created_at=None, rotated_at=None)
    return SigningKeyBody(
        has_key=True,
        key_prefix=card.prefix,
        created_at=card.created_at,
        rotated_at=card.rotated_at,
        previous_valid_until=card.previous_until,
    )


def _told(key: SigningKey) -> NewSigningKeyBody:
    return NewSigningKeyBody(raw_key=key.text, key_prefix=key.prefix)
