"""What a tenant may have: its plan, as people say; here a plan is when an endpoint fires next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.state import DEFAULT_FLOOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """
    The limits of one tenant; those given here are for whoever runs Cronicorn for themselves.

    What a month may have is no part of it: that is a quota, which workers enforce.

    Attributes:
        name: What it is called.
        endpoints: How many unarchived endpoints its unarchived jobs have at most.
        floor: No endpoint runs more often, whatever is configured or proposed.
        requests_a_minute: How often it may ask.
    """

    name: str = "self-hosted"
    endpoints: int = 1_000_000
    floor: timedelta = DEFAULT_FLOOR
    requests_a_minute: int = 60_000


SELF_HOSTED: Final = Allowance()
"""What whoever runs Cronicorn for themselves may have."""

Allowances = Callable[[TenantId], Allowance]
"""Says what a tenant may have."""


def same_for_all(_: TenantId) -> Allowance:
    """Allow every tenant what self-hosted installations allow."""
    return SELF_HOSTED
