"""How often it may be tried to prove who one is."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cronicorn_domain.model.rate import Rate

_TEN_MINUTES: Final = timedelta(minutes=10)
_A_FEW: Final = Rate(count=10, per=_TEN_MINUTES)
_SOME: Final = Rate(count=30, per=_TEN_MINUTES)
_LOOSELY: Final = Rate(count=100, per=timedelta(hours=1))
_MANY: Final = Rate(count=60, per=_TEN_MINUTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRates:
    """
    How often what may be tried, over all processes together.

    Attributes:
        per_address: Passwords from one address, whoever's; many people may be behind it.
        per_account_here: Passwords of one account from one address or known device, and whether it
            exists or not.
        per_account: Passwords of one account from everywhere that is no known device of it.
        devices_per_address: How many devices may ask to be let in.
        codes_per_person: How many codes of devices a person may type.
    """

    per_address: Rate = _MANY
    per_account_here: Rate = _A_FEW
    per_account: Rate = _LOOSELY
    devices_per_address: Rate = _MANY
    codes_per_person: Rate = _SOME


SIGN_IN_RATES: Final = SignInRates()
"""What they are unless somebody says otherwise."""
