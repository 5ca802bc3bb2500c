"""API keys: who may issue and revoke them, and what they prove."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput, NotAllowed, NotFound, SecretTaken
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.testing.builders import MINUTE, SECOND
from cronicorn_management.accounts.founding import found_key
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.accounts.listing import list_keys
from cronicorn_management.accounts.recognizing import recognize_key
from cronicorn_management.accounts.renaming import rename_key
from cronicorn_management.accounts.revoking import revoke_key
from cronicorn_management.caller import EVERY_SCOPE

READ = frozenset({Scope.READ})
CHOSEN = "chosen-elsewhere-0123456789"


async def issued(office, *, name="deploy", scopes=READ, **more):
    """Issue a key for Ada's tenant."""
    async with office.changing() as work:
        return await issue_key(work, name=name, scopes=scopes, **more)


async def keys(office, caller=None):
    """List the keys of somebody's tenant."""
    async with office.reading(caller or office.ada) as work:
        return (await list_keys(work)).items


async def test_a_key_proves_its_tenant_and_scopes(office) -> None:
    """Whoever presents it is called by its name, and may what it may."""
    key = await issued(office)

    caller = await recognize_key(office.desk, key.secret)

    assert caller is not None
    assert (caller.tenant, caller.actor, caller.scopes) == (
        office.ada.tenant,
        "key:deploy",
        READ,
    )


async def test_a_secret_is_nowhere_but_in_the_answer(office) -> None:
    """Neither what is kept, nor the audit, nor what a log would show of the answer holds it."""
    key = await issued(office)

    everywhere = repr((key, key.key, await office.audit(), office.store.tables.keys))

    assert key.secret not in everywhere
    assert key.key.digest.sha256 not in everywhere
    assert key.secret.startswith(key.key.digest.prefix)


async def test_keys_differ(office) -> None:
    """Each is new, long, and of letters that a header can carry."""
    first, second = await issued(office), await issued(office)

    assert first.secret != second.secret
    assert len(first.secret) > 40


async def test_an_expired_key_proves_nothing(office) -> None:
    """Up to its last instant it does, and then no more."""
    expires_at = office.clock.now() + MINUTE
    key = await issued(office, expires_at=expires_at)

    office.clock.advance_to(expires_at - timedelta(milliseconds=1))
    assert await recognize_key(office.desk, key.secret) is not None
    office.clock.advance_to(expires_at)
    assert await recognize_key(office.desk, key.secret) is None


async def test_a_revoked_key_proves_nothing(office) -> None:
    """From then on, and it is not listed."""
    key = await issued(office)

    async with office.changing() as work:
        await revoke_key(work, key.key.id)

    assert await recognize_key(office.desk, key.secret) is None
    assert await keys(office) == []
    assert await office.deeds() == ["issue", "revoke"]


async def test_a_renamed_key_proves_what_it_proved(office) -> None:
    """Its new name is what it is called by; the same name once more is no deed."""
    key = await issued(office)

    for _ in range(2):
        async with office.changing() as work:
            assert (await rename_key(work, key.key.id, name="nightly")).name == "nightly"

    caller = await recognize_key(office.desk, key.secret)
    assert caller is not None
    assert (caller.actor, caller.scopes) == ("key:nightly", READ)
    assert await office.deeds() == ["issue", "change"]
    (told,) = (await office.audit())[-1].changes
    assert (told.field, told.before, told.after) == ("name", "deploy", "nightly")


async def test_a_key_is_not_renamed_to_what_is_no_name(office) -> None:
    """It is refused, and the key keeps its name."""
    key = await issued(office)

    for name in (" ", "two\nlines", "nul\0", "x" * 256):
        with pytest.raises(InvalidInput):
            async with office.changing() as work:
                await rename_key(work, key.key.id, name=name)

    assert [each.name for each in await keys(office)] == ["deploy"]
    assert await office.deeds() == ["issue"]


async def test_the_last_use_is_known_to_the_minute(office) -> None:
    """Many requests at once do not each write when they came."""
    key = await issued(office)
    first = office.clock.now()

    for after in (0 * SECOND, 59 * SECOND):
        office.clock.advance_to(first + after)
        await recognize_key(office.desk, key.secret)
        assert (await keys(office))[0].last_used_at == first

    office.clock.advance_to(first + MINUTE)
    await recognize_key(office.desk, key.secret)
    assert (await keys(office))[0].last_used_at == first + MINUTE


async def test_a_key_is_for_administrators(office) -> None:
    """Who only reads and writes neither issues nor lists nor revokes any."""
    key = await issued(office)
    clerk = replace(office.ada, scopes=frozenset({Scope.READ, Scope.WRITE}))

    with pytest.raises(NotAllowed):
        async with office.changing(clerk) as work:
            await issue_key(work, name="mine", scopes=READ)
    with pytest.raises(NotAllowed):
        async with office.changing(clerk) as work:
            await revoke_key(work, key.key.id)
    with pytest.raises(NotAllowed):
        async with office.changing(clerk) as work:
            await rename_key(work, key.key.id, name="mine")
    with pytest.raises(NotAllowed):
        await keys(office, clerk)


async def test_nobody_issues_more_than_they_may_themselves(office) -> None:
    """A key of an administrator who does not read cannot read."""
    keeper = replace(office.ada, scopes=frozenset({Scope.WRITE, Scope.ADMIN}))

    with pytest.raises(NotAllowed):
        async with office.changing(keeper) as work:
            await issue_key(work, name="more", scopes=EVERY_SCOPE)


async def test_another_tenants_key_does_not_exist(office) -> None:
    """It cannot be revoked, is not listed, and goes on proving."""
    key = await issued(office)

    with pytest.raises(NotFound):
        async with office.changing(office.stranger) as work:
            await revoke_key(work, key.key.id)
    with pytest.raises(NotFound):
        async with office.changing(office.stranger) as work:
            await rename_key(work, key.key.id, name="mine")

    assert await keys(office, office.stranger) == []
    assert await recognize_key(office.desk, key.secret) is not None


@pytest.mark.parametrize(
    "members",
    [
        {"name": " "},
        {"scopes": frozenset()},
        {"secret": "short"},
        {"secret": f"{CHOSEN}\n"},
        {"secret": f"{CHOSEN} {CHOSEN}"},
        {"secret": "x" * 257},
    ],
    ids=str,
)
async def test_what_cannot_be_a_key_is_refused(office, members) -> None:
    """No name, no scope, what could be guessed or what no header carries; it is not repeated."""
    with pytest.raises(InvalidInput) as refusal:
        await issued(office, **members)

    assert "secret" not in members or members["secret"] not in str(refusal.value)
    assert await keys(office) == []


async def test_a_key_that_expires_before_it_is_issued_is_refused(office) -> None:
    """It would be of no use to anybody."""
    with pytest.raises(InvalidInput):
        await issued(office, expires_at=office.clock.now())


async def test_a_secret_is_one_keys(office) -> None:
    """A second key of it would make the audit tell of the wrong one."""
    await issued(office, secret=CHOSEN)

    with pytest.raises(SecretTaken):
        await issued(office, secret=CHOSEN, name="again")


async def test_an_installation_is_founded_once(office) -> None:
    """Each start asks for the key; the first one makes it, and a revoked one stays revoked."""
    assert await found_key(office.desk, CHOSEN)
    assert not await found_key(office.desk, CHOSEN)
    (key,) = await keys(office)
    assert key.scopes == EVERY_SCOPE

    async with office.changing() as work:
        await revoke_key(work, key.id)

    assert not await found_key(office.desk, CHOSEN)
    assert await recognize_key(office.desk, CHOSEN) is None
    assert await office.deeds() == ["issue", "revoke"]
