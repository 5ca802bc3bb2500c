"""PgBouncer in transaction mode, before a PostgreSQL server, with fewer sessions than clients."""

from collections.abc import Iterator

import psycopg
import pytest
from cronicorn_adapter_sql.testing.databases import emptied_postgres, migrated_postgres
from cronicorn_adapter_sql.testing.pooler import REFUSES, started_pooler, through
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give a PostgreSQL server for the whole run."""
    with throwaway_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def pooler_port(
    request: pytest.FixtureRequest, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """Give the port of a pooler: one that refuses a session's settings, unless told otherwise."""
    folder = tmp_path_factory.mktemp("pgbouncer")
    with started_pooler(postgres_url, folder, ignored=getattr(request, "param", REFUSES)) as port:
        yield port


@pytest.fixture(scope="session")
def migrated_database(postgres_url: str) -> Iterator[str]:
    """Give the migrated database that tests use one after another, without the pooler."""
    with migrated_postgres(postgres_url) as url:
        yield url


@pytest.fixture
def direct_url(migrated_database: str) -> Iterator[str]:
    """Give a database that the test has to itself, empty; this URL is not the pooler's."""
    with emptied_postgres(migrated_database, disconnect=False) as url:
        yield url


@pytest.fixture
def pooled_url(direct_url: str, pooler_port: int) -> str:
    """Give the same database behind the pooler."""
    return through(pooler_port, direct_url)


@pytest.fixture
def administrator(direct_url: str) -> Iterator[psycopg.Connection]:
    """Give a connection to the server itself."""
    with psycopg.connect(direct_url, autocommit=True) as connection:
        yield connection
