"""Sets an installation up by a link: whoever was printed it becomes the owner."""

import secrets
from typing import Final

from cronicorn_domain.errors import SetupLinkSpent
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.api_key import digest_of
from cronicorn_domain.model.person import Person
from cronicorn_domain.model.setup_link import SETUP_LINK_LASTS, SetupLink

from cronicorn_management.caller import EVERY_SCOPE
from cronicorn_management.desk import Desk
from cronicorn_management.people.adding import judged, keep_person, new_person
from cronicorn_management.people.founding import FOUNDER, has_owner

_BEGINNING: Final = "su_"
_RANDOM_BYTES: Final = 32


async def print_setup_token(desk: Desk) -> str | None:
    """
    Return the token of a new link, which serves once and for an hour; None: there is an owner.

    It is told this once; another start tells another.
    """
    if await has_owner(desk):
        return None
    token = f"{_BEGINNING}{secrets.token_urlsafe(_RANDOM_BYTES)}"
    async with desk.changing(FOUNDER) as work:
        link = SetupLink(digest=digest_of(token), expires_at=work.now + SETUP_LINK_LASTS)
        await work.unit.setup_links.add(link, now=work.now)
    return token


async def setup_token_holds(desk: Desk, token: str) -> bool:
    """Say whether the installation can be set up by a link's token."""
    now = floor_millisecond(desk.clock.now())
    async with desk.units.begin() as unit:
        held = await unit.setup_links.holds(digest_of(token), now=now)
        return held and not await unit.people.has_owner()


async def set_up(desk: Desk, token: str, *, email: str, password: str) -> Person:
    """
    Make the owner, and use the link up; what is refused leaves it as it is.

    Raises:
        SetupLinkSpent: the link was used, has expired, or never was one.
        InvalidInput: the owner cannot be as they are given.
        EmailTaken: somebody has the address.
        AlreadyFounded: there is an owner.
    """
    if not await setup_token_holds(desk, token):
        raise SetupLinkSpent
    email, hashed = await judged(desk, email=email, password=password)
    async with desk.changing(FOUNDER) as work:
        if not await work.unit.setup_links.take(digest_of(token), now=work.now):
            raise SetupLinkSpent
        owner = new_person(
            email=email,
            hashed=hashed,
            tenant=work.tenant,
            name=None,
            scopes=EVERY_SCOPE,
            owner=True,
            now=work.now,
        )
        await keep_person(work, owner)
    return owner
