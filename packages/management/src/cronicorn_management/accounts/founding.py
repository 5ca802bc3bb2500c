"""Gives an installation what it begins with."""

from typing import Final

from cronicorn_domain.errors import SecretTaken
from cronicorn_domain.identity import DEFAULT_TENANT

from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind
from cronicorn_management.desk import Desk

_FOUNDER: Final = Caller(
    tenant=DEFAULT_TENANT, kind=CallerKind.SETUP, name="start", scopes=EVERY_SCOPE
)
_NAME: Final = "bootstrap"


async def found_key(desk: Desk, secret: str) -> bool:
    """
    See to it that there is a key for machines with this secret, and say whether that is new.

    One that was revoked stays so. Raises ``InvalidInput``.
    """
    try:
        async with desk.changing(_FOUNDER) as work:
            await issue_key(work, name=_NAME, scopes=EVERY_SCOPE, secret=secret)
    except SecretTaken:
        return False
    return True
