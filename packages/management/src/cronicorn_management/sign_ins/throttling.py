"""How often somebody may try to prove who they are: guessing is to be slow, however many guess."""

from cronicorn_domain.identity import PersonId
from cronicorn_domain.model.api_key import digest_of

from cronicorn_management.desk import Desk


async def admit_password(desk: Desk, *, email: str, address: str | None) -> None:
    """
    Let a password be tried; the address is asked first, so that one alone locks nobody out.

    ``email`` is as it is kept; None: whoever asks is known otherwise. Raises ``TooManyRequests``.
    """
    rates = desk.sign_in_rates
    if address is not None:
        (await desk.throttle.ask(f"sign-ins from {address}", rates.per_address)).check()
    account = digest_of(email).sha256
    (await desk.throttle.ask(f"sign-ins as {account}", rates.per_account)).check()


async def admit_device(desk: Desk, *, address: str) -> None:
    """Let a device ask to be let in. Raises ``TooManyRequests``."""
    rate = desk.sign_in_rates.devices_per_address
    (await desk.throttle.ask(f"devices from {address}", rate)).check()


async def admit_code(desk: Desk, *, person: PersonId) -> None:
    """Let a person type the code of a device. Raises ``TooManyRequests``."""
    rate = desk.sign_in_rates.codes_per_person
    (await desk.throttle.ask(f"codes of {person}", rate)).check()
