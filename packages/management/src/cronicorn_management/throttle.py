"""Keeps whoever asks too often from asking, at little cost to those who do not."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.errors import TooManyRequests
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.rate import Rate, Taken
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.rate_limits import RateLimits

HANDFULS: Final = 100
"""A process takes this part of a full bucket at once, so that not each request is a write."""
HAND_LASTS: Final = timedelta(minutes=10)
"""So long a process keeps what it took, for those who ask now and then."""
KNOWN_MOST: Final = 10_000
"""So many subjects a process remembers; of one that it forgets, no more than a handful is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """
    Whether it may be asked, and how the bucket stands then.

    Attributes:
        limit: How many permissions a full bucket holds.
        left: How many are left.
        full_in: How long until it is full, if nobody takes more.
        wait: None if it may be asked; else how long until it may.
    """

    limit: int
    left: int
    full_in: timedelta
    wait: timedelta | None

    def check(self) -> None:
        """Raise ``TooManyRequests`` unless it may be asked."""
        if self.wait is not None:
            raise TooManyRequests(self.wait)


@dataclass(slots=True)
class _Hand:
    """What a process has in its hand of one bucket."""

    alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    rate: Rate | None = None
    at: datetime | None = None
    held: int = 0
    taken: Taken | None = None

    def left(self, rate: Rate, taken: Taken, now: datetime) -> int:
        """Count what the bucket holds, with what has come back since it was asked, and the hand."""
        back = 0 if self.at is None else max(NO_TIME, now - self.at) // rate.step
        return min(rate.count, taken.left + back + self.held)

    def knows(self, rate: Rate, now: datetime) -> Taken | None:
        """Return what was taken last, if it still answers; else the bucket has to be asked."""
        if self.taken is None or self.at is None or self.rate != rate:
            return None
        if self.held:
            return self.taken if now < self.at + HAND_LASTS else None
        refused = self.taken.granted == 0 and now < self.taken.next_at
        return self.taken if refused else None


class Throttle:
    """
    Asks the rate limits that all processes share, by handfuls.

    What is in a hand is counted as taken, so that in the long run no more is granted than a rate
    allows; at once it may be a handful of each process more, since a bucket fills up beside hands.
    A rate of fewer than ``2 * HANDFULS`` is taken one by one, to the last one. A refusal is
    remembered until it is over: who goes on asking costs nobody anything.
    """

    def __init__(self, limits: RateLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._hands: OrderedDict[str, _Hand] = OrderedDict()

    async def ask(self, subject: str, rate: Rate) -> Admission:
        """Take one permission, and say what came of it. Raises ``StoreUnavailable``."""
        hand = self._hand(subject)
        async with hand.alone:
            now = self._clock.now()
            taken = hand.knows(rate, now)
            if taken is None:
                handful = max(1, rate.count // HANDFULS)
                taken = await self._limits.take(subject, rate, now=now, wanted=handful)
                hand.rate, hand.at, hand.held, hand.taken = rate, now, taken.granted, taken
            admitted = hand.held > 0
            hand.held -= admitted
            return Admission(
                limit=rate.count,
                left=hand.left(rate, taken, now),
                full_in=max(NO_TIME, taken.full_at - now),
                wait=None if admitted else taken.next_at - now,
            )

    async def tidy(self) -> int:
        """Forget, for all processes, the buckets that are full; return how many there were."""
        return await self._limits.forget(now=self._clock.now())

    def _hand(self, subject: str) -> _Hand:
        hand = self._hands.get(subject)
        if hand is None:
            hand = self._hands[subject] = _Hand()
            if len(self._hands) > KNOWN_MOST:
                self._hands.popitem(last=False)
        self._hands.move_to_end(subject)
        return hand
