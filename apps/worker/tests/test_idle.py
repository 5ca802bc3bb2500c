"""A worker for which nothing is due asks the database less than once a second."""

import asyncio
import selectors
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from cronicorn_adapter_memory.clock import LoopClock
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.wakeups import MemoryWakeups
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.tables import due, endpoint_state, endpoints
from cronicorn_adapter_sql.testing.databases import migrated_postgres
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.testing.builders import HOUR, a_job, an_endpoint, every
from cronicorn_worker.composition import Store, egress_guard, open_scheduler, open_store
from cronicorn_worker.settings import LogFormat, LogLevel, read_settings
from cronicorn_worker.watching.log_writer import LogWriter
from cronicorn_worker.watching.showing import LogShow
from sqlalchemy import Connection, Engine, event

SCHEDULES: Final = 100_000
START: Final = timedelta(minutes=5)
"""By then a worker has come up, has pruned once, and its parts are out of step."""
WATCHED: Final = timedelta(minutes=20)
"""As long as it takes for everything that comes seldom to come once."""


class _Still(selectors.DefaultSelector):
    """Once it ``jumps``, time passes only while nobody waits for an answer from outside."""

    ahead = 0.0
    jumps = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for what is outside, or else move on to the next timer at once."""
        outside = len(self.get_map()) > 1  # one is the loop's own
        if not self.jumps or outside or timeout is None or timeout <= 0:
            return super().select(None if self.jumps and outside and timeout != 0 else timeout)
        self.ahead += timeout
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can be made to jump from one timer to the next."""

    def __init__(self) -> None:
        self._still = _Still()
        self._stopped_at: float | None = None
        super().__init__(self._still)

    def time(self) -> float:
        """Return the time, which stands still while the database answers."""
        if self._stopped_at is None:
            return super().time()
        return self._stopped_at + self._still.ahead

    def jump(self) -> None:
        """Let time jump from now on."""
        self._stopped_at = super().time()
        self._still.jumps = True


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Run these tests in a time that jumps."""
    return "asyncio", {"loop_factory": JumpingLoop}


@pytest.fixture
def database(postgres_server: str) -> Iterator[str]:
    """Give a migrated database that is thrown away with all that is in it."""
    with migrated_postgres(postgres_server) as url:
        yield url


class AskingClock(LoopClock):
    """Tells the loop's time, and asks the database for its time as the worker's clock does."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock.now())
        self._clock = clock

    async def synchronize(self) -> None:
        """Ask, and go on by the loop."""
        await self._clock.synchronize()


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count what is sent to the database by its first words; transactions as ``BEGIN``, ``END``."""
    sent: Counter[str] = Counter()

    def statement(_c: object, _cursor: object, text: str, *_: Any) -> None:
        sent[" ".join(text.split()[:12])] += 1

    def begin(connection: Connection) -> None:
        sent["BEGIN"] += not _alone(connection)

    def end(connection: Connection) -> None:
        sent["END"] += not _alone(connection)

    heard: dict[str, Callable[..., Any]] = {
        "before_cursor_execute": statement,
        "begin": begin,
        "commit": end,
        "rollback": end,
    }
    for name, hear in heard.items():
        event.listen(Engine, name, hear)
    yield sent
    for name, hear in heard.items():
        event.remove(Engine, name, hear)


def _alone(connection: Connection) -> bool:
    """Say whether each statement is a transaction, so that none is begun and ended."""
    return connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"


async def keep(store: Store, url: str) -> None:
    """Keep schedules that are due in half an hour: the first as anybody does, and copies of it."""
    now, job = floor_millisecond(store.clock.now()), a_job()
    endpoint = an_endpoint(job, "endpoint", created_at=now, schedule=every(HOUR))
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        await unit.catalog.add_endpoint(endpoint, now=now)
        await unit.commit()
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("SET enable_seqscan = off")  # or each foreign key reads a table
        for table in (endpoints, endpoint_state, due):
            key = "id" if table is endpoints else "endpoint_id"
            names = [column.name for column in table.columns]
            other = {key: "md5(number::text)::uuid", "name": "number::text"}
            values = ", ".join(other.get(name, f"one.{name}") for name in names)
            await connection.execute(
                f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values}"
                f" FROM generate_series(2, {SCHEDULES}) AS number, {table.name} AS one"
            )


@asynccontextmanager
async def idle_worker(store: Store) -> AsyncIterator[None]:
    """Let a worker work until the end of the block."""
    writer = LogWriter(LogFormat.JSON, LogLevel.ERROR)
    show = LogShow(writer, summary_as_text=False, tell_plans=False)
    async with open_scheduler(store, egress_guard([]), show, read_settings({})) as scheduler:
        running = asyncio.create_task(scheduler.run())
        yield
        scheduler.request_stop()
        await running


async def test_an_idle_worker_asks_less_than_once_a_second(database: str) -> None:
    """With a hundred thousand schedules of which none is due, whatever else a worker sees to."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, JumpingLoop)
    async with open_store(str(parse_database_url(database)), None) as opened:
        await keep(opened, database)
        loop.jump()
        clock = AskingClock(opened.clock)
        # Who listens for others waits for the outside all the time, and would let no time pass.
        store = replace(opened, clock=clock, wakeups=MemoryWakeups(MemoryStore()))
        async with idle_worker(store):
            await clock.sleep_until(clock.now() + START)
            with counting() as sent:
                await clock.sleep_until(clock.now() + WATCHED)

    assert sent.total() <= WATCHED / timedelta(seconds=1), sent.most_common()
    assert len(sent) > 5, "everything that comes seldom came"
