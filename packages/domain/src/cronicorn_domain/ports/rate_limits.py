"""Keeps how often something was asked, for all processes together."""

from datetime import datetime
from typing import Protocol

from cronicorn_domain.model.rate import Rate, Taken


class RateLimits(Protocol):
    """
    A bucket of permissions for each subject, in whatever way a caller names them.

    Promises:

    - A subject that nobody took from has a full bucket.
    - However many take at once, and from however many processes, no more is granted than there is.
    - Each call is a transaction of its own: what is taken stays so, whatever becomes of the rest.
    - Subjects are kept in clear until they are forgotten: who asks for something secret hashes it.
    """

    async def take(self, subject: str, rate: Rate, *, now: datetime, wanted: int = 1) -> Taken:
        """Take as many permissions as there are, at most ``wanted``; a refusal takes nothing."""
        ...

    async def forget(self, *, now: datetime) -> int:
        """Forget the buckets that are full again, and return how many there were."""
        ...
