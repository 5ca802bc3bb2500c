"""A person lets a device in, or sends it away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cronicorn_domain.errors import NeedsPerson, NotFound
from cronicorn_domain.identity import PersonId
from cronicorn_domain.model.device_grant import Approved, Denied, DeviceGrant, hash_of_user_code
from cronicorn_domain.policies.granting import decide

from cronicorn_management.caller import Caller, CallerKind
from cronicorn_management.desk import Changing, Desk
from cronicorn_management.noting import Deed, note
from cronicorn_management.sign_ins.throttling import admit_code


@asynccontextmanager
async def deciding(desk: Desk, caller: Caller) -> AsyncIterator[Changing]:
    """
    Begin to decide about a device of which a person typed the code; it is committed at the end.

    Raises ``NeedsPerson``; ``TooManyRequests``: they typed too many, as who guesses does.
    """
    await admit_code(desk, person=_signed_in_here(caller))
    async with desk.minding(caller) as work:
        yield work


async def find_grant(work: Changing, user_code: str) -> DeviceGrant:
    """
    Return the grant of a code that a person typed, while it holds.

    Raises ``NeedsPerson``, ``NotFound``.
    """
    _signed_in_here(work.caller)
    found = await work.unit.device_grants.of_user_code(hash_of_user_code(user_code))
    if found is None or not found.holds(work.now):
        raise NotFound("device", "with this code")
    return found


async def approve_device(work: Changing, user_code: str) -> None:
    """
    Let a device in as the caller: it may what it asks for, and no more than they may.

    Raises ``NeedsPerson``, ``NotFound``, ``ForbiddenTransition``.
    """
    found = await find_grant(work, user_code)
    decision = Approved(tenant=work.tenant, person=_signed_in_here(work.caller))
    await work.unit.device_grants.change(decide(found, decision, work.now))
    await note(work, Deed.APPROVE, found)


async def deny_device(work: Changing, user_code: str) -> None:
    """Send a device away. Raises ``NeedsPerson``, ``NotFound``, ``ForbiddenTransition``."""
    found = await find_grant(work, user_code)
    await work.unit.device_grants.change(decide(found, Denied(), work.now))
    await note(work, Deed.DENY, found)


def _signed_in_here(caller: Caller) -> PersonId:
    """Return who is signed in, in a browser: a device does not let in other devices."""
    if caller.kind is not CallerKind.PERSON:
        raise NeedsPerson
    return caller.signed_in()
