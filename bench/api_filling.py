"""
Fills a database as months of work would leave it, without a run: by statements of PostgreSQL alone.

A job and an endpoint that the API made are copied, and their runs are written to the past, day by
day, each day with its bodies, slots that were not run, and statistics.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from cronicorn_adapter_sql.closing import COMMITTED_WITHIN
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.history_room import SqlHistoryRoom
from cronicorn_adapter_sql.looking_widely import look_widely
from cronicorn_adapter_sql.roll_ups import hour_of, open_from
from cronicorn_adapter_sql.store import open_store
from cronicorn_adapter_sql.totals import total_up
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_domain.instants import MICROSECOND, MILLISECOND
from cronicorn_domain.ports.run_log import ROLL_UPS_KEPT

from bench.filling_statements import (
    CLOSED,
    COPIES,
    FILLED,
    FIRST_MIDNIGHT,
    NEWEST,
    OF_A_WINDOW,
    STATES,
)
from bench.indexes_later import indexes_later

DAYS: Final = 30
"""So many days the runs are spread over, up to the newest."""
_DAY: Final = timedelta(days=1)
_AT_ONCE: Final = 2
_PRUNED: Final = 5000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HISTORY: Final = (
    "runs",
    "run_bodies",
    "slot_records",
    "roll_ups",
    "job_roll_ups",
    "endpoint_days",
    "job_days",
)
_SETTINGS: Final = "-c synchronous_commit=off -c work_mem=256MB -c jit=off -c timezone=UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How much there is to be: of jobs with so many endpoints each, and of runs of all of them."""

    jobs: int
    endpoints: int
    runs: int

    @property
    def each(self) -> int:
        """So many runs each endpoint has."""
        return self.runs // (self.jobs * self.endpoints)

    @property
    def apart(self) -> timedelta:
        """So far apart they are."""
        return timedelta(days=DAYS) / self.each


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A tenant that was given months of work, and what all of it was copied from."""

    tenant: str
    job: str
    endpoint: str
    filling: Filling


def make_room(url: str, *, now: datetime) -> None:
    """Make the partitions of the days that are to be filled."""
    asyncio.run(_make_room(url, now))


def fill(url: str, fillings: Mapping[str, Filling], *, now: datetime) -> None:
    """
    Copy endpoints, by their ids, and their jobs, and give each copy its share of the runs.

    Slots are spread evenly; every twentieth run failed. Statistics are by minutes for two days and
    by hours before, and in sums but for the last hours, as a worker's pruning leaves them.
    """
    now = _whole(now)
    made = {
        "folded": hour_of(now - ROLL_UPS_KEPT["minute"]),
        "closed": open_from(now - COMMITTED_WITHIN),
    }
    with _connected(url) as connection:
        for endpoint, filling in fillings.items():
            given = {"endpoint": endpoint, "jobs": filling.jobs, "endpoints": filling.endpoints}
            for statement in COPIES:
                connection.execute(statement, given)
        connection.execute("ANALYZE jobs, endpoints, endpoint_state")
        connection.execute(CLOSED, made)
        with indexes_later(connection, *_HISTORY):
            _fill_days(url, fillings, now=now, made=made)
        for endpoint, filling in fillings.items():
            lately = _window(endpoint, filling, since=now - filling.apart - _DAY, until=now)
            connection.execute(STATES, {**lately, "each": filling.each})
        connection.execute(FIRST_MIDNIGHT)
    asyncio.run(_total_up(url, made["closed"]))


def filled_in(url: str) -> Sequence[Filled]:
    """Return the tenants that a database was filled with, the largest first."""
    with _connected(url) as connection:
        found = connection.execute(FILLED).fetchall()
    assert found, "there is nothing in it: fill the database first, with `bench fill`"
    return [
        Filled(
            tenant=str(tenant),
            job=str(job),
            endpoint=str(endpoint),
            filling=Filling(jobs=jobs, endpoints=endpoints // jobs, runs=int(runs)),
        )
        for tenant, job, endpoint, jobs, endpoints, runs in found
    ]


def top_up(url: str, *, now: datetime) -> None:
    """Write what would have run since a database was filled, and add it up as workers do."""
    for filled in filled_in(url):
        with _connected(url) as connection:
            (last,) = connection.execute(NEWEST, {"endpoint": filled.endpoint}).fetchone() or (
                None,
            )
            assert last is not None
            given = _window(
                filled.endpoint, filled.filling, since=last + MILLISECOND, until=_whole(now)
            )
            for statement in OF_A_WINDOW:
                connection.execute(statement, {**given, "folded": last, "closed": last})
    asyncio.run(_prune(url, now))


async def _prune(url: str, now: datetime) -> None:
    """Do with statistics what a worker does every now and then."""
    database = parse_database_url(url)
    async with open_store(database, vault=vault_for(database, secret_key=None)) as store:
        left = True
        while left:
            async with store.units.begin() as unit:
                pruned = await unit.runs.prune(before=None, limit=_PRUNED, now=now)
                await unit.commit()
            left = pruned.most >= _PRUNED


def settle_down(url: str) -> None:
    """Do what autovacuum would have done by then."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


async def _make_room(url: str, now: datetime) -> None:
    async with open_engine(parse_database_url(url)) as engine:
        await SqlHistoryRoom(engine).prepare(
            until=now.astimezone(UTC) + timedelta(days=1), now=now - timedelta(days=DAYS)
        )


async def _total_up(url: str, until: datetime) -> None:
    """Make the totals of all midnights that there would have been."""
    async with open_engine(parse_database_url(url)) as engine:
        more = True
        while more:
            async with engine.begin() as connection:
                await look_widely(connection)
                more = await total_up(connection, until)


def _fill_days(
    url: str, fillings: Mapping[str, Filling], *, now: datetime, made: Mapping[str, datetime]
) -> None:
    """Write day by day: what is sorted and added up then fits into memory."""

    def write(given: Mapping[str, object]) -> None:
        with _connected(url) as connection:
            for statement in OF_A_WINDOW:
                connection.execute(statement, {**given, **made})

    windows = [
        _window(endpoint, filling, since=since, until=until)
        for endpoint, filling in fillings.items()
        for since, until in _days(now - filling.apart * filling.each, now)
    ]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for _ in threads.map(write, windows):
            pass


def _days(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Part a span at the midnights of UTC."""
    while since < until:
        midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
        behind = min(until, midnight + _DAY)
        yield since, behind
        since = behind


def _window(
    endpoint: str, filling: Filling, *, since: datetime, until: datetime
) -> Mapping[str, object]:
    return {
        "endpoint": endpoint,
        "since": since,
        "until": until,
        "since_us": (since - _EPOCH) // MICROSECOND,
        "until_us": (until - _EPOCH) // MICROSECOND,
        "apart": filling.apart // MICROSECOND,
    }


def _whole(instant: datetime) -> datetime:
    """Return the millisecond an instant lies in: slots are whole ones, and none is lost so."""
    return instant.astimezone(UTC).replace(microsecond=instant.microsecond // 1000 * 1000)


def _connected(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, options=_SETTINGS)
