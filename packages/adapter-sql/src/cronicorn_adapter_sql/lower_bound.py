"""From where on a claim or a reap looks, so that it does not walk over what is long gone."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

FLOOR: Final = datetime.min.replace(tzinfo=UTC)
SLACK: Final = timedelta(milliseconds=25)
"""So far below what was seen the bound stays: each look walks over what left that stretch."""
LATE: Final = timedelta(milliseconds=250)
"""So often a look begins so far below the bound: for what others commit a little late."""
NEAR: Final = timedelta(seconds=10)
"""How far below the bound a small sweep looks."""
NEAR_EVERY: Final = timedelta(seconds=1)
"""How often a look for the next instant is a small sweep: it finds what a claim passed over."""
SWEEP_EVERY: Final = timedelta(seconds=3)
SHARE: Final = 100
"""Sweeps from the floor come so seldom that a hundredth of the time goes into them."""
QUICK: Final = timedelta(milliseconds=100)
"""A sweep from the floor that takes longer is no part of a look any more, but made beside it."""
SWEEP_AT_LEAST_EVERY: Final = timedelta(seconds=15)
"""However long they take, what came back from far below is found after so long."""


@dataclass(slots=True, eq=False)
class Look:
    """
    One look at the rows from ``since`` on.

    ``first`` is the earliest row that it found; ``noted`` was committed while it went on.
    """

    since: datetime
    first: datetime | None = None
    noted: datetime | None = None


class LowerBound:
    """
    Where the first row of a table in the order of time is to be looked for; one for each process.

    Rows leave at the front. While an old transaction is open somewhere, PostgreSQL must keep what
    they leave in the index, and who looks from the floor walks over all of it. So a look begins at
    the first row that the last one found. What comes back below that (a claim that was undone) is
    found by sweeps every few seconds: small ones, and, as far as they are quick, from the floor.
    The shorter the stretch, the more often it is swept, so that all of it costs little. Where
    the sweep from the floor is long, as an old transaction has kept millions of rows, no look waits
    for it: it is made beside them, if there is somebody to. Then the very first look, which knows
    nothing, is made before any that matters, and given up when it takes too long (``begin_near``).
    """

    def __init__(
        self, *, beside: bool = False, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``beside``: somebody makes long sweeps, and asks by ``sweep_is_due`` when."""
        self._beside = beside
        self._monotonic = monotonic
        self._lowest = FLOOR
        self._looks: set[Look] = set()
        self._last = FLOOR
        self._last_reading = monotonic()
        self._late_from = FLOOR
        self._ahead_from = -math.inf
        self._near_from = FLOOR
        self._floor_from = FLOOR
        self._slow = False

    @property
    def lowest(self) -> datetime:
        """The instant below which no row is known."""
        return self._lowest

    @property
    def is_unknown(self) -> bool:
        """Whether a look from the floor is to be made by itself, before any that matters."""
        return self._beside and self._lowest == FLOOR

    def instant(self) -> datetime:
        """Return what instant it is, going by the last look's."""
        return self._last + timedelta(seconds=self._monotonic() - self._last_reading)

    @contextmanager
    def looking_ahead(self) -> Iterator[Look]:
        """
        Look for the next row, whenever it is due, within the block, and tell it what was found.

        It begins at the lowest, and once a second a little below it; and from the floor where it is
        time for that, since a process for which nothing is due looks no other way.
        """
        began, now = self._monotonic(), self.instant()
        look = Look(self._ahead(began, now))
        yield look
        if look.first is not None:
            self.note(look.first)  # a look passed over it while somebody held it
        if look.since == FLOOR:
            self._note_sweep(now, timedelta(seconds=self._monotonic() - began))

    def _ahead(self, reading: float, now: datetime) -> datetime:
        if now >= self._floor_from and not self._slow:
            return FLOOR
        if reading < self._ahead_from:
            return self._lowest
        self._ahead_from = reading + NEAR_EVERY.total_seconds()
        return self._below(NEAR)

    def _below(self, stretch: timedelta) -> datetime:
        return self._lowest - stretch if self._lowest > FLOOR + stretch else FLOOR

    @contextmanager
    def looking(self, now: datetime) -> Iterator[Look]:
        """
        Look at the rows from an instant on, within the block, and tell it the first that was found.

        A block that fails has seen nothing.
        """
        look = Look(self._since(now))
        began = self._monotonic()
        self._last, self._last_reading = now, began
        self._looks.add(look)
        try:
            yield look
        finally:
            self._looks.discard(look)
        self._move(look, now, took=timedelta(seconds=self._monotonic() - began))

    def _since(self, now: datetime) -> datetime:
        turned_back = self._last - now > SWEEP_EVERY
        if turned_back and self._slow:
            self.begin_near(now)
            return self._lowest
        if turned_back or (now >= self._floor_from and not self._slow):
            return FLOOR
        if now >= self._near_from:
            self._near_from = now + SWEEP_EVERY
            return self._below(NEAR)
        if now >= self._late_from:
            self._late_from = now + LATE
            return self._below(LATE)
        return self._lowest

    def _move(self, look: Look, now: datetime, *, took: timedelta) -> None:
        known = [each for each in (look.first, look.noted, now) if each is not None]
        self._lowest = max(min(known), FLOOR + SLACK) - SLACK
        if look.since == FLOOR:
            self._note_sweep(now, took)
            self._near_from = now + SWEEP_EVERY
            self._late_from = now + LATE

    def _note_sweep(self, now: datetime, took: timedelta) -> None:
        self._slow = self._beside and took > QUICK
        seldom = min(took * SHARE, SWEEP_AT_LEAST_EVERY)
        self._floor_from = now + max(SWEEP_EVERY, seldom)

    def begin_near(self, now: datetime) -> None:
        """
        Have looks begin a little before an instant, as one from the floor takes too long.

        What lies below that is found by a sweep, which is due at once.
        """
        known = self._lowest if self._lowest > FLOOR else now
        self._lowest = min(known, now - NEAR)
        self._slow, self._floor_from = True, FLOOR
        self._near_from = now + SWEEP_EVERY
        self._late_from = now + LATE

    def put_off_sweep(self, until: datetime) -> None:
        """Have no sweep made before an instant."""
        self._floor_from = until

    def sweep_is_due(self, now: datetime) -> bool:
        """Say whether somebody has to sweep from the floor beside the looks, by ``sweeping``."""
        return self._slow and now >= self._floor_from

    @contextmanager
    def sweeping(self, now: datetime) -> Iterator[Look]:
        """
        Look from the floor for the first row, within the block, and tell it what was found.

        Meanwhile no other sweep is due. A block that fails has seen nothing.
        """
        self._floor_from = now + SWEEP_AT_LEAST_EVERY
        look, began = Look(FLOOR), self._monotonic()
        yield look
        if look.first is not None:
            self.note(look.first)
        self._note_sweep(now, timedelta(seconds=self._monotonic() - began))

    def note(self, instant: datetime) -> None:
        """Take a row that this process has committed or seen: no look, begun or new, misses it."""
        self._lowest = min(self._lowest, instant)
        for look in self._looks:
            look.noted = instant if look.noted is None else min(look.noted, instant)
