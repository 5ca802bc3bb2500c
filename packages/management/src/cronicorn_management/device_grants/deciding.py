"""A person lets a device in, or sends it away."""

from cronicorn_domain.errors import NeedsPerson, NotFound
from cronicorn_domain.identity import PersonId
from cronicorn_domain.model.device_grant import Approved, Denied, DeviceGrant, hash_of_user_code
from cronicorn_domain.policies.granting import decide

from cronicorn_management.caller import CallerKind
from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note


async def find_grant(work: Changing, user_code: str) -> DeviceGrant:
    """
    Return the grant of a code that a person typed, while it holds.

    Raises ``NeedsPerson``, ``NotFound``.
    """
    _signed_in_here(work)
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
    decision = Approved(tenant=work.tenant, person=_signed_in_here(work))
    await work.unit.device_grants.change(decide(found, decision, work.now))
    await note(work, Deed.APPROVE, found)


async def deny_device(work: Changing, user_code: str) -> None:
    """Send a device away. Raises ``NeedsPerson``, ``NotFound``, ``ForbiddenTransition``."""
    found = await find_grant(work, user_code)
    await work.unit.device_grants.change(decide(found, Denied(), work.now))
    await note(work, Deed.DENY, found)


def _signed_in_here(work: Changing) -> PersonId:
    """Return who is signed in, in a browser: a device does not let in other devices."""
    if work.caller.kind is not CallerKind.PERSON:
        raise NeedsPerson
    return work.caller.signed_in()
