"""Keeps setup links: what is left of them once they were printed."""

from datetime import datetime
from typing import Protocol

from cronicorn_domain.model.api_key import KeyDigest
from cronicorn_domain.model.setup_link import SetupLink


class SetupLinks(Protocol):
    """
    The links of an installation without owner; takes part in the caller's unit of work.

    What is kept does not tell the link.
    """

    async def add(self, link: SetupLink, *, now: datetime) -> None:
        """Keep a new one, and those no more that have expired."""
        ...

    async def holds(self, digest: KeyDigest, *, now: datetime) -> bool:
        """Say whether there is one of this hash that has not expired."""
        ...

    async def take(self, digest: KeyDigest, *, now: datetime) -> bool:
        """
        Use one up, and say whether it held.

        Of several units that take the same one, one alone is told that it held. How long it takes
        tells nothing about the hash of another link that begins alike.
        """
        ...
