"""What becomes of a device grant: when the device asks, and when a person decides."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from cronicorn_domain.errors import ForbiddenTransition, NotFound
from cronicorn_domain.model.device_grant import Approved, Denied, DeviceGrant, Pending

SLOWED_BY = timedelta(seconds=5)
"""RFC 8628, section 3.5: after each question that came too soon, for good."""


class Poll(StrEnum):
    """What a device is told; the names are those of RFC 8628, section 3.5."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    EXPIRED = "expired_token"
    DENIED = "access_denied"
    UNKNOWN = "invalid_grant"
    GRANTED = "granted"


def poll(grant: DeviceGrant, now: datetime) -> tuple[DeviceGrant, Poll]:
    """Answer a device, and return the grant as it is then."""
    if not grant.holds(now):
        return grant, Poll.EXPIRED
    match grant.standing:
        case Approved():
            return grant, Poll.GRANTED
        case Denied():
            return grant, Poll.DENIED
        case Pending():
            return _waited(grant, now)
        case _:
            assert_never(grant.standing)


def decide(grant: DeviceGrant, decision: Approved | Denied, now: datetime) -> DeviceGrant:
    """
    Let a device in, or send it away, and return the grant as it is then.

    Raises:
        NotFound: it has expired.
        ForbiddenTransition: it was decided already.
    """
    if not grant.holds(now):
        raise NotFound("device", "with this code")
    if not isinstance(grant.standing, Pending):
        verb = "be approved" if isinstance(decision, Approved) else "be denied"
        raise ForbiddenTransition("device", grant.client, state="decided", verb=verb)
    return replace(grant, standing=decision)


def _waited(grant: DeviceGrant, now: datetime) -> tuple[DeviceGrant, Poll]:
    asked = replace(grant, polled_at=now)
    if grant.polled_at is not None and now - grant.polled_at < grant.interval:
        return replace(asked, interval=grant.interval + SLOWED_BY), Poll.SLOW_DOWN
    return asked, Poll.PENDING
