"""Desks over real databases: each has an engine of its own, as another process would."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from cronicorn_adapter_memory.clock import LoopClock
from cronicorn_adapter_memory.egress_rules import EveryUrlAllowed
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring, parse_keys
from cronicorn_adapter_sql.store import open_store
from cronicorn_adapter_sql.testing.databases import (
    copied_sqlite,
    emptied_postgres,
    migrated_postgres,
    migrated_sqlite,
)
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from cronicorn_adapter_sql.vault import HeaderVault
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_management.allowance import Allowance
from cronicorn_management.desk import Desk

OpenDesk = Callable[[], Awaitable[Desk]]


@pytest.fixture(scope="session")
def migrated_postgres_database() -> Iterator[str]:
    """Give a migrated PostgreSQL database."""
    with throwaway_postgres() as server, migrated_postgres(server) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file; copy it, do not open it."""
    return migrated_sqlite(tmp_path_factory.mktemp("template"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a migrated and empty database, on either dialect in turn."""
    if request.param == "sqlite":
        yield copied_sqlite(
            request.getfixturevalue("sqlite_template"), request.getfixturevalue("tmp_path")
        )
    else:
        with emptied_postgres(request.getfixturevalue("migrated_postgres_database")) as url:
            yield url


@pytest.fixture
async def open_desk(database: str) -> AsyncIterator[OpenDesk]:
    """Give what opens desks over one database; its tenants may have three endpoints."""
    clock = LoopClock(EPOCH)
    async with AsyncExitStack() as opened:

        async def open_desk() -> Desk:
            vault = HeaderVault(Keyring(parse_keys("test:" + "A" * 43 + "=")))
            store = await opened.enter_async_context(
                open_store(parse_database_url(database), vault=vault)
            )
            return Desk(
                units=store.units,
                clock=clock,
                rules=EveryUrlAllowed(),
                allowances=lambda _: Allowance(endpoints=3),
            )

        yield open_desk
