"""Every system that takes part, in the order of the tables."""

from typing import Final

from bench.systems.cronicorn import Cronicorn
from bench.systems.floor_http import FloorHttp
from bench.systems.floor_sql import FloorSql
from bench.systems.peer import Peer
from bench.systems.system import System
from bench.work import AT_ONCE

_IN_MEMORY: Final = "it keeps everything in memory: there is no database"
_NO_VACUUM: Final = (("old transaction", _IN_MEMORY),)

SYSTEMS: Final[tuple[System, ...]] = (
    FloorSql(),
    FloorHttp(),
    Cronicorn(postgres=True),
    Cronicorn(postgres=True, processes=2),
    Cronicorn(postgres=False),
    Cronicorn(postgres=False, processes=2),
    Peer(
        name="apscheduler3-memory",
        title="APScheduler 3 in memory",
        settings="AsyncIOScheduler, MemoryJobStore: nothing survives a restart",
        script="apscheduler3",
        postgres=False,
        store_pace=0.5,
        unable=_NO_VACUUM,
    ),
    Peer(
        name="apscheduler3-pg",
        title="APScheduler 3 on PostgreSQL",
        settings="AsyncIOScheduler, SQLAlchemyJobStore on psycopg; no history is kept",
        script="apscheduler3",
        postgres=True,
        store_pace=3.0,
    ),
    Peer(
        name="apscheduler4-memory",
        title="APScheduler 4 (pre-release) in memory",
        settings="AsyncScheduler, MemoryDataStore: nothing survives a restart",
        script="apscheduler4",
        postgres=False,
        unable=_NO_VACUUM,
    ),
    Peer(
        name="apscheduler4-pg",
        title="APScheduler 4 (pre-release) on PostgreSQL",
        settings="AsyncScheduler, SQLAlchemyDataStore and AsyncpgEventBroker on asyncpg",
        script="apscheduler4",
        postgres=True,
        store_pace=5.0,
    ),
    Peer(
        name="procrastinate",
        title="Procrastinate",
        settings=f"each job defers its follower; concurrency {AT_ONCE}, polling every 0.1 s",
        script="procrastinate_jobs",
        postgres=True,
        store_pace=3.0,
        parked_pace=0.1,
    ),
    Peer(
        name="pgqueuer",
        title="PgQueuer",
        settings="each job enqueues its follower; asyncpg pool,"
        f" batches of {AT_ONCE // 2}, {AT_ONCE} at once",
        script="pgqueuer_jobs",
        postgres=True,
        parked_pace=0.1,
    ),
)

PEERS: Final[tuple[Peer, ...]] = tuple(each for each in SYSTEMS if isinstance(each, Peer))
DURABLE: Final = frozenset(peer.name for peer in PEERS if peer.postgres)
"""The peers that keep their work where a restart does not lose it."""
IN_MEMORY: Final = frozenset(peer.name for peer in PEERS if not peer.postgres)


def select(names: list[str]) -> list[System]:
    """
    Return the systems of those names, in the order of the tables; all if none is named.

    Raises:
        ValueError: there is none of a name.
    """
    known = {system.name for system in SYSTEMS}
    if unknown := sorted(set(names) - known):
        raise ValueError(f"no system {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return [system for system in SYSTEMS if not names or system.name in names]
