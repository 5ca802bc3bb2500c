"""Signing keys: made once, rotated, read by their beginning alone."""

from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput, NotAllowed, NotFound, SigningKeyPresent
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE
from cronicorn_management.endpoints.changing import change_endpoint
from cronicorn_management.signing.making import make_signing_key
from cronicorn_management.signing.reading import read_signing_key
from cronicorn_management.signing.rotating import rotate_signing_key


async def made(office):
    """Make the key of Ada's tenant."""
    async with office.changing() as work:
        return await make_signing_key(work)


async def card(office, caller=None):
    """Read what may be read of a tenant's key."""
    async with office.reading(caller or office.ada) as work:
        return await read_signing_key(work)


async def valid(office):
    """Return the keys that sign now."""
    async with office.reading() as work:
        keys = await work.signing_keys.find(work.tenant)
        return keys.valid_at(work.now)


async def test_a_key_is_made_once(office) -> None:
    """It signs from then on, shows its beginning alone, and a second is refused."""
    assert await card(office) is None

    key = await made(office)

    with pytest.raises(SigningKeyPresent):
        await made(office)
    assert await valid(office) == (key,)
    found = await card(office)
    assert (found.prefix, found.created_at, found.rotated_at) == (key.prefix, EPOCH, None)
    assert await card(office, office.stranger) is None


async def test_a_rotation_keeps_both_for_a_day(office) -> None:
    """Unless it is said otherwise; then the new one signs alone."""
    old = await made(office)
    office.clock.advance_to(EPOCH + HOUR)

    async with office.changing() as work:
        new = await rotate_signing_key(work)

    assert new != old
    assert await valid(office) == (new, old)
    assert (await card(office)).previous_until == EPOCH + 25 * HOUR
    office.clock.advance_to(EPOCH + 25 * HOUR)
    assert await valid(office) == (new,)


async def test_a_rotation_may_end_the_old_key_at_once(office) -> None:
    """As it must when the key is known to somebody."""
    await made(office)

    async with office.changing() as work:
        new = await rotate_signing_key(work, overlap=NO_TIME)

    assert await valid(office) == (new,)


@pytest.mark.parametrize("overlap", [-MINUTE, timedelta(days=31)])
async def test_an_overlap_has_its_limits(office, overlap) -> None:
    """It says which, and nothing is rotated."""
    key = await made(office)

    with pytest.raises(InvalidInput) as refusal:
        async with office.changing() as work:
            await rotate_signing_key(work, overlap=overlap)

    assert refusal.value.field == "overlap"
    assert await valid(office) == (key,)


async def test_what_is_not_there_is_not_rotated(office) -> None:
    """There is nothing to be replaced."""
    with pytest.raises(NotFound):
        async with office.changing() as work:
            await rotate_signing_key(work)


@pytest.mark.parametrize("verb", [make_signing_key, rotate_signing_key])
async def test_only_administrators_make_and_rotate(office, verb) -> None:
    """Who may write otherwise cannot; who may read sees how the key begins."""
    key = await made(office)

    with pytest.raises(NotAllowed):
        async with office.changing(office.writer) as work:
            await verb(work)

    assert (await card(office, office.reader)).prefix == key.prefix


async def test_the_audit_tells_of_keys_and_shows_none(office) -> None:
    """Who made and rotated it, from which beginning to which, trap T43."""
    old = await made(office)
    async with office.changing() as work:
        new = await rotate_signing_key(work)

    issue, rotate = await office.audit()

    assert (issue.action, rotate.action) == ("issue", "rotate")
    assert issue.subject.name == rotate.subject.name == old.prefix
    (change,) = rotate.changes
    assert (change.before, change.after) == (old.prefix, new.prefix)
    for key in (old, new):
        assert key.text not in repr((issue, rotate))


async def test_an_endpoint_says_how_it_is_signed(office) -> None:
    """As soon as there is a key, unless it is said; null goes back to that, trap T12."""
    endpoint = await office.an_endpoint()
    assert endpoint.signing is Signing.WHEN_KEYED

    async with office.changing() as work:
        changed = await change_endpoint(work, endpoint.id, {"signing": Signing.BOTH})
    async with office.changing() as work:
        cleared = await change_endpoint(work, endpoint.id, {"signing": None})

    assert (changed.signing, cleared.signing) == (Signing.BOTH, Signing.WHEN_KEYED)
