"""Sign-ins: what they prove and until when, and how a hash that has become cheap is replaced."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_domain.errors import NotAllowed, NotFound, SignInRefused
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.sign_in import SIGN_IN_LASTS, label_of
from cronicorn_domain.testing.builders import DAY, MINUTE, SECOND
from cronicorn_management.people.adding import add_person
from cronicorn_management.sign_ins.beginning import sign_in
from cronicorn_management.sign_ins.ending import end_sign_in, sign_out
from cronicorn_management.sign_ins.listing import list_sign_ins
from cronicorn_management.sign_ins.recognizing import recognize_sign_in

PASSWORD = "größere correct horse battery"
HERE = "192.0.2.1"
BOB = "bob@example.org"


@pytest.fixture
async def bob(office):
    """Add Bob, who reads and writes."""
    return await add_person(office.desk, office.ada, email=BOB, password=PASSWORD)


async def signed_in(office, password=PASSWORD, **more):
    """Sign Bob in."""
    return await sign_in(
        office.desk, email=BOB, password=password, label="tests", address=HERE, **more
    )


async def test_a_token_proves_its_person(office, bob) -> None:
    """They are called by their address and may what they may; the audit tells that they came."""
    done = await signed_in(office)

    recognized = await recognize_sign_in(office.desk, done.token)

    assert recognized is not None
    caller = recognized.caller
    assert (caller.tenant, caller.actor, caller.scopes) == (
        bob.tenant,
        f"person:{BOB}",
        bob.scopes,
    )
    last = (await office.audit())[-1]
    assert (last.actor, last.action, last.subject.name) == (caller.actor, "sign_in", "tests")


async def test_a_token_is_nowhere_but_in_the_answer(office, bob) -> None:
    """What is kept does not tell it, nor does the audit, nor what a log shows of the answer."""
    done = await signed_in(office)

    everywhere = repr((done, await office.audit(), office.store.tables.sign_ins))

    assert done.token not in everywhere
    assert done.sign_in.digest.sha256 not in everywhere
    assert (await signed_in(office)).token != done.token


async def test_a_sign_in_ends_by_itself(office, bob) -> None:
    """Up to its last instant it holds, and then no more; long after, it is kept no more."""
    done = await signed_in(office)
    end = office.clock.now() + SIGN_IN_LASTS

    office.clock.advance_to(end - timedelta(milliseconds=1))
    assert await recognize_sign_in(office.desk, done.token) is not None
    office.clock.advance_to(end)
    assert await recognize_sign_in(office.desk, done.token) is None
    office.clock.advance_to(end + 2 * DAY)
    await signed_in(office)
    assert len(office.store.tables.sign_ins) == 1


async def test_the_last_use_is_known_to_the_minute(office, bob) -> None:
    """Many requests at once do not each write when they came."""
    done = await signed_in(office)
    first = office.clock.now()

    for after, known in ((0 * SECOND, 0), (59 * SECOND, 0), (MINUTE, 1)):
        office.clock.advance_to(first + after)
        await recognize_sign_in(office.desk, done.token)
        (kept,) = office.store.tables.sign_ins.values()
        assert kept.last_used_at == first + known * MINUTE


async def test_a_password_is_the_same_however_it_is_typed(office, bob) -> None:
    """Some keyboards write an umlaut as two characters."""
    composed = PASSWORD.replace("ö", "o\N{COMBINING DIAERESIS}")

    assert (await signed_in(office, composed)).person == bob


@pytest.mark.parametrize("wrong", ["", "guessed", PASSWORD.upper(), "x" * 100_000])
async def test_another_password_signs_nobody_in(office, bob, wrong) -> None:
    """However long it is."""
    with pytest.raises(SignInRefused):
        await signed_in(office, wrong)

    assert not office.store.tables.sign_ins


async def test_nobody_is_hashed_for_as_well(office, monkeypatch) -> None:
    """How long an answer takes does not tell whether there is such an account."""
    asked = []
    verify = office.desk.passwords.verify

    async def told(self, password, hashed):
        asked.append(hashed)
        return await verify(password, hashed)

    monkeypatch.setattr(type(office.desk.passwords), "verify", told)
    with pytest.raises(SignInRefused):
        await signed_in(office)

    assert asked == [None]


async def test_a_hash_that_has_become_cheap_is_replaced(office, bob, monkeypatch) -> None:
    """When its password is at hand, at the next sign-in, which goes on as ever."""
    monkeypatch.setattr(type(office.desk.passwords), "is_outdated", lambda *_: True)

    await signed_in(office)

    (kept,) = office.store.tables.people.values()
    assert kept.password != bob.password
    monkeypatch.undo()
    await signed_in(office)


async def test_whoever_signs_out_is_out(office, bob) -> None:
    """Once more is no fault, and a key is signed in nowhere."""
    done = await signed_in(office)
    recognized = await recognize_sign_in(office.desk, done.token)
    assert recognized is not None

    for caller in (recognized.caller, recognized.caller, office.ada):
        await sign_out(office.desk, caller)

    assert await recognize_sign_in(office.desk, done.token) is None
    assert (await office.deeds()).count("sign_out") == 1


async def test_ones_own_are_ones_own(office, bob) -> None:
    """A person sees and ends theirs; an administrator's key those of the tenant, others none."""
    mine = await signed_in(office)
    eve = await add_person(office.desk, office.ada, email="eve@example.org", password=PASSWORD)
    theirs = await sign_in(
        office.desk, email=eve.email, password=PASSWORD, label=None, address=HERE
    )
    recognized = await recognize_sign_in(office.desk, mine.token)
    assert recognized is not None
    clerk = replace(office.ada, scopes=frozenset({Scope.READ, Scope.WRITE}))

    async with office.reading(recognized.caller) as work:
        assert [each.id for each in (await list_sign_ins(work)).items] == [mine.sign_in.id]
    async with office.reading(office.ada) as work:
        assert len((await list_sign_ins(work)).items) == 2
    async with office.reading(office.stranger) as work:
        assert (await list_sign_ins(work)).items == []
    with pytest.raises(NotAllowed):
        async with office.reading(clerk) as work:
            await list_sign_ins(work)
    for caller, refusal in (
        (recognized.caller, NotFound),
        (office.stranger, NotFound),
        (clerk, NotAllowed),
    ):
        with pytest.raises(refusal):
            async with office.desk.minding(caller) as work:
                await end_sign_in(work, theirs.sign_in.id)
    async with office.desk.minding(office.ada) as work:
        await end_sign_in(work, theirs.sign_in.id)
    assert await recognize_sign_in(office.desk, theirs.token) is None


def test_a_label_is_one_short_line() -> None:
    """Whatever a browser says of itself."""
    assert label_of("Firefox\r\nX: 1") == "Firefox  X: 1"
    assert len(label_of("x" * 10_000)) <= 120
    assert label_of(None) == label_of(" \0 ") == "unknown"
