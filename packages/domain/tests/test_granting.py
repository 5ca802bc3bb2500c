"""What becomes of a device that waits to be let in."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_domain.errors import ForbiddenTransition, NotFound
from cronicorn_domain.identity import DEFAULT_TENANT, PersonId, new_uuid
from cronicorn_domain.model.device_grant import (
    DEVICE_GRANT_LASTS,
    Approved,
    Denied,
    hash_of_user_code,
    shown_user_code,
)
from cronicorn_domain.policies.granting import Poll, decide, poll
from cronicorn_domain.testing.builders import EPOCH, SECOND
from cronicorn_domain.testing.device_grants_contract import a_grant

APPROVED = Approved(tenant=DEFAULT_TENANT, person=PersonId(new_uuid()))
END = EPOCH + DEVICE_GRANT_LASTS


def test_whoever_asks_too_soon_waits_longer() -> None:
    """Five seconds more each time, for good; who waits is told to go on waiting."""
    grant, told = a_grant(), []

    for second in (0, 5, 9, 15, 25, 40):
        grant, answer = poll(grant, EPOCH + second * SECOND)
        told.append(answer)

    assert told == [
        Poll.PENDING,
        Poll.PENDING,
        Poll.SLOW_DOWN,
        Poll.SLOW_DOWN,
        Poll.SLOW_DOWN,
        Poll.SLOW_DOWN,
    ]
    assert grant.interval == 25 * SECOND
    assert poll(grant, EPOCH + 65 * SECOND)[1] is Poll.PENDING


@pytest.mark.parametrize(("decision", "told"), [(APPROVED, Poll.GRANTED), (Denied(), Poll.DENIED)])
def test_a_decision_is_told(decision, told) -> None:
    """However soon the device asks."""
    grant, _ = poll(a_grant(), EPOCH)
    decided = decide(grant, decision, EPOCH + SECOND)

    assert poll(decided, EPOCH + SECOND) == (decided, told)


def test_a_decision_is_final() -> None:
    """A second one, of whichever kind, is refused."""
    for first in (APPROVED, Denied()):
        decided = decide(a_grant(), first, EPOCH)
        for second in (APPROVED, Denied()):
            with pytest.raises(ForbiddenTransition):
                decide(decided, second, EPOCH)


def test_what_has_expired_is_over() -> None:
    """At its end: trap T44. It is neither decided nor used, also if it was approved."""
    last = END - timedelta(microseconds=1)
    approved = decide(a_grant(), APPROVED, last)

    assert poll(approved, last)[1] is Poll.GRANTED
    for grant in (approved, a_grant(), replace(a_grant(), standing=Denied())):
        assert poll(grant, END) == (grant, Poll.EXPIRED)
        with pytest.raises(NotFound):
            decide(grant, APPROVED, END)


def test_a_code_is_typed_as_people_type() -> None:
    """In small letters, with dashes and blanks, or without."""
    assert shown_user_code("WDJBMJHT") == "WDJB-MJHT"
    assert len({hash_of_user_code(each) for each in ("WDJBMJHT", "wdjb-mjht", " WDJB MJHT")}) == 1
