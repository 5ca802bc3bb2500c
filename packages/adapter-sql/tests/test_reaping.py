"""A reaper's answer proves that leases could be renewed."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import EngineLimits, open_engine
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.store import store_over
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.testing.builders import EPOCH
from psycopg import sql

IMPATIENT = EngineLimits(lock=timedelta(milliseconds=100))


async def look(url: str) -> None:
    """Reap without taking anything."""
    async with open_engine(parse_database_url(url), limits=IMPATIENT) as engine:
        await store_over(engine, vault=Vault(Keyring())).queue.reap(limit=0, now=EPOCH)


async def test_a_locked_file_gives_no_answer(sqlite_database: str) -> None:
    """While another connection writes, no renewal goes through, and no reap (trap T31)."""
    path = sqlite_database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await look(sqlite_database)

    await look(sqlite_database)


@pytest.mark.parametrize("mode", ["SHARE", "ACCESS EXCLUSIVE"])
async def test_a_locked_table_gives_no_answer(postgres_database: str, mode: str) -> None:
    """While someone locks the leases against writes, no reap is answered (trap T31)."""
    with psycopg.connect(postgres_database) as writer:
        writer.execute(sql.SQL("LOCK TABLE leases IN {} MODE").format(sql.SQL(mode)))
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            await look(postgres_database)

    await look(postgres_database)


async def test_a_standby_gives_no_answer(postgres_database: str) -> None:
    """Where nothing can be written no reap is answered, although nothing has ended (trap T31)."""
    separator = "&" if "?" in postgres_database else "?"
    standby = f"{postgres_database}{separator}options=-c%20default_transaction_read_only%3Don"
    with pytest.raises(StoreUnavailable, match="read-only"):
        await look(standby)
