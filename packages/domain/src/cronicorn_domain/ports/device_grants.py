"""Keeps device grants: programs that wait for somebody to let them in."""

from datetime import datetime
from typing import Protocol

from cronicorn_domain.identity import DeviceGrantId
from cronicorn_domain.model.api_key import KeyDigest
from cronicorn_domain.model.device_grant import DeviceGrant


class DeviceGrants(Protocol):
    """
    The grants of an installation; takes part in the caller's unit of work.

    Promises:

    - What is kept tells neither of the codes.
    - What is found is the caller's to change until the unit ends: another unit that looks for the
      same one waits, and then sees what became of it.
    """

    async def add(self, grant: DeviceGrant) -> bool:
        """Keep a new one, and say so; False: another has the code that people type."""
        ...

    async def of_device(self, digest: KeyDigest) -> DeviceGrant | None:
        """
        Return the one by whose code the device asks, an expired one too; None: there is none.

        How long it takes tells nothing about the hash of another code that begins alike.
        """
        ...

    async def of_user_code(self, hashed: str) -> DeviceGrant | None:
        """Return the one of the code that people type, an expired one too; None: there is none."""
        ...

    async def change(self, grant: DeviceGrant) -> None:
        """Keep what has become of one: its standing, interval and last question."""
        ...

    async def remove(self, grant_id: DeviceGrantId) -> None:
        """Delete one; one that is gone is no fault."""
        ...

    async def prune(self, *, before: datetime, limit: int = 1000) -> int:
        """Delete some that expired before an instant, and return how many; none is left: 0."""
        ...
