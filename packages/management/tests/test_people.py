"""People: who adds and disables them, the owner, and passwords."""

import asyncio
from dataclasses import replace

import pytest
from cronicorn_domain.errors import (
    EmailTaken,
    InvalidInput,
    NeedsPerson,
    NotAllowed,
    NotFound,
    SignInRefused,
)
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.api_key import Scope
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.accounts.recognizing import recognize_key
from cronicorn_management.caller import EVERY_SCOPE
from cronicorn_management.people.adding import add_person
from cronicorn_management.people.changing_password import change_password, set_password
from cronicorn_management.people.disabling import disable_person
from cronicorn_management.people.enabling import enable_person
from cronicorn_management.people.founding import found_owner
from cronicorn_management.people.listing import list_people
from cronicorn_management.sign_ins.beginning import sign_in
from cronicorn_management.sign_ins.recognizing import recognize_sign_in

PASSWORD = "correct horse battery staple"
HERE = "192.0.2.1"
NEW = "another horse, another staple"


async def added(office, email="bob@example.org", caller=None, **more):
    """Add somebody to Ada's tenant."""
    return await add_person(
        office.desk,
        caller or office.ada,
        **{
            "email": email,
            "password": PASSWORD,
            **more,
        },
    )


async def people(office, caller=None):
    """List the people of somebody's tenant."""
    async with office.reading(caller or office.ada) as work:
        return (await list_people(work)).items


async def signed_in(office, email="bob@example.org", password=PASSWORD):
    """Sign somebody in, and return them as they come then, with their token."""
    done = await sign_in(office.desk, email=email, password=password, label="tests", address=HERE)
    recognized = await recognize_sign_in(office.desk, done.token)
    assert recognized is not None
    return recognized.caller, done.token


async def test_a_person_is_added(office) -> None:
    """They are called by their address, read and write, and the audit tells of it."""
    bob = await added(office, " Bob@Example.org ")

    assert await people(office) == [bob]
    assert (bob.email, bob.name, bob.owner) == ("bob@example.org", "bob@example.org", False)
    assert bob.scopes == {Scope.READ, Scope.WRITE}
    (told,) = await office.audit()
    assert (told.action, told.subject.kind, told.subject.name) == ("create", "person", bob.email)


async def test_a_password_is_nowhere(office) -> None:
    """Neither it nor its hash is in the audit, and a log would show neither."""
    bob = await added(office)

    everywhere = repr((bob, await office.audit(), office.store.tables.people))

    assert PASSWORD not in everywhere
    assert bob.password not in everywhere


async def test_only_administrators_add_list_and_disable(office) -> None:
    """And nobody gives anybody more than they have themselves."""
    bob = await added(office)
    clerk = replace(office.ada, scopes=frozenset({Scope.READ, Scope.WRITE}))
    keeper = replace(office.ada, scopes=frozenset({Scope.WRITE, Scope.ADMIN}))

    with pytest.raises(NotAllowed):
        await added(office, "eve@example.org", clerk)
    with pytest.raises(NotAllowed):
        await people(office, clerk)
    with pytest.raises(NotAllowed):
        async with office.changing(clerk) as work:
            await disable_person(work, bob.id)
    with pytest.raises(NotAllowed):
        async with office.changing(clerk) as work:
            await enable_person(work, bob.id)
    with pytest.raises(NotAllowed):
        await set_password(office.desk, clerk, bob.id, new=NEW)
    with pytest.raises(NotAllowed):
        await added(office, "eve@example.org", keeper, scopes=EVERY_SCOPE)


async def test_another_tenants_person_does_not_exist(office) -> None:
    """They are not listed, cannot be disabled or given a password, and sign in as before."""
    bob = await added(office)

    assert await people(office, office.stranger) == []
    with pytest.raises(NotFound):
        async with office.changing(office.stranger) as work:
            await disable_person(work, bob.id)
    with pytest.raises(NotFound):
        async with office.changing(office.stranger) as work:
            await enable_person(work, bob.id)
    with pytest.raises(NotFound):
        await set_password(office.desk, office.stranger, bob.id, new=NEW)
    await signed_in(office)


@pytest.mark.parametrize(
    "members",
    [
        {"email": "bob"},
        {"email": "a@b@c"},
        {"email": "bob @example.org"},
        {"email": f"{'b' * 250}@example.org"},
        {"password": "short"},
        {"password": "x" * 300},
        {"password": "aaaaaaaaaaaaaaaa"},
        {"password": "Bob@example.org"},
        {"password": "correct horse \0 staple"},
        {"name": " "},
        {"scopes": frozenset()},
    ],
    ids=str,
)
async def test_who_cannot_be_is_refused(office, members) -> None:
    """The member at fault is named; the password is not repeated."""
    with pytest.raises(InvalidInput) as refusal:
        await added(office, **members)

    assert refusal.value.field in members
    assert "password" not in members or members["password"] not in str(refusal.value.issues)
    assert await people(office) == []


async def test_an_address_is_one_persons(office) -> None:
    """Also where another tenant's administrator gives it."""
    await added(office)

    with pytest.raises(EmailTaken):
        await added(office, "BOB@example.org", office.stranger)


async def test_there_is_one_owner(office) -> None:
    """Of processes that start together one makes them; a later password changes nothing."""
    asked = [found_owner(office.desk, email="ada@example.org", password=PASSWORD) for _ in range(3)]

    assert sorted(await asyncio.gather(*asked)) == [False, False, True]
    assert not await found_owner(office.desk, email="eve@example.org", password=NEW)
    (owner,) = await people(office)
    assert (owner.tenant, owner.owner, owner.scopes) == (DEFAULT_TENANT, True, EVERY_SCOPE)
    assert await office.deeds() == ["create"]


async def test_an_owner_does_not_take_anothers_address(office) -> None:
    """Somebody has it who is no owner: that is told, and nobody is made one."""
    await added(office)

    with pytest.raises(EmailTaken):
        await found_owner(office.desk, email="bob@example.org", password=PASSWORD)


async def test_who_is_disabled_is_out_at_once(office) -> None:
    """Signed in, by key and by password; once more changes nothing, and the audit tells it once."""
    bob = await added(office, scopes=EVERY_SCOPE)
    caller, token = await signed_in(office)
    async with office.changing(caller) as work:
        key = await issue_key(work, name="theirs", scopes=EVERY_SCOPE)
    known = await recognize_key(office.desk, key.secret)
    assert known is not None
    async with office.changing(known) as work:
        of_the_key = await issue_key(work, name="the key's", scopes=EVERY_SCOPE)

    for _ in range(2):
        async with office.changing() as work:
            await disable_person(work, bob.id)

    assert await recognize_sign_in(office.desk, token) is None
    assert await recognize_key(office.desk, key.secret) is None
    assert await recognize_key(office.desk, of_the_key.secret) is None
    with pytest.raises(SignInRefused):
        await signed_in(office)
    assert (await office.deeds()).count("disable") == 1


async def test_who_is_enabled_signs_in_again(office) -> None:
    """With the password that they had; what ended by then does not come back."""
    bob = await added(office, scopes=EVERY_SCOPE)
    caller, token = await signed_in(office)
    async with office.changing(caller) as work:
        key = await issue_key(work, name="theirs", scopes=EVERY_SCOPE)
    async with office.changing() as work:
        await disable_person(work, bob.id)

    for _ in range(2):
        async with office.changing() as work:
            await enable_person(work, bob.id)

    await signed_in(office)
    assert await recognize_sign_in(office.desk, token) is None
    assert await recognize_key(office.desk, key.secret) is None
    assert (await office.deeds()).count("enable") == 1


async def test_a_key_that_is_issued_while_its_issuer_is_disabled_proves_nothing(office) -> None:
    """Whoever was let in just before gets no key that outlives it."""
    bob = await added(office, scopes=EVERY_SCOPE)
    caller, _ = await signed_in(office)
    async with office.changing() as work:
        await disable_person(work, bob.id)

    async with office.changing(caller) as work:
        key = await issue_key(work, name="late", scopes=EVERY_SCOPE)

    assert await recognize_key(office.desk, key.secret) is None


async def test_ones_own_password_takes_the_current_one(office) -> None:
    """Other sign-ins end with it, this one does not; the old password is none any more."""
    await added(office)
    _, elsewhere = await signed_in(office)
    caller, here = await signed_in(office)

    with pytest.raises(InvalidInput, match="not your password"):
        await change_password(office.desk, caller, current="guessed it", new=NEW)
    await change_password(office.desk, caller, current=PASSWORD, new=NEW)

    assert await recognize_sign_in(office.desk, here) is not None
    assert await recognize_sign_in(office.desk, elsewhere) is None
    with pytest.raises(SignInRefused):
        await signed_in(office)
    await signed_in(office, password=NEW)


async def test_a_key_has_no_password(office) -> None:
    """Neither has a person's key, nor who was never signed in."""
    with pytest.raises(NeedsPerson):
        await change_password(office.desk, office.ada, current=PASSWORD, new=NEW)


async def test_who_has_forgotten_gets_a_new_one(office) -> None:
    """From an administrator; whoever is signed in as them is not any more."""
    bob = await added(office)
    _, token = await signed_in(office)

    await set_password(office.desk, office.ada, bob.id, new=NEW)

    assert await recognize_sign_in(office.desk, token) is None
    await signed_in(office, password=NEW)
