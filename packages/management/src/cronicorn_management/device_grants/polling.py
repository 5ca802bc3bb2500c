"""A device asks whether it was let in, and is signed in if so."""

from dataclasses import replace
from typing import Final

from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.api_key import digest_of
from cronicorn_domain.model.device_grant import Approved, DeviceGrant
from cronicorn_domain.model.sign_in import SignInKind, label_of
from cronicorn_domain.policies.granting import Poll, poll

from cronicorn_management.caller import Caller, CallerKind
from cronicorn_management.desk import Changing, Desk
from cronicorn_management.sign_ins.beginning import SignedIn, begin_sign_in, known_as

_NOBODY_YET: Final = Caller(
    tenant=DEFAULT_TENANT, kind=CallerKind.DEVICE, name="unknown", scopes=frozenset()
)


async def poll_grant(desk: Desk, device_code: str, *, client: str) -> SignedIn | Poll:
    """
    Answer a device: that it is signed in, which is told this once, or why it is not.

    ``Poll.UNKNOWN`` is a code that there never was, that was used, or that is another client's; or
    whoever approved it may sign in no more.
    """
    async with desk.minding(_NOBODY_YET) as work:
        found = await work.unit.device_grants.of_device(digest_of(device_code))
        if found is None or found.client != label_of(client):
            return Poll.UNKNOWN
        asked, answer = poll(found, work.now)
        if isinstance(asked.standing, Approved) and answer is Poll.GRANTED:
            return await _let_in(work, asked, asked.standing)
        await work.unit.device_grants.change(asked)
        return answer


async def _let_in(work: Changing, grant: DeviceGrant, approved: Approved) -> SignedIn | Poll:
    """Sign the device in as whoever approved it, for no more than they may by now."""
    await work.unit.device_grants.remove(grant.id)
    person = await work.people.get(approved.tenant, approved.person)
    scopes = grant.scopes & person.scopes
    if person.disabled_at is not None or not scopes:
        return Poll.UNKNOWN
    theirs = replace(work, caller=replace(known_as(person), kind=CallerKind.DEVICE))
    return await begin_sign_in(
        theirs, person, kind=SignInKind.DEVICE, label=grant.client, scopes=scopes
    )
