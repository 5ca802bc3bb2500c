"""The database's time, which all workers share: measured now and then, counted on in between."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.engine import read_only, single_statements
from cronicorn_adapter_sql.errors import translated

_ROUND_TRIPS: Final = 3
"""How often one measurement asks; the shortest round trip is the one that tells most."""

_WAITED_OUT: Final = timedelta(seconds=1)
"""
How far a measurement may turn time back without being seen to: so much is doubt of measuring.
Beyond it the database's clock was set, and is followed: to stand still could take years.
"""

_EVER: Final = datetime.min.replace(tzinfo=UTC)


def host_time() -> datetime:
    """Return the time of the machine's wall clock."""
    return datetime.now(UTC)  # noqa: TID251  the one place that asks the machine


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measurement:
    """What the store's time was at a reading of the monotonic clock, and the doubt about it."""

    instant: datetime
    at: float
    round_trip: float


class DatabaseClock:
    """
    Tells the database's time without asking it each time.

    ``now`` is the database's instant at the last measurement plus the monotonic time since its
    answer arrived: behind by its way back, and never ahead, since nothing may be early. On
    PostgreSQL nothing goes by the machine's wall clock: it is read only to tell its skew. On
    SQLite, where all who share the file are on one machine, its wall clock is the database's.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        wall_clock: Callable[[], datetime] = host_time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = single_statements(read_only(engine))
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self._last: _Measurement | None = None
        self._not_before = _EVER
        self._measured = asyncio.Event()

    @classmethod
    async def synchronized(cls, engine: AsyncEngine) -> "DatabaseClock":
        """
        Return a clock that has measured once, and so can tell the time.

        Raises:
            StoreUnavailable: the database could not be asked.
        """
        clock = cls(engine)
        await clock.synchronize()
        return clock

    def now(self) -> datetime:
        """
        Return the present instant, which is not before one returned earlier.

        Only where the database's own clock was turned back by more than a second it follows.

        Raises:
            RuntimeError: there was no measurement yet, which is a mistake of the caller's.
        """
        return max(self._counted(), self._not_before)

    def skew(self) -> timedelta:
        """Return how far the machine's wall clock is ahead. Raises as ``now`` does."""
        return self._wall_clock() - self._counted()

    def _counted(self) -> datetime:
        if self._last is None:
            raise RuntimeError("the clock must be synchronized before it can tell the time")
        return self._last.instant + timedelta(seconds=self._monotonic() - self._last.at)

    async def sleep_until(self, instant: datetime) -> None:
        """Return at ``instant`` or just after, whatever is measured in between."""
        # The event loop's timers may fire a little early, so one sleep need not be enough.
        while self.now() < instant:
            with suppress(TimeoutError):
                async with asyncio.timeout((instant - self._counted()).total_seconds()):
                    await self._measured.wait()

    async def synchronize(self) -> None:
        """
        Measure the database's time anew.

        Raises:
            StoreUnavailable: it could not be asked. The last measurement stands.
        """
        if self._engine.dialect.name == "sqlite":
            at = self._monotonic()
            measurement = _Measurement(instant=self._wall_clock(), at=at, round_trip=0.0)
        else:
            measurement = await self._ask()
        self._take(measurement)

    def _take(self, measurement: _Measurement) -> None:
        """Go by a new measurement; a small step back is waited out, standing still."""
        before = None if self._last is None else self.now()
        self._last = measurement
        self._not_before = _EVER
        if before is not None and before - self._counted() <= _WAITED_OUT:
            self._not_before = before
        self._measured.set()
        self._measured = asyncio.Event()

    async def _ask(self) -> _Measurement:
        measurements: list[_Measurement] = []
        with translated():
            async with self._engine.connect() as connection:
                for _ in range(_ROUND_TRIPS):
                    asked = self._monotonic()
                    answer = await connection.execute(text("SELECT clock_timestamp()"))
                    instant: datetime = answer.scalar_one()
                    answered = self._monotonic()
                    measurements.append(
                        _Measurement(
                            instant=instant.astimezone(UTC),
                            at=answered,
                            round_trip=answered - asked,
                        )
                    )
        return min(measurements, key=lambda one: one.round_trip)
