"""Who is known for a moment: what is ended proves nothing at once, elsewhere a second later."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_adapter_memory.activity import MemoryActivity
from cronicorn_domain.errors import NotFound, StoreUnavailable
from cronicorn_domain.testing.builders import SECOND
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.accounts.recognizing import recognize_key
from cronicorn_management.accounts.revoking import revoke_key
from cronicorn_management.jobs.reading import read_job
from cronicorn_management.people.adding import add_person
from cronicorn_management.people.disabling import disable_person
from cronicorn_management.recognitions import KNOWN_FOR, VOUCHED_FOR, Recognitions
from cronicorn_management.sign_ins.beginning import sign_in
from cronicorn_management.sign_ins.ending import sign_out
from cronicorn_management.sign_ins.recognizing import recognize_sign_in
from cronicorn_management.watching import LOOK_EVERY, Watch

PASSWORD = "correct horse battery staple"


@pytest.fixture
def elsewhere(office):
    """Give the desk of another process over the same store."""
    return replace(office.desk, recognitions=Recognitions())


@pytest.fixture
async def key(office):
    """Give a key that was recognized a moment ago."""
    async with office.changing() as work:
        issued = await issue_key(work, name="deploy", scopes=office.ada.scopes)
    assert await recognize_key(office.desk, issued.secret) is not None
    return issued


@pytest.fixture
async def signed_in(office):
    """Give somebody whose token was recognized a moment ago."""
    await add_person(office.desk, office.ada, email="bob@example.org", password=PASSWORD)
    done = await sign_in(
        office.desk, email="bob@example.org", password=PASSWORD, label=None, address="192.0.2.1"
    )
    assert await recognize_sign_in(office.desk, done.token) is not None
    return done


async def revoke(desk, office, key) -> None:
    """Revoke a key at a desk."""
    async with desk.changing(office.ada) as work:
        await revoke_key(work, key.key.id)


async def test_a_key_that_is_known_is_not_looked_up(office, key, monkeypatch) -> None:
    """For less than a second: the store is not asked, and the same caller comes of it."""
    known = await recognize_key(office.desk, key.secret)
    asked: list[int] = []
    begin = office.desk.units.begin

    def counted():
        asked.append(1)
        return begin()

    monkeypatch.setattr(office.desk.units, "begin", counted)

    office.clock.advance(KNOWN_FOR - timedelta(milliseconds=1))
    assert await recognize_key(office.desk, key.secret) == known
    assert asked == []

    office.clock.advance(timedelta(milliseconds=1))
    assert await recognize_key(office.desk, key.secret) == known
    assert asked == [1]


async def test_a_key_that_is_revoked_proves_nothing_at_once(office, key) -> None:
    """In the process where it is revoked, with the next request."""
    await revoke(office.desk, office, key)

    assert await recognize_key(office.desk, key.secret) is None


async def test_a_key_that_is_revoked_elsewhere_proves_nothing_a_second_later(
    office, key, elsewhere
) -> None:
    """Equal is over."""
    await revoke(elsewhere, office, key)
    assert await recognize_key(office.desk, key.secret) is not None

    office.clock.advance(KNOWN_FOR)

    assert await recognize_key(office.desk, key.secret) is None


async def test_a_key_expires_while_it_is_known(office) -> None:
    """What is remembered is its expiry, too."""
    async with office.changing() as work:
        issued = await issue_key(
            work, name="brief", scopes=office.ada.scopes, expires_at=office.clock.now() + 2 * SECOND
        )
    office.clock.advance(SECOND + timedelta(milliseconds=500))
    assert await recognize_key(office.desk, issued.secret) is not None

    office.clock.advance(timedelta(milliseconds=500))

    assert await recognize_key(office.desk, issued.secret) is None


async def test_what_is_looked_up_while_it_is_ended_is_not_remembered(office, key) -> None:
    """A look-up that began before a change may have seen what was before it."""
    lookup = office.desk.recognitions.keys.begin(now=office.clock.now())
    await revoke(office.desk, office, key)

    office.desk.recognitions.keys.keep(key.key.digest, key.key, lookup)

    assert await recognize_key(office.desk, key.secret) is None


async def test_who_signs_out_is_out_at_once(office, signed_in) -> None:
    """The token proves nothing from then on."""
    found = await recognize_sign_in(office.desk, signed_in.token)
    assert found is not None
    await sign_out(office.desk, found.caller)

    assert await recognize_sign_in(office.desk, signed_in.token) is None


async def test_who_is_disabled_is_out_at_once(office, signed_in) -> None:
    """Here with the next request, and elsewhere a second later."""
    async with office.changing() as work:
        await disable_person(work, signed_in.person.id)

    assert await recognize_sign_in(office.desk, signed_in.token) is None


async def test_what_is_refused_ends_nothing_that_is_known(office, key, monkeypatch) -> None:
    """Nothing was changed, so nothing is to be looked up anew."""
    with pytest.raises(NotFound):
        async with office.changing() as work:
            await read_job(work, key.key.id)
    monkeypatch.setattr(office.desk.units, "begin", None)

    assert await recognize_key(office.desk, key.secret) is not None


@pytest.fixture
async def watching(office):
    """Give the activity of an office that is watched, and has been looked at."""
    activity = SometimesAway(office.store)
    desk = replace(office.desk, activity=activity)
    watch = Watch(desk)
    async with watch.listening(office.ada):
        await looked(office)
        yield activity
    watch.close()


class SometimesAway(MemoryActivity):
    """Looks, unless it is told to be away."""

    away = False

    async def look(self, *given, **named):
        """Look."""
        if self.away:
            raise StoreUnavailable("away")
        return await super().look(*given, **named)


async def looked(office, times: int = 1) -> None:
    """Have whoever watches look."""
    for _ in range(times):
        office.clock.advance(LOOK_EVERY)
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def lookups(office, monkeypatch) -> list[int]:
    """Give what has an item for each proof that is looked up."""
    asked: list[int] = []
    begin = office.desk.units.begin

    def counted():
        asked.append(1)
        return begin()

    monkeypatch.setattr(office.desk.units, "begin", counted)
    return asked


async def test_who_is_watched_is_known_for_longer(office, signed_in, watching, lookups) -> None:
    """Nothing is looked up while whoever watches sees nothing done to it; but not for ever."""
    await recognize_sign_in(office.desk, signed_in.token)
    lookups.clear()
    await looked(office, VOUCHED_FOR // LOOK_EVERY - 2)
    assert await recognize_sign_in(office.desk, signed_in.token) is not None
    assert lookups == []

    await looked(office, 3)
    assert await recognize_sign_in(office.desk, signed_in.token) is not None
    assert lookups


async def test_what_is_ended_elsewhere_proves_nothing_after_a_look(
    office, elsewhere, key, signed_in, watching
) -> None:
    """A key that is revoked, somebody who signs out and somebody who is disabled."""
    found = await recognize_sign_in(office.desk, signed_in.token)
    assert found is not None
    await revoke(elsewhere, office, key)
    await sign_out(elsewhere, found.caller)
    await looked(office)

    assert await recognize_key(office.desk, key.secret) is None
    assert await recognize_sign_in(office.desk, signed_in.token) is None


async def test_nobody_vouches_while_the_store_is_away(
    office, elsewhere, signed_in, watching
) -> None:
    """What could not be seen is looked up anew, as if nobody watched."""
    found = await recognize_sign_in(office.desk, signed_in.token)
    assert found is not None
    watching.away = True
    await sign_out(elsewhere, found.caller)
    await looked(office, 2)

    assert await recognize_sign_in(office.desk, signed_in.token) is None
