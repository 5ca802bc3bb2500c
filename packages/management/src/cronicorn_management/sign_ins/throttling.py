"""How often somebody may try to prove who they are: guessing is to be slow, however many guess."""

from cronicorn_domain.identity import PersonId
from cronicorn_domain.model.api_key import digest_of

from cronicorn_management.desk import Desk


async def admit_address(desk: Desk, *, address: str) -> None:
    """Let an address try a password, whoever's: asked first, one alone locks nobody out."""
    rate = desk.sign_in_rates.per_address
    (await desk.throttle.ask(f"sign-ins from {address}", rate)).check()


async def admit_account(desk: Desk, *, email: str, address: str, device: str | None) -> None:
    """
    Let a password of an account be tried; ``email`` is as it is kept. Raises ``TooManyRequests``.

    ``device`` names one from which the account was signed in to before: strangers who guess, from
    however many addresses, do not keep it out, and another address's guesses keep none out soon.
    """
    rates, account = desk.sign_in_rates, digest_of(email).sha256
    here = f"address {address}" if device is None else f"device {device}"
    asked = await desk.throttle.ask(f"sign-ins as {account} by {here}", rates.per_account_here)
    asked.check()
    if device is None:
        (await desk.throttle.ask(f"sign-ins as {account}", rates.per_account)).check()


async def admit_person(desk: Desk, *, email: str) -> None:
    """Let somebody who is signed in tell their password. Raises ``TooManyRequests``."""
    rate = desk.sign_in_rates.per_account_here
    (await desk.throttle.ask(f"passwords of {digest_of(email).sha256}", rate)).check()


async def admit_device(desk: Desk, *, address: str) -> None:
    """Let a device ask to be let in. Raises ``TooManyRequests``."""
    rate = desk.sign_in_rates.devices_per_address
    (await desk.throttle.ask(f"devices from {address}", rate)).check()


async def admit_code(desk: Desk, *, person: PersonId) -> None:
    """Let a person type the code of a device. Raises ``TooManyRequests``."""
    rate = desk.sign_in_rates.codes_per_person
    (await desk.throttle.ask(f"codes of {person}", rate)).check()
