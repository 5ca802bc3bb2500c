"""End sign-ins: one's own, here or elsewhere."""

from contextlib import suppress

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import SignInId
from cronicorn_domain.model.api_key import Scope

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Changing, Desk
from cronicorn_management.noting import Deed, note


async def sign_out(desk: Desk, caller: Caller) -> None:
    """End the sign-in by which the caller is known; whoever is known by none is signed out."""
    if caller.sign_in is None:
        return
    with suppress(NotFound):
        async with desk.minding(caller) as work:
            await end_sign_in(work, caller.sign_in)


async def end_sign_in(work: Changing, sign_in_id: SignInId) -> None:
    """
    End a sign-in: a person ends their own, an administrator's key those of all.

    Raises ``NotAllowed``, ``NotFound``.
    """
    caller = work.caller
    if caller.sign_in is None:
        caller.check(Scope.ADMIN)
    person = None if caller.sign_in is None else caller.person
    ended = await work.sign_ins.end(work.tenant, sign_in_id, person=person)
    await note(work, Deed.SIGN_OUT, ended)
