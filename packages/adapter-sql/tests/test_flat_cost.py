"""A run costs as much after an hour of runs that an old transaction keeps, ENGINE's flat cost."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from statistics import median
from typing import Any, Final

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.lease_statements import START
from cronicorn_adapter_sql.lease_writes import CLAIM
from cronicorn_adapter_sql.settle_statements import SETTLE
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.testing.builders import (
    EPOCH,
    SECOND,
    a_job,
    a_settlement,
    an_endpoint,
    every,
    succeeded,
)
from sqlalchemy import Connection, event, text

ENDPOINTS: Final = 10
YOUNG: Final = 50
OLD: Final = 200
COUNTED: Final = 9
"""So many rounds are counted; of these some look from the floor, as they do every few seconds."""
STEPS: Final = {CLAIM: "write", START: "start", SETTLE: "settle"}

Pages = Mapping[str, list[int]]


@pytest.fixture
async def store(postgres_database: str) -> AsyncIterator[SqlStore]:
    """Give an empty store on PostgreSQL."""
    database = parse_database_url(postgres_database)
    async with open_store(database, vault=Vault(Keyring())) as opened:
        yield opened


async def add(store: SqlStore) -> None:
    """Keep endpoints of one second."""
    job = a_job()
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for number in range(ENDPOINTS):
            endpoint = an_endpoint(job, f"{number}", schedule=every(SECOND), created_at=EPOCH)
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()


async def play(store: SqlStore, rounds: range) -> None:
    """Claim, start and settle everything, once a second."""
    for number in rounds:
        now = EPOCH + number * SECOND
        batch = await store.queue.claim(
            worker=WorkerId("a"), limit=100, lease_for=10 * SECOND, now=now
        )
        tokens = [run.lease.token for run in batch.runs]
        assert len(tokens) == ENDPOINTS
        await store.queue.start(tokens, now=now)
        results = [a_settlement(each, started_at=now, outcome=succeeded()) for each in tokens]
        await store.queue.settle(results, now=now)
        assert await store.queue.next_due() == now + SECOND


@contextmanager
def counting(store: SqlStore) -> Iterator[Pages]:
    """Count the pages that each statement of a run looks at, by carrying it out twice."""
    counted: dict[str, list[int]] = {}
    asking = False

    def note(
        connection: Connection, _cursor: object, statement: str, parameters: Any, *_: Any
    ) -> None:
        nonlocal asking
        if asking or not statement.startswith(("SELECT", "WITH")):
            return
        asking = True
        driver = connection.connection.driver_connection
        alone = driver is not None and driver.autocommit
        connection.exec_driver_sql("BEGIN" if alone else "SAVEPOINT twice")
        explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        (answer,) = connection.exec_driver_sql(explained, parameters).scalar_one()
        connection.exec_driver_sql("ROLLBACK" if alone else "ROLLBACK TO twice")
        asking = False
        counted.setdefault(step_of(statement), []).append(seen(answer["Plan"]))

    event.listen(store.engine.sync_engine, "before_cursor_execute", note)
    yield counted
    event.remove(store.engine.sync_engine, "before_cursor_execute", note)


def step_of(statement: str) -> str:
    """Name a statement."""
    if "FOR UPDATE OF d SKIP LOCKED" in statement:
        return "pick"
    return STEPS.get(statement, "look")


def seen(plan: Mapping[str, Any]) -> int:
    """Return the pages that a plan looks at: to find rows, and to write them."""
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


@asynccontextmanager
async def old_transaction(store: SqlStore) -> AsyncIterator[None]:
    """Hold a snapshot for which PostgreSQL must keep whatever goes from now on."""
    async with store.engine.connect() as old:
        await old.execution_options(isolation_level="REPEATABLE READ")
        await old.execute(text("SELECT pg_current_xact_id()"))
        yield


async def test_what_an_old_transaction_keeps_costs_a_run_nothing(store: SqlStore) -> None:
    """Each step looks at as many pages as before, whatever its endpoints have run since."""
    await add(store)
    async with old_transaction(store):
        await play(store, range(1, YOUNG))
        with counting(store) as young:
            await play(store, range(YOUNG, YOUNG + COUNTED))
        await play(store, range(YOUNG + COUNTED, OLD))
        with counting(store) as old:
            await play(store, range(OLD, OLD + COUNTED))

    assert set(old) == {"pick", "write", "start", "settle", "look"}
    counted = {step: (median(young[step]), median(old[step])) for step in old}
    # An index may have become higher by a page; and once a second a look begins a little below.
    assert [each for each in counted.items() if each[1][1] > 1.3 * each[1][0] + 3] == []
