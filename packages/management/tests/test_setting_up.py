"""The setup link: it makes one owner, once, within its hour."""

import asyncio

import pytest
from cronicorn_domain.errors import EmailTaken, InvalidInput, SetupLinkSpent
from cronicorn_domain.testing.builders import HOUR, SECOND
from cronicorn_management.caller import EVERY_SCOPE
from cronicorn_management.people.adding import add_person
from cronicorn_management.people.founding import found_owner, has_owner
from cronicorn_management.people.setting_up import print_setup_token, set_up, setup_token_holds
from cronicorn_management.sign_ins.beginning import sign_in

PASSWORD = "correct horse battery staple"
HERE = "192.0.2.1"
OWNER = {"email": "ada@example.org", "password": PASSWORD}


async def printed(office) -> str:
    """Print a link, and return its token."""
    token = await print_setup_token(office.desk)
    assert token is not None
    return token


async def test_whoever_has_the_link_becomes_the_owner(office) -> None:
    """They may everything and sign in; the link serves nobody else."""
    token = await printed(office)
    assert await setup_token_holds(office.desk, token)

    owner = await set_up(office.desk, token, **OWNER)

    assert (owner.owner, owner.scopes, owner.tenant) == (True, EVERY_SCOPE, office.ada.tenant)
    assert (await sign_in(office.desk, **OWNER, label=None, address=HERE)).person == owner
    assert not await setup_token_holds(office.desk, token)
    with pytest.raises(SetupLinkSpent):
        await set_up(office.desk, token, email="eve@example.org", password=PASSWORD)


async def test_a_link_is_printed_while_there_is_no_owner(office) -> None:
    """Each start prints another, and all that were printed serve until one is used."""
    first, second = await printed(office), await printed(office)
    assert first != second

    await set_up(office.desk, second, **OWNER)

    assert await print_setup_token(office.desk) is None
    assert not await setup_token_holds(office.desk, first)
    with pytest.raises(SetupLinkSpent):
        await set_up(office.desk, first, email="eve@example.org", password=PASSWORD)


async def test_a_link_serves_for_an_hour(office) -> None:
    """At its end it is over: trap T44."""
    token = await printed(office)
    begun = office.clock.now()

    office.clock.advance_to(begun + HOUR - SECOND)
    assert await setup_token_holds(office.desk, token)
    office.clock.advance_to(begun + HOUR)
    assert not await setup_token_holds(office.desk, token)
    with pytest.raises(SetupLinkSpent):
        await set_up(office.desk, token, **OWNER)


async def test_a_link_is_not_wasted_on_a_mistake(office) -> None:
    """A password that is none, or an address that is another's, leaves it as it is."""
    await add_person(office.desk, office.ada, email="bob@example.org", password=PASSWORD)
    token = await printed(office)

    with pytest.raises(InvalidInput):
        await set_up(office.desk, token, email="ada@example.org", password="short")
    with pytest.raises(EmailTaken):
        await set_up(office.desk, token, email="bob@example.org", password=PASSWORD)

    await set_up(office.desk, token, **OWNER)


async def test_those_who_come_at_once_are_one_owner(office) -> None:
    """By two links, and beside a process that starts with an owner in its environment."""
    tokens = [await printed(office), await printed(office)]
    asked = [
        set_up(office.desk, token, email=f"{n}@example.org", password=PASSWORD)
        for n, token in enumerate(tokens)
    ]

    outcomes = await asyncio.gather(
        *asked, found_owner(office.desk, **OWNER), return_exceptions=True
    )

    assert await has_owner(office.desk)
    assert len(office.store.tables.people) == 1
    assert sum(isinstance(each, Exception) or each is False for each in outcomes) == 2


async def test_a_token_is_nowhere(office) -> None:
    """What is kept does not tell it, and a guess is none."""
    token = await printed(office)

    assert token not in repr((office.store.tables.setup_links, await office.audit()))
    for guess in ("", "su_", token[:-1], f"{token}x"):
        assert not await setup_token_holds(office.desk, guess)
