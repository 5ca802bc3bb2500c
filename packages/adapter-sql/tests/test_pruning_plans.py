"""How PostgreSQL looks for slot records that are too many, when there are many of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.pruning import Pruning
from cronicorn_domain.testing.builders import EPOCH
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

TENANTS = 50
RECORDS_EACH = 400
_JOBS = (
    "INSERT INTO jobs (id, tenant, name, state, created_at, updated_at)"
    " SELECT gen_random_uuid(), md5(n::text)::uuid, 'a job', 'active', :now, :now"
    " FROM generate_series(1, :tenants) AS n"
)
_RECORDS = (
    "INSERT INTO slot_records"
    " (id, endpoint_id, tenant, fate, reason, first, last, count, recorded_at)"
    " SELECT gen_random_uuid(), md5(n::text)::uuid, md5(n::text)::uuid, 'coalesced',"
    " 'it took long', slot, slot, 1, slot FROM generate_series(1, :tenants) AS n, generate_series("
    " CAST(:now AS timestamptz) - (:each - 1) * interval '1 minute', :now, interval '1 minute')"
    " AS slot"
)


@pytest.fixture
async def engine(postgres_database: str) -> AsyncIterator[AsyncEngine]:
    """Give a database in which many tenants have many slot records."""
    async with open_engine(parse_database_url(postgres_database)) as opened:
        async with opened.begin() as connection:
            await connection.execute(text(_JOBS), {"tenants": TENANTS, "now": EPOCH})
            given = {"tenants": TENANTS, "each": RECORDS_EACH, "now": EPOCH}
            await connection.execute(text(_RECORDS), given)
            await connection.execute(text("ANALYZE"))
        yield opened


async def test_slot_records_that_are_too_many_are_found_along_an_index(
    engine: AsyncEngine,
) -> None:
    """No statement of a step walks through all of them, and none sorts a tenant's."""
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _u: object, statement: str, given: Any, *_: object) -> None:
        if "FROM slot_records" in statement:
            asked.append((statement, given))

    async with engine.connect() as connection:
        event.listen(engine.sync_engine, "before_cursor_execute", note)
        pruned = await Pruning(connection, limit=100).prune(before=None, now=EPOCH, most=350)
        event.remove(engine.sync_engine, "before_cursor_execute", note)
        await connection.rollback()
        plans = [
            "\n".join((await connection.exec_driver_sql(f"EXPLAIN {statement}", given)).scalars())
            for statement, given in asked
        ]

    assert pruned.slot_records == 100
    assert plans
    assert not [plan for plan in plans if "Seq Scan on slot_records" in plan or "Sort" in plan]
