"""Gives an installation its owner."""

from typing import Final

from cronicorn_domain.errors import AlreadyFounded, EmailTaken
from cronicorn_domain.identity import DEFAULT_TENANT

from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind
from cronicorn_management.desk import Desk
from cronicorn_management.people.adding import add_person

FOUNDER: Final = Caller(
    tenant=DEFAULT_TENANT, kind=CallerKind.SETUP, name="start", scopes=EVERY_SCOPE
)


async def has_owner(desk: Desk) -> bool:
    """Say whether the installation has its owner."""
    async with desk.units.begin() as unit:
        return await unit.people.has_owner()


async def found_owner(desk: Desk, *, email: str, password: str) -> bool:
    """
    See to it that there is an owner, and say whether that is news; who is there stays as they are.

    Of several processes that start together one makes them. Raises ``InvalidInput``.
    """
    if await has_owner(desk):
        return False
    try:
        await add_person(
            desk, FOUNDER, email=email, password=password, scopes=EVERY_SCOPE, owner=True
        )
    except AlreadyFounded:
        return False
    except EmailTaken:
        if await has_owner(desk):
            return False
        raise
    return True
