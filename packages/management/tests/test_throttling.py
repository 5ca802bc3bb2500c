"""Guessing is slow: passwords from an address and of an account, and the codes of devices."""

from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput, SignInRefused, TooManyRequests
from cronicorn_domain.model.rate import Rate
from cronicorn_domain.testing.builders import MINUTE
from cronicorn_management.device_grants.asking import ask_for_grant
from cronicorn_management.device_grants.deciding import deciding, find_grant
from cronicorn_management.people.adding import add_person
from cronicorn_management.people.changing_password import change_password
from cronicorn_management.sign_in_rates import SignInRates
from cronicorn_management.sign_ins.beginning import sign_in
from cronicorn_management.sign_ins.recognizing import recognize_sign_in

PASSWORD = "correct horse battery staple"
HERE, THERE = "192.0.2.1", "192.0.2.2"
BOB = "bob@example.org"


@pytest.fixture(autouse=True)
async def bob(office):
    """Add Bob, where little may be tried."""
    of_four = Rate(count=4, per=4 * MINUTE)
    rates = SignInRates(
        per_address=of_four,
        per_account_here=Rate(count=2, per=2 * MINUTE),
        per_account=Rate(count=6, per=6 * MINUTE),
        devices_per_address=of_four,
        codes_per_person=of_four,
    )
    object.__setattr__(office.desk, "sign_in_rates", rates)
    return await add_person(office.desk, office.ada, email=BOB, password=PASSWORD)


async def guess(office, email=BOB, *, address=HERE, password="guessed", times=1) -> list[str]:
    """Try passwords, and say what came of each."""
    told = []
    for _ in range(times):
        try:
            await sign_in(office.desk, email=email, password=password, label=None, address=address)
            told.append("in")
        except (SignInRefused, TooManyRequests) as refusal:
            told.append("wrong" if isinstance(refusal, SignInRefused) else "later")
    return told


async def test_an_account_is_guessed_slowly(office) -> None:
    """With the right password too, and in whatever letters it is written."""
    assert await guess(office, times=3) == ["wrong", "wrong", "later"]
    assert await guess(office, BOB.upper(), password=PASSWORD) == ["later"]

    office.clock.advance_to(office.clock.now() + MINUTE)
    assert await guess(office, password=PASSWORD) == ["in"]


async def test_a_stranger_keeps_nobody_out(office) -> None:
    """Who guesses from one address slows down that address; elsewhere one signs in."""
    assert await guess(office, times=3) == ["wrong", "wrong", "later"]

    assert await guess(office, address=THERE, password=PASSWORD) == ["in"]


async def guess_from_everywhere(office, email=BOB) -> list[str]:
    """Try a password from more addresses than an account bears."""
    return [
        (await guess(office, email, address=f"198.51.100.{number}", times=2))[-1]
        for number in range(4)
    ]


async def test_strangers_from_everywhere_are_slowed_down(office) -> None:
    """However many addresses there are; it does not tell whether there is the account."""
    told = ["wrong"] * 3 + ["later"]

    assert await guess_from_everywhere(office) == told
    assert await guess_from_everywhere(office, "nobody@example.org") == told
    assert await guess(office, address=THERE, password=PASSWORD) == ["later"]


async def test_strangers_from_everywhere_do_not_keep_a_known_device_out(office) -> None:
    """From where the account was signed in to one gets in, and guesses no faster than others."""
    first = await arrive(office)
    await guess_from_everywhere(office)

    again = await arrive(office, device=first.device)
    assert again.device == first.device
    with pytest.raises(SignInRefused):
        await arrive(office, device=first.device, password="guessed")
    with pytest.raises(TooManyRequests):
        await arrive(office, device=first.device, password="guessed")


@pytest.mark.parametrize("proof", ["", "a.b", "ä.ö", "x" * 10_000, "nothing"])
async def test_a_device_is_not_known_by_what_somebody_makes_up(office, proof) -> None:
    """It counts as a stranger's, and so does the proof of another account."""
    await guess_from_everywhere(office)

    with pytest.raises(TooManyRequests):
        await arrive(office, device=proof)


async def test_a_device_is_known_to_one_account_until_its_password_changes(office) -> None:
    """What proves it is made with that."""
    await add_person(office.desk, office.ada, email="eve@example.org", password=PASSWORD)
    mine, eves = await arrive(office), await arrive(office, email="eve@example.org")
    recognized = await recognize_sign_in(office.desk, mine.token)
    assert recognized is not None
    await change_password(office.desk, recognized.caller, current=PASSWORD, new=f"{PASSWORD} again")
    office.clock.advance_to(office.clock.now() + 10 * MINUTE)
    await guess_from_everywhere(office)

    for proof in (mine.device, eves.device):
        with pytest.raises(TooManyRequests):
            await arrive(office, device=proof, password=f"{PASSWORD} again")


async def arrive(office, *, email=BOB, device=None, password=PASSWORD):
    """Sign in from here."""
    return await sign_in(
        office.desk, email=email, password=password, label=None, address=THERE, device=device
    )


async def test_an_account_that_is_none_is_guessed_alike(office) -> None:
    """How often it may be tried does not tell whether it exists."""
    assert await guess(office, "nobody@example.org", times=3) == ["wrong", "wrong", "later"]


async def test_an_address_guesses_slowly(office) -> None:
    """Many accounts, each once; another address is not kept out by it."""
    for number in range(4):
        assert await guess(office, f"{number}@example.org") == ["wrong"]

    assert await guess(office, BOB, password=PASSWORD) == ["later"]
    assert await guess(office, BOB, address=THERE, password=PASSWORD) == ["in"]


async def test_an_address_that_is_kept_out_keeps_nobody_out(office) -> None:
    """What it goes on trying does not count for the accounts that it names."""
    for number in range(4):
        await guess(office, f"{number}@example.org")
    assert await guess(office, BOB, times=10) == ["later"] * 10

    assert await guess(office, BOB, address=THERE, password=PASSWORD) == ["in"]


async def test_it_is_said_when_to_try_again(office) -> None:
    """And no password is hashed until then."""
    await guess(office, times=2)

    with pytest.raises(TooManyRequests) as refusal:
        await sign_in(office.desk, email=BOB, password=PASSWORD, label=None, address=HERE)

    assert refusal.value.retry_after == MINUTE


async def test_the_current_password_is_guessed_slowly(office) -> None:
    """By whoever found a browser that is signed in."""
    done = await sign_in(office.desk, email=BOB, password=PASSWORD, label=None, address=HERE)
    recognized = await recognize_sign_in(office.desk, done.token)
    assert recognized is not None

    for expected in (InvalidInput, InvalidInput, TooManyRequests):
        with pytest.raises(expected):
            await change_password(
                office.desk, recognized.caller, current="guessed", new="another horse, staple"
            )


async def test_devices_and_their_codes_are_tried_slowly(office) -> None:
    """An address asks for so many; a person types so many codes."""
    done = await sign_in(office.desk, email=BOB, password=PASSWORD, label=None, address=HERE)
    recognized = await recognize_sign_in(office.desk, done.token)
    assert recognized is not None
    asked = [
        await ask_for_grant(office.desk, client="a", scope=None, address=HERE) for _ in range(4)
    ]

    with pytest.raises(TooManyRequests):
        await ask_for_grant(office.desk, client="a", scope=None, address=HERE)
    await ask_for_grant(office.desk, client="a", scope=None, address=THERE)
    for each in asked:
        async with deciding(office.desk, recognized.caller) as work:
            await find_grant(work, each.user_code)
    with pytest.raises(TooManyRequests):
        async with deciding(office.desk, recognized.caller) as work:
            await find_grant(work, asked[0].user_code)


async def test_no_account_is_kept_in_clear(office) -> None:
    """Of an account only a hash is kept with the count."""
    await guess(office, "nobody@example.org")

    assert "nobody@" not in repr(vars(office.store))


async def test_there_is_room_for_mistakes() -> None:
    """A person may mistype, and an office may come to work in the morning."""
    usual = SignInRates()

    assert usual.per_account_here.count >= 10
    assert usual.per_address.count >= 60
    assert usual.per_account_here.step >= timedelta(seconds=30)
    assert usual.per_account.count >= 10 * usual.per_account_here.count
    assert usual.per_account.step >= timedelta(seconds=30)
