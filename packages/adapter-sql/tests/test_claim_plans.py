"""How PostgreSQL goes about a claim, whatever else its tables hold, trap T27."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import pytest
from cronicorn_adapter_sql.breakers import NEVER
from cronicorn_adapter_sql.claim_statements import CLAIM_STATEMENTS, FRESH_TENANTS, NEXT_TENANTS
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.lanes import FIRST, IN_A_LANE, LANES
from cronicorn_adapter_sql.lower_bound import FLOOR
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.testing.builders import EPOCH, HOUR, SECOND, a_job, an_endpoint, every
from sqlalchemy import TextualSelect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

PICK: Final = CLAIM_STATEMENTS["postgresql"].all
NOW: Final = EPOCH + HOUR
AHEAD: Final = 100_000
GONE: Final = 20_000

ROWS: Final = (
    "INSERT INTO due (due_at, endpoint_id, tenant, slot, host, revision)"
    " SELECT :first + n * interval '1 millisecond', gen_random_uuid(), :tenant, :first,"
    " 'shop.example', 0 FROM generate_series(1, :count) AS n"
)
TENANTS: Final = (
    "WITH made AS (INSERT INTO jobs (id, tenant, name, state, created_at, updated_at)"
    " SELECT gen_random_uuid(), gen_random_uuid(), 'shop', 'active', :now, :now"
    " FROM generate_series(1, :count) RETURNING tenant)"
    " INSERT INTO due (due_at, endpoint_id, tenant, slot, host, revision)"
    " SELECT :later, gen_random_uuid(), tenant, :later, 'shop.example', 0 FROM made"
)

WAITING: Final = (
    "INSERT INTO due (due_at, endpoint_id, tenant, slot, host, revision, lane)"
    " SELECT :at, gen_random_uuid(), :tenant, :first + n * interval '1 millisecond',"
    " 'shop.example', 0, 'host ' || n % 7 FROM generate_series(1, :count) AS n"
)


@pytest.fixture
async def store(postgres_database: str) -> AsyncIterator[SqlStore]:
    """
    Give a store on PostgreSQL whose statistics were taken while it was empty.

    The database is emptied by deleting: what a test before had due would cost pages here.
    """
    async with open_store(parse_database_url(postgres_database), vault=Vault(Keyring())) as opened:
        async with opened.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM (ANALYZE)"))
        yield opened


async def add_due(store: SqlStore, count: int, *, looked: bool = False) -> None:
    """
    Keep endpoints that are due a second before now, and many rows that lie ahead.

    ``looked``: statistics are taken in between, as autovacuum may at any moment.
    """
    job = a_job()
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for number in range(count):
            endpoint = an_endpoint(
                job, f"{number}", schedule=every(HOUR - SECOND), created_at=EPOCH
            )
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    if looked:
        async with store.engine.begin() as connection:
            await connection.execute(text("ANALYZE"))
    await add_rows(store.engine, NOW + HOUR, AHEAD)


async def add_rows(engine: AsyncEngine, first: datetime, count: int) -> None:
    """Write rows that are due from an instant on."""
    async with engine.begin() as connection:
        given = {"first": first, "tenant": DEFAULT_TENANT, "count": count}
        await connection.execute(text(ROWS), given)


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Walk through a plan."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def plan_of(
    connection: AsyncConnection, statement: TextualSelect, given: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Carry a statement out, and return how that was done."""
    explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.element}"
    (answer,) = (await connection.execute(text(explained), given)).scalar_one()
    plan: Mapping[str, Any] = answer["Plan"]
    return plan


def pages(plan: Mapping[str, Any]) -> int:
    """Count the pages that were looked at."""
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def scans(plan: Mapping[str, Any]) -> set[str]:
    """Name the indexes that were used; scans and sorts of a whole table by what they are."""
    found = set()
    for node in nodes(plan):
        if node["Node Type"] in {"Seq Scan", "Sort", "Bitmap Heap Scan", "Hash Join"}:
            found.add(node["Node Type"])
        elif "Index Name" in node:
            found.add(node["Index Name"])
    return found


@pytest.mark.parametrize("looked", [False, True])
async def test_the_oldest_are_read_in_the_order_of_the_index(
    store: SqlStore,
    looked: bool,
) -> None:
    """Whatever lies ahead, and however old the statistics, nothing is sorted or read through."""
    await add_due(store, 8, looked=looked)
    given = {"since": FLOOR, "now": NOW, "limit": 5, "breaks": NEVER}

    async with store.engine.begin() as connection:
        plan = await plan_of(connection, PICK.oldest, given)

    assert scans(plan) == {"pk_due", "ix_jobs_tenant_id", "ix_breakers_failures"}
    assert plan["Actual Rows"] == 5
    assert pages(plan) < 100


@pytest.mark.parametrize("looked", [False, True])
async def test_shares_are_read_by_the_tenants_index(
    store: SqlStore,
    looked: bool,
) -> None:
    """Of each tenant as much as its share is read."""
    await add_due(store, 8, looked=looked)
    given = {"since": FLOOR, "now": NOW, "share": 3, "tenants": [DEFAULT_TENANT, UUID(int=9)]}

    async with store.engine.begin() as connection:
        plan = await plan_of(connection, PICK.shares, given)

    assert scans(plan) == {"ix_due_tenant_due_at"}
    assert plan["Actual Rows"] == 3
    assert pages(plan) < 100


async def test_a_claim_does_not_walk_over_what_is_gone(store: SqlStore) -> None:
    """Rows that an old transaction keeps alive cost those who look from the bound on nothing."""
    await add_due(store, 8)
    await add_rows(store.engine, EPOCH, GONE)
    bound = NOW - 2 * SECOND
    counted = {}
    async with store.engine.connect() as old:
        await old.execution_options(isolation_level="REPEATABLE READ")
        await old.execute(text("SELECT FROM due LIMIT 1"))
        async with store.engine.begin() as connection:
            await connection.execute(text("DELETE FROM due WHERE due_at < :at"), {"at": bound})
        for since in (FLOOR, bound):
            async with store.engine.begin() as connection:
                given = {"since": since, "now": NOW, "limit": 5, "breaks": NEVER}
                plan = await plan_of(connection, PICK.oldest, given)
                counted[since] = pages(plan)
                assert plan["Actual Rows"] == 5

    assert counted[bound] < 100 < counted[FLOOR]


@pytest.mark.parametrize("tenants", [200, 5000])
async def test_looking_for_tenants_costs_the_same_however_many_there_are(
    store: SqlStore, tenants: int
) -> None:
    """A claim asks a hundred tenants whether they wait, and some rows for whose they are."""
    async with store.engine.begin() as connection:
        given = {"now": EPOCH, "later": NOW + HOUR, "count": tenants}
        await connection.execute(text(TENANTS), given)
    await add_rows(store.engine, EPOCH, GONE)
    span = {"since": EPOCH, "now": NOW}

    async with store.engine.begin() as connection:
        onward = span | {"onward": UUID(int=0), "most": 100}
        stepped = await plan_of(connection, NEXT_TENANTS, onward)
        fresh = await plan_of(connection, FRESH_TENANTS, span | {"most": 500})

    assert scans(stepped) - {"Sort"} == {"ix_jobs_tenant_id", "ix_due_tenant_due_at"}
    assert stepped["Actual Rows"] == 100
    assert pages(stepped) < 1500
    assert scans(fresh) - {"Sort"} == {"pk_due"}
    assert pages(fresh) < 1500


async def test_what_waits_for_room_is_not_walked_over(store: SqlStore) -> None:
    """However much waits in lanes, a claim reads what it takes, and a step for each lane."""
    await add_due(store, 8)
    async with store.engine.begin() as connection:
        waiting = text("UPDATE due SET due_at = :at, lane = 'host 1' WHERE due_at <= :now")
        await connection.execute(waiting, {"at": IN_A_LANE, "now": NOW})
        given = {"first": NOW + HOUR, "tenant": DEFAULT_TENANT, "count": GONE, "at": IN_A_LANE}
        await connection.execute(text(WAITING), given)
    places = orjson.dumps([{"lane": "host 1", "places": 2}]).decode()

    async with store.engine.begin() as connection:
        lanes = await plan_of(connection, LANES, {"onward": "", "most": 100})
        first = await plan_of(connection, FIRST, {"rows": places})

    assert (lanes["Actual Rows"], first["Actual Rows"]) == (7, 2)
    assert scans(lanes) == {"ix_due_lane_slot"}
    assert scans(first) == {"ix_due_lane_slot", "ix_endpoint_state_endpoint_id"}
    assert max(pages(lanes), pages(first)) < 100
