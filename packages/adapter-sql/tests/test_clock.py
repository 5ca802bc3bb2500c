"""The database's clock."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from cronicorn_adapter_sql.clock import DatabaseClock, host_time
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.testing.databases import empty_postgres
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.testing.clock_contract import ClockContract
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Stopwatch:
    """A monotonic clock that stands until it is moved, and moves a little at each look if told."""

    def __init__(self, *, step: float = 0.0) -> None:
        self.seconds = 1000.0
        self.step = step

    def __call__(self) -> float:
        """Return the reading."""
        self.seconds += self.step
        return self.seconds


def wrong_by(error: timedelta) -> Callable[[], datetime]:
    """Return a wall clock that is wrong."""
    return lambda: host_time() + error


async def database_time(engine: AsyncEngine) -> datetime:
    """Ask PostgreSQL for its time."""
    async with engine.connect() as connection:
        instant: datetime = (
            await connection.execute(text("SELECT clock_timestamp()"))
        ).scalar_one()
        return instant


class TestDatabaseClock(ClockContract):
    """What holds for every clock, on either dialect."""

    @pytest.fixture
    async def clock(self, engine: AsyncEngine) -> Clock:
        """Provide a clock over a database."""
        return await DatabaseClock.synchronized(engine)


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_worker_clock_wrong_by_minutes_changes_nothing(
    postgres_database: str, minutes: int
) -> None:
    """On PostgreSQL the time is the server's, whatever the machine believes (trap T26)."""
    async with open_engine(parse_database_url(postgres_database)) as engine:
        clock = DatabaseClock(engine, wall_clock=wrong_by(timedelta(minutes=minutes)))
        before = await database_time(engine)
        await clock.synchronize()
        now = clock.now()
        after = await database_time(engine)

    assert before - timedelta(seconds=1) < now < after + timedelta(seconds=1)


async def test_a_clock_is_never_ahead_of_the_database(postgres_database: str) -> None:
    """The server's instant is taken for that of its answer's arrival, however long it was away."""
    async with open_engine(parse_database_url(postgres_database)) as engine:
        stopwatch = Stopwatch(step=2.0)
        clock = DatabaseClock(engine, monotonic=stopwatch)
        await clock.synchronize()
        stopwatch.step = 0.0
        last_answer = await database_time(engine)

        # Three questions, two looks at the stopwatch each: the first of equally long round trips
        # counts, and its answer arrived eight seconds ago by the stopwatch.
        now = clock.now()

    assert timedelta(seconds=7) < now - last_answer <= timedelta(seconds=8)


async def test_between_measurements_monotonic_time_is_added(engine: AsyncEngine) -> None:
    """After a measurement the time goes on as the monotonic clock does."""
    stopwatch = Stopwatch()
    clock = DatabaseClock(engine, monotonic=stopwatch)
    await clock.synchronize()
    measured = clock.now()

    stopwatch.seconds += 90.5

    assert clock.now() == measured + timedelta(seconds=90.5)
    assert clock.now().tzinfo is UTC


async def test_on_sqlite_the_host_is_asked_when_measuring_only(sqlite_database: str) -> None:
    """The host's clock is the file's; put right, it counts from the next measurement (trap T26)."""
    wall = NOON
    stopwatch = Stopwatch()
    async with open_engine(parse_database_url(sqlite_database)) as engine:
        clock = DatabaseClock(engine, wall_clock=lambda: wall, monotonic=stopwatch)
        await clock.synchronize()
        wall = NOON + timedelta(hours=1)
        stopwatch.seconds += 1

        assert clock.now() == NOON + timedelta(seconds=1)
        await clock.synchronize()
        assert clock.now() == NOON + timedelta(hours=1)


async def test_a_failed_measurement_changes_nothing(postgres_url: str) -> None:
    """When the database does not answer, the last measurement stands."""
    stopwatch = Stopwatch()
    with empty_postgres(postgres_url) as url:
        async with open_engine(parse_database_url(url)) as engine:
            clock = DatabaseClock(engine, monotonic=stopwatch)
            await clock.synchronize()
            measured = clock.now()
            with psycopg.connect(postgres_url, autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [engine.url.database],
                )

            with pytest.raises(StoreUnavailable):
                await clock.synchronize()

            assert clock.now() == measured


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (timedelta(milliseconds=200), timedelta(milliseconds=200)),
        (timedelta(minutes=10), timedelta(0)),
    ],
)
async def test_a_small_step_back_is_waited_out_and_a_great_one_followed(
    sqlite_database: str, error: timedelta, told: timedelta
) -> None:
    """Time stands still for the doubt of measuring; a clock put right by minutes is believed."""
    wall = NOON + error
    stopwatch = Stopwatch()
    async with open_engine(parse_database_url(sqlite_database)) as engine:
        clock = DatabaseClock(engine, wall_clock=lambda: wall, monotonic=stopwatch)
        await clock.synchronize()
        wall = NOON
        await clock.synchronize()
        at_once = clock.now()
        await clock.sleep_until(at_once)
        stopwatch.seconds += 0.1
        soon = clock.now()
        stopwatch.seconds += 0.9
        later = clock.now()

    assert at_once == NOON + told
    assert soon == max(at_once, NOON + timedelta(seconds=0.1))
    assert later == NOON + timedelta(seconds=1)


async def test_a_sleep_takes_a_new_measurement_into_account(sqlite_database: str) -> None:
    """Who sleeps until an instant wakes when a measurement tells that it has come."""
    wall = NOON
    async with open_engine(parse_database_url(sqlite_database)) as engine:
        clock = DatabaseClock(engine, wall_clock=lambda: wall, monotonic=Stopwatch())
        await clock.synchronize()
        sleeper = asyncio.create_task(clock.sleep_until(NOON + timedelta(hours=1)))
        await asyncio.sleep(0)
        wall = NOON + timedelta(minutes=59)
        await clock.synchronize()
        await asyncio.sleep(0)
        asleep_too_early = not sleeper.done()
        wall = NOON + timedelta(hours=1)
        await clock.synchronize()
        await sleeper

    assert asleep_too_early


async def test_the_far_future_can_be_awaited(engine: AsyncEngine) -> None:
    """A sleep of thousands of years begins, and can be given up."""
    clock = await DatabaseClock.synchronized(engine)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await clock.sleep_until(datetime.max.replace(tzinfo=UTC))


async def test_it_must_be_synchronized_first(engine: AsyncEngine) -> None:
    """A clock that has measured nothing says so instead of guessing."""
    with pytest.raises(RuntimeError, match="synchronized"):
        DatabaseClock(engine).now()
