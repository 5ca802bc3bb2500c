"""Caps and the breaker are written in one way, for workers and the API."""

from uuid import UUID

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.policies.caps_text import breaker_in, caps_in

TENANT = TenantId(UUID(int=7))


def test_caps_are_for_all_or_by_name() -> None:
    """The last that is said of somebody counts, and hosts are the same in capitals."""
    given = caps_in(["10", "Shop.example=2", "20"], [f"{TENANT}=5"])

    assert given == Caps(per_host=20, hosts={"shop.example": 2}, tenants={TENANT: 5})
    assert not caps_in([], []).are_set


@pytest.mark.parametrize("entry", ["0", "-1", "x", "shop.example=", "shop.example=0"])
def test_what_is_no_limit_is_refused(entry: str) -> None:
    """Under a cap of none nothing would ever run."""
    with pytest.raises(InvalidInput, match="is no limit"):
        caps_in([entry], [])


def test_a_tenant_is_named_by_its_id() -> None:
    """A name is refused, and told as it was given."""
    with pytest.raises(InvalidInput, match="'me' is no tenant"):
        caps_in([], ["me=3"])


def test_a_breaker_opens_after_a_number_or_never() -> None:
    """Off takes it away."""
    assert (breaker_in("3"), breaker_in(" OFF ")) == (Breaker(opens_after=3), None)
    for text in ("0", "-1", "soon"):
        with pytest.raises(InvalidInput):
            breaker_in(text)
