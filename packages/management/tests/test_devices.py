"""Devices: they ask, a person lets them in, and they are signed in once."""

import re
from dataclasses import replace

import pytest
from cronicorn_domain.errors import ForbiddenTransition, NeedsPerson, NotFound
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.policies.granting import Poll
from cronicorn_domain.testing.builders import HOUR, MINUTE
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.caller import EVERY_SCOPE, CallerKind
from cronicorn_management.device_grants.asking import ask_for_grant
from cronicorn_management.device_grants.deciding import approve_device, deny_device, find_grant
from cronicorn_management.device_grants.polling import poll_grant
from cronicorn_management.people.adding import add_person
from cronicorn_management.people.disabling import disable_person
from cronicorn_management.sign_ins.beginning import SignedIn, sign_in
from cronicorn_management.sign_ins.recognizing import recognize_sign_in

PASSWORD = "correct horse battery staple"
HERE = "192.0.2.1"
CLIENT = "cronicorn-cli"


@pytest.fixture
async def bob(office):
    """Give Bob, who reads and writes, as he comes once he is signed in."""
    await add_person(office.desk, office.ada, email="bob@example.org", password=PASSWORD)
    done = await sign_in(
        office.desk, email="bob@example.org", password=PASSWORD, label=None, address=HERE
    )
    recognized = await recognize_sign_in(office.desk, done.token)
    assert recognized is not None
    return recognized.caller


async def decided(office, caller, user_code, decide=approve_device):
    """Decide about a device."""
    async with office.desk.minding(caller) as work:
        await decide(work, user_code)


async def test_a_device_that_is_let_in_is_its_person(office, bob) -> None:
    """Under their name, as a device, for what it asked; the audit tells who let it in."""
    asked = await ask_for_grant(office.desk, client=CLIENT, scope="read openid", address=HERE)
    assert await poll_grant(office.desk, asked.device_code, client=CLIENT) is Poll.PENDING

    await decided(office, bob, asked.user_code.lower().replace("-", " "))
    done = await poll_grant(office.desk, asked.device_code, client=CLIENT)

    assert isinstance(done, SignedIn)
    recognized = await recognize_sign_in(office.desk, done.token)
    assert recognized is not None
    caller = recognized.caller
    assert caller.actor == "device:bob@example.org"
    assert caller.scopes == {Scope.READ}
    assert (caller.person, recognized.sign_in.label) == (bob.person, CLIENT)
    approved, began = (await office.audit())[-2:]
    assert (approved.actor, approved.action, approved.subject.name) == (
        "person:bob@example.org",
        "approve",
        CLIENT,
    )
    assert (began.actor, began.action) == (caller.actor, "sign_in")


async def test_it_is_signed_in_once(office, bob) -> None:
    """The code is none any more, and is another client's at no time."""
    asked = await ask_for_grant(office.desk, client=CLIENT, scope=None, address=HERE)
    await decided(office, bob, asked.user_code)

    assert await poll_grant(office.desk, asked.device_code, client="another") is Poll.UNKNOWN
    assert isinstance(await poll_grant(office.desk, asked.device_code, client=CLIENT), SignedIn)
    assert await poll_grant(office.desk, asked.device_code, client=CLIENT) is Poll.UNKNOWN
    assert await poll_grant(office.desk, asked.user_code, client=CLIENT) is Poll.UNKNOWN


@pytest.mark.parametrize(
    ("scope", "asked_for", "got"),
    [
        (None, {Scope.READ, Scope.WRITE}, {Scope.READ, Scope.WRITE}),
        ("openid profile", {Scope.READ, Scope.WRITE}, {Scope.READ, Scope.WRITE}),
        ("read write admin", EVERY_SCOPE, {Scope.READ, Scope.WRITE}),
    ],
)
async def test_nobody_lets_in_more_than_they_may(office, bob, scope, asked_for, got) -> None:
    """What is asked for is named scopes that there are; what is given is what the person has."""
    asked = await ask_for_grant(office.desk, client=CLIENT, scope=scope, address=HERE)
    assert asked.grant.scopes == asked_for

    await decided(office, bob, asked.user_code)
    done = await poll_grant(office.desk, asked.device_code, client=CLIENT)

    assert isinstance(done, SignedIn)
    assert done.sign_in.scopes == got


async def test_who_may_nothing_that_is_asked_lets_nothing_in(office, bob) -> None:
    """It would be a session that does nothing."""
    asked = await ask_for_grant(office.desk, client=CLIENT, scope="admin", address=HERE)
    await decided(office, bob, asked.user_code)

    assert await poll_grant(office.desk, asked.device_code, client=CLIENT) is Poll.UNKNOWN


async def test_a_device_that_is_sent_away_is_told(office, bob) -> None:
    """And a second decision is refused."""
    asked = await ask_for_grant(office.desk, client=CLIENT, scope=None, address=HERE)

    await decided(office, bob, asked.user_code, deny_device)

    assert await poll_grant(office.desk, asked.device_code, client=CLIENT) is Poll.DENIED
    with pytest.raises(ForbiddenTransition):
        await decided(office, bob, asked.user_code)
    assert (await office.deeds())[-1] == "deny"


async def test_only_a_person_in_a_browser_decides(office, bob) -> None:
    """No key does, a person's neither, and no device lets in another."""
    asked = await ask_for_grant(office.desk, client=CLIENT, scope=None, address=HERE)
    device = replace(bob, kind=CallerKind.DEVICE)
    key = replace(bob, kind=CallerKind.KEY, sign_in=None)

    for caller in (device, key, office.ada):
        for decide in (find_grant, approve_device, deny_device):
            with pytest.raises(NeedsPerson):
                await decided(office, caller, asked.user_code, decide)

    assert await poll_grant(office.desk, asked.device_code, client=CLIENT) is Poll.PENDING


async def test_a_code_is_over_in_time(office, bob) -> None:
    """The device is told for a while; then the code is one that there never was."""
    asked = await ask_for_grant(office.desk, client=CLIENT, scope=None, address=HERE)
    begun = office.clock.now()

    office.clock.advance_to(begun + 30 * MINUTE)
    with pytest.raises(NotFound):
        await decided(office, bob, asked.user_code)
    assert await poll_grant(office.desk, asked.device_code, client=CLIENT) is Poll.EXPIRED
    office.clock.advance_to(begun + 2 * HOUR)
    await ask_for_grant(office.desk, client=CLIENT, scope=None, address=HERE)
    assert await poll_grant(office.desk, asked.device_code, client=CLIENT) is Poll.UNKNOWN


async def test_who_is_disabled_lets_nothing_in(office, bob) -> None:
    """Also what they let in before, and what is signed in as them already."""
    first = await ask_for_grant(office.desk, client=CLIENT, scope=None, address=HERE)
    second = await ask_for_grant(office.desk, client=CLIENT, scope=None, address=HERE)
    for asked in (first, second):
        await decided(office, bob, asked.user_code)
    done = await poll_grant(office.desk, first.device_code, client=CLIENT)
    assert isinstance(done, SignedIn)

    async with office.changing() as work:
        await disable_person(work, bob.person)

    assert await recognize_sign_in(office.desk, done.token) is None
    assert await poll_grant(office.desk, second.device_code, client=CLIENT) is Poll.UNKNOWN


async def test_a_devices_keys_are_its_persons(office) -> None:
    """They end with the person, too."""
    eve = await add_person(
        office.desk, office.ada, email="eve@example.org", password=PASSWORD, scopes=EVERY_SCOPE
    )
    device = replace(office.ada, kind=CallerKind.DEVICE, name="eve@example.org", person=eve.id)

    async with office.changing(device) as work:
        issued = await issue_key(work, name="of a device", scopes=EVERY_SCOPE)

    assert issued.key.issued_by == eve.id


async def test_codes_are_read_and_kept_well(office) -> None:
    """People can read theirs out, nobody finds either in what is kept, and no log shows them."""
    asked = await ask_for_grant(office.desk, client=CLIENT, scope=None, address=HERE)

    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", asked.user_code)
    kept = repr((asked, office.store.tables.device_grants))
    for code in (asked.device_code, asked.user_code, asked.user_code.replace("-", "")):
        assert code not in kept
